// Alarms, their history, and findings.
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

constexpr int64_t kListed = 100;
constexpr int64_t kListedMax = 1'000;

Json change_json(const control::AlarmChange& change) {
  Json out{Json::Object{}};
  out.set("at", json_time(change.at.micros));
  out.set("from", change.from);
  out.set("to", change.to);
  out.set("reason", change.reason);
  return out;
}

Json list_alarms(const AlarmParts& parts) {
  Json alarms{Json::Array{}}, channels{Json::Array{}};
  for (const auto& view : parts.alarms.alarms()) alarms.push(view.to_json());
  for (const auto& state : parts.notifier.channels()) channels.push(state.to_json());
  Json out{Json::Object{}};
  out.set("alarms", std::move(alarms));
  out.set("channels", std::move(channels));
  return out;
}

Result<Json> one_alarm(const AlarmParts& parts, const Request& request) {
  TRY_ASSIGN(const int64_t limit, query_integer_or(request, "limit", kListed, {1, kListedMax}));
  const std::string name(request.parameter("alarm"));
  TRY_ASSIGN(const auto view, parts.alarms.alarm(name));
  TRY_ASSIGN(const auto changes, parts.alarms.history(name, static_cast<size_t>(limit)));
  Json history{Json::Array{}};
  for (const auto& change : changes) history.push(change_json(change));
  Json out = view.to_json();
  out.set("history", std::move(history));
  return out;
}

Result<Json> list_findings(const AlarmParts& parts, const Request& request) {
  TRY_ASSIGN(const int64_t limit, query_integer_or(request, "limit", kListed, {1, kListedMax}));
  TRY_ASSIGN(const auto findings,
             parts.notifier.findings(request.query_value("closed") == "true", static_cast<size_t>(limit)));
  Json listed{Json::Array{}};
  for (const auto& finding : findings) listed.push(finding.to_json());
  return Json(Json::Object{{"findings", std::move(listed)}});
}

}  // namespace

void add_alarm_routes(Router& router, const AlarmParts& parts) {
  Route route;
  route.access = Access::reader;
  route.lane = Lane::interactive;
  route.pattern = "/v1/alarms";
  route.summary = "Alarms with their states and newest datapoints, and the channels that are told.";
  route.handler = json_answers([parts](Request&) -> Result<Json> { return list_alarms(parts); });
  router.add(route);
  route.pattern = "/v1/alarms/{alarm}";
  route.summary = "One alarm with the newest changes of its state.";
  route.handler = json_answers([parts](Request& request) { return one_alarm(parts, request); });
  router.add(route);
  route.pattern = "/v1/findings";
  route.summary = "Findings, newest first; closed=true shows closed ones too.";
  route.handler = json_answers([parts](Request& request) { return list_findings(parts, request); });
  router.add(route);
  route.pattern = "/v1/findings/{finding}";
  route.summary = "One finding.";
  route.handler = json_answers([parts](Request& request) -> Result<Json> {
    TRY_ASSIGN(const auto finding, parts.notifier.finding(request.parameter("finding")));
    return finding.to_json();
  });
  router.add(route);
  route.method = Method::post;
  route.access = Access::admin;
  route.pattern = "/v1/findings/{finding}/acknowledge";
  route.summary = "Says that somebody looks after a finding.";
  route.handler = json_answers([parts](Request& request) -> Result<Json> {
    TRY(parts.notifier.acknowledge(request.parameter("finding"), request.caller.name()));
    TRY_ASSIGN(const auto finding, parts.notifier.finding(request.parameter("finding")));
    return finding.to_json();
  });
  router.add(route);
}

}  // namespace weir::http
