// A file of bytes in pages of 4 KiB, each with a checksum that covers its place and the file it belongs to: whoever
// reads a part of it gets what was written there, or `corrupt`. Addresses count the bytes without the checksums.
//
// A writer appends, then sets the first page; it writes to whatever File it is given and syncs nothing. A reader either
// holds the whole content in memory or reads pages when it is asked (one positioned read each time). A reader is
// immutable: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/io/files.h"

namespace weir::endpoint {

inline constexpr size_t kPageBytes = 4'096;
inline constexpr size_t kPagePayload = kPageBytes - 8;

class PagedWriter {
 public:
  // `id` goes into every checksum. The first page is left for finish().
  PagedWriter(File& file, uint64_t id) : file_(file), id_(id) {}
  uint64_t position() const { return position_; }  // where the next byte goes
  Status append(std::string_view bytes);
  // Up to kPagePayload bytes as the first page.
  Status finish(std::string_view first_page);

 private:
  Status flush(bool all);
  File& file_;
  const uint64_t id_;
  uint64_t position_ = kPagePayload;
  uint64_t page_ = 1;  // of waiting_'s first byte
  std::string waiting_, pages_;
};

class PagedReader {
 public:
  // `id` may be unknown: then the first page tells it, at `id_at` in its payload (8 bytes, little-endian).
  static Result<std::unique_ptr<PagedReader>> open(Files& files, const std::string& path, size_t id_at);
  uint64_t size() const { return size_; }  // of all payload
  uint64_t id() const { return id_; }
  const std::string& first_page() const { return first_page_; }
  bool is_resident() const { return file_ == nullptr; }
  // Reads and checks all of it, and lets the file go.
  Status make_resident();
  // `storage` is used where the bytes are not in memory; the view lives as long as both. `corrupt` beyond the end.
  Result<std::string_view> read(uint64_t at, size_t count, std::string& storage) const;

 private:
  PagedReader() = default;
  Status read_pages(uint64_t first, size_t count, std::string& payload) const;

  std::unique_ptr<File> file_;  // null: all of it is in content_
  std::string path_, first_page_, content_;
  uint64_t id_ = 0, size_ = 0, pages_ = 0;
};

// Numbers as they lie in files: little-endian.
void put_u32(std::string& into, uint32_t value);
void put_u64(std::string& into, uint64_t value);
uint32_t u32_at(std::string_view bytes, size_t at);
uint64_t u64_at(std::string_view bytes, size_t at);

}  // namespace weir::endpoint
