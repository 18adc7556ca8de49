// Notify: findings, messages, and who is told of them.
//
// A finding is something that somebody should know of: an alarm, a failed run, a table whose test failed. It says what,
// where, since when, how bad, why, what to do, and has one link to its page. Whatever is reported again under the same
// key while its finding is not closed updates that one: a person is told once when it opens, and once when it closes.
// A message is told once and is no finding: "Your report is ready", a test.
//
// Who is told is said by names: channels (platform/notify/channel.h), topics (topic.h: subscriptions with filters,
// digest, quiet hours), `log` and `page`, which are always there.
//
// The outbox: what is to be told is a row of the control database, written in the transaction of the finding's change,
// and ends with a definite answer (2xx, 250, exit 0, a synced line), recorded before the next delivery of its channel
// begins. Each has an id that stays: over retries, restarts, `weir outbox retry`. So it is told at least once, again
// only where the answer was lost, and then under the same id; after an answer that is recorded never. A delivery that
// fails is tried again with back-off until its channel's retry_for is over, then it is given up, which is a finding. A
// channel has a thread of its own: a receiver that hangs holds up neither the reporter nor another channel. At most
// kOutboxMax deliveries are open: beyond it a message is refused, a finding is kept untold, and a finding says so.
//
// Secrets: a channel's words that hold `${secret:NAME}` are kept as written, filled in for each delivery, and taken out
// of every error.
//
// Threads: any. stop(), or the destructor, ends deliveries under way; their answer is not known then.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/json.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "platform/notify/channel.h"
#include "platform/notify/topic.h"
#include "storage/control/control.h"

namespace weir::notify {

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
  size_t waiting = 0;                  // in the outbox, also what is under way
  uint64_t delivered = 0, failed = 0;  // since the program was started; failed: given up
  std::string error;                   // of the last attempt, if it failed; without secrets
  std::optional<WallTime> error_at;
  Json to_json() const;
};

// What is sent and is no finding.
struct Attachment {
  std::string name, content_type, bytes;
};
struct Message {
  std::string name = "message";  // what subscriptions filter by: "review/warehouse"
  std::string subject;
  std::string text;
  std::string html{};  // of mails; empty: made of the text
  std::string link{};  // path of its page
  Severity severity = Severity::info;
  std::vector<Attachment> attachments{};  // of mails; others get their names and sizes
  // What it is about, where that is told only once: who goes on after a kill sends it again, and nobody is told twice
  // within a week. Empty: each message is its own.
  std::string once{};
};
inline constexpr size_t kMessageTextBytesMax = 256u << 10, kMessageHtmlBytesMax = 1u << 20;
inline constexpr size_t kAttachmentsMax = 10, kAttachmentBytesMax = 4u << 20;  // all together

struct Options {
  std::string project;
  std::string environment;
  std::string url;                      // of this server, for links; empty: none
  int attempts = 6;                     // failures one after the other until the channel itself is a finding
  bool delivers = true;                 // false: what is told stays in the outbox, for the next that does
  std::string folder{};                 // the project's: commands work and files lie there
  std::vector<std::string> commands{};  // programs that channels may run, as they are declared
  std::string key_file{};               // what links in mails are signed with; made when it is needed first
};

inline constexpr size_t kOutboxMax = 50'000;  // deliveries that are not ended
inline constexpr size_t kEndedKept = 20'000;  // that are ended, for a week
inline constexpr Duration kEndedKeptFor = days(7);
inline constexpr size_t kClosedKept = 1'000;  // findings

class Courier;
class Subscribers;

class Notifier {
 public:
  struct Parts {
    control::Control& control;
    Clock& clock;
    Random& random;
    Metrics& metrics;
    std::function<Result<std::string>(std::string_view name)> secret;
    Calendar calendar{};
  };
  Notifier(const Parts& parts, Options options);
  ~Notifier();

