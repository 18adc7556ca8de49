#include "analysis/alarm/declaration.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/json_shape.h"
#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "core/project/compare_lists.h"

namespace weir::alarm {
namespace {

constexpr int kFormat = 1;
constexpr size_t kDescriptionBytesMax = 4'096;
constexpr size_t kLabelsMax = 16;

template <class Enum>
using Words = std::vector<std::pair<std::string, Enum>>;

const Words<Statistic>& statistic_words() {
  static const Words<Statistic> kWords = {
      {"sum", Statistic::sum}, {"avg", Statistic::avg},     {"min", Statistic::min},
      {"max", Statistic::max}, {"count", Statistic::count}, {"rate", Statistic::rate},
      {"p50", Statistic::p50}, {"p95", Statistic::p95},     {"p99", Statistic::p99}};
  return kWords;
}
const Words<Comparison>& comparison_words() {
  static const Words<Comparison> kWords = {{"above", Comparison::above},
                                           {"below", Comparison::below},
                                           {"at_least", Comparison::at_least},
                                           {"at_most", Comparison::at_most}};
  return kWords;
}
const Words<Missing>& missing_words() {
  static const Words<Missing> kWords = {{"no_data", Missing::no_data},
                                        {"breaching", Missing::breaching},
                                        {"ok", Missing::ok},
                                        {"ignore", Missing::ignore}};
  return kWords;
}
template <class Enum>
const std::string& word_of(const Words<Enum>& words, Enum value) {
  return words[static_cast<size_t>(value)].first;
}

std::string number(double value) {
  return std::isfinite(value) && value == std::floor(value) && std::abs(value) < 1e15
             ? std::to_string(static_cast<int64_t>(value))
             : Json(value).dump();
}

void read_words(YamlSection& in, const char* key, std::string& into) {
  if (in.text(key, into) && into.size() > kDescriptionBytesMax) {
    in.refuse(key, std::string(key) + " is longer than " + std::to_string(kDescriptionBytesMax) + " bytes");
  }
}

void read_metric(YamlSection& in, const MetricKinds& metrics, Alarm& into) {
  in.text("metric", into.metric, required);
  if (in.text_map("labels", into.labels) && into.labels.size() > kLabelsMax) {
    in.refuse("labels", "more than " + std::to_string(kLabelsMax) + " labels");
  }
  if (!in.choice("statistic", into.statistic, statistic_words(), required) || metrics.empty()) return;
  const auto known = metrics.find(into.metric);
  if (known == metrics.end()) {
    std::vector<std::string> names;
    for (const auto& [name, kind] : metrics) names.push_back(name);
    const auto near = nearest(into.metric, names);
    in.refuse("metric", "there is no metric " + shown(into.metric),
              near ? "did you mean '" + *near + "'?" : "docs/reference/metrics.md lists them");
  } else if (!has_statistic(known->second, into.statistic)) {
    in.refuse(
        "statistic",
        into.metric + " is a " + metric_kind_name(known->second) + ": it has no " + statistic_word(into.statistic),
        known->second == MetricKind::histogram ? "sum, avg, count, rate, p50, p95, p99"
        : known->second == MetricKind::counter ? "sum, avg, min, max, rate"
                                               : "sum, avg, min, max, count, rate");
  }
}

// The two of `datapoints: 3 of 5`; false if it is no such text.
bool read_datapoints(std::string_view text, Alarm& into) {
  const auto parts = split(text, ' ');
  if (parts.size() != 3 || parts[1] != "of") return false;
  const auto number_of = [](std::string_view digits) {
    int out = 0;
    if (digits.empty() || digits.size() > 3) return -1;
    for (char c : digits) {
      if (c < '0' || c > '9') return -1;
      out = out * 10 + (c - '0');
    }
    return out;
  };
  into.breaching = number_of(parts[0]);
  into.of = number_of(parts[2]);
  return into.breaching >= 1 && into.breaching <= into.of && into.of <= kDatapointsMax;
}

void read_limit(YamlSection& in, Alarm& into) {
  std::vector<std::string> given;
  for (const auto& [word, comparison] : comparison_words()) {
    if (!in.has(word)) continue;
    given.push_back(word);
    into.comparison = comparison;
    in.number(word, into.limit, {-1e300, 1e300});
  }
  if (given.size() == 1) return;
  in.refuse_at(in.node().at,
               "an alarm has one of above, below, at_least and at_most" +
                   std::string(given.empty() ? "; this has none" : "; this has " + join(given, " and ")),
               "for example above: 4000");
}

// A mail channel without receivers only carries what topics send through it.
bool can_be_told(const notify::Channel& channel) {
  return channel.kind != notify::ChannelKind::mail || !channel.to.empty();
}

bool is_used_by_topics(const notify::Channel& channel, const std::vector<notify::Topic>& topics) {
  for (const notify::Topic& topic : topics) {
    for (const notify::Subscription& one : topic.subscriptions) {
      if (one.channel == channel.name) return true;
    }
  }
  return false;
}

void read_notify(YamlSection& in, const AlertFile& file, std::vector<std::string>& into) {
  std::vector<std::string> otherwise = {std::string(notify::kPageChannel), std::string(notify::kLogChannel)};
  std::vector<std::string> known = otherwise;
  for (const auto& topic : file.topics) {
    otherwise.push_back(topic.name);
    known.push_back(topic.name);
  }
  for (const auto& channel : file.channels) {
    if (!can_be_told(channel)) continue;
    known.push_back(channel.name);
    if (!is_used_by_topics(channel, file.topics)) otherwise.push_back(channel.name);
  }
  if (!in.has("notify")) {
    into = otherwise;
    return;
  }
  if (!in.texts("notify", into)) return;
  if (into.empty()) in.refuse("notify", "the list is empty", "[page] tells nobody but the page");
  for (const std::string& name : into) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const bool is_declared = std::any_of(file.channels.begin(), file.channels.end(),
                                         [&](const notify::Channel& channel) { return channel.name == name; });
    if (is_declared) {
      in.refuse("notify", "the mail channel " + shown(name) + " has no receivers of its own",
                "give it to: [address], or name a topic that sends through it");
    } else {
      in.refuse("notify", "there is no channel " + shown(name) + " in this file", did_you_mean(name, known));
    }
  }
}

Alarm read_alarm(YamlSection& in, const AlertFile& file, const MetricKinds& metrics, ParsedAlerts& out) {
  Alarm alarm;
  alarm.name = in.name();
  out.places.emplace(alarm.name, in.node().at);
  if (!is_identifier(alarm.name)) {
    in.refuse_at(in.node().at, shown(alarm.name) + " is no name of an alarm", "[a-z][a-z0-9_]*");
  }
  read_words(in, "description", alarm.description);
  read_words(in, "todo", alarm.todo);
  in.flag("enabled", alarm.enabled);
  const bool has_metric = in.has("metric");
  const bool has_sql = in.has("sql");
  if (has_metric == has_sql) {
    in.refuse_at(in.node().at, has_sql ? "an alarm watches a metric or asks SQL; this does both"
                                       : "an alarm watches a metric or asks SQL; this does neither");
  }
  if (has_metric) {
    read_metric(in, metrics, alarm);
  } else {
    for (const char* key : {"labels", "statistic"}) {
      if (in.value(key) != nullptr) in.refuse(key, std::string(key) + " belongs to metric", "remove it");
    }
  }
  if (has_sql && in.text("sql", alarm.sql)) {
    if (alarm.sql.size() > kAlarmSqlBytesMax || trim(alarm.sql).empty()) {
      in.refuse("sql", "expected one SELECT of at most " + std::to_string(kAlarmSqlBytesMax) + " bytes");
    }
    const Yaml& node = *in.value("sql");
    Position at = node.at;
    if (node.written.find('\n') != std::string::npos) {
      ++at.line;  // a block begins below its key
      at.column = 1;
    } else if (node.quoted) {
      ++at.column;
    }
    out.sql_places.emplace(alarm.name, at);
  }
  read_limit(in, alarm);
  in.duration("period", alarm.period, {seconds(1), days(1)});
  std::string datapoints;
  if (in.text("datapoints", datapoints) && !read_datapoints(datapoints, alarm)) {
    in.refuse("datapoints", shown(datapoints) + " is not M of N with 1 ≤ M ≤ N ≤ " + std::to_string(kDatapointsMax),
              "for example 3 of 5");
  }
  in.choice("missing", alarm.missing, missing_words());
  in.choice("severity", alarm.severity, notify::severity_words());
  read_notify(in, file, alarm.notify);
  return alarm;
}

// `of` is not looked up: the runs of other work than flows and tables have names of their own.
void read_runs(YamlReader& in, AlertFile& file) {
  auto section = in.section("runs", "who is told of failed runs");
  if (!section) return;
  RunAlert out;
  section->texts("of", out.of);
  if (section->has("of") && out.of.empty()) section->refuse("of", "the list is empty", "leave it out: of all runs");
  if (out.of.size() > kAlarmsMax) section->refuse("of", "more than " + std::to_string(kAlarmsMax) + " names");
  section->choice("severity", out.severity, notify::severity_words());
  read_notify(*section, file, out.notify);
  file.runs.push_back(std::move(out));
}

RunAlert run_alert_from_json(const Json& json, std::string& wrong) {
  RunAlert out;
  JsonShape in(json, "who is told of failed runs", wrong);
  in.texts("of", out.of);
  in.texts("notify", out.notify);
  in.choice("severity", out.severity, notify::severity_words());
  in.finish();
  return out;
}

Json to_json(const RunAlert& runs) {
  Json of{Json::Array{}}, notify{Json::Array{}};
  for (const std::string& name : runs.of) of.push(name);
  for (const std::string& name : runs.notify) notify.push(name);
  Json out{Json::Object{}};
  out.set("of", std::move(of));
  out.set("notify", std::move(notify));
  out.set("severity", notify::severity_word(runs.severity));
  return out;
}

Alarm alarm_from_json(const Json& json, std::string& wrong) {
  Alarm out;
  JsonShape in(json, "an alarm", wrong);
  in.text("name", out.name);
  in.text("description", out.description);
  in.flag("enabled", out.enabled);
  in.text("metric", out.metric);
  in.text_map("labels", out.labels);
  in.choice("statistic", out.statistic, statistic_words());
  in.text("sql", out.sql);
  in.choice("comparison", out.comparison, comparison_words());
  in.number("limit", out.limit);
  in.duration("period", out.period);
  int64_t breaching = 1, of = 1;
  in.integer("breaching", breaching, 1, kDatapointsMax);
  in.integer("of", of, 1, kDatapointsMax);
  out.breaching = static_cast<int>(breaching);
  out.of = static_cast<int>(of);
  in.choice("missing", out.missing, missing_words());
  in.choice("severity", out.severity, notify::severity_words());
  in.text("todo", out.todo);
  in.texts("notify", out.notify);
  in.finish();
  return out;
}

// The engine's places count from the statement's first word.
Error in_file(Error error, const Position& begin) {
  Position at = begin;
  if (error.position) {
    at.line += error.position->line - 1;
    at.column = error.position->line == 1 ? at.column + error.position->column - 1 : error.position->column;
  }
  return std::move(error).at(at);
}

std::vector<project::Difference> compare(const Json& from, const Json& to) {
  const auto applied = alerts_from_json(from);
  const auto wanted = alerts_from_json(to);
  if (!applied || !wanted) {
    const Error& error = applied ? wanted.error() : applied.error();
    return {{"the alarms' declaration", false, error.message, error.hint}};
  }
  std::vector<project::Difference> out;
  project::compare_lists(
      applied->channels, wanted->channels, "channel", [](const auto& one) { return one.name; }, out);
  project::compare_lists(
      applied->topics, wanted->topics, "topic", [](const auto& one) { return one.name; }, out);
  project::compare_lists(
      applied->alarms, wanted->alarms, "alarm", [](const auto& one) { return one.name; }, out);
  if (applied->runs != wanted->runs) out.push_back({"who is told of failed runs: changed"});
  return out;
}

}  // namespace

