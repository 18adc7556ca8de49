#include "surface/http/live_watch.h"

#include <algorithm>

#include "core/runtime/thread.h"

namespace weir::http {

namespace {

constexpr auto kTick = std::chrono::milliseconds(125);
constexpr int64_t kHeartbeat = 15'000'000;
constexpr size_t kMessageBytesMax = 2u << 20;  // half of what may wait for a watcher

std::string event_text(const Json& data, const live::Version& version) {
  return "event: windows\nid: " + version.text() + "\ndata: " + data.dump() + "\n\n";
}

}  // namespace

LiveWatch::LiveWatch(live::Live& live, Clock& clock)
    : live_(live), clock_(clock), thread_(start_thread("live-watch", [this] { run(); })) {}

LiveWatch::~LiveWatch() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

Status LiveWatch::add(Wanted wanted, std::shared_ptr<BodyStream> to) {
  MutexLock lock(mutex_);
  if (watcher_count_ >= kWatchersMax) {
    return Error(Code::busy, "already " + std::to_string(kWatchersMax) + " watch live windows at once");
  }
  ++watcher_count_;
  joining_.push_back({std::move(wanted), std::move(to)});
  changed_.notify_all();
  return {};
}

void LiveWatch::run() {
  std::vector<Watcher> watchers;
  for (;;) {
    {
      MutexLock lock(mutex_);
      watcher_count_ = watchers.size() + joining_.size();
      while (!is_stopping_ && watchers.empty() && joining_.empty()) changed_.wait(mutex_);
      if (is_stopping_) break;
      for (Watcher& watcher : joining_) watchers.push_back(std::move(watcher));
      joining_.clear();
    }
    tick(watchers);
    watchers.erase(
        std::remove_if(watchers.begin(), watchers.end(), [](const Watcher& it) { return it.to->is_closed(); }),
        watchers.end());
    MutexLock lock(mutex_);
    if (!is_stopping_) changed_.wait_for(mutex_, kTick);
  }
  for (const Watcher& watcher : watchers) watcher.to->finish();
  MutexLock lock(mutex_);
  for (const Watcher& watcher : joining_) watcher.to->finish();
}

void LiveWatch::tick(std::vector<Watcher>& watchers) {
  const int64_t now = clock_.steady_micros();
  const bool beats = now - heartbeat_at_ >= kHeartbeat;
  if (beats) heartbeat_at_ = now;
  std::map<Same, Message> made;
  for (Watcher& watcher : watchers) {
    Wanted& wanted = watcher.wanted;
    const live::Version seen = wanted.seen.value_or(live::Version{});
    const Same same{wanted.name, wanted.from ? wanted.from->micros : INT64_MIN, wanted.key_text, seen.epoch,
                    seen.position};
    auto found = made.find(same);
    if (found == made.end()) found = made.emplace(same, make(wanted)).first;
    const Message& message = found->second;
    // Without room the watcher keeps what it saw: the next message it takes has everything since.
    if (!message.text.empty() && watcher.to->offer(message.text)) wanted.seen = message.version;
    if (message.is_last) watcher.to->finish();
    // Without a word the browser could not tell quiet windows from a dead server, nor we a watcher that left.
    if (beats && message.text.empty()) static_cast<void>(watcher.to->offer(": still here\n\n"));
  }
}

LiveWatch::Message LiveWatch::make(const Wanted& wanted) const {
  Message out;
  live::Query query;
  query.from = wanted.from;
  query.key = wanted.key;
  query.rows_max = 0;  // only to see whether anything changed
  auto reading = live_.read(wanted.name, query);
  const bool is_gone = !reading || reading->state.phase == live::Phase::disabled;
  if (is_gone) {
    out.text = "event: gone\ndata: {\"name\":\"" + wanted.name + "\"}\n\n";
    out.is_last = true;
    return out;
  }
  const bool goes_on = wanted.seen && wanted.seen->epoch == reading->state.version.epoch &&
                       wanted.seen->position <= reading->state.version.position;
  if (goes_on && reading->state.changed < wanted.seen->position) return out;
  query.changed_from = goes_on ? wanted.seen->position : 0;
  for (query.rows_max = kRowsMax; query.rows_max > 0; query.rows_max /= 2) {
    reading = live_.read(wanted.name, query);
    if (!reading) return {};
    Json data = live::change_json(*reading);
    data.set("snapshot", !goes_on);
    out.version = reading->state.version;
    out.text = event_text(data, out.version);
    if (out.text.size() <= kMessageBytesMax) break;
  }
  return out;
}

}  // namespace weir::http
