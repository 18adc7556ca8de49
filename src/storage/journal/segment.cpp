#include "storage/journal/segment.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace weir::journal {

namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian and written by memcpy");

constexpr std::string_view kHeaderMagic = "\xf7weirjrn";
// No text in UTF-8 holds these bytes, so that no event can imitate a group.
constexpr std::string_view kGroupMagic = "\xf7\xc1weirg\xff";
static_assert(kHeaderMagic.size() == 8 && kGroupMagic.size() == 8);

constexpr size_t kHeaderFieldBytes = 128;
constexpr size_t kHeaderChecksumAt = 120;
// The header lies twice in its block, in sectors of their own: where the previous segment ends must not hang on one
// bit.
constexpr size_t kHeaderCopies[] = {0, 2048};

constexpr size_t kNameDigits = 12;
constexpr std::string_view kNameEnd = ".segment";
constexpr size_t kUsualCapacity = 8u << 20;

template <class Number>
Number load(std::string_view bytes, size_t at) {
  Number value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class Number>
void store(char* bytes, size_t at, Number value) {
  std::memcpy(bytes + at, &value, sizeof value);
}

ParsedHeader parse_copy(std::string_view bytes) {
  ParsedHeader parsed;
  if (bytes.substr(0, 8) != kHeaderMagic) return parsed;
  if (load<uint64_t>(bytes, kHeaderChecksumAt) != checksum64(bytes.substr(0, kHeaderChecksumAt))) return parsed;
  // Magic, version and checksum keep their places in every later version.
  parsed.version = load<uint32_t>(bytes, 8);
  if (parsed.version != kFormatVersion) {
    parsed.state = parsed.version > kFormatVersion ? HeaderState::newer : HeaderState::damaged;
    return parsed;
  }
  SegmentHeader& header = parsed.header;
  const auto end = load<uint32_t>(bytes, 12);
  if (end > static_cast<uint32_t>(PreviousEnd::recovered)) return parsed;
  header.previous_end = static_cast<PreviousEnd>(end);
  header.number = load<uint64_t>(bytes, 16);
  header.segment_bytes = load<uint64_t>(bytes, 24);
  header.first_sequence = load<uint64_t>(bytes, 32);
  header.created_micros = load<int64_t>(bytes, 40);
  header.previous_number = load<uint64_t>(bytes, 48);
  header.previous_groups = load<uint64_t>(bytes, 56);
  header.previous_end_bytes = load<uint64_t>(bytes, 64);
  header.previous_end_sequence = load<uint64_t>(bytes, 72);
  header.next_sequence = load<uint64_t>(bytes, 80);
  header.stamp = load<uint64_t>(bytes, kHeaderChecksumAt);
  parsed.state = HeaderState::valid;
  return parsed;
}

bool looks_like_group(std::string_view bytes, const GroupIdentity& identity) {
  if (bytes.size() < kGroupHeaderBytes || bytes.substr(0, 8) != kGroupMagic) return false;
  if (load<uint64_t>(bytes, 24) != identity.segment) return false;
  return !identity.stamp || load<uint64_t>(bytes, 16) == *identity.stamp;
}

bool framing_holds(std::string_view payload, uint32_t records) {
  std::string_view record;
  uint32_t found = 0;
  while (next_record(payload, record)) ++found;
  return payload.empty() && found == records;
}

}  // namespace

std::string segment_name(uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kNameDigits) digits.insert(0, kNameDigits - digits.size(), '0');
  return digits + std::string(kNameEnd);
}

std::optional<uint64_t> segment_number(std::string_view name) {
  if (!name.ends_with(kNameEnd)) return std::nullopt;
  const std::string_view digits = name.substr(0, name.size() - kNameEnd.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number == 0) return std::nullopt;
  if (segment_name(number) != name) return std::nullopt;
  return number;
}

std::string encode_header(SegmentHeader& header) {
  std::string block(kBlockBytes, '\0');
  char* const bytes = block.data();
  std::memcpy(bytes, kHeaderMagic.data(), kHeaderMagic.size());
  store<uint32_t>(bytes, 8, kFormatVersion);
  store<uint32_t>(bytes, 12, static_cast<uint32_t>(header.previous_end));
  store<uint64_t>(bytes, 16, header.number);
  store<uint64_t>(bytes, 24, header.segment_bytes);
  store<uint64_t>(bytes, 32, header.first_sequence);
  store<int64_t>(bytes, 40, header.created_micros);
  store<uint64_t>(bytes, 48, header.previous_number);
  store<uint64_t>(bytes, 56, header.previous_groups);
  store<uint64_t>(bytes, 64, header.previous_end_bytes);
  store<uint64_t>(bytes, 72, header.previous_end_sequence);
  store<uint64_t>(bytes, 80, header.next_sequence);
  header.stamp = checksum64(std::string_view(block).substr(0, kHeaderChecksumAt));
  store<uint64_t>(bytes, kHeaderChecksumAt, header.stamp);
  std::memcpy(bytes + kHeaderCopies[1], bytes, kHeaderFieldBytes);
  return block;
}

