// A Reader over segment files: follows the SegmentTable from segment to segment, up to the durable end.
//
// Reads only what the table calls durable, so that it may run beside the writer. Names damage once and goes on behind
// it. The table must outlive it. One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/metrics.h"
#include "core/io/files.h"
#include "storage/journal/group_walker.h"
#include "storage/journal/journal.h"
#include "storage/journal/segment_table.h"

namespace weir::journal {

class SegmentReader final : public Reader {
 public:
  SegmentReader(Files& files, std::string folder, const SegmentTable& table, Counter& damaged, Sequence from);
  Result<std::vector<Entry>> next_group() override;
  Sequence position() const override { return position_; }

 private:
  enum class Found { segment, nothing };
  Result<Found> open_segment();
  Result<Found> leave_segment();
  Result<std::vector<Entry>> take(const GroupView& group);
  Status pass_damage();
  Status pass_rest(const GroupWalker::Step& rest);
  Sequence start_of_copy(const Segment& segment) const;
  Error lost(uint64_t from, uint64_t to, const std::string& why, Sequence until);

  Files& files_;
  const std::string folder_;
  const SegmentTable& table_;
  Counter& damaged_;
  Sequence position_;
  uint64_t left_ = 0;               // number of the last segment that was read to its end
  std::optional<Segment> segment_;  // being read
  std::unique_ptr<File> file_;
  std::optional<GroupWalker> walker_;
  std::optional<GroupWalker::Step> damage_;  // not reported yet
  std::optional<GroupWalker::Step> seen_;    // the group behind a damage that was reported
};

}  // namespace weir::journal