bool RunAlert::is_of(const std::string& run) const {
  return of.empty() || std::find(of.begin(), of.end(), run) != of.end();
}

bool Alarm::is_breached_by(double value) const {
  switch (comparison) {
    case Comparison::above:
      return value > limit;
    case Comparison::below:
      return value < limit;
    case Comparison::at_least:
      return value >= limit;
    case Comparison::at_most:
      return value <= limit;
  }
  return false;
}

std::string Alarm::condition() const {
  std::string out;
  if (is_sql()) {
    out = "the result of its SQL";
  } else {
    out = std::string(statistic_word(statistic)) + " of " + metric;
    std::string filter;
    for (const auto& [key, value] : labels) filter += (filter.empty() ? "" : ", ") + key + "=" + value;
    if (!filter.empty()) out += " {" + filter + "}";
  }
  switch (comparison) {
    case Comparison::above:
      return out + " is above " + number(limit);
    case Comparison::below:
      return out + " is below " + number(limit);
    case Comparison::at_least:
      return out + " is at least " + number(limit);
    case Comparison::at_most:
      return out + " is at most " + number(limit);
  }
  return out;
}

const char* statistic_word(Statistic statistic) {
  return word_of(statistic_words(), statistic).c_str();
}

bool has_statistic(MetricKind kind, Statistic statistic) {
  const bool is_percentile = statistic == Statistic::p50 || statistic == Statistic::p95 || statistic == Statistic::p99;
  const bool is_extreme = statistic == Statistic::min || statistic == Statistic::max;
  switch (kind) {
    case MetricKind::counter:
      return !is_percentile && statistic != Statistic::count;
    case MetricKind::gauge:
      return !is_percentile;
    case MetricKind::histogram:
      return !is_extreme;
  }
  return false;
}

