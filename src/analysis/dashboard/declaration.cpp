// Reads dashboards/<name>.yaml.
#include <algorithm>
#include <set>

#include "analysis/dashboard/dashboard.h"
#include "analysis/dashboard/expression.h"
#include "analysis/dashboard/words.h"
#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "platform/flow/declaration_parts.h"
#include "platform/flow/sql_text.h"

namespace weir::dashboard {
namespace {

constexpr size_t kTitleBytesMax = 200;
constexpr size_t kMetricBytesMax = 200;
constexpr Duration kDay = hours(24);

void read_short_text(YamlSection& in, std::string_view key, std::string& into, Need need = Need::optional) {
  if (!in.text(key, into, need)) return;
  if (into.empty() || into.size() > kTitleBytesMax) {
    in.refuse(key, "has " + std::to_string(into.size()) + " bytes, allowed are 1 to " + std::to_string(kTitleBytesMax));
  }
}

// As Prometheus has them.
bool is_label(std::string_view text) {
  const auto is_letter = [](char one) {
    return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || one == '_';
  };
  const auto is_part = [&](char one) { return is_letter(one) || (one >= '0' && one <= '9'); };
  return !text.empty() && text.size() <= 63 && is_letter(text[0]) && std::all_of(text.begin(), text.end(), is_part);
}

void read_axis(YamlSection& in, std::string_view key, Axis& into) {
  auto section = in.section(key, "an axis");
  if (!section) return;
  read_short_text(*section, "label", into.label);
  read_short_text(*section, "unit", into.unit);
  section->number("min", into.min);
  section->number("max", into.max);
  if (into.min && into.max && *into.min >= *into.max) section->refuse("max", "is not above min");
}

class PanelReader {
 public:
  PanelReader(YamlSection& in, const MetricKinds& metrics, Panel& into) : in_(in), metrics_(metrics), into_(into) {}

  void read(size_t place) {
    in_.choice("kind", into_.kind, kind_words());
    into_.width = into_.kind == PanelKind::text ? kColumns : into_.kind == PanelKind::number ? 3 : 6;
    if (!in_.identifier("name", into_.name)) {
      into_.name = std::string(word_of(kind_words(), into_.kind)) + "_" + std::to_string(place);
    }
    read_short_text(in_, "title", into_.title, into_.kind == PanelKind::text ? Need::optional : required);
    flow::read_description(in_, into_.description);
    in_.integer("width", into_.width, {1, kColumns});
    if (into_.kind == PanelKind::text) return read_text();
    read_step();
    read_axis(in_, "left", into_.left);
    read_axis(in_, "right", into_.right);
    in_.choice("reduce", into_.reduce, reduce_words());
    if (in_.has("sql")) flow::read_sql(in_, "sql", flow::one_select, into_.sql);
    read_series();
    check();
  }

 private:
  void read_text() {
    if (in_.text("text", into_.text, into_.title.empty() ? required : Need::optional) &&
        into_.text.size() > kTextBytesMax) {
      in_.refuse("text",
                 "has " + std::to_string(into_.text.size()) + " bytes, allowed are " + std::to_string(kTextBytesMax));
    }
  }

  void read_step() {
    if (!in_.duration("step", into_.step, {seconds(1), kDay})) return;
    if (into_.step->micros % 1'000'000 != 0 || kDay.micros % into_.step->micros != 0) {
      in_.refuse("step", format_duration(*into_.step) + " does not divide a day into whole seconds",
                 "for example 10s, 1m, 5m, 1h, 1d");
    }
  }

  void read_series() {
    if (!flow::check_entries(in_, "series", kSeriesMax)) return;
    for (YamlSection& section : in_.sections("series", "a series")) read_one(section);
  }

  void read_one(YamlSection& in) {
    Series out;
    std::vector<std::string> given;
    for (const auto& [word, source] : source_words()) {
      if (in.value(word) == nullptr) continue;
      given.push_back(word);
      out.source = source;
    }
    const bool has_name = in.identifier("name", out.name);
    read_short_text(in, "label", out.label);
    in.choice("axis", out.axis, axis_words());
    in.flag("hidden", out.hidden);
    read_metric(in, out);
    if (in.text("column", out.column) && out.column.empty()) in.refuse("column", "is empty");
    read_expression(in, out);
    if (given.size() != 1) {
      in.refuse_at(in.node().at, "a series is one of metric, column, expression; this " +
                                     (given.empty() ? "names none" : "is " + join(given, " and ")));
      return;
    }
    if (!has_name) {
      const std::string own =
          out.source == Source::column ? out.column : "series_" + std::to_string(into_.series.size() + 1);
      out.name = is_identifier(own) ? own : "series_" + std::to_string(into_.series.size() + 1);
    }
    if (out.label.empty()) out.label = has_name || out.source == Source::column ? out.name : source_text(out);
    const bool is_taken =
        std::any_of(into_.series.begin(), into_.series.end(), [&](const Series& one) { return one.name == out.name; });
    if (is_taken) in.refuse_at(in.node().at, "there are two series named " + shown(out.name), "give it another name");
    into_.series.push_back(std::move(out));
  }

