#include "platform/warehouse/history_file.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/runtime/thread.h"

namespace weir::warehouse {
namespace {

constexpr std::chrono::seconds kBatch{1};
constexpr size_t kWaitingMax = 50'000;
constexpr size_t kSegmentsMerged = 8;  // at a start
constexpr uint64_t kSegmentBytes = 4u << 20;
constexpr std::string_view kHeader = "weir history 1\n";
constexpr size_t kChecksumDigits = 16;

std::string line_of(const Json& record) {
  const std::string text = record.dump();
  char checksum[kChecksumDigits + 2];
  std::snprintf(checksum, sizeof checksum, "%016llx ", static_cast<unsigned long long>(checksum64(text)));
  return checksum + text + "\n";
}

// Nothing: the line is torn or damaged.
std::optional<Json> record_of(std::string_view line) {
  if (line.size() <= kChecksumDigits + 1) return std::nullopt;
  const std::string_view text = line.substr(kChecksumDigits + 1);
  char checksum[kChecksumDigits + 1];
  std::snprintf(checksum, sizeof checksum, "%016llx", static_cast<unsigned long long>(checksum64(text)));
  if (line.substr(0, kChecksumDigits) != checksum) return std::nullopt;
  Result<Json> parsed = Json::parse(text);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return std::move(*parsed);
}

}  // namespace

HistoryFile::HistoryFile(Files& files, const Clock& clock, std::string folder, Limits limits)
    : files_(files), clock_(clock), folder_(std::move(folder)), limits_(limits) {}

Result<std::unique_ptr<HistoryFile>> HistoryFile::open(Files& files, const Clock& clock, std::string folder,
                                                       Limits limits) {
  std::unique_ptr<HistoryFile> out(new HistoryFile(files, clock, std::move(folder), limits));
  TRY(files.make_directories(out->folder_));
  TRY(out->load());
  out->thread_ = start_thread("history", [self = out.get()] { self->work(); });
  return out;
}

HistoryFile::~HistoryFile() {
  if (!thread_.joinable()) return;
  {
    const MutexLock lock(mutex_);
    is_ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

std::string HistoryFile::path_of(uint64_t number) const {
  char name[32];
  std::snprintf(name, sizeof name, "/%012llu.log", static_cast<unsigned long long>(number));
  return folder_ + name;
}

// --- at a start ------------------------------------------------------------------------------------------------------

Status HistoryFile::load() {
  TRY_ASSIGN(const std::vector<DirectoryEntry> entries, files_.list(folder_));
  for (const DirectoryEntry& entry : entries) {
    if (entry.name.ends_with(".staging")) {
      TRY(files_.remove(folder_ + "/" + entry.name));
      continue;
    }
    Segment segment{.path = folder_ + "/" + entry.name};
    if (!entry.name.ends_with(".log") ||
        std::sscanf(entry.name.c_str(), "%12llu.log", reinterpret_cast<unsigned long long*>(&segment.number)) != 1)
      continue;
    TRY(read_segment(segment));
    segments_.push_back(std::move(segment));
  }
  const int64_t oldest = clock_.wall().micros - limits_.age_max.micros;
  std::erase_if(kept_, [oldest](const Json& one) { return one["at"].as_int() < oldest; });
  if (kept_.size() > limits_.records_max) {
    kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(limits_.records_max));
  }
  drop_old();
  if (segments_.size() > kSegmentsMerged) return merge();
  return {};
}

Status HistoryFile::read_segment(Segment& segment) {
  TRY_ASSIGN(const auto file, files_.open(segment.path, OpenMode::read));
  TRY_ASSIGN(segment.bytes, file->size());
  std::string text(std::min<uint64_t>(segment.bytes, limits_.bytes_max + kSegmentBytes), '\0');
  TRY_ASSIGN(const size_t read, file->read_at(0, text.data(), text.size()));
  text.resize(read);
  if (!text.starts_with(kHeader)) {
    const bool is_torn = kHeader.starts_with(text);
    if (is_torn) return {};
    return Error(Code::corrupt, segment.path + " is no history of this version",
                 "a newer weir may have written it; move it away to start without it");
  }
  size_t damaged = 0;
  for (size_t at = kHeader.size(); at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (auto record = record_of(std::string_view(text).substr(at, end - at))) {
      ++segment.records;
      segment.newest = std::max(segment.newest, (*record)["at"].as_int());
      kept_.push_back(std::move(*record));
    } else {
      ++damaged;
    }
    at = end + 1;
  }
  if (damaged > 1) log_event(Level::warn, "history.damaged", {{"file", segment.path}, {"lines", damaged}});
  return {};
}

// Many starts leave many small segments. The new one takes the last one's number, so that it is whole or not there;
// where the others could not be removed their records are told twice, and merged again.
Status HistoryFile::merge() {
  const uint64_t number = segments_.back().number;
  const std::string staging = path_of(number) + ".staging";
  std::string text(kHeader);
  Segment merged{.path = path_of(number), .number = number, .records = kept_.size()};
  for (const Json& record : kept_) {
    text += line_of(record);
    merged.newest = std::max(merged.newest, record["at"].as_int());
  }
  merged.bytes = text.size();
  {
    TRY_ASSIGN(const auto file, files_.open(staging, OpenMode::create_new));
    TRY(file->write_at(0, text));
    TRY(file->sync());
  }
  TRY(files_.rename(staging, merged.path));
  TRY(files_.sync_directory(folder_));
  for (const Segment& one : segments_) {
    if (one.number != number) (void)files_.remove(one.path);
  }
  TRY(files_.sync_directory(folder_));
  segments_.clear();
  segments_.push_back(std::move(merged));
  return {};
}

// --- afterwards ------------------------------------------------------------------------------------------------------

void HistoryFile::add(Json record) {
  const MutexLock lock(mutex_);
  if (waiting_.size() >= kWaitingMax) {
    ++lost_;
    return;
  }
  waiting_.push_back(std::move(record));
  ++added_;
  if (waiting_.size() == 1) changed_.notify_all();
}

Status HistoryFile::flush() {
  mutex_.lock();
  const uint64_t wanted = added_;
  is_urgent_ = true;
  changed_.notify_all();
  while (written_ < wanted) changed_.wait(mutex_);
  Status done = last_;
  mutex_.unlock();
  return done;
}

void HistoryFile::work() {
  mutex_.lock();
  for (;;) {
    if (waiting_.empty() && is_ending_) break;
    if (waiting_.empty()) {
      is_urgent_ = false;
      changed_.wait(mutex_);
      continue;
    }
    const auto until = std::chrono::steady_clock::now() + kBatch;
    while (!is_urgent_ && !is_ending_ && std::chrono::steady_clock::now() < until) changed_.wait_until(mutex_, until);
    const std::vector<Json> batch = std::exchange(waiting_, {});
    const uint64_t lost = std::exchange(lost_, 0);
    mutex_.unlock();
    Status done = write(batch);
    if (!done || lost > 0) {
      // A segment that failed is not written again: the next batch begins another one.
      file_.reset();
      log_event(
          Level::warn, "history.lost",
          {{"records", lost + (done ? 0 : batch.size())}, {"reason", done ? "too many at once" : done.error().text()}});
    }
    mutex_.lock();
    written_ += batch.size();
    last_ = std::move(done);
    changed_.notify_all();
  }
  mutex_.unlock();
}

Status HistoryFile::begin_segment() {
  const uint64_t number = segments_.empty() ? 1 : segments_.back().number + 1;
  TRY_ASSIGN(auto file, files_.open(path_of(number), OpenMode::create_new));
  TRY(file->write_at(0, kHeader));
  TRY(files_.sync_directory(folder_));
  segments_.push_back({.path = path_of(number), .number = number, .bytes = kHeader.size()});
  file_ = std::move(file);
  return {};
}

Status HistoryFile::write(const std::vector<Json>& records) {
  if (file_ && segments_.back().bytes >= kSegmentBytes) file_.reset();
  if (!file_) {
    TRY(begin_segment());
  }
  Segment& segment = segments_.back();
  std::string text;
  for (const Json& record : records) {
    text += line_of(record);
    segment.newest = std::max(segment.newest, record["at"].as_int());
  }
  TRY(file_->write_at(segment.bytes, text));
  TRY(file_->sync());
  segment.bytes += text.size();
  segment.records += records.size();
  drop_old();
  return {};
}

// Segments that no limit wants any more; never the last one.
void HistoryFile::drop_old() {
  const int64_t oldest = clock_.wall().micros - limits_.age_max.micros;
  uint64_t records = 0, bytes = 0;
  for (const Segment& one : segments_) {
    records += one.records;
    bytes += one.bytes;
  }
  while (segments_.size() > 1) {
    const Segment& first = segments_.front();
    const bool is_needed =
        first.newest >= oldest && records - first.records < limits_.records_max && bytes <= limits_.bytes_max;
    if (is_needed) return;
    if (const Status removed = files_.remove(first.path); !removed) {
      log_event(Level::warn, "history.not_removed", {{"file", first.path}, {"reason", removed.error().text()}});
      return;
    }
    records -= first.records;
    bytes -= first.bytes;
    segments_.pop_front();
  }
}

}  // namespace weir::warehouse
