#include "storage/journal/segment_table.h"

#include <algorithm>
#include <chrono>

#include "core/base/check.h"

namespace weir::journal {

void SegmentTable::add(Segment segment, Trust trust) {
  const std::lock_guard lock(mutex_);
  CHECK(segments_.empty() || segments_.back().number < segment.number, "segments are added in order");
  raise_end(segment.end);
  newest_ = trust;
  segments_.push_back(std::move(segment));
}

void SegmentTable::remove_newest() {
  const std::lock_guard lock(mutex_);
  CHECK(!segments_.empty(), "there is a newest segment");
  segments_.pop_back();
}

void SegmentTable::grow_newest(const Growth& growth) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(!segments_.empty(), "a group lies in a segment");
    Segment& newest = segments_.back();
    newest.end = growth.end;
    newest.end_offset = growth.end_offset;
    newest.groups = growth.groups;
    raise_end(growth.end);
  }
  if (waiting_.load() > 0) {
    grown_.notify_all();
  }
}

void SegmentTable::set_file_bytes(uint64_t number, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  for (Segment& segment : segments_) {
    if (segment.number == number) segment.file_bytes = bytes;
  }
}

size_t SegmentTable::kept_at_least() const {
  return newest_ == Trust::opened ? 1 : 2;
}

void SegmentTable::raise_end(Sequence end) {
  if (end > durable_end()) durable_end_.store(end.value, std::memory_order_release);
}

std::vector<Segment> SegmentTable::remove_below(Sequence below) {
  const std::lock_guard lock(mutex_);
  std::vector<Segment> removed;
  while (segments_.size() > kept_at_least() && segments_.front().end <= below) {
    removed.push_back(std::move(segments_.front()));
    segments_.pop_front();
  }
  return removed;
}

std::optional<Segment> SegmentTable::oldest_after_release(Sequence below) const {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].end > below || segments_.size() - i <= kept_at_least()) return segments_[i];
  }
  return std::nullopt;
}

std::optional<Segment> SegmentTable::holding(Sequence position) const {
  const std::lock_guard lock(mutex_);
  // Ends never go back from one segment to the next.
  const auto found = std::partition_point(segments_.begin(), segments_.end(),
                                          [&](const Segment& segment) { return segment.end <= position; });
  if (found == segments_.end()) return std::nullopt;
  return *found;
}

std::optional<Segment> SegmentTable::after(uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::partition_point(segments_.begin(), segments_.end(),
                                          [&](const Segment& segment) { return segment.number <= number; });
  if (found == segments_.end()) return std::nullopt;
  return *found;
}

std::optional<Segment> SegmentTable::numbered(uint64_t number) const {
  auto found = after(number - 1);
  if (!found || found->number != number) return std::nullopt;
  return found;
}

std::optional<Segment> SegmentTable::newest() const {
  const std::lock_guard lock(mutex_);
  if (segments_.empty()) return std::nullopt;
  return segments_.back();
}

bool SegmentTable::wait_past(Sequence after, Duration limit) {
  if (durable_end() > after) return true;
  std::unique_lock lock(mutex_);
  waiting_.fetch_add(1);
  const bool past =
      grown_.wait_for(lock, std::chrono::microseconds(limit.micros), [&] { return durable_end() > after; });
  waiting_.fetch_sub(1);
  return past;
}

SegmentTable::Totals SegmentTable::totals() const {
  const std::lock_guard lock(mutex_);
  Totals totals;
  for (const Segment& segment : segments_) {
    totals.bytes += segment.file_bytes;
    if (!segment.missing) ++totals.segments;
  }
  totals.first = segments_.empty() ? durable_end() : segments_.front().first;
  return totals;
}

}  // namespace weir::journal
