#include "storage/journal/segment_writer.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "storage/journal/release_mark.h"

namespace weir::journal {

SegmentWriter::SegmentWriter(Place place, SegmentTable& table, SpareSegment& spare)
    : place_(std::move(place)), table_(table), spare_(spare) {}

void SegmentWriter::continue_from(Recovered& recovered) {
  tail_ = recovered.tail;
  next_number_ = recovered.next_number;
  last_group_ = std::move(recovered.last_group);
  replaces_newest_ = recovered.replaces_newest;
  trim_newest_ = recovered.trim_newest;
  has_mark_ = recovered.has_mark;
  leftovers_ = std::move(recovered.leftovers);
  if (!recovered.segments.empty()) recovered_number_ = recovered.segments.back().number;
}

uint64_t SegmentWriter::room() const {
  if (!is_open()) return 0;
  const uint64_t kept_back = tail_.end_bytes + kBlockBytes;
  return file_bytes_ > kept_back ? file_bytes_ - kept_back : 0;
}

Status SegmentWriter::open_next(Sequence next_sequence) {
  TRY_ASSIGN(SpareSegment::Ready ready, spare_.take());
  CHECK(ready.number == next_number_, "the segment that was made ready is the next one");
  if (is_open()) {
    tail_.state = PreviousEnd::sealed;
    file_.reset();
  }
  Status begun = begin_segment(std::move(ready), next_sequence);
  if (!begun) {
    // Its file may hold a header that the disk does not: a new one takes its name.
    spare_.want(next_number_, place_.segment_bytes);
    return begun;
  }
  ++next_number_;
  spare_.want(next_number_, place_.segment_bytes);
  return {};
}

Status SegmentWriter::begin_segment(SpareSegment::Ready ready, Sequence next_sequence) {
  SegmentHeader header;
  header.number = ready.number;
  header.segment_bytes = ready.bytes;
  header.next_sequence = next_sequence.value;
  header.first_sequence = last_group_.records > 0 ? last_group_.first_sequence : next_sequence.value;
  header.created_micros = place_.clock.wall().micros;
  header.previous_end = tail_.state;
  header.previous_number = tail_.number;
  header.previous_groups = tail_.groups;
  header.previous_end_bytes = tail_.end_bytes;
  header.previous_end_sequence = tail_.end_sequence;
  // Durable before the first group is written, so that groups below a header that cannot be read mean damage.
  TRY(ready.file->write_at(0, encode_header(header)));
  TRY(ready.file->sync());

  Tail tail{PreviousEnd::recovered, ready.number, 0, kBlockBytes, tail_.end_sequence};
  if (last_group_.records > 0) {
    GroupBuffer copy;
    copy.add(last_group_.payload, last_group_.records);
    tail.groups = 1;
    const std::string_view bytes = copy.close({ready.number, header.stamp, tail.groups, last_group_.first_sequence});
    TRY(ready.file->write_at(tail.end_bytes, bytes));
    TRY(ready.file->sync());
    tail.end_bytes += bytes.size();
  }
  if (!has_mark_) {
    const auto oldest = table_.oldest_after_release({0});
    const ReleaseMark mark =
        oldest ? ReleaseMark{oldest->number, oldest->first.value} : ReleaseMark{ready.number, header.first_sequence};
    TRY(write_mark(place_.files, place_.folder, mark));
    has_mark_ = true;
  }

  if (replaces_newest_) table_.remove_newest();
  table_.add({.number = ready.number,
              .name = segment_name(ready.number),
              .stamp = header.stamp,
              .first = {header.first_sequence},
              .end = {tail.end_sequence},
              .end_offset = tail.end_bytes,
              .groups = tail.groups,
              .file_bytes = ready.bytes},
             SegmentTable::Trust::opened);
  file_ = std::move(ready.file);
  file_bytes_ = ready.bytes;
  stamp_ = header.stamp;
  tail_ = tail;
  finish_recovery();
  return {};
}

// The next segment is durable, so that what recovery left of the last one may go. Failures only cost space until the
// next start.
void SegmentWriter::finish_recovery() {
  if (replaces_newest_) {
    [[maybe_unused]] const Status removed = place_.files.remove(path_of(recovered_number_));
  } else if (trim_newest_) {
    if (const auto trimmed = table_.numbered(recovered_number_)) {
      if (auto file = place_.files.open(path_of(recovered_number_), OpenMode::read_write)) {
        if ((*file)->truncate(trimmed->end_offset)) table_.set_file_bytes(recovered_number_, trimmed->end_offset);
      }
    }
  }
  for (const std::string& name : leftovers_) {
    [[maybe_unused]] const Status removed = place_.files.remove(join_path(place_.folder, name));
  }
  leftovers_.clear();
  replaces_newest_ = false;
  trim_newest_ = false;
  last_group_ = {};
}

Status SegmentWriter::write_group(GroupBuffer& group, Sequence first_sequence) {
  CHECK(is_open() && group_bytes_on_disk(group.payload_bytes()) <= room(), "a group is made to fit its segment");
  return write_durably(group, first_sequence);
}

Status SegmentWriter::write_gap(Sequence next_sequence) {
  if (!is_open() || tail_.end_bytes + kBlockBytes > file_bytes_) return {};
  GroupBuffer empty;
  return write_durably(empty, next_sequence);
}

Status SegmentWriter::write_durably(GroupBuffer& group, Sequence first_sequence) {
  const std::string_view bytes = group.close({tail_.number, stamp_, tail_.groups + 1, first_sequence.value});
  Status written = file_->write_at(tail_.end_bytes, bytes);
  if (written) written = file_->sync();
  if (!written) {
    tail_.state = PreviousEnd::poisoned;
    file_.reset();
    return written;
  }
  tail_.groups += 1;
  tail_.end_bytes += bytes.size();
  tail_.end_sequence = first_sequence.value + group.records();
  table_.grow_newest({{tail_.end_sequence}, tail_.end_bytes, tail_.groups});
  return {};
}

std::string SegmentWriter::path_of(uint64_t number) const {
  return join_path(place_.folder, segment_name(number));
}

}  // namespace weir::journal
