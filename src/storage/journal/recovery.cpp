#include "storage/journal/recovery.h"

#include <algorithm>
#include <set>

#include "storage/journal/group_walker.h"
#include "storage/journal/release_mark.h"

namespace weir::journal {

namespace {

// A segment's groups, as far as they can be read.
struct Scan {
  std::optional<uint64_t> stamp;
  uint64_t groups = 0;
  uint64_t first_sequence = 0;
  uint64_t end_offset = kBlockBytes;
  uint64_t end_sequence = 0;
  uint64_t nonzero_end = 0;    // how far there is something else than zeros behind the last group
  uint64_t records_cut = 0;    // at most so many records lie there
  std::vector<Damage> damage;  // between groups
  std::string rest_why;
  uint64_t last_offset = 0;  // of the last group; 0 if there is none
  bool has_cut() const { return nonzero_end > end_offset; }
};

// A file of the folder with a segment's name.
struct Found {
  uint64_t number = 0;
  std::string name;
  uint64_t size = 0;
  ParsedHeader parsed;
  std::string why_damaged;
  bool header_is_torn = false;  // its bytes can be read and are not a header
  std::optional<Scan> scan;     // if it was done: always where the header is damaged

  bool is_valid() const { return parsed.state == HeaderState::valid; }
  bool is_unused() const { return parsed.state == HeaderState::unused; }
  bool is_used() const { return is_valid() || (!is_unused() && scan && scan->groups > 0); }
  const SegmentHeader& header() const { return parsed.header; }
};

class Run {
 public:
  Run(Files& files, const std::string& folder, uint64_t segment_bytes)
      : files_(files), folder_(folder), segment_bytes_(segment_bytes) {}
  Result<Recovered> recover();

 private:
  std::string path(const std::string& name) const { return join_path(folder_, name); }
  Status load_mark();
  Status load_files();
  Status load_header(Found& found);
  Result<Scan> scan(const Found& found);
  void choose_next_number();
  Status build_table();
  Status add_segment(const Found& found, const Found* next);
  void add_missing_before(const Found& found);
  bool is_replaced(const Found& found, const Found& next);
  Status find_tail();
  Status forget_unfinished_starts();
  Status load_last_group(const Found& found, const Scan& scanned);
  void report_unreadable_files();
  void remove_unused();
  void remove_file(const std::string& name);
  void report(std::string segment, uint64_t from, uint64_t to, std::string what, bool cut) {
    out_.report.damage.push_back({std::move(segment), from, to, std::move(what), cut});
  }

  Files& files_;
  const std::string folder_;
  const uint64_t segment_bytes_;
  std::optional<ReleaseMark> mark_;
  std::vector<Found> found_;
  uint64_t next_of_newest_ = 1;     // what the newest segment's header says
  uint64_t highest_forgotten_ = 0;  // number of a segment that was opened and not used
  uint64_t skipped_sequences_ = 0;  // that may have been given to records that cannot be read any more
  Recovered out_;
};

Result<Recovered> Run::recover() {
  TRY(files_.make_directories(folder_));
  // A file that was made ready just before the program stopped: its name may not be on disk yet.
  TRY(files_.sync_directory(folder_));
  TRY(load_mark());
  TRY(load_files());
  report_unreadable_files();
  TRY(forget_unfinished_starts());
  TRY(build_table());
  choose_next_number();
  TRY(find_tail());
  remove_unused();
  if (mark_ && out_.segments.empty()) {
    return Error(Code::corrupt,
                 "all segments of the journal in " + folder_ + " are gone, though " + kReleaseMarkName +
                     " says that segment " + std::to_string(mark_->first_segment) + " must be there",
                 "put them back from a backup; numbers that were given must not be given again");
  }
  out_.report.next = {std::max(out_.tail.end_sequence, next_of_newest_) + skipped_sequences_};
  out_.report.segments = out_.segments.size();
  out_.has_mark = mark_.has_value();
  return std::move(out_);
}

Status Run::load_mark() {
  auto mark = read_mark(files_, folder_);
  if (mark) {
    mark_ = *mark;
    return {};
  }
  if (mark.error().code != Code::corrupt) return mark.error();
  report(kReleaseMarkName, 0, 0, "damaged; which segments were released is not known", false);
  return {};
}

Status Run::load_files() {
  TRY_ASSIGN(const auto entries, files_.list(folder_));
  for (const DirectoryEntry& entry : entries) {
    const auto number = segment_number(entry.name);
    if (!number || entry.is_directory) continue;  // not ours: left alone
    if (mark_ && *number < mark_->first_segment) {
      remove_file(entry.name);  // released before the program stopped
      continue;
    }
    Found found;
    found.number = *number;
    found.name = entry.name;
    found.size = entry.size;
    TRY(load_header(found));
    found_.push_back(std::move(found));
  }
  // Names sort as numbers only up to twelve digits.
  std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.number < b.number; });
  return {};
}

