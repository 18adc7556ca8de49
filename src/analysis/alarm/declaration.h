// The declaration of alarms as people write it (`alerts/<name>.yaml`: alarms and the channels that are told) and as it
// is kept. Pure functions and values.
//
//   channels: …                       platform/notify/channel.h
//   topics: …                         platform/notify/topic.h
//   alarms:
//     impressions_records:
//       metric: weir_capture_records_total
//       labels: {stream: impressions}
//       statistic: avg                of the period; of a counter: per second
//       above: 4000                   or below, at_least, at_most
//       period: 1m
//       datapoints: 3 of 5
//       missing: ok                   or breaching, no_data, ignore
//       notify: [page, hook, oncall]  channels and topics; without it: page, log, every topic of the file and every
//                                     channel that none of them uses
//     no_clicks:
//       sql: SELECT count(*) FROM clicks WHERE _arrived_at > now() - INTERVAL 10 MINUTE
//       below: 1
//   runs:                             who is told of runs that failed, beside the page
//     of: [daily]                     flows, tables and other work by name; without it: of everything
//     notify: [hook]
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/metrics.h"
#include "core/project/project.h"
#include "platform/notify/notify.h"

namespace weir::alarm {

enum class Statistic { sum, avg, min, max, count, rate, p50, p95, p99 };
enum class Comparison { above, below, at_least, at_most };
enum class Missing { no_data, breaching, ok, ignore };

inline constexpr size_t kAlarmsMax = 200;   // of one file
inline constexpr int kDatapointsMax = 100;  // N
inline constexpr size_t kAlarmSqlBytesMax = 64u << 10;

struct Alarm {
  std::string name;  // of the whole project
  std::string description;
  bool enabled = true;
  // Either a metric, or SQL that gives one number.
  std::string metric;
  std::map<std::string, std::string> labels;  // series that have all of them, added together
  Statistic statistic = Statistic::avg;
  std::string sql;
  Comparison comparison = Comparison::above;
  double limit = 0;
  Duration period = minutes(1);
  int breaching = 1, of = 1;  // M of N datapoints
  Missing missing = Missing::no_data;
  notify::Severity severity = notify::Severity::warning;
  std::string todo;                 // what to do when it goes off
  std::vector<std::string> notify;  // names of channels and topics; never empty
  friend bool operator==(const Alarm&, const Alarm&) = default;

  bool is_sql() const { return !sql.empty(); }
  bool is_breached_by(double value) const;
  // "the average of weir_capture_records_total {stream=impressions} a second is above 4000"
  std::string condition() const;
};

struct RunAlert {
  std::vector<std::string> of;      // empty: all
  std::vector<std::string> notify;  // names of channels and topics; never empty
  notify::Severity severity = notify::Severity::warning;
  friend bool operator==(const RunAlert&, const RunAlert&) = default;
  bool is_of(const std::string& run) const;
};

struct AlertFile {
  std::map<std::string, std::string> tags;
  std::vector<notify::Channel> channels;
  std::vector<notify::Topic> topics;
  std::vector<Alarm> alarms;
  std::vector<RunAlert> runs;  // at most one of a file
};

struct ParsedAlerts {
  AlertFile file;
  std::vector<Error> errors;
  std::map<std::string, Position> places;      // of the alarms, by name
  std::map<std::string, Position> sql_places;  // where an alarm's statement begins
};
// What a kind of metric has; `metrics` is empty where no program runs: then only words are checked.
using MetricKinds = std::map<std::string, MetricKind>;
// Without a calendar there are no zones but UTC, and no schedules.
ParsedAlerts parse_alerts(const Yaml& root, const MetricKinds& metrics, const notify::Calendar& calendar = {});

const char* statistic_word(Statistic statistic);
bool has_statistic(MetricKind kind, Statistic statistic);
Json alert_schema();
Json to_json(const AlertFile& file);
Json to_json(const Alarm& alarm);
Result<AlertFile> alerts_from_json(const Json& json);

// The kind `alert`. `metrics` says what can be watched; `examine` judges a statement and may be missing.
project::Kind alert_kind(std::function<MetricKinds()> metrics, std::function<Status(const std::string& sql)> examine,
                         notify::Calendar calendar = {});

}  // namespace weir::alarm
