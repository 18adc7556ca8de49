// The canonical JSON of a dashboard: every key is written, so that a default that changes later changes no dashboard
// that is applied.
#include "platform/flow/declaration_json.h"

#include "analysis/dashboard/dashboard.h"
#include "analysis/dashboard/words.h"
#include "core/base/json_shape.h"

namespace weir::dashboard {
namespace {

constexpr int kFormat = 1;

Json number_or_null(const std::optional<double>& number) {
  return number ? Json(*number) : Json();
}

Json axis_json(const Axis& axis) {
  return Json::Object{
      {"label", axis.label}, {"unit", axis.unit}, {"min", number_or_null(axis.min)}, {"max", number_or_null(axis.max)}};
}

Json series_json(const Series& series) {
  return Json::Object{{"name", series.name},
                      {"label", series.label},
                      {"source", word_of(source_words(), series.source)},
                      {"metric", series.metric},
                      {"labels", flow::text_map_json(series.labels)},
                      {"by", series.by},
                      {"statistic", word_of(statistic_words(), series.statistic)},
                      {"column", series.column},
                      {"expression", series.expression},
                      {"axis", word_of(axis_words(), series.axis)},
                      {"hidden", series.hidden}};
}

Json panel_json(const Panel& panel) {
  Json series(Json::Array{});
  for (const Series& one : panel.series) series.push(series_json(one));
  return Json::Object{{"name", panel.name},
                      {"title", panel.title},
                      {"description", panel.description},
                      {"kind", word_of(kind_words(), panel.kind)},
                      {"width", panel.width},
                      {"left", axis_json(panel.left)},
                      {"right", axis_json(panel.right)},
                      {"step", flow::duration_json(panel.step)},
                      {"reduce", word_of(reduce_words(), panel.reduce)},
                      {"sql", panel.sql},
                      {"series", std::move(series)},
                      {"text", panel.text}};
}

void optional_number(JsonShape& in, const char* key, std::optional<double>& into) {
  const Json* found = in.need(key);
  if (found == nullptr || found->is_null()) return;
  if (!found->is_number()) return in.fail(std::string(key) + " is no number");
  into = found->as_double();
}

void axis_from(JsonShape& in, const char* key, Axis& out, std::string& wrong) {
  const Json* found = in.need(key);
  if (found == nullptr) return;
  JsonShape axis(*found, key, wrong);
  axis.text("label", out.label);
  axis.text("unit", out.unit);
  optional_number(axis, "min", out.min);
  optional_number(axis, "max", out.max);
  axis.finish();
}

Series series_from(const Json& json, std::string& wrong) {
  Series out;
  JsonShape in(json, "a series", wrong);
  in.text("name", out.name);
  in.text("label", out.label);
  in.choice("source", out.source, source_words());
  in.text("metric", out.metric);
  in.text_map("labels", out.labels);
  in.text("by", out.by);
  in.choice("statistic", out.statistic, statistic_words());
  in.text("column", out.column);
  in.text("expression", out.expression);
  in.choice("axis", out.axis, axis_words());
  in.flag("hidden", out.hidden);
  in.finish();
  return out;
}

Panel panel_from(const Json& json, std::string& wrong) {
  Panel out;
  JsonShape in(json, "a panel", wrong);
  in.text("name", out.name);
  in.text("title", out.title);
  in.text("description", out.description);
  in.choice("kind", out.kind, kind_words());
  int64_t width = 1;
  in.integer("width", width, 1, kColumns);
  out.width = static_cast<int>(width);
  axis_from(in, "left", out.left, wrong);
  axis_from(in, "right", out.right, wrong);
  in.duration("step", out.step);
  in.choice("reduce", out.reduce, reduce_words());
  in.text("sql", out.sql);
  if (const Json::Array* series = in.list("series")) {
    for (const Json& one : *series) out.series.push_back(series_from(one, wrong));
  }
  in.text("text", out.text);
  in.finish();
  return out;
}

}  // namespace

Json to_json(const Dashboard& dashboard) {
  Json panels(Json::Array{});
  for (const Panel& panel : dashboard.panels) panels.push(panel_json(panel));
  return Json::Object{{"format", kFormat},
                      {"name", dashboard.name},
                      {"title", dashboard.title},
                      {"description", dashboard.description},
                      {"enabled", dashboard.enabled},
                      {"tags", flow::text_map_json(dashboard.tags)},
                      {"range", format_duration(dashboard.range)},
                      {"refresh", format_duration(dashboard.refresh)},
                      {"panels", std::move(panels)}};
}

Result<Dashboard> dashboard_from_json(const Json& json) {
  TRY(flow::check_format(json, "dashboard", kFormat));
  Dashboard out;
  std::string wrong;
  JsonShape in(json, "it", wrong);
  in.need("format");
  in.text("name", out.name);
  in.text("title", out.title);
  in.text("description", out.description);
  in.flag("enabled", out.enabled);
  in.text_map("tags", out.tags);
  in.duration("range", out.range);
  in.duration("refresh", out.refresh);
  if (const Json::Array* panels = in.list("panels")) {
    for (const Json& panel : *panels) out.panels.push_back(panel_from(panel, wrong));
  }
  in.finish();
  if (!wrong.empty()) return Error(Code::corrupt, "the kept declaration of a dashboard does not read: " + wrong);
  return out;
}

}  // namespace weir::dashboard
