// Notify: findings, and who is told of them.
//
// A finding is something that somebody should know of: an alarm, a failed run, a table whose test failed. It says what,
// where, since when, how bad, why, what to do, and has one link to its page. Whatever is reported again under the same
// key while its finding is not closed updates that one: a person is told once when it opens, and once when it closes.
//
// Findings are kept in the control database before anybody is told (the channel `page` is just that). Other channels
// are told by a thread of their own, from a queue of kQueueMax, with retries and back-off: a receiver that hangs holds
// up neither the reporter nor another channel. What waits in a queue when the program is killed is not sent again; the
// finding is still on the page. A channel that cannot deliver is a finding itself, on the page and in the log.
//
// Secrets: a channel's words that hold `${secret:NAME}` are kept as written, filled in for each delivery, and taken out
// of every error.
//
// Threads: any. stop(), or the destructor, ends deliveries under way.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/json.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "platform/notify/channel.h"
#include "storage/control/control.h"

namespace weir::notify {

enum class Severity { info, warning, critical };
const std::vector<std::pair<std::string, Severity>>& severity_words();
const char* severity_word(Severity severity);

// What is reported.
struct Finding {
  std::string key;     // what it is about: "alarm/impressions_records"; at most one of a key is not closed
  std::string source;  // "alarm", "run", "table", "channel"
  std::string what;    // a sentence
  std::string where;   // "alarm impressions_records"
  Severity severity = Severity::warning;
  std::string why;   // the evidence
  std::string todo;  // what to do; may be empty
  std::string link;  // path of its page
  WallTime since;
};

// What is kept.
struct Kept {
  std::string id;
  std::string state;  // "open", "acknowledged", "closed"
  Finding finding;
  WallTime opened_at, updated_at;
  std::optional<WallTime> closed_at;
  uint64_t reports = 1;  // how often it was reported while it was not closed
  std::string acknowledged_by;
  std::optional<WallTime> acknowledged_at;
  std::string closed_because;
  Json to_json() const;
};

struct ChannelState {
  Channel channel;
  size_t waiting = 0;
  uint64_t delivered = 0, failed = 0;
  std::string error;  // of the last delivery, if it failed; without secrets
  std::optional<WallTime> error_at;
  Json to_json() const;
};

// What a channel gets.
struct Notice {
  Kept finding;
  std::string event;  // "opened", "closed"
};

struct Options {
  std::string project;
  std::string environment;
  std::string url;  // of this server, for links; empty: none
  int attempts = 6;
  Duration wait = seconds(1);  // before the second attempt; doubled each time
};

inline constexpr size_t kQueueMax = 64;       // notices that wait for one channel
inline constexpr size_t kClosedKept = 1'000;  // findings

class Courier;

class Notifier {
 public:
  struct Parts {
    control::Control& control;
    Clock& clock;
    Random& random;
    Metrics& metrics;
    std::function<Result<std::string>(std::string_view name)> secret;
  };
  Notifier(const Parts& parts, Options options);
  ~Notifier();

  // Replaces what is declared; a channel that did not change goes on with its queue.
  void set_channels(const std::vector<Channel>& channels);
  // Opens or updates the finding of this key; returns its id. A new one is told to `channels` ("log", "page", or
  // declared ones; a name that is not declared is left out, as its declaration was removed meanwhile).
  Result<std::string> report(const Finding& finding, const std::vector<std::string>& channels);
  // Nothing if there is no such finding that is not closed.
  Status close(std::string_view key, const std::string& why, const std::vector<std::string>& channels);
  // Somebody looks after it. `conflict` if it is closed.
  Status acknowledge(std::string_view id, const std::string& who);

  Result<std::vector<Kept>> findings(bool closed_too, size_t limit) const;  // newest first
  Result<Kept> finding(std::string_view id) const;
  // The one of that key that is not closed.
  Result<std::optional<Kept>> open(std::string_view key) const;
  std::vector<ChannelState> channels() const;
  // The server's address is known once it listens.
  void set_url(std::string url);
  // No more deliveries; those under way are cut.
  void stop();

 private:
  friend class Courier;
  Status put(const Kept& kept);
  void tell(const Kept& kept, const char* event, const std::vector<std::string>& channels);
  void channel_failed(const std::string& channel, const Error& error);
  void channel_works(const std::string& channel);
  void count_open();
  std::string url() const;

  const Parts parts_;
  const Options options_;
  Gauge& open_;
  Mutex findings_mutex_;  // finding one by its key and writing it is one step
  mutable Mutex mutex_;
  std::string url_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<Courier>> couriers_ GUARDED_BY(mutex_);
};

}  // namespace weir::notify