ParsedAlerts parse_alerts(const Yaml& root, const MetricKinds& metrics, const notify::Calendar& calendar) {
  ParsedAlerts out;
  YamlReader in(root, "the alarms");
  std::string description;
  read_words(in, "description", description);
  project::Common common;
  project::read_common(in, common);
  out.file.tags = std::move(common.tags);
  out.file.channels = notify::read_channels(in);
  out.file.topics = notify::read_topics(in, out.file.channels, calendar);
  auto sections = in.named_sections("alarms", "an alarm");
  if (sections.size() > kAlarmsMax) {
    in.refuse("alarms", "more than " + std::to_string(kAlarmsMax) + " alarms in one file");
  }
  for (YamlSection& section : sections) {
    Alarm alarm = read_alarm(section, out.file, metrics, out);
    alarm.enabled = alarm.enabled && common.enabled;
    out.file.alarms.push_back(std::move(alarm));
  }
  read_runs(in, out.file);
  out.errors = in.finish();
  return out;
}

Json to_json(const Alarm& alarm) {
  Json out{Json::Object{}};
  out.set("name", alarm.name);
  out.set("description", alarm.description);
  out.set("enabled", alarm.enabled);
  out.set("metric", alarm.metric);
  Json labels{Json::Object{}};
  for (const auto& [name, value] : alarm.labels) labels.set(name, value);
  out.set("labels", std::move(labels));
  out.set("statistic", statistic_word(alarm.statistic));
  out.set("sql", alarm.sql);
  out.set("comparison", word_of(comparison_words(), alarm.comparison));
  out.set("limit", alarm.limit);
  out.set("period", format_duration(alarm.period));
  out.set("breaching", alarm.breaching);
  out.set("of", alarm.of);
  out.set("missing", word_of(missing_words(), alarm.missing));
  out.set("severity", notify::severity_word(alarm.severity));
  out.set("todo", alarm.todo);
  Json notify{Json::Array{}};
  for (const std::string& name : alarm.notify) notify.push(name);
  out.set("notify", std::move(notify));
  return out;
}

