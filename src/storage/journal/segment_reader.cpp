#include "storage/journal/segment_reader.h"

#include <algorithm>
#include <utility>

namespace weir::journal {

SegmentReader::SegmentReader(Files& files, std::string folder, const SegmentTable& table, Counter& damaged,
                             Sequence from)
    : files_(files), folder_(std::move(folder)), table_(table), damaged_(damaged), position_(from) {}

Result<std::vector<Entry>> SegmentReader::next_group() {
  while (true) {
    if (seen_) {
      const GroupWalker::Step step = *std::exchange(seen_, std::nullopt);
      if (step.group.end_sequence() > position_.value) return take(step.group);
    }
    if (damage_) {
      TRY(pass_damage());
      continue;
    }
    if (!walker_) {
      TRY_ASSIGN(const Found found, open_segment());
      if (found == Found::nothing) return std::vector<Entry>();
    }
    TRY_ASSIGN(const GroupWalker::Step step, walker_->next());
    switch (step.kind) {
      case GroupWalker::Kind::group:
        if (step.group.end_sequence() > position_.value) return take(step.group);
        break;
      case GroupWalker::Kind::damage:
        damage_ = step;
        break;
      case GroupWalker::Kind::rest: {
        TRY(pass_rest(step));
        break;
      }
      case GroupWalker::Kind::end: {
        TRY_ASSIGN(const Found found, leave_segment());
        if (found == Found::nothing) return std::vector<Entry>();
        break;
      }
    }
  }
}

Result<std::vector<Entry>> SegmentReader::take(const GroupView& group) {
  std::vector<Entry> entries;
  entries.reserve(group.records);
  std::string_view payload = group.payload;
  std::string_view record;
  Sequence sequence{group.first_sequence};
  while (next_record(payload, record)) {
    if (sequence >= position_) entries.push_back({sequence, record});
    ++sequence.value;
  }
  position_ = {group.end_sequence()};
  if (entries.empty()) return next_group();  // it only said which numbers are used up
  return entries;
}

Result<SegmentReader::Found> SegmentReader::open_segment() {
  const auto next = left_ == 0 ? table_.holding(position_) : table_.after(left_);
  if (!next) return Found::nothing;
  position_ = std::max(position_, next->first);  // the numbers between belong to no record
  const auto skip_missing = [&]() -> Result<Found> {
    left_ = next->number;
    segment_ = *next;
    const Sequence until = start_of_copy(*next);
    if (until <= position_) return open_segment();
    return lost(0, next->end_offset, "the segment is missing", until);
  };
  if (next->missing) return skip_missing();
  auto file = files_.open(join_path(folder_, next->name), OpenMode::read);
  if (!file) {
    if (file.error().code != Code::not_found) return file.error();
    if (table_.numbered(next->number)) return skip_missing();
    left_ = 0;  // released meanwhile: go on with the oldest that is kept
    return open_segment();
  }
  file_ = std::move(*file);
  segment_ = *next;
  walker_.emplace(*file_, GroupIdentity{next->number, next->stamp},
                  GroupWalker::Start{.offset = kBlockBytes, .end = next->end_offset});
  return Found::segment;
}

// Everything that was durable when the segment was looked up has been read: it has grown, or there is another one, or
// that was all.
Result<SegmentReader::Found> SegmentReader::leave_segment() {
  const auto next = table_.after(segment_->number);  // asked first: a segment with a successor does not grow any more
  const auto now = table_.numbered(segment_->number);
  if (now && now->end_offset > segment_->end_offset) {
    segment_ = *now;
    walker_->extend(now->end_offset);
    return Found::segment;
  }
  if (!next) return Found::nothing;
  left_ = segment_->number;
  walker_.reset();
  file_.reset();
  return open_segment();
}

Status SegmentReader::pass_damage() {
  TRY_ASSIGN(const GroupWalker::Step behind, walker_->next());
  if (behind.kind != GroupWalker::Kind::group) return Error(Code::io, segment_->name + " changes while it is read");
  const GroupWalker::Step damage = *std::exchange(damage_, std::nullopt);
  seen_ = behind;
  const Sequence until{behind.group.first_sequence};
  if (until <= position_) return {};  // what was asked for lies behind it
  return lost(damage.from, damage.to, damage.why, until);
}

Status SegmentReader::pass_rest(const GroupWalker::Step& rest) {
  if (segment_->end <= position_) return {};
  const Sequence copied = start_of_copy(*segment_);
  const bool has_copy = copied < segment_->end;
  const Sequence until = std::max(copied, position_);
  const bool only_last_is_gone = walker_->next_group() == segment_->groups;
  if (has_copy && (only_last_is_gone || until == position_)) {
    position_ = until;
    return {};
  }
  return lost(rest.from, rest.to, rest.why, until);
}

// A start writes the last group of a segment once more into the segment that it opens: from here on it can be read
// there. The end of `segment` if it has no such copy.
Sequence SegmentReader::start_of_copy(const Segment& segment) const {
  const auto next = table_.after(segment.number);
  return next && !next->missing ? std::min(next->first, segment.end) : segment.end;
}

Error SegmentReader::lost(uint64_t from, uint64_t to, const std::string& why, Sequence until) {
  damaged_.add();
  const std::string records =
      position_.value + 1 == until.value
          ? "record " + std::to_string(position_.value) + " cannot be read"
          : "records " + std::to_string(position_.value) + " to " + std::to_string(until.value - 1) + " cannot be read";
  position_ = until;
  return Error(Code::corrupt, segment_->name + " bytes " + std::to_string(from) + " to " + std::to_string(to) + ": " +
                                  why + "; " + records);
}

}  // namespace weir::journal
