// Which segments there are, which records each holds, and up to where they are durable: what the writer knows and
// readers look up.
//
// May be used from any thread. Only the writer adds segments and moves the end; only release() takes the oldest away.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "storage/journal/journal.h"

namespace weir::journal {

struct Segment {
  uint64_t number = 0;
  std::string name;
  std::optional<uint64_t> stamp;  // none if the header cannot be read
  Sequence first;                 // no record in it has a lower one
  Sequence end;                   // one past its last durable record
  uint64_t end_offset = 0;        // where its last durable group ends
  uint64_t groups = 0;            // number of that group
  uint64_t file_bytes = 0;
  bool missing = false;  // known from its neighbours, but there is no such file
};

class SegmentTable {
 public:
  enum class Trust { opened, found };
  // A segment that was only found may yet turn out not to be on disk (its sync may have failed before the program
  // stopped): until the next one is opened, the one before it is not released either.
  void add(Segment segment, Trust trust);
  // The newest segment was found to be replaced by the one added next: it holds nothing of its own.
  void remove_newest();
  struct Growth {
    Sequence end;
    uint64_t end_offset = 0;
    uint64_t groups = 0;
  };
  // A group of the newest segment is durable now. Wakes wait_past().
  void grow_newest(const Growth& growth);
  void set_file_bytes(uint64_t number, uint64_t bytes);
  // Takes away and returns the oldest segments that hold nothing at or beyond `below`; the newest always stays.
  std::vector<Segment> remove_below(Sequence below);
  // What remove_below() would leave as the oldest; none if the table is empty.
  std::optional<Segment> oldest_after_release(Sequence below) const;

  std::optional<Segment> holding(Sequence position) const;  // the first with a record at or beyond it
  std::optional<Segment> after(uint64_t number) const;      // the first with a higher number
  std::optional<Segment> numbered(uint64_t number) const;
  std::optional<Segment> newest() const;

  Sequence durable_end() const { return {durable_end_.load(std::memory_order_acquire)}; }
  bool wait_past(Sequence after, Duration limit);

  struct Totals {
    uint64_t segments = 0;
    uint64_t bytes = 0;
    Sequence first;
  };
  Totals totals() const;

 private:
  void raise_end(Sequence end);
  size_t kept_at_least() const;

  mutable std::mutex mutex_;  // guards segments_
  std::deque<Segment> segments_;
  Trust newest_ = Trust::found;
  std::atomic<uint64_t> durable_end_{1};
  std::atomic<int> waiting_{0};
  std::condition_variable grown_;
};

}  // namespace weir::journal
