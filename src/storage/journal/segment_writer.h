// Writes groups into the newest segment, one write and one sync each, and opens the next segment when told.
//
// A failed write or sync closes the segment for good (it is poisoned): the next one's header says where it ended,
// nothing is tried twice. Everything it reports to the SegmentTable is durable. Used by the journal's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/files.h"
#include "storage/journal/recovery.h"
#include "storage/journal/segment.h"
#include "storage/journal/segment_table.h"
#include "storage/journal/spare_segment.h"

namespace weir::journal {

class SegmentWriter {
 public:
  struct Place {
    Files& files;
    Clock& clock;
    std::string folder;
    uint64_t segment_bytes = 0;
  };
  SegmentWriter(Place place, SegmentTable& table, SpareSegment& spare);

  // Where recovery left off. The first open_next() continues from there.
  void continue_from(Recovered& recovered);

  bool is_open() const { return file_ != nullptr; }
  // How many bytes of groups (header, payload, padding) fit into the open segment; 0 if none is open. One block more is
  // kept for write_gap().
  uint64_t room() const;

  // Seals the open segment and opens the next, whose own records start at `next_sequence` or later. If there is no file
  // for it, the open one stays open; if the file fails, none is open, and trying again is allowed.
  Status open_next(Sequence next_sequence);
  // Closes `group` and makes it durable. On failure the segment is closed as poisoned.
  Status write_group(GroupBuffer& group, Sequence first_sequence);
  // Makes durable that numbers below `next_sequence` are used up, without a record. Does nothing if there is no block
  // left.
  Status write_gap(Sequence next_sequence);

  uint64_t number() const { return tail_.number; }
  const Tail& tail() const { return tail_; }

 private:
  Status begin_segment(SpareSegment::Ready ready, Sequence next_sequence);
  Status write_durably(GroupBuffer& group, Sequence first_sequence);
  void finish_recovery();
  std::string path_of(uint64_t number) const;

  Place place_;
  SegmentTable& table_;
  SpareSegment& spare_;
  Tail tail_;  // of the open segment if there is one, else of the last
  uint64_t next_number_ = 1;
  std::unique_ptr<File> file_;
  uint64_t stamp_ = 0;
  uint64_t file_bytes_ = 0;

  LastGroup last_group_;  // to be copied into the next segment
  bool replaces_newest_ = false;
  bool trim_newest_ = false;
  bool has_mark_ = false;
  std::vector<std::string> leftovers_;
  uint64_t recovered_number_ = 0;  // the newest segment that recovery found
};

}  // namespace weir::journal