ParsedHeader parse_header(std::string_view block) {
  bool zeros = true;
  for (const size_t at : kHeaderCopies) {
    if (block.size() < at + kHeaderFieldBytes) continue;
    const std::string_view copy = block.substr(at, kHeaderFieldBytes);
    const ParsedHeader parsed = parse_copy(copy);
    if (parsed.state != HeaderState::damaged) return parsed;
    zeros = zeros && std::all_of(copy.begin(), copy.end(), [](char byte) { return byte == '\0'; });
  }
  ParsedHeader none;
  if (zeros && block.size() >= kBlockBytes) none.state = HeaderState::unused;
  return none;
}

std::optional<uint64_t> group_bytes_claimed(std::string_view bytes, const GroupIdentity& identity) {
  if (!looks_like_group(bytes, identity)) return std::nullopt;
  return group_bytes_on_disk(load<uint32_t>(bytes, 52));
}

std::optional<uint32_t> group_records_claimed(std::string_view bytes, const GroupIdentity& identity) {
  if (!looks_like_group(bytes, identity)) return std::nullopt;
  return load<uint32_t>(bytes, 48);
}

Result<GroupView> parse_group(std::string_view bytes, const GroupIdentity& identity) {
  const auto claimed = group_bytes_claimed(bytes, identity);
  if (!claimed) return Error(Code::corrupt, "there is no group here");
  const uint64_t payload_bytes = load<uint32_t>(bytes, 52);
  const uint64_t end = kGroupHeaderBytes + payload_bytes;
  if (bytes.size() < end) {
    return Error(Code::too_large,
                 "the group takes " + std::to_string(*claimed) + " bytes, given are " + std::to_string(bytes.size()));
  }
  if (load<uint64_t>(bytes, 8) != checksum64(bytes.substr(16, end - 16))) {
    return Error(Code::corrupt, "the group does not match its checksum");
  }
  GroupView group;
  group.stamp = load<uint64_t>(bytes, 16);
  group.number = load<uint64_t>(bytes, 32);
  group.first_sequence = load<uint64_t>(bytes, 40);
  group.records = load<uint32_t>(bytes, 48);
  group.payload = bytes.substr(kGroupHeaderBytes, payload_bytes);
  group.bytes_on_disk = *claimed;
  if (group.number == 0 || group.first_sequence == 0 ||
      group.first_sequence > std::numeric_limits<uint64_t>::max() - group.records) {
    return Error(Code::corrupt, "the group's number or sequence is out of range");
  }
  if (!framing_holds(group.payload, group.records)) {
    return Error(Code::corrupt, "the lengths of the group's records do not add up");
  }
  return group;
}

bool next_record(std::string_view& payload, std::string_view& record) {
  if (payload.size() < kRecordHeaderBytes) return false;
  const uint64_t bytes = load<uint32_t>(payload, 0);
  if (payload.size() - kRecordHeaderBytes < bytes) return false;
  record = payload.substr(kRecordHeaderBytes, bytes);
  payload.remove_prefix(kRecordHeaderBytes + bytes);
  return true;
}

void GroupBuffer::Free::operator()(char* memory) const {
  std::free(memory);
}

void GroupBuffer::clear() {
  size_ = kGroupHeaderBytes;
  records_ = 0;
  if (capacity_ > kUsualCapacity) {
    memory_.reset();
    capacity_ = 0;
  }
}

void GroupBuffer::reserve(size_t bytes) {
  if (bytes <= capacity_) return;
  const size_t wanted = round_up_to_block(std::max(bytes, std::min(capacity_ * 2, kUsualCapacity)));
  std::unique_ptr<char, Free> grown(static_cast<char*>(std::aligned_alloc(kBlockBytes, wanted)));
  CHECK(grown != nullptr, "out of memory for a group");
  if (memory_) std::memcpy(grown.get(), memory_.get(), size_);
  memory_ = std::move(grown);
  capacity_ = wanted;
}

void GroupBuffer::add(std::string_view framed_records, size_t records) {
  reserve(round_up_to_block(size_ + framed_records.size()));
  std::memcpy(memory_.get() + size_, framed_records.data(), framed_records.size());
  size_ += framed_records.size();
  records_ += static_cast<uint32_t>(records);
}

std::string_view GroupBuffer::close(const Place& place) {
  const size_t padded = round_up_to_block(size_);
  reserve(padded);
  char* const bytes = memory_.get();
  std::memset(bytes + size_, 0, padded - size_);
  std::memcpy(bytes, kGroupMagic.data(), kGroupMagic.size());
  store<uint64_t>(bytes, 16, place.stamp);
  store<uint64_t>(bytes, 24, place.segment);
  store<uint64_t>(bytes, 32, place.number);
  store<uint64_t>(bytes, 40, place.first_sequence);
  store<uint32_t>(bytes, 48, records_);
  store<uint32_t>(bytes, 52, static_cast<uint32_t>(payload_bytes()));
  store<uint64_t>(bytes, 56, 0);
  store<uint64_t>(bytes, 8, checksum64(std::string_view(bytes + 16, size_ - 16)));
  return {bytes, padded};
}

}  // namespace weir::journal
