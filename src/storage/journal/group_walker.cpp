#include "storage/journal/group_walker.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir::journal {

namespace {

constexpr uint64_t kReadAheadBytes = 512u << 10;
constexpr uint64_t kBufferBytesKept = 4u << 20;  // a larger one, for one large group, is given back
// Stands for a block that cannot be read: neither zeros, which would be a clean end, nor the start of a group.
constexpr char kUnreadable = '\x5a';

uint64_t end_of_nonzero(std::string_view bytes) {
  size_t end = bytes.size();
  // Eight at a time: at a start some ten megabytes of zeros are looked through.
  while (end >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + end - 8, 8);
    if (word != 0) break;
    end -= 8;
  }
  while (end > 0 && bytes[end - 1] == '\0') --end;
  return end;
}

}  // namespace

GroupWalker::GroupWalker(const File& file, GroupIdentity identity, Start start)
    : file_(file),
      identity_(identity),
      offset_(start.offset),
      end_(start.end),
      next_group_(start.next_group),
      least_sequence_(start.least_sequence) {}

Result<GroupWalker::Step> GroupWalker::next() {
  if (offset_ >= end_) return Step{.kind = Kind::end, .group = {}, .from = offset_, .to = offset_, .why = {}};
  auto group = group_at(offset_);
  if (group && is_number_known_ && group->number != next_group_) {
    group = Error(Code::corrupt, "group " + std::to_string(group->number) + " lies where group " +
                                     std::to_string(next_group_) + " belongs");
  }
  if (!group) {
    if (group.error().code != Code::corrupt) return group.error();
    return find_next_group(offset_, group.error().message);
  }
  Step step{.kind = Kind::group, .group = *group, .from = offset_, .to = offset_ + group->bytes_on_disk, .why = {}};
  offset_ = step.to;
  next_group_ = group->number + 1;
  is_number_known_ = true;
  least_sequence_ = group->end_sequence();
  identity_.stamp = group->stamp;
  return step;
}

// `corrupt` if no group lies there; any other error means that the disk does not answer.
Result<GroupView> GroupWalker::group_at(uint64_t offset) {
  TRY_ASSIGN(std::string_view bytes, look(offset, kGroupHeaderBytes));
  const auto claimed = group_bytes_claimed(bytes, identity_);
  if (!claimed) return Error(Code::corrupt, "there is no group where one belongs");
  if (*claimed > end_ - offset) return Error(Code::corrupt, "the group's length reaches beyond the segment's end");
  TRY_ASSIGN(bytes, look(offset, *claimed));
  auto group = parse_group(bytes, identity_);
  if (!group) return Error(Code::corrupt, group.error().message);
  if (group->number < next_group_ || group->first_sequence < least_sequence_) {
    return Error(Code::corrupt, "the group is out of order");
  }
  return group;
}

Result<GroupWalker::Step> GroupWalker::find_next_group(uint64_t from, std::string why) {
  Step step{.kind = Kind::rest, .group = {}, .from = from, .to = end_, .nonzero_end = from, .why = std::move(why)};
  TRY_ASSIGN(const std::string_view first, look(from, kGroupHeaderBytes));
  step.records_claimed = group_records_claimed(first, identity_).value_or(0);
  for (uint64_t block = from; block < end_; block += kBlockBytes) {
    TRY_ASSIGN(const std::string_view bytes, look(block, std::min(kBlockBytes, end_ - block)));
    const std::string_view here = bytes.substr(0, kBlockBytes);
    const uint64_t used = end_of_nonzero(here);
    if (used > 0) step.nonzero_end = block + used;
    if (block == from || used == 0 || !group_bytes_claimed(here, identity_)) continue;
    auto group = group_at(block);
    if (!group && group.error().code != Code::corrupt) return group.error();
    if (!group) continue;
    step.kind = Kind::damage;
    step.to = block;
    offset_ = block;
    next_group_ = group->number;
    return step;
  }
  offset_ = end_;
  is_number_known_ = false;
  return step;
}

Result<std::string_view> GroupWalker::look(uint64_t offset, uint64_t size) {
  size = std::min(size, end_ - offset);
  if (offset < buffer_offset_ || offset + size > buffer_offset_ + buffer_bytes_) {
    TRY(fill(offset, size));
  }
  return std::string_view(buffer_.data() + (offset - buffer_offset_), buffer_bytes_ - (offset - buffer_offset_));
}

Status GroupWalker::fill(uint64_t offset, uint64_t size) {
  const uint64_t wanted = std::min(std::max(size, kReadAheadBytes), end_ - offset);
  buffer_bytes_ = 0;
  if (buffer_.size() < wanted || (buffer_.size() > kBufferBytesKept && wanted <= kBufferBytesKept)) {
    buffer_ = std::vector<char>(std::bit_ceil(wanted));
  }
  auto read = file_.read_at(offset, buffer_.data(), wanted);
  if (read) {
    // A file that ends early holds no groups beyond.
    std::fill(buffer_.begin() + static_cast<ptrdiff_t>(*read), buffer_.begin() + static_cast<ptrdiff_t>(wanted), '\0');
  } else {
    TRY(fill_by_blocks(offset, wanted, read.error()));
  }
  buffer_offset_ = offset;
  buffer_bytes_ = wanted;
  bytes_read_ += wanted;
  return {};
}

Status GroupWalker::fill_by_blocks(uint64_t offset, uint64_t size, const Error& first) {
  // A disk that is gone answers nothing at all; then nothing may be called damaged.
  char probe;
  if (!file_.read_at(0, &probe, 1) && !file_.read_at(end_ - 1, &probe, 1)) return first;
  for (uint64_t at = 0; at < size; at += kBlockBytes) {
    char* const block = buffer_.data() + at;
    const uint64_t bytes = std::min(kBlockBytes, size - at);
    const auto read = file_.read_at(offset + at, block, bytes);
    std::memset(block + read.value_or(0), read ? '\0' : kUnreadable, bytes - read.value_or(0));
  }
  return {};
}

}  // namespace weir::journal
