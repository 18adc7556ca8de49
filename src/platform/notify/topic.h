// Topics as they are declared in alerts/*.yaml: a name that `notify:` may list like a channel's, and who is told of
// what is told to it. Read from YAML, kept as JSON; pure functions and values.
//
//   topics:
//     oncall:
//       description: Who is woken
//       through: mail                     the mail channel of those who subscribe; without it the only one of the file
//       subscriptions:
//         - {channel: hook, at_least: warning}
//         - mail: [ada@shop.example]      or a channel; through its own `through`, or the topic's
//           severity: [critical]          these; or at_least: one and worse
//           names: ["alarm/orders_*"]     of the finding's key or source; * and ?
//           digest: 1h                    together, each full hour; or a schedule, "0 8 * * *"
//           zone: Europe/Berlin           of the schedule and of the hours
//           quiet_hours: {from: "22:00", to: "07:00", except: critical}
//           deduplicate: 30m              the same event of one finding at most once in so long
//
// What a filter leaves out is not told at all. What has to wait (digest, quiet hours, deduplication) is told later.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/yaml_reader.h"
#include "platform/notify/channel.h"

namespace weir::notify {

inline constexpr size_t kTopicsMax = 50;         // of one file
inline constexpr size_t kSubscriptionsMax = 50;  // declared in one topic
inline constexpr Duration kDeduplicateMax = days(1);

enum class Severity { info, warning, critical };
const std::vector<std::pair<std::string, Severity>>& severity_words();
const char* severity_word(Severity severity);

// What only a higher room knows of zones and schedules (platform/flow); app hands it in. Missing: then there are no
// zones but UTC, and no schedules.
struct Calendar {
  // What the zone's clocks show, counted as if it were UTC.
  std::function<Result<int64_t>(std::string_view zone, WallTime at)> local;
  // When a schedule is due next.
  std::function<Result<WallTime>(std::string_view schedule, std::string_view zone, WallTime after)> next;
};

struct QuietHours {
  int from = 0, to = 0;  // minutes of the day; beyond midnight if from > to
  std::string zone;
  std::optional<Severity> except;  // this and worse is told all the same
  friend bool operator==(const QuietHours&, const QuietHours&) = default;
};

struct Subscription {
  std::string channel;               // who delivers
  std::vector<std::string> to;       // mail: instead of the channel's own receivers
  std::vector<Severity> severities;  // empty: all
  std::vector<std::string> names;    // empty: all
  std::string digest;                // a duration or a schedule; empty: at once
  std::string zone = "UTC";
  std::optional<QuietHours> quiet;
  std::optional<Duration> deduplicate;
  friend bool operator==(const Subscription&, const Subscription&) = default;

  // `key` and `source` are the finding's.
  bool wants(Severity severity, std::string_view key, std::string_view source) const;
  // When what happens at `now` is told at the earliest.
  Result<WallTime> due(const Calendar& calendar, Severity severity, WallTime now) const;
};

struct Topic {
  std::string name;
  std::string description;
  std::string through;  // a mail channel, or empty: nobody can subscribe by mail
  std::vector<Subscription> subscriptions;
  friend bool operator==(const Topic&, const Topic&) = default;
};

// `*` stands for any text, `?` for one character (byte).
bool matches(std::string_view pattern, std::string_view text);

// The mapping `topics` of a file whose channels are given; mistakes go to the reader.
std::vector<Topic> read_topics(YamlSection& in, const std::vector<Channel>& channels, const Calendar& calendar);
Json topic_schema();  // of one
Json to_json(const Topic& topic);
// `wrong` gets the first thing that is not as to_json() wrote it.
Topic topic_from_json(const Json& json, std::string& wrong);
Json to_json(const Subscription& subscription);

}  // namespace weir::notify