Json to_json(const AlertFile& file) {
  Json channels{Json::Array{}};
  for (const auto& channel : file.channels) channels.push(notify::to_json(channel));
  Json topics{Json::Array{}};
  for (const auto& topic : file.topics) topics.push(notify::to_json(topic));
  Json alarms{Json::Array{}};
  for (const Alarm& alarm : file.alarms) alarms.push(to_json(alarm));
  Json out{Json::Object{}};
  out.set("format", kFormat);
  Json tags{Json::Object{}};
  for (const auto& [name, value] : file.tags) tags.set(name, value);
  out.set("tags", std::move(tags));
  out.set("channels", std::move(channels));
  if (!file.topics.empty()) out.set("topics", std::move(topics));
  out.set("alarms", std::move(alarms));
  if (!file.runs.empty()) out.set("runs", to_json(file.runs.front()));
  return out;
}

Result<AlertFile> alerts_from_json(const Json& json) {
  if (json["format"].as_int() > kFormat) {
    return Error(Code::unsupported, "a newer weir wrote these alarms", "use that one");
  }
  AlertFile out;
  std::string wrong;
  for (const auto& [name, value] : json["tags"].object()) out.tags[name] = value.as_string();
  for (const Json& channel : json["channels"].array()) {
    out.channels.push_back(notify::channel_from_json(channel, wrong));
  }
  for (const Json& topic : json["topics"].array()) out.topics.push_back(notify::topic_from_json(topic, wrong));
  for (const Json& alarm : json["alarms"].array()) out.alarms.push_back(alarm_from_json(alarm, wrong));
  if (json["runs"].is_object()) out.runs.push_back(run_alert_from_json(json["runs"], wrong));
  if (json["format"].as_int() != kFormat) wrong = "the format is missing";
  if (!wrong.empty()) return Error(Code::corrupt, "applied alarms cannot be read: " + wrong);
  return out;
}