Status Run::load_header(Found& found) {
  TRY_ASSIGN(const auto file, files_.open(path(found.name), OpenMode::read));
  std::string block(2 * kBlockBytes, '\0');
  const auto read = file->read_at(0, block.data(), block.size());
  out_.report.bytes_scanned += block.size();
  if (read) {
    found.parsed = parse_header(std::string_view(block).substr(0, kBlockBytes));
  } else {
    found.why_damaged = read.error().message;
  }
  if (found.parsed.state == HeaderState::newer) {
    return Error(Code::unsupported,
                 path(found.name) + " has format version " + std::to_string(found.parsed.version) +
                     ", this weir reads up to version " + std::to_string(kFormatVersion),
                 "use the newer weir that wrote it");
  }
  if (found.is_valid() && found.header().number != found.number) {
    found.why_damaged = "renamed: its header says it is segment " + std::to_string(found.header().number);
    found.parsed.state = HeaderState::damaged;
  }
  const std::string_view first_group = std::string_view(block).substr(kBlockBytes);
  if (found.is_unused() && found.size < 2 * kBlockBytes) {
    found.parsed.state = HeaderState::damaged;  // one made ready has its whole length
    found.why_damaged = "only " + std::to_string(found.size) + " bytes long";
  }
  if (found.is_unused() && first_group.find_first_not_of('\0') != std::string_view::npos) {
    found.parsed.state = HeaderState::damaged;  // it was used: its header is gone
  }
  if (found.parsed.state != HeaderState::damaged) return {};
  if (found.why_damaged.empty()) {
    found.why_damaged = "its header does not match its checksum";
    found.header_is_torn = true;
  }
  TRY_ASSIGN(found.scan, scan(found));
  return {};
}

Result<Scan> Run::scan(const Found& found) {
  TRY_ASSIGN(const auto file, files_.open(path(found.name), OpenMode::read));
  GroupIdentity identity{found.number, std::nullopt};
  if (found.is_valid()) identity.stamp = found.header().stamp;
  GroupWalker walker(*file, identity, {.offset = kBlockBytes, .end = std::max(found.size, kBlockBytes)});
  Scan scan;
  scan.stamp = identity.stamp;
  while (true) {
    TRY_ASSIGN(const GroupWalker::Step step, walker.next());
    if (step.kind == GroupWalker::Kind::end) break;
    if (step.kind == GroupWalker::Kind::rest) {
      scan.nonzero_end = step.nonzero_end;
      // Each record takes at least the four bytes of its length; empty ones at the end look like zeros.
      scan.records_cut = std::max(step.records_claimed, (step.nonzero_end - step.from + 3) / kRecordHeaderBytes);
      scan.rest_why = step.why;
      break;
    }
    if (step.kind == GroupWalker::Kind::damage) {
      scan.damage.push_back({found.name, step.from, step.to, "corrupt group: " + step.why, false});
      continue;
    }
    if (scan.groups == 0) scan.first_sequence = step.group.first_sequence;
    scan.groups = step.group.number;
    scan.stamp = step.group.stamp;
    scan.end_offset = step.to;
    scan.end_sequence = step.group.end_sequence();
    scan.last_offset = step.from;
  }
  out_.report.bytes_scanned += walker.bytes_read();
  return scan;
}

// Files that have a segment's name and hold no group that is theirs.
void Run::report_unreadable_files() {
  uint64_t newest = 0;
  std::set<uint64_t> needed;
  for (const Found& found : found_) {
    if (found.is_used()) newest = found.number;
    if (found.is_valid()) needed.insert(found.header().previous_number);
  }
  std::vector<Found> kept;
  for (Found& found : found_) {
    const bool is_readable = found.is_used() || found.is_unused();
    // The header is the first that is written to a segment: the power may have gone while it was.
    if (!is_readable && found.header_is_torn && needed.count(found.number) == 0 && !found.scan->has_cut()) {
      report(found.name, 0, kBlockBytes, "torn header cut: the segment was not in use yet", true);
      remove_file(found.name);
      continue;
    }
    if (!is_readable) {
      report(found.name, 0, found.size, "no segment of this journal (" + found.why_damaged + "); left as it is", false);
      if (found.number > newest) skipped_sequences_ += std::max(found.size, segment_bytes_) / kRecordHeaderBytes;
    }
    kept.push_back(std::move(found));
  }
  found_ = std::move(kept);
}

