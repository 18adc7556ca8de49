#include "surface/http/tail.h"

#include <algorithm>

#include "core/base/json.h"
#include "core/runtime/thread.h"

namespace weir::http {

namespace {

constexpr uint64_t kBehindMax = 50'000;  // records; beyond, the tail leaps
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHeartbeat = 15 * kSecond;

// A payload is JSON: line breaks stand only between its tokens, and would end the event's data.
void append_on_one_line(std::string& out, std::string_view json) {
  for (const char character : json) out += character == '\n' || character == '\r' ? ' ' : character;
}

}  // namespace

std::string tail_event(const capture::Record& record, uint64_t sequence) {
  const bool is_accepted = record.kind == capture::RecordKind::accepted;
  std::string out = "event: record\ndata: {\"id\":";
  Json::append_quoted(out, record.id);
  out += ",\"sequence\":" + std::to_string(sequence);
  out += ",\"arrived_at\":\"" + format_timestamp(record.arrived_at.micros) + "\",\"status\":";
  if (is_accepted) {
    out += "\"accepted\",\"event\":";
    append_on_one_line(out, record.payload);
  } else {
    out += "\"quarantined\",\"payload\":";
    Json::append_quoted(out, record.payload);
    out += ",\"reason\":";
    Json::append_quoted(out, record.reason);
    out += ",\"field\":";
    Json::append_quoted(out, record.field);
    out += ",\"message\":";
    Json::append_quoted(out, record.message);
  }
  out += "}\n\n";
  return out;
}

TailHub::TailHub(journal::Journal& journal, Clock& clock)
    : journal_(journal), clock_(clock), thread_(start_thread("tail", [this] { run(); })) {}

TailHub::~TailHub() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

Status TailHub::add(Watch watch, std::shared_ptr<BodyStream> to) {
  MutexLock lock(mutex_);
  if (watcher_count_ >= kWatchersMax) {
    return Error(Code::busy, "already " + std::to_string(kWatchersMax) + " tails are watched at once");
  }
  ++watcher_count_;
  joining_.push_back({std::move(watch), std::move(to), 0, 0});
  changed_.notify_all();
  return {};
}

void TailHub::run() {
  std::vector<Watcher> watchers;
  for (;;) {
    {
      MutexLock lock(mutex_);
      watcher_count_ = watchers.size() + joining_.size();
      while (!is_stopping_ && watchers.empty() && joining_.empty()) {
        reader_.reset();
        changed_.wait(mutex_);
      }
      if (is_stopping_) break;
      for (Watcher& watcher : joining_) watchers.push_back(std::move(watcher));
      joining_.clear();
    }
    follow(watchers);
    if (clock_.steady_micros() - second_started_ >= kSecond) end_second(watchers);
    watchers.erase(
        std::remove_if(watchers.begin(), watchers.end(), [](const Watcher& it) { return it.to->is_closed(); }),
        watchers.end());
  }
  for (const Watcher& watcher : watchers) watcher.to->finish();
  MutexLock lock(mutex_);
  for (const Watcher& watcher : joining_) watcher.to->finish();
}

// Shows what is there, or waits a moment for more.
void TailHub::follow(std::vector<Watcher>& watchers) {
  const journal::Sequence end = journal_.durable_end();
  const bool is_behind = reader_ && end.value > reader_->position().value + kBehindMax;
  if (!reader_ || is_behind) {
    if (is_behind) {
      for (Watcher& watcher : watchers) watcher.skipped += end.value - reader_->position().value;
    }
    Result<std::unique_ptr<journal::Reader>> reader = journal_.read_from(end);
    if (!reader) {
      // The journal cannot be read now: watchers see nothing new, and their next second tries again.
      static_cast<void>(journal_.wait_past(end, milliseconds(500)));
      return;
    }
    reader_ = std::move(*reader);
  }
  const Result<std::vector<journal::Entry>> group = reader_->next_group();
  if (!group) return;  // damage is named by the lake's follower; the reader goes on behind it
  if (group->empty()) {
    static_cast<void>(journal_.wait_past(std::max(reader_->position(), end), milliseconds(200)));
    return;
  }
  for (const journal::Entry& entry : *group) show(entry, watchers);
}

void TailHub::show(const journal::Entry& entry, std::vector<Watcher>& watchers) {
  const Result<capture::Record> record = capture::decode(entry.bytes);
  if (!record || record->kind == capture::RecordKind::mark) return;
  std::string event;  // made once for all who watch this stream
  for (Watcher& watcher : watchers) {
    if (watcher.watch.stream != record->stream) continue;
    if (record->kind != capture::RecordKind::accepted && !watcher.watch.sees_quarantined) continue;
    if (watcher.sent >= kRecordsPerSecond) {
      ++watcher.skipped;
      continue;
    }
    if (event.empty()) event = tail_event(*record, entry.sequence.value);
    if (watcher.to->offer(event)) {
      ++watcher.sent;
    } else {
      ++watcher.skipped;
    }
  }
}

void TailHub::end_second(std::vector<Watcher>& watchers) {
  second_started_ = clock_.steady_micros();
  const bool beats = second_started_ - heartbeat_at_ >= kHeartbeat;
  if (beats) heartbeat_at_ = second_started_;
  for (Watcher& watcher : watchers) {
    watcher.sent = 0;
    if (watcher.skipped > 0) {
      const std::string event = "event: skipped\ndata: {\"count\":" + std::to_string(watcher.skipped) + "}\n\n";
      if (watcher.to->offer(event)) watcher.skipped = 0;
    }
    // Without a word the browser could not tell a quiet stream from a dead server, nor we a watcher that left.
    if (!beats) continue;
    if (watcher.watch.may_go_on && !watcher.watch.may_go_on()) {
      static_cast<void>(watcher.to->offer("event: refused\ndata: {\"message\":\"you may no longer see these\"}\n\n"));
      watcher.to->finish();
      continue;
    }
    static_cast<void>(watcher.to->offer(": still here\n\n"));
  }
}

}  // namespace weir::http