  static std::string source_text(const Series& series) {
    return series.source == Source::metric ? series.metric : series.expression;
  }

  void read_metric(YamlSection& in, Series& out) {
    const bool is_metric = in.text("metric", out.metric);
    if (is_metric && (out.metric.empty() || out.metric.size() > kMetricBytesMax)) {
      in.refuse("metric", shown(out.metric) + " is no metric", "GET /metrics lists them");
    }
    const bool has_labels = flow::check_entries(in, "labels", kLabelsMax) && in.text_map("labels", out.labels);
    const bool has_statistic = in.choice("statistic", out.statistic, statistic_words());
    const bool has_by = in.text("by", out.by);
    if (has_by && !is_label(out.by)) in.refuse("by", shown(out.by) + " is no label of a metric", "for example stream");
    for (const auto& [key, value] : out.labels) {
      if (!is_label(key)) in.refuse("labels", shown(key) + " is no label of a metric", "for example {stream: clicks}");
    }
    if (in.has("metric")) return check_metric(in, out);
    if (has_labels) in.refuse("labels", "belongs to metric", "remove it");
    if (has_statistic) in.refuse("statistic", "belongs to metric", "remove it");
    if (has_by) in.refuse("by", "belongs to metric", "remove it");
  }

  void check_metric(YamlSection& in, const Series& series) {
    if (metrics_.empty()) return;
    const auto known = metrics_.find(series.metric);
    if (known == metrics_.end()) {
      std::vector<std::string> names;
      for (const auto& [name, kind] : metrics_) names.push_back(name);
      const auto near = nearest(series.metric, names);
      in.refuse("metric", "there is no metric " + shown(series.metric),
                near ? "did you mean '" + *near + "'?" : "GET /metrics lists them");
    } else if (!has_statistic(known->second, series.statistic)) {
      const std::string said = in.has("statistic") ? "" : ", which is meant where none is said";
      in.refuse_at(in.has("statistic") ? in.value("statistic")->at : in.value("metric")->at,
                   series.metric + " is a " + metric_kind_name(known->second) + ": it has no " +
                       word_of(statistic_words(), series.statistic) + said,
                   "statistic: one of " + join(statistics_of(known->second), ", "));
    }
  }

  static std::vector<std::string> statistics_of(MetricKind kind) {
    std::vector<std::string> out;
    for (const auto& [word, statistic] : statistic_words()) {
      if (has_statistic(kind, statistic)) out.push_back(word);
    }
    return out;
  }

  // Names are looked at in check(), when all are known.
  void read_expression(YamlSection& in, Series& out) {
    if (!in.text("expression", out.expression)) return;
    const auto parsed = Expression::parse(out.expression);
    const Yaml& node = *in.value("expression");
    if (!parsed) {
      Position at = node.at;
      if (parsed.error().position && node.text == node.written) {
        at.column += parsed.error().position->column - 1 + (node.quoted ? 1 : 0);
      }
      in.refuse_at(at, "expression: " + parsed.error().message, parsed.error().hint);
      return;
    }
    for (const std::string& name : parsed->names()) {
      const auto found =
          std::find_if(into_.series.begin(), into_.series.end(), [&](const Series& one) { return one.name == name; });
      if (found == into_.series.end()) {
        std::vector<std::string> known;
        for (const Series& one : into_.series) known.push_back(one.name);
        in.refuse_at(node.at, "expression: no series above this one is named " + shown(name),
                     known.empty() ? "declare it before the expression" : did_you_mean(name, known));
      } else if (!found->by.empty()) {
        in.refuse_at(node.at, "expression: " + name + " is many series, one for each " + found->by,
                     "leave `by` out there, or name the label's value under labels");
      }
    }
  }

  void check() {
    const bool has_metric = std::any_of(into_.series.begin(), into_.series.end(),
                                        [](const Series& one) { return one.source == Source::metric; });
    const auto column = std::find_if(into_.series.begin(), into_.series.end(),
                                     [](const Series& one) { return one.source == Source::column; });
    if (in_.has("sql") && has_metric) {
      in_.refuse("sql", "a panel's series are metrics or columns of its SELECT, not both", "make two panels of it");
    }
    if (!in_.has("sql") && column != into_.series.end()) {
      in_.refuse_at(in_.node().at, "the series " + column->name + " is a column, and the panel has no sql",
                    "add sql: |");
    }
    if (!in_.has("sql") && into_.series.empty()) {
      in_.refuse_at(in_.node().at, "the panel has neither sql nor series", "add one of them");
    }
    if (into_.kind == PanelKind::table && (!in_.has("sql") || !into_.series.empty())) {
      in_.refuse_at(in_.node().at, "a table shows the rows of its SELECT: it has sql and no series");
    }
  }