project::Kind alert_kind(std::function<MetricKinds()> metrics, std::function<Status(const std::string& sql)> examine,
                         notify::Calendar calendar) {
  project::Kind kind;
  kind.name = "alert";
  kind.folder = "alerts";
  kind.prose = "Alarms on metrics and SQL, and the channels and topics that are told.";
  kind.parse = [metrics = std::move(metrics), examine = std::move(examine),
                calendar = std::move(calendar)](const project::DeclarationSource& source) {
    ParsedAlerts parsed = parse_alerts(source.root, metrics ? metrics() : MetricKinds{}, calendar);
    project::Declared out;
    out.errors = std::move(parsed.errors);
    for (const Alarm& alarm : parsed.file.alarms) {
      out.claims.push_back({"the alarm " + alarm.name, parsed.places[alarm.name]});
      if (!examine || !out.errors.empty() || !alarm.is_sql()) continue;
      if (const Status good = examine(alarm.sql); !good) {
        out.errors.push_back(in_file(good.error(), parsed.sql_places[alarm.name]));
      }
    }
    for (const auto& channel : parsed.file.channels) {
      out.claims.push_back({"the channel " + channel.name, {source.file, 1, 1}});
    }
    // One name is one receiver in the whole project, be it a channel or a topic.
    for (const auto& topic : parsed.file.topics) {
      out.claims.push_back({"the channel " + topic.name, {source.file, 1, 1}});
    }
    if (out.errors.empty()) out.body = to_json(parsed.file);
    return out;
  };
  kind.compare = compare;
  kind.schema = alert_schema;
  kind.destroy = [](std::string_view, uint32_t) { return Status(); };  // it has no data
  return kind;
}

}  // namespace weir::alarm
