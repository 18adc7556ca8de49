#include "platform/endpoint/paged_file.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace weir::endpoint {
namespace {

constexpr size_t kWriteBytes = 1u << 20;
constexpr size_t kReadPages = 256;

uint64_t page_checksum(std::string_view payload, uint64_t page, uint64_t id) {
  char block[kPagePayload + 16];
  std::memcpy(block, payload.data(), kPagePayload);
  std::memcpy(block + kPagePayload, &page, 8);
  std::memcpy(block + kPagePayload + 8, &id, 8);
  return checksum64({block, sizeof block});
}

void append_page(std::string& into, std::string_view payload, uint64_t page, uint64_t id) {
  const size_t at = into.size();
  into.append(payload);
  into.resize(at + kPagePayload, '\0');
  put_u64(into, page_checksum(std::string_view(into).substr(at, kPagePayload), page, id));
}

}  // namespace

void put_u32(std::string& into, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) into += static_cast<char>(value >> shift);
}
void put_u64(std::string& into, uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) into += static_cast<char>(value >> shift);
}
uint32_t u32_at(std::string_view bytes, size_t at) {
  uint32_t out = 0;
  for (size_t i = 0; i < 4; ++i) out |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return out;
}
uint64_t u64_at(std::string_view bytes, size_t at) {
  uint64_t out = 0;
  for (size_t i = 0; i < 8; ++i) out |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return out;
}

// --- writing --------------------------------------------------------------------------------------------------------

Status PagedWriter::append(std::string_view bytes) {
  waiting_.append(bytes);
  position_ += bytes.size();
  return waiting_.size() < kWriteBytes ? Status() : flush(false);
}

Status PagedWriter::flush(bool all) {
  const uint64_t first = page_;
  pages_.clear();
  std::string_view rest = waiting_;
  while (rest.size() >= kPagePayload || (all && !rest.empty())) {
    append_page(pages_, rest.substr(0, kPagePayload), page_++, id_);
    rest.remove_prefix(std::min(rest.size(), kPagePayload));
  }
  if (!pages_.empty()) {
    TRY(file_.write_at(first * kPageBytes, pages_));
  }
  waiting_.erase(0, waiting_.size() - rest.size());
  return {};
}

Status PagedWriter::finish(std::string_view first_page) {
  CHECK(first_page.size() <= kPagePayload, "the first page is one page");
  TRY(flush(true));
  pages_.clear();
  append_page(pages_, first_page, 0, id_);
  return file_.write_at(0, pages_);
}

// --- reading --------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<PagedReader>> PagedReader::open(Files& files, const std::string& path, size_t id_at) {
  std::unique_ptr<PagedReader> out(new PagedReader());
  out->path_ = path;
  TRY_ASSIGN(out->file_, files.open(path, OpenMode::read));
  TRY_ASSIGN(const uint64_t bytes, out->file_->size());
  if (bytes == 0 || bytes % kPageBytes != 0) {
    return Error(Code::corrupt, path + " has " + std::to_string(bytes) + " bytes, which is no number of pages");
  }
  out->pages_ = bytes / kPageBytes;
  out->size_ = out->pages_ * kPagePayload;
  std::string page(kPageBytes, '\0');
  TRY_ASSIGN(const size_t read, out->file_->read_at(0, page.data(), page.size()));
  if (read != kPageBytes) return Error(Code::corrupt, path + " ends within its first page");
  out->id_ = u64_at(page, id_at);
  if (u64_at(page, kPagePayload) != page_checksum(page, 0, out->id_)) {
    return Error(Code::corrupt, path + ": the first page does not have its checksum");
  }
  out->first_page_ = page.substr(0, kPagePayload);
  return out;
}

Status PagedReader::read_pages(uint64_t first, size_t count, std::string& payload) const {
  std::string pages(count * kPageBytes, '\0');
  TRY_ASSIGN(const size_t read, file_->read_at(first * kPageBytes, pages.data(), pages.size()));
  if (read != pages.size()) return Error(Code::corrupt, path_ + " is shorter than it was");
  for (size_t i = 0; i < count; ++i) {
    const std::string_view page = std::string_view(pages).substr(i * kPageBytes, kPageBytes);
    if (u64_at(page, kPagePayload) != page_checksum(page, first + i, id_)) {
      return Error(Code::corrupt, path_ + ": page " + std::to_string(first + i) + " does not have its checksum");
    }
    payload.append(page.substr(0, kPagePayload));
  }
  return {};
}

Status PagedReader::make_resident() {
  std::string content;
  content.reserve(size_);
  for (uint64_t page = 0; page < pages_; page += kReadPages) {
    TRY(read_pages(page, static_cast<size_t>(std::min<uint64_t>(kReadPages, pages_ - page)), content));
  }
  content_ = std::move(content);
  file_.reset();
  return {};
}

Result<std::string_view> PagedReader::read(uint64_t at, size_t count, std::string& storage) const {
  if (at > size_ || count > size_ - at) return Error(Code::corrupt, path_ + ": an address lies beyond its end");
  if (is_resident()) return std::string_view(content_).substr(at, count);
  storage.clear();
  const uint64_t first = at / kPagePayload, last = count == 0 ? first : (at + count - 1) / kPagePayload;
  TRY(read_pages(first, static_cast<size_t>(last - first + 1), storage));
  return std::string_view(storage).substr(at - first * kPagePayload, count);
}

}  // namespace weir::endpoint
