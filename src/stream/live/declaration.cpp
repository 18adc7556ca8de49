#include "stream/live/declaration.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "stream/live/declaration_words.h"

namespace weir::live {
namespace {

constexpr size_t kDescriptionBytesMax = 4'096;
constexpr size_t kNameBytesMax = 58;  // with the table's prefix a name of 63
constexpr size_t kMetricBytesMax = 255;
constexpr uint64_t kWindowsMax = 100'000;
constexpr Duration kKeepMax = days(366);
constexpr int64_t kDayMicros = 86'400'000'000;
constexpr const char* kOperand = "a stream, or a stream's field: orders, orders.amount";

void read_name(YamlReader& in, const std::string& name) {
  const Position at{in.node().at.file, 1, 1};
  if (in.value("name") != nullptr) {
    in.refuse("name", "the file's name is the name of the windows, here " + shown(name), "remove the line");
  }
  if (is_identifier(name) && name.size() <= kNameBytesMax) return;
  in.refuse_at(at,
               "live windows " + shown(name) + ": a name is a-z, 0-9 and _, begins with a letter and has at most " +
                   std::to_string(kNameBytesMax) + " characters",
               "rename the file");
}

// Whole seconds that divide a day, so that every day begins with a window.
void read_size(YamlReader& in, Duration& into) {
  Duration size = into;
  if (!in.duration("size", size, {seconds(1), days(1)}, required)) return;
  if (size.micros % 1'000'000 != 0 || kDayMicros % size.micros != 0) {
    in.refuse("size", format_duration(size) + " does not divide a day",
              "for example 1s, 10s, 1m, 5m, 15m, 1h, 6h or 1d");
    return;
  }
  into = size;
}

void read_times(YamlReader& in, Declaration& into) {
  read_size(in, into.size);
  into.keep = std::max(into.keep, into.size);
  if (in.duration("keep", into.keep, {into.size, kKeepMax}) || !in.has("keep")) {
    const auto windows = static_cast<uint64_t>(into.keep.micros / into.size.micros);
    if (windows > kWindowsMax) {
      in.refuse("keep",
                format_duration(into.keep) + " are " + std::to_string(windows) + " windows of " +
                    format_duration(into.size) + ", allowed are " + std::to_string(kWindowsMax),
                "keep less, or make the windows larger: the lake keeps all events");
    }
  }
  into.allowed_lateness = into.keep;
  in.duration("allowed_lateness", into.allowed_lateness, {seconds(0), into.keep});
  in.duration("settle", into.settle, {seconds(0), hours(1)});
  if (into.settle > into.allowed_lateness) into.settle = into.allowed_lateness;
}

// "orders" or "orders.amount".
bool read_operand(YamlSection& in, const char* key, bool needs_field, Measure& into) {
  std::string text;
  if (!in.text(key, text)) return false;
  const size_t dot = text.find('.');
  into.stream = text.substr(0, dot);
  into.field = dot == std::string::npos ? "" : text.substr(dot + 1);
  if (!is_identifier(into.stream) || (dot != std::string::npos && into.field.empty())) {
    in.refuse(key, shown(text) + " is no " + std::string(key) + " of anything", "write " + std::string(kOperand));
    return false;
  }
  if (!needs_field || !into.field.empty()) return true;
  in.refuse(key, shown(text) + " names no field", "write " + into.stream + ".FIELD");
  return false;
}

// "clicks / impressions"
bool read_ratio(YamlSection& in, Measure& into) {
  std::string text;
  if (!in.text("ratio", text)) return false;
  const size_t slash = text.find('/');
  if (slash != std::string::npos) {
    into.dividend = std::string(trim(std::string_view(text).substr(0, slash)));
    into.divisor = std::string(trim(std::string_view(text).substr(slash + 1)));
  }
  if (is_identifier(into.dividend) && is_identifier(into.divisor)) return true;
  in.refuse("ratio", shown(text) + " is no ratio", "write two measures: clicks / impressions");
  return false;
}

bool read_measure(YamlSection& section, Measure& into) {
  into.name = section.name();
  if (!is_identifier(into.name)) {
    section.refuse_at(section.node().at, "measure " + shown(into.name) +
                                             ": a name is a-z, 0-9 and _, begins with a letter, at most 63 long");
  }
  section.text("metric", into.metric);
  if (into.metric.size() > kMetricBytesMax) {
    section.refuse("metric", "has " + std::to_string(into.metric.size()) + " bytes, allowed are " +
                                 std::to_string(kMetricBytesMax));
  }
  std::vector<std::string> given, known;
  for (const auto& [word, kind] : kind_words()) {
    known.push_back(word);
    if (section.value(word) == nullptr) continue;
    given.push_back(word);
    into.kind = kind;
  }
  if (given.size() != 1) {
    section.refuse_at(section.node().at, "a measure is one of " + join(known, ", ") +
                                             (given.empty() ? "; this is none" : "; this is " + join(given, " and ")));
    return false;
  }
  if (into.kind == MeasureKind::ratio) return read_ratio(section, into);
  return read_operand(section, given.front().c_str(), into.kind != MeasureKind::count, into);
}

// A ratio's two measures are there and have values of their own.
void check_ratio(YamlReader& in, const Declaration& live, const Measure& ratio) {
  std::vector<std::string> names;
  for (const Measure& one : live.measures) {
    if (one.kind != MeasureKind::ratio) names.push_back(one.name);
  }
  const Yaml* section = in.value("measures")->find(ratio.name);
  const Yaml* at = section == nullptr ? nullptr : section->find("ratio");
  for (const std::string& name : {ratio.dividend, ratio.divisor}) {
    if (name.empty() || at == nullptr || std::find(names.begin(), names.end(), name) != names.end()) continue;
    const bool is_ratio =
        std::any_of(live.measures.begin(), live.measures.end(), [&](const Measure& one) { return one.name == name; });
    in.refuse_at(
        at->at, is_ratio ? "ratio: " + shown(name) + " is a ratio itself" : "ratio: there is no measure " + shown(name),
        is_ratio ? "a ratio is of counts, sums, averages and the like" : did_you_mean(name, names));
  }
}

void read_measures(YamlReader& in, Declaration& into) {
  for (YamlSection& section : in.named_sections("measures", "a measure", required)) {
    Measure measure;
    static_cast<void>(read_measure(section, measure));
    into.measures.push_back(std::move(measure));
  }
  if (into.measures.empty()) {
    if (in.has("measures")) in.refuse("measures", "there is no measure", "for example: orders: {count: orders}");
    return;
  }
  if (into.measures.size() > kMeasuresMax) {
    in.refuse("measures",
              std::to_string(into.measures.size()) + " of them, allowed are " + std::to_string(kMeasuresMax));
  }
  for (const Measure& one : into.measures) {
    if (one.kind == MeasureKind::ratio) check_ratio(in, into, one);
  }
}

void read_keys(YamlReader& in, Declaration& into) {
  in.texts("keys", into.keys);
  if (into.keys.size() > kKeysMax) {
    in.refuse("keys", std::to_string(into.keys.size()) + " of them, allowed are " + std::to_string(kKeysMax));
  }
  in.integer("keys_max", into.keys_max, {1, 100'000});
  in.choice("beyond_keys", into.beyond_keys, beyond_words());
  if (!into.keys.empty()) return;
  for (const char* key : {"keys_max", "beyond_keys"}) {
    if (in.has(key)) in.refuse(key, "there are no keys that it would bound", "remove it, or declare keys");
  }
}

void check_rows(YamlReader& in, const Declaration& live) {
  if (live.keys.empty()) return;
  const uint64_t windows = static_cast<uint64_t>(live.keep.micros / live.size.micros) + 1;
  const uint64_t rows = windows * (live.keys_max + 1);
  if (rows <= kRowsMax) return;
  in.refuse("keys_max",
            std::to_string(windows) + " windows of " + std::to_string(live.keys_max) + " keys are " +
                std::to_string(rows) + " rows in memory, allowed are " + std::to_string(kRowsMax),
            "fewer keys, larger windows, or a shorter `keep`");
}

// Each is a column of one table.
void check_columns(YamlReader& in, const Declaration& live) {
  std::set<std::string> taken = {"window_start", "late", "corrected_at"};
  for (size_t i = 0; i < live.keys.size(); ++i) {
    if (taken.insert(to_lower(live.keys[i])).second) continue;
    in.refuse_at(in.value("keys")->items[i].at, "keys: " + shown(live.keys[i]) + " is a column of the windows already",
                 "window_start, late and corrected_at are weir's own");
  }
  for (const Measure& measure : live.measures) {
    if (taken.insert(measure.name).second) continue;
    in.refuse_at(in.value("measures")->find(measure.name)->at,
                 "measure " + shown(measure.name) + " is a column of the windows already",
                 "window_start, late and corrected_at are weir's own, and keys have columns too");
  }
}

void check_metrics(YamlReader& in, const Declaration& live) {
  const bool is_exported = std::any_of(live.measures.begin(), live.measures.end(),
                                       [](const Measure& measure) { return !measure.metric.empty(); });
  if (live.metrics_namespace.size() > kMetricBytesMax) {
    in.refuse("metrics_namespace", "has " + std::to_string(live.metrics_namespace.size()) + " bytes, allowed are " +
                                       std::to_string(kMetricBytesMax));
  }
  if (is_exported && live.metrics_namespace.empty()) {
    in.refuse("metrics_namespace", "is missing: a measure has a metric", "for example Warehouse/Advertising");
  }
  if (is_exported && !live.keys.empty()) {
    in.refuse("metrics_namespace", "windows with keys are not exported as metrics", "declare others without keys");
  }
  if (!is_exported && !live.metrics_namespace.empty()) {
    in.refuse("metrics_namespace", "no measure has a metric", "add `metric: NAME` to one, or remove the line");
  }
}

std::vector<project::Difference> compare_json(const Json& from, const Json& to) {
  auto applied = live_from_json(from);
  auto wanted = live_from_json(to);
  if (applied && wanted) return compare(*applied, *wanted);
  // What is applied cannot be read (a newer weir wrote it): it is not overwritten.
  const Error& error = applied ? wanted.error() : applied.error();
  return {{"the declaration of live windows", false, error.message, error.hint}};
}

}  // namespace

std::vector<std::string> Declaration::streams() const {
  std::vector<std::string> out;
  for (const Measure& measure : measures) {
    if (measure.kind == MeasureKind::ratio) continue;
    if (std::find(out.begin(), out.end(), measure.stream) == out.end()) out.push_back(measure.stream);
  }
  return out;
}

std::string operand_text(const Measure& measure) {
  if (measure.kind == MeasureKind::ratio) return measure.dividend + " / " + measure.divisor;
  return measure.field.empty() ? measure.stream : measure.stream + "." + measure.field;
}

ParsedLive parse_live(const Yaml& root, const std::string& name) {
  ParsedLive out;
  Declaration& live = out.live;
  live.name = name;
  YamlReader in(root, "live windows");
  read_name(in, name);
  if (in.text("description", live.description) && live.description.size() > kDescriptionBytesMax) {
    in.refuse("description", "has " + std::to_string(live.description.size()) + " bytes, allowed are " +
                                 std::to_string(kDescriptionBytesMax));
  }
  project::Common common;
  project::read_common(in, common);
  live.enabled = common.enabled;
  live.tags = std::move(common.tags);
  read_times(in, live);
  read_keys(in, live);
  read_measures(in, live);
  in.text("metrics_namespace", live.metrics_namespace);
  check_rows(in, live);
  check_columns(in, live);
  check_metrics(in, live);
  out.errors = in.finish();
  return out;
}

ParsedLive parse_live(std::string_view text, const std::string& file, const std::string& name) {
  auto root = parse_yaml(text, {file, 1});
  if (root) return parse_live(*root, name);
  ParsedLive out;
  out.live.name = name;
  out.errors.push_back(root.error());
  return out;
}

project::Kind live_kind() {
  project::Kind kind;
  kind.name = "live";
  kind.folder = "live";
  kind.prose = "Live windows over the events of streams: counts, sums and ratios by minute, corrected by late events.";
  kind.parse = [](const project::DeclarationSource& source) {
    ParsedLive parsed = parse_live(source.root, source.name);
    project::Declared out;
    out.name = parsed.live.name;
    out.body = to_json(parsed.live);
    out.errors = std::move(parsed.errors);
    out.claims.push_back({"the name " + (kTablePrefix + out.name) + " in SQL", {source.file, 1, 1}});
    return out;
  };
  kind.compare = compare_json;
  kind.schema = live_schema;
  return kind;
}

}  // namespace weir::live