  // Replaces what is declared; a channel that did not change goes on.
  void set_channels(const std::vector<Channel>& channels, const std::vector<Topic>& topics = {});
  // Opens or updates the finding of this key; returns its id. A new one is told to `names`: "log", "page", declared
  // channels and topics; a name that is not declared is left out, as its declaration was removed meanwhile.
  Result<std::string> report(const Finding& finding, const std::vector<std::string>& names);
  // Nothing if there is no such finding that is not closed.
  Status close(std::string_view key, const std::string& why, const std::vector<std::string>& names);
  // Somebody looks after it. `conflict` if it is closed.
  Status acknowledge(std::string_view id, const std::string& who);
  // A message to channels and topics, through the same outbox: once this returns it will be delivered. `not_found` if
  // a name is not declared, `busy` if the outbox is full, too_large.
  Status send(const Message& message, const std::vector<std::string>& names);
  // The same; the ids of its deliveries. A subscription whose filter leaves it out has none. `event` is what receivers
  // see: "message", "test".
  Result<std::vector<std::string>> submit(const Message& message, const std::vector<std::string>& names,
                                          const std::string& event = "message");

  Result<std::vector<Kept>> findings(bool closed_too, size_t limit) const;  // newest first
  Result<Kept> finding(std::string_view id) const;
  // The one of that key that is not closed.
  Result<std::optional<Kept>> open(std::string_view key) const;
  std::vector<ChannelState> channels() const;
  std::vector<Topic> topics() const;
  Result<Topic> topic(std::string_view name) const;  // not_found names the nearest

  // The outbox.
  Result<std::vector<control::Delivery>> deliveries(const control::DeliveryFilter& filter) const;
  Result<control::Delivery> delivery(std::string_view id) const;
  // At once and anew for the channel's retry_for, under the same id; also one that was given up. `conflict` if it is
  // delivered or under way.
  Status retry(std::string_view id);
  Status discard(std::string_view id);  // it is not told any more; `conflict` as above

  // Who subscribes by mail.
  Subscribers& subscribers() { return *subscribers_; }

  // About once a second: what is too old is given up and trimmed, and counted.
  void tick();
  // The server's address is known once it listens.
  void set_url(std::string url);
  // No more deliveries; those under way are cut.
  void stop();

 private:
  friend class Courier;
  friend class Subscribers;
  struct Told {  // what is to be told to whom
    std::string event;
    Severity severity = Severity::info;
    std::string key, source;
    Json item;  // {"event", "finding"} or {"event", "message"}
  };
  Status put(const Kept& kept, std::vector<control::Delivery> deliveries = {});
  Status keep_and_tell(const Kept& kept, const char* event, const std::vector<std::string>& names);
  std::vector<control::Delivery> deliveries_of(const Told& told, const std::vector<std::string>& names) const;
  control::Delivery delivery_to(const Channel& channel, const Told& told) const;
  void subscribed(const Topic& topic, const Told& told, std::vector<control::Delivery>& out) const;
  void wake(const std::vector<control::Delivery>& deliveries);
  void outbox_is_full();
  std::map<std::string, uint64_t> said_given_up();
  void report_given_up(const std::string& channel, uint64_t count);
  void report_room(uint64_t open);
  static void note_kept(const std::string& key, const Status& kept);
  void channel_failed(const std::string& channel, const Error& error);
  void channel_works(const std::string& channel);
  void count_open();
  void count_outbox();
  Gauge& waiting_gauge(const std::string& channel) const;
  std::string url() const;

  const Parts parts_;
  const Options options_;
  Gauge& open_;
  Gauge& oldest_;
  Mutex findings_mutex_;  // finding one by its key and writing it is one step
  std::unique_ptr<Subscribers> subscribers_;
  std::atomic<bool> outbox_changed_{true}, is_full_{false}, was_counted_{false};
  std::atomic<int64_t> trimmed_at_{0}, oldest_at_{0};  // micros since 1970; 0: never, none
  mutable Mutex mutex_;
  std::string url_ GUARDED_BY(mutex_);
  std::map<std::string, Channel> declared_ GUARDED_BY(mutex_);
  std::map<std::string, Topic> topics_ GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> given_up_ GUARDED_BY(mutex_);  // as the findings say it
  std::map<std::string, std::shared_ptr<Courier>> couriers_ GUARDED_BY(mutex_);
};

}  // namespace weir::notify
