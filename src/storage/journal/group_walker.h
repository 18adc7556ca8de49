// Walks the groups of one segment file, from one offset to another, and says what lies between them when something is
// damaged.
//
// Reads ahead in large pieces and keeps the last one, so that many small groups cost one read. A sector that cannot be
// read counts as damage, as long as something behind it can. Used by recovery and by readers; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/io/files.h"
#include "storage/journal/segment.h"

namespace weir::journal {

class GroupWalker {
 public:
  struct Start {
    uint64_t offset = kBlockBytes;
    uint64_t end = 0;         // nothing at or beyond it is looked at
    uint64_t next_group = 1;  // number of the group expected at `offset`
    uint64_t least_sequence = 1;
  };
  GroupWalker(const File& file, GroupIdentity identity, Start start);

  enum class Kind {
    group,   // `group` lies at from..to; its views live until the next call
    damage,  // from..to holds no group, but behind it there is one: the next call returns it
    rest,    // from..end holds no group, and nothing behind it does; `nonzero_end` says how far it is not just zeros
    end,     // everything up to the end was walked
  };
  struct Step {
    Kind kind = Kind::end;
    GroupView group;
    uint64_t from = 0, to = 0;
    uint64_t nonzero_end = 0;      // rest: `from` if there are only zeros
    uint64_t records_claimed = 0;  // damage and rest: what the damaged group's header says, if it looks like one
    std::string why;               // damage and rest
  };
  // An error only if nothing can be read any more; the same call may be repeated.
  Result<Step> next();

  void extend(uint64_t end) { end_ = end; }            // the segment has grown
  uint64_t next_group() const { return next_group_; }  // the number that is expected next
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  // What of the file lies at `offset`: at least `size` bytes unless the file or the walk ends before.
  Result<std::string_view> look(uint64_t offset, uint64_t size);
  Status fill(uint64_t offset, uint64_t size);
  Status fill_by_blocks(uint64_t offset, uint64_t size, const Error& first);
  Result<GroupView> group_at(uint64_t offset);
  Result<Step> find_next_group(uint64_t from, std::string why);

  const File& file_;
  GroupIdentity identity_;  // takes the stamp of the first group where the header could not say it
  uint64_t offset_;
  uint64_t end_;
  uint64_t next_group_;
  bool is_number_known_ = true;  // false behind a rest: the next group's number may be higher
  uint64_t least_sequence_;
  std::vector<char> buffer_;
  uint64_t buffer_offset_ = 0;
  uint64_t buffer_bytes_ = 0;
  uint64_t bytes_read_ = 0;
};

}  // namespace weir::journal
