// The bytes of a segment: header, groups, records. docs/internals/journal.md describes the format.
//
// Pure functions over given bytes: no file, no clock, no allocation beyond what is returned, so that they can be
// fuzzed. Whatever the bytes are, nothing outside of them is read; a view is returned only for bytes whose checksum,
// identity and framing hold. May be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir::journal {

inline constexpr uint32_t kFormatVersion = 1;
inline constexpr uint64_t kBlockBytes = 4096;  // headers and groups start on multiples of it
inline constexpr uint64_t kGroupHeaderBytes = 64;
inline constexpr uint64_t kRecordHeaderBytes = 4;

constexpr uint64_t round_up_to_block(uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}
// What a group with so much payload takes on disk.
constexpr uint64_t group_bytes_on_disk(uint64_t payload_bytes) {
  return round_up_to_block(kGroupHeaderBytes + payload_bytes);
}

// 000000000012.segment; at least twelve digits, so that names sort as numbers.
std::string segment_name(uint64_t number);
std::optional<uint64_t> segment_number(std::string_view name);  // none if it is not such a name

// How the segment before this one ended.
enum class PreviousEnd : uint32_t {
  none = 0,       // there is none: the journal's first segment
  sealed = 1,     // full
  poisoned = 2,   // a write or sync of it failed; what lies beyond the end was never acknowledged
  recovered = 3,  // the program stopped; what lies beyond the end was cut at the next start
};

struct SegmentHeader {
  uint64_t number = 0;
  uint64_t segment_bytes = 0;   // the file's size, zeros included
  uint64_t first_sequence = 0;  // no record in it has a lower one
  uint64_t next_sequence =
      0;  // no record of its own has a lower one (before it only a copy of the previous segment's last group)
  int64_t created_micros = 0;
  PreviousEnd previous_end = PreviousEnd::none;
  uint64_t previous_number = 0;
  uint64_t previous_groups = 0;        // number of its last durable group
  uint64_t previous_end_bytes = 0;     // where that group ends in the file
  uint64_t previous_end_sequence = 0;  // one past its last durable record
  uint64_t stamp = 0;                  // the header's checksum; every group of the segment carries it
};

// The whole first block. Sets header.stamp.
std::string encode_header(SegmentHeader& header);

enum class HeaderState {
  valid,
  unused,  // all zeros: prepared ahead, never taken into use
  newer,   // intact, of a format version this program does not know
  damaged,
};
struct ParsedHeader {
  HeaderState state = HeaderState::damaged;
  SegmentHeader header;  // if valid
  uint32_t version = 0;  // if valid or newer
};
ParsedHeader parse_header(std::string_view block);

// What a group must carry to belong to a segment.
struct GroupIdentity {
  uint64_t segment = 0;
  std::optional<uint64_t> stamp;  // none if the segment's header cannot be read
};

struct GroupView {
  uint64_t number = 0;  // counted from 1 in each segment
  uint64_t first_sequence = 0;
  uint64_t stamp = 0;
  uint32_t records = 0;  // 0: only says that no later record has a sequence below first_sequence
  std::string_view payload;
  uint64_t bytes_on_disk = 0;  // header, payload and padding
  uint64_t end_sequence() const { return first_sequence + records; }
};

// The group at the start of `bytes`. `too_large`: it needs more bytes than given (the error's text says how many;
// group_bytes_claimed() too); `corrupt`: there is no group of this identity here.
Result<GroupView> parse_group(std::string_view bytes, const GroupIdentity& identity);
// How many bytes the group at the start of `bytes` says it takes, unchecked; none if it does not even look like one of
// this identity.
std::optional<uint64_t> group_bytes_claimed(std::string_view bytes, const GroupIdentity& identity);
// How many records it says it has, under the same condition.
std::optional<uint32_t> group_records_claimed(std::string_view bytes, const GroupIdentity& identity);

// Takes the next record off the front of a payload; false at the end or if what is left is no record.
bool next_record(std::string_view& payload, std::string_view& record);

// A group being put together in one reused, block-aligned buffer: add payload, then close() it for the place where it
// will lie.
class GroupBuffer {
 public:
  void clear();  // gives memory back if the last group was unusually large
  void add(std::string_view framed_records, size_t records);
  uint64_t payload_bytes() const { return size_ - kGroupHeaderBytes; }
  uint32_t records() const { return records_; }
  struct Place {
    uint64_t segment = 0;
    uint64_t stamp = 0;
    uint64_t number = 0;
    uint64_t first_sequence = 0;
  };
  // Header, checksum and zero padding; the view lives until the next call.
  std::string_view close(const Place& place);

 private:
  void reserve(size_t bytes);
  struct Free {
    void operator()(char* memory) const;
  };
  std::unique_ptr<char, Free> memory_;
  size_t capacity_ = 0;
  size_t size_ = kGroupHeaderBytes;
  uint32_t records_ = 0;
};

}  // namespace weir::journal