Status Run::build_table() {
  std::vector<const Found*> used;
  for (const Found& found : found_) {
    if (found.is_used()) used.push_back(&found);
  }
  for (size_t i = 0; i < used.size(); ++i) {
    const Found* const next = i + 1 < used.size() ? used[i + 1] : nullptr;
    if (next != nullptr && next->is_valid() && next->header().previous_number < used[i]->number &&
        is_replaced(*used[i], *next)) {
      out_.leftovers.push_back(used[i]->name);
      continue;
    }
    add_missing_before(*used[i]);
    TRY(add_segment(*used[i], next));
  }
  return {};
}

// A segment that held nothing of its own when the next one was opened: the next one's header names the one before it.
bool Run::is_replaced(const Found& found, const Found& next) {
  const auto scanned = scan(found);
  if (!scanned) return false;
  const bool holds_more = scanned->groups > 0 && scanned->end_sequence > next.header().previous_end_sequence;
  return !holds_more && (!scanned->has_cut() || scanned->groups == 0);  // a copy that was torn is no loss
}

// A start begins by opening a segment with a copy of the last group. One that got no further than the header leaves
// nothing that is needed but the numbers it skipped; what it would have copied is still where it was.
Status Run::forget_unfinished_starts() {
  for (size_t i = found_.size(); i-- > 0;) {
    Found& found = found_[i];
    if (!found.is_used()) continue;
    if (!found.is_valid() || found.header().previous_end != PreviousEnd::recovered) return {};
    TRY_ASSIGN(found.scan, scan(found));
    if (found.scan->groups > 0) return {};
    if (found.scan->has_cut()) {
      report(found.name, found.scan->end_offset, found.scan->nonzero_end, "torn copy of the last group cut", true);
    }
    next_of_newest_ = std::max(next_of_newest_, found.header().next_sequence);
    highest_forgotten_ = std::max(highest_forgotten_, found.number);
    out_.leftovers.push_back(found.name);
    found_.erase(found_.begin() + static_cast<ptrdiff_t>(i));
  }
  return {};
}

void Run::add_missing_before(const Found& found) {
  if (!found.is_valid() || found.header().previous_number == 0) return;
  const SegmentHeader& header = found.header();
  Segment missing;
  if (out_.segments.empty()) {
    if (mark_ && header.previous_number < mark_->first_segment) return;
    missing.first = {mark_ ? mark_->first_sequence : 1};
  } else {
    if (header.previous_number <= out_.segments.back().number) return;
    missing.first = out_.segments.back().end;
  }
  missing.number = header.previous_number;
  missing.name = segment_name(missing.number);
  missing.end = {std::max(header.previous_end_sequence, missing.first.value)};
  missing.end_offset = header.previous_end_bytes;
  missing.groups = header.previous_groups;
  missing.missing = true;
  report(missing.name, 0, header.previous_end_bytes,
         "segment is missing and was not released: records " + std::to_string(missing.first.value) + " to before " +
             std::to_string(missing.end.value),
         false);
  out_.segments.push_back(std::move(missing));
}

Status Run::add_segment(const Found& found, const Found* next) {
  Segment segment;
  segment.number = found.number;
  segment.name = found.name;
  segment.file_bytes = found.size;
  if (!found.is_valid()) report(found.name, 0, kBlockBytes, "corrupt header: " + found.why_damaged, false);
  const bool end_is_known = next != nullptr && next->is_valid() && next->header().previous_number == found.number;
  if (end_is_known) {
    segment.end = {next->header().previous_end_sequence};
    segment.end_offset = next->header().previous_end_bytes;
    segment.groups = next->header().previous_groups;
  }
  Scan scanned;
  if (found.scan) {
    scanned = *found.scan;
  } else if (!end_is_known && next != nullptr) {
    TRY_ASSIGN(scanned, scan(found));
  }
  segment.stamp = found.is_valid() ? std::optional(found.header().stamp) : scanned.stamp;
  segment.first = {found.is_valid() ? found.header().first_sequence : scanned.first_sequence};
  if (!end_is_known) {
    const uint64_t before = out_.segments.empty() ? segment.first.value : out_.segments.back().end.value;
    segment.end = {std::max(scanned.end_sequence, before)};
    segment.end_offset = scanned.end_offset;
    segment.groups = scanned.groups;
    if (next != nullptr && scanned.has_cut()) {
      report(found.name, scanned.end_offset, scanned.nonzero_end, "corrupt group: " + scanned.rest_why, false);
    }
  }
  out_.segments.push_back(std::move(segment));
  return {};
}