  YamlSection& in_;
  const MetricKinds& metrics_;
  Panel& into_;
};

void read_panels(YamlReader& in, const MetricKinds& metrics, Dashboard& into) {
  if (in.value("panels") == nullptr) {
    in.refuse_at(in.node().at, "the dashboard has no panels", "panels: [{title: …, sql: …}]");
    return;
  }
  if (!flow::check_entries(in, "panels", kPanelsMax)) return;
  std::set<std::string> names;
  for (YamlSection& section : in.sections("panels", "a panel")) {
    Panel panel;
    PanelReader(section, metrics, panel).read(into.panels.size() + 1);
    if (!names.insert(panel.name).second) {
      section.refuse_at(section.node().at, "there are two panels named " + shown(panel.name), "give it another name");
    }
    into.panels.push_back(std::move(panel));
  }
  if (into.panels.empty()) in.refuse("panels", "the list is empty");
}

std::vector<project::Difference> compare_json(const Json& from, const Json& to) {
  auto applied = dashboard_from_json(from);
  auto wanted = dashboard_from_json(to);
  if (applied && wanted) return compare(*applied, *wanted);
  // What is applied cannot be read (a newer weir wrote it): it is not overwritten.
  const Error& error = applied ? wanted.error() : applied.error();
  return {{"the dashboard's declaration", false, error.message, error.hint}};
}

}  // namespace

ParsedDashboard parse_dashboard(const Yaml& root, const std::string& name, const MetricKinds& metrics) {
  ParsedDashboard out;
  Dashboard& dashboard = out.dashboard;
  dashboard.name = name;
  YamlReader in(root, "the dashboard");
  flow::check_file_name(in, name, "dashboard");
  dashboard.title = name;
  read_short_text(in, "title", dashboard.title);
  flow::read_description(in, dashboard.description);
  project::Common common;
  project::read_common(in, common);
  dashboard.enabled = common.enabled;
  dashboard.tags = std::move(common.tags);
  in.duration("range", dashboard.range, {kRangeMin, kRangeMax});
  in.duration("refresh", dashboard.refresh, {seconds(1), hours(1)});
  read_panels(in, metrics, dashboard);
  out.errors = in.finish();
  return out;
}

ParsedDashboard parse_dashboard(std::string_view text, const std::string& file, const std::string& name,
                                const MetricKinds& metrics) {
  auto root = parse_yaml(text, {file, 1});
  if (root) return parse_dashboard(*root, name, metrics);
  ParsedDashboard out;
  out.dashboard.name = name;
  out.errors.push_back(std::move(root).error());
  return out;
}

std::vector<project::Difference> compare(const Dashboard& applied, const Dashboard& wanted) {
  std::vector<project::Difference> out;
  const auto say = [&](std::string what) { out.push_back({std::move(what)}); };
  if (applied.title != wanted.title || applied.description != wanted.description)
    say("its title or description changes");
  if (applied.enabled != wanted.enabled) say(wanted.enabled ? "it is shown again" : "it is no longer shown");
  if (applied.tags != wanted.tags) say("the tags change");
  if (applied.range != wanted.range) {
    say("range changes from " + format_duration(applied.range) + " to " + format_duration(wanted.range));
  }
  if (applied.refresh != wanted.refresh) {
    say("refresh changes from " + format_duration(applied.refresh) + " to " + format_duration(wanted.refresh));
  }
  const auto find = [](const Dashboard& in, const std::string& name) {
    const auto found =
        std::find_if(in.panels.begin(), in.panels.end(), [&](const Panel& one) { return one.name == name; });
    return found == in.panels.end() ? nullptr : &*found;
  };
  for (const Panel& panel : wanted.panels) {
    const Panel* before = find(applied, panel.name);
    if (before == nullptr) {
      say("panel " + panel.name + ": added");
    } else if (*before != panel) {
      say("panel " + panel.name + ": changes");
    }
  }
  for (const Panel& panel : applied.panels) {
    if (find(wanted, panel.name) == nullptr) say("panel " + panel.name + ": removed");
  }
  if (out.empty() && applied.panels != wanted.panels) say("the order of its panels changes");
  return out;
}

project::Kind dashboard_kind(std::function<MetricKinds()> metrics) {
  project::Kind kind;
  kind.name = "dashboard";
  kind.folder = "dashboards";
  kind.prose = "A dashboard: panels of charts, numbers and tables over metrics and SELECTs.";
  kind.parse = [metrics = std::move(metrics)](const project::DeclarationSource& source) {
    ParsedDashboard parsed = parse_dashboard(source.root, source.name, metrics ? metrics() : MetricKinds{});
    project::Declared out;
    out.name = source.name;
    out.errors = std::move(parsed.errors);
    if (out.errors.empty()) out.body = to_json(parsed.dashboard);
    return out;
  };
  kind.compare = compare_json;
  kind.schema = dashboard_schema;
  kind.destroy = [](std::string_view, uint32_t) { return Status(); };
  return kind;
}

}  // namespace weir::dashboard
