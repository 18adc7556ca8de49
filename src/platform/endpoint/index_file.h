// The immutable index of one partition of a table: for each key its rows, as the text that an answer is made of.
//
// A key is 128 bits of a keyed hash, so nobody can make two that are one; within a key rows ascend by the range's
// value. Behind the first page (see kHeader below) lie the rows in chunks, a directory of chunks sorted by key, a table
// of where in it each bucket of keys begins, and a filter that tells nearly every key that is not there without reading
// anything. A small file is held in memory as far as the budget goes; of a larger one at least the filter.
//
// A writer is for one thread. A reader is immutable, any thread, and may wait for the disk for a few pages of 4 KiB.
// Errors: `corrupt` (the file is not what was written; its reader remembers that), `unsupported` (another version), io.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/hash.h"
#include "platform/endpoint/paged_file.h"

namespace weir::endpoint {

inline constexpr uint32_t kIndexVersion = 1;
inline constexpr size_t kChunkRowsMax = 256;
inline constexpr size_t kChunkBytesMax = 64u << 10;
inline constexpr size_t kRowBytesMax = 256u << 10;

// What an index was made from: one that says something else than what is wanted now is not used.
struct IndexStamp {
  uint64_t content = 0;    // content_hash() of the endpoint
  uint64_t partition = 0;  // of the mark of the partition
  uint64_t key = 0;        // of the secret that keys are hashed with
  friend bool operator==(const IndexStamp&, const IndexStamp&) = default;
};

struct IndexSummary {
  IndexStamp stamp;
  uint64_t rows = 0, keys = 0, chunks = 0;
  uint64_t digest = 0;  // of all rows with their keys: equal for equal content
};

// A chunk of a key's rows.
struct ChunkPlace {
  Fingerprint key;
  int64_t first = 0, last = 0;  // of the range's value
  uint64_t at = 0;
  uint32_t bytes = 0, rows = 0;
};

// Memory that all indexes share.
class IndexMemory {
 public:
  explicit IndexMemory(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  bool take(uint64_t bytes);
  void give(uint64_t bytes) { used_.fetch_sub(bytes); }
  uint64_t used() const { return used_.load(); }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> used_{0};
};

class IndexWriter {
 public:
  IndexWriter(File& file, const IndexStamp& stamp, uint64_t id) : pages_(file, id), stamp_(stamp), id_(id) {}
  // Rows of one key come together, ascending by `value`. A key that comes again is our own mistake.
  Status add(const Fingerprint& key, int64_t value, std::string_view row);
  Result<IndexSummary> finish();

 private:
  Status end_chunk();

  PagedWriter pages_;
  const IndexStamp stamp_;
  const uint64_t id_;
  IndexSummary summary_;
  std::vector<ChunkPlace> chunks_;
  ChunkPlace open_;  // rows 0: none is
  std::string heads_, texts_;
};

class IndexFile {
 public:
  static Result<std::shared_ptr<const IndexFile>> open(Files& files, const std::string& path,
                                                       std::shared_ptr<IndexMemory> memory);
  ~IndexFile();

  const IndexSummary& summary() const { return summary_; }
  uint64_t bytes() const { return pages_->size(); }
  bool is_resident() const { return pages_->is_resident(); }
  // A read found that it is not what was written.
  bool is_damaged() const { return is_damaged_.load(std::memory_order_relaxed); }

  // The chunks of a key, ascending; none: it has no rows here.
  Result<std::vector<ChunkPlace>> chunks_of(const Fingerprint& key) const;
  struct Row {
    int64_t value = 0;
    std::string_view text;
  };
  // `storage` lives as long as the rows are used.
  Result<std::vector<Row>> rows(const ChunkPlace& chunk, std::string& storage) const;

 private:
  IndexFile() = default;
  Result<bool> may_have(const Fingerprint& key) const;
  Result<std::string_view> read(uint64_t at, uint64_t count, std::string& storage) const;
  Error damaged(const std::string& what) const;

  std::string path_;
  std::unique_ptr<PagedReader> pages_;
  std::shared_ptr<IndexMemory> memory_;  // shared by all indexes, the last one lets it go
  uint64_t taken_ = 0;
  IndexSummary summary_;
  uint64_t directory_at_ = 0, buckets_at_ = 0, filter_at_ = 0, filter_blocks_ = 0;
  uint32_t bucket_bits_ = 0;
  std::string filter_;  // empty: it is read when asked
  mutable std::atomic<bool> is_damaged_{false};
};

}  // namespace weir::endpoint
