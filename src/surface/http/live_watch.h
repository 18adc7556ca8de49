// Live windows to those who watch them, as server-sent events.
//
// A watcher gets a snapshot first, then what changed: `event: windows`, whose id is the version it brings the watcher
// to. At most eight messages a second, each with the newest state of every row that changed since the last one that was
// taken; who reads slowly gets fewer and larger steps, never a backlog. With Last-Event-ID a watcher goes on where it
// stopped, over restarts too; it gets a snapshot where that is not known any more. One thread ("live-watch") serves all
// watchers and sleeps while there are none. add() from any thread.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "stream/live/live.h"
#include "surface/http/http.h"

namespace weir::http {

class LiveWatch {
 public:
  static constexpr size_t kWatchersMax = 200;
  static constexpr size_t kRowsMax = 5'000;  // of one message, the newest

  LiveWatch(live::Live& live, Clock& clock);
  ~LiveWatch();  // ends every watcher's stream
  LiveWatch(const LiveWatch&) = delete;
  LiveWatch& operator=(const LiveWatch&) = delete;

  // What somebody watches; `key_text` is the key as it was asked for.
  struct Wanted {
    std::string name;
    std::optional<EventTime> from;
    std::optional<live::Key> key;
    std::string key_text;
    std::optional<live::Version> seen;  // of Last-Event-ID
  };
  // `busy` if too many watch.
  Status add(Wanted wanted, std::shared_ptr<BodyStream> to);

 private:
  struct Watcher {
    Wanted wanted;
    std::shared_ptr<BodyStream> to;  // with the server's connection
  };
  // Watchers that saw the same and want the same get the same text.
  using Same = std::tuple<std::string, int64_t, std::string, uint64_t, uint64_t>;
  struct Message {
    std::string text;  // empty: nothing changed
    live::Version version;
    bool is_last = false;  // there is nothing to watch any more
  };

  void run();
  void tick(std::vector<Watcher>& watchers);
  Message make(const Wanted& wanted) const;

  live::Live& live_;
  Clock& clock_;
  int64_t heartbeat_at_ = 0;  // the thread's own

  Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Watcher> joining_ GUARDED_BY(mutex_);
  size_t watcher_count_ GUARDED_BY(mutex_) = 0;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace weir::http