void Run::choose_next_number() {
  uint64_t highest = std::max(mark_ ? mark_->first_segment - 1 : 0, highest_forgotten_);
  for (const Found& found : found_) {
    if (!found.is_unused()) highest = std::max(highest, found.number);
  }
  out_.next_number = highest + 1;
  for (const Found& found : found_) {
    if (!found.is_unused() || found.number <= highest) continue;
    if (found.number > highest + 1) {
      // Segments are made ready one after the other: those between were there and are gone, with the numbers they gave.
      report(segment_name(highest + 1), 0, 0, "segment is missing and was not released: it was the newest", false);
      skipped_sequences_ += (found.number - highest - 1) * (std::max(found.size, segment_bytes_) / kRecordHeaderBytes);
    }
    out_.next_number = found.number;
    if (found.size == segment_bytes_) out_.spare_bytes = found.size;
    return;
  }
}

Status Run::find_tail() {
  if (out_.segments.empty()) return {};
  Segment& newest = out_.segments.back();
  const auto found =
      std::find_if(found_.begin(), found_.end(), [&](const Found& file) { return file.number == newest.number; });
  if (!found->scan) {
    TRY_ASSIGN(found->scan, scan(*found));
  }
  const Scan& scanned = *found->scan;
  // Bytes that were only in memory when the program (not the machine) stopped become durable before anybody is shown
  // them.
  TRY_ASSIGN(const auto file, files_.open(path(newest.name), OpenMode::read_write));
  TRY(file->sync());
  for (const Damage& damage : scanned.damage) out_.report.damage.push_back(damage);
  if (scanned.has_cut()) {
    report(newest.name, scanned.end_offset, scanned.nonzero_end, "torn tail cut: " + scanned.rest_why, true);
    // What was cut may have been acknowledged and then damaged: its numbers are not given again.
    skipped_sequences_ += scanned.records_cut;
  }
  newest.end = std::max(newest.end, Sequence{scanned.end_sequence});
  newest.end_offset = scanned.end_offset;
  newest.groups = scanned.groups;
  newest.stamp = scanned.stamp;
  TRY(load_last_group(*found, scanned));
  if (found->is_valid()) next_of_newest_ = std::max(next_of_newest_, found->header().next_sequence);
  out_.tail = {PreviousEnd::recovered, newest.number, scanned.groups, scanned.end_offset, newest.end.value};
  out_.trim_newest = !scanned.has_cut();
  if (!found->is_valid()) return {};
  const SegmentHeader& header = found->header();
  if (scanned.has_cut() || !scanned.damage.empty()) return {};
  const bool only_the_copy = scanned.groups == 1 && scanned.end_sequence <= header.previous_end_sequence;
  if (scanned.groups > 0 && !only_the_copy) return {};
  out_.replaces_newest = true;
  out_.tail = {header.previous_end, header.previous_number, header.previous_groups, header.previous_end_bytes,
               header.previous_end_sequence};
  return {};
}

Status Run::load_last_group(const Found& found, const Scan& scanned) {
  if (scanned.last_offset == 0) return {};
  TRY_ASSIGN(const auto file, files_.open(path(found.name), OpenMode::read));
  GroupWalker walker(*file, {found.number, scanned.stamp},
                     {.offset = scanned.last_offset, .end = scanned.end_offset, .next_group = scanned.groups});
  TRY_ASSIGN(const GroupWalker::Step step, walker.next());
  if (step.kind != GroupWalker::Kind::group) return Error(Code::io, path(found.name) + " changes while it is read");
  out_.last_group = {step.group.first_sequence, step.group.records, std::string(step.group.payload)};
  return {};
}

void Run::remove_unused() {
  for (const Found& found : found_) {
    if (found.is_unused() && !(found.number == out_.next_number && out_.spare_bytes)) remove_file(found.name);
  }
}

// What cannot be removed now only takes space, and is found again at the next start.
void Run::remove_file(const std::string& name) {
  [[maybe_unused]] const Status removed = files_.remove(path(name));
}

}  // namespace

Result<Recovered> recover(Files& files, const std::string& folder, uint64_t segment_bytes) {
  return Run(files, folder, segment_bytes).recover();
}

}  // namespace weir::journal
