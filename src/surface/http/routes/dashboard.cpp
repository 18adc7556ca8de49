// Dashboards: what is declared, and the numbers of their panels.
#include "core/base/log.h"
#include "core/base/text.h"
#include "surface/errors/errors.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"
#include "surface/http/routes/sql_user.h"

namespace weir::http {

namespace {

constexpr size_t kPanelNamesMax = dashboard::kPanelsMax;

Result<Duration> duration_in(std::string_view name, const std::string& text) {
  const auto read = parse_duration(text);
  if (read && *read >= seconds(1) && *read <= dashboard::kRangeMax && read->micros % 1'000'000 == 0) return *read;
  return Error(Code::invalid, std::string(name) + "=" + shown(text) + " is no time of whole seconds",
               "for example " + std::string(name) + "=1h");
}

Result<WallTime> time_in(std::string_view name, const std::string& text) {
  const auto read = parse_timestamp(text);
  if (read) return WallTime{*read};
  return Error(Code::invalid, std::string(name) + "=" + shown(text) + " is no time: " + read.error().message,
               "for example " + std::string(name) + "=2026-11-21T08:00:00Z");
}

// ?last=1h, or ?from=…&to=….
Result<dashboard::Range> range_of(const Request& request, const Clock& clock) {
  dashboard::Range out;
  const auto last = request.query_value("last"), from = request.query_value("from"), to = request.query_value("to");
  if (last.has_value() == (from.has_value() || to.has_value()) || from.has_value() != to.has_value()) {
    return Error(Code::invalid, "the range is last, or from and to", "?last=1h");
  }
  if (last) {
    TRY_ASSIGN(const Duration length, duration_in("last", *last));
    out.to = clock.wall();
    out.from = {out.to.micros - length.micros};
  } else {
    TRY_ASSIGN(out.from, time_in("from", *from));
    TRY_ASSIGN(out.to, time_in("to", *to));
  }
  if (const auto step = request.query_value("step")) {
    TRY_ASSIGN(out.step, duration_in("step", *step));
    if (hours(24).micros % out.step->micros != 0) {
      return Error(Code::invalid, "step=" + shown(*step) + " does not divide a day", "for example step=1m");
    }
  }
  return out;
}

Json panel_json(const dashboard::PanelAnswer& panel) {
  Json out = panel.error ? Json(Json::Object{}) : panel.data;
  out.set("name", panel.name);
  out.set("took_ms", static_cast<double>(panel.took.micros) / 1000);
  Json error;
  if (panel.error) {
    // Of our own failures strangers get a sentence; the log has the rest.
    const bool is_ours = errors::is_internal(panel.error->code);
    error = is_ours ? errors::to_json(Error(panel.error->code, "the server could not answer this panel"))
                    : errors::to_json(*panel.error);
    if (is_ours)
      log_event(Level::error, "dashboard.panel_failed", {{"panel", panel.name}, {"error", panel.error->text()}});
  }
  out.set("error", std::move(error));
  return out;
}

Result<Json> data(const DashboardParts& parts, const Request& request) {
  TRY_ASSIGN(const dashboard::Range range, range_of(request, parts.clock));
  std::vector<std::string> panels;
  const std::string wanted = request.query_value("panels").value_or("");
  for (const std::string_view one : split(wanted, ',')) {
    if (!one.empty()) panels.emplace_back(one);
  }
  if (panels.size() > kPanelNamesMax) return Error(Code::invalid, "panels= names more than a dashboard has");
  const warehouse::User user = sql_user(request.caller);
  TRY_ASSIGN(const auto answer,
             parts.dashboards.answer(user, request.parameter("name"), range, panels, *request.cancel));
  Json listed{Json::Array{}};
  for (const auto& panel : answer.panels) listed.push(panel_json(panel));
  Json out{Json::Object{}};
  out.set("name", std::string(request.parameter("name")));
  out.set("from", json_time(answer.from.micros));
  out.set("to", json_time(answer.to.micros));
  out.set("now", json_time(answer.now.micros));
  out.set("step_s", answer.step.micros / 1'000'000);
  out.set("panels", std::move(listed));
  return out;
}

}  // namespace

void add_dashboard_routes(Router& router, const DashboardParts& parts) {
  Route route;
  route.access = Access::reader;
  route.lane = Lane::interactive;
  route.pattern = "/v1/dashboards";
  route.summary = "Dashboards: the declared ones, and the one that every project has.";
  route.handler = json_answers([parts](Request&) -> Result<Json> { return parts.dashboards.list(); });
  router.add(route);
  route.pattern = "/v1/dashboards/{name}";
  route.summary = "One dashboard with its panels, without their numbers.";
  route.handler = json_answers([parts](Request& request) { return parts.dashboards.find(request.parameter("name")); });
  router.add(route);
  route.pattern = "/v1/dashboards/{name}/data";
  route.summary = "The numbers of a dashboard's panels in a range of time, by step.";
  route.handler = json_answers([parts](Request& request) { return data(parts, request); });
  router.add(route);
}

}  // namespace weir::http
