// Derived tables and the runs that compute them.
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

constexpr int64_t kRunsListed = 100;
constexpr int64_t kRunsListedMax = 1'000;

Json id_json(const std::string& id) {
  return Json(Json::Object{{"id", id}});
}

// The work of an earlier run once more, with its parameters.
Result<Json> run_again(const FlowParts& parts, const Request& request, const JsonBody& body) {
  TRY_ASSIGN(const std::string id, body.text("again"));
  TRY_ASSIGN(const flow::RunView earlier, parts.flow.run(id));
  TRY_ASSIGN(const std::string begun,
             parts.flow.start_work({.kind = earlier.run.kind,
                                    .name = earlier.run.name,
                                    .parameters = earlier.run.parameters,
                                    .cause = Json(Json::Object{{"by", "person"}, {"who", request.caller.name()}})}));
  return id_json(begun);
}

// A flow of that name, else the derived table, else the table over files.
Result<Json> start_run(const FlowParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"name", "from", "to", "force", "upstream", "again"}));
  if (body.find("again") != nullptr) return run_again(parts, request, body);
  flow::RunRequest wanted;
  TRY_ASSIGN(wanted.table, body.text("name"));
  TRY_ASSIGN(wanted.from, day_in(body, "from"));
  TRY_ASSIGN(wanted.to, day_in(body, "to"));
  const Json cause(Json::Object{{"by", "person"}, {"who", request.caller.name()}});
  const bool is_by_days = wanted.from || wanted.to;
  auto started = parts.flows.start(wanted.table, {wanted.from, wanted.to, !is_by_days, cause});
  if (started) return id_json(*started);
  if (started.error().code != Code::not_found) return started.error();
  TRY_ASSIGN(wanted.force, body.flag_or("force", false));
  TRY_ASSIGN(wanted.upstream, body.flag_or("upstream", true));
  wanted.cause = cause;
  auto computed = parts.flow.start(wanted);
  if (computed) return id_json(*computed);
  if (computed.error().code != Code::not_found || is_by_days) return computed.error();
  // A table over files.
  auto loaded = parts.flow.start_work({.kind = "external",
                                       .name = wanted.table,
                                       .parameters = Json(Json::Object{{"table", wanted.table}}),
                                       .cause = cause});
  if (loaded) return id_json(*loaded);
  return loaded.error().code == Code::not_found || loaded.error().code == Code::unsupported ? computed.error()
                                                                                            : loaded.error();
}

Result<Json> list_runs(flow::Flow& flow, const Request& request) {
  TRY_ASSIGN(const int64_t limit, query_integer_or(request, "limit", kRunsListed, {1, kRunsListedMax}));
  TRY_ASSIGN(const auto runs, flow.runs(request.query_value("name").value_or(""), request.query_value("open") == "true",
                                        static_cast<size_t>(limit)));
  Json listed{Json::Array{}};
  for (const auto& run : runs) listed.push(flow::run_json(run));
  Json out{Json::Object{}};
  out.set("runs", std::move(listed));
  return out;
}

}  // namespace

void add_flow_routes(Router& router, const FlowParts& parts) {
  flow::Flow& flow = parts.flow;
  Route route;
  route.access = Access::reader;
  route.lane = Lane::interactive;
  route.pattern = "/v1/tables";
  route.summary = "Derived tables: what they read, how much of them is computed, what is stale.";
  route.handler = json_answers([&flow](Request&) -> Result<Json> {
    Json listed{Json::Array{}};
    for (const auto& state : flow.tables()) listed.push(state.to_json(false));
    return Json(Json::Object{{"tables", std::move(listed)}});
  });
  router.add(route);
  route.pattern = "/v1/tables/{table}";
  route.summary = "One derived table: its partitions, which are stale and why, which failed, its tests.";
  route.handler = json_answers([&flow](Request& request) -> Result<Json> {
    TRY_ASSIGN(const auto state, flow.table(request.parameter("table")));
    return state.to_json(true);
  });
  router.add(route);
  route.pattern = "/v1/flows";
  route.summary = "Flows: their steps, when they run next, how they ran last.";
  route.handler = json_answers([parts](Request&) -> Result<Json> {
    TRY_ASSIGN(const auto states, parts.flows.flows());
    Json listed{Json::Array{}};
    for (const auto& state : states) listed.push(state.to_json());
    return Json(Json::Object{{"flows", std::move(listed)}});
  });
  router.add(route);
  route.pattern = "/v1/runs";
  route.summary = "The newest runs; name=TABLE and open=true choose.";
  route.handler = json_answers([&flow](Request& request) { return list_runs(flow, request); });
  router.add(route);
  route.pattern = "/v1/runs/{run}";
  route.summary = "One run with its tasks.";
  route.handler = json_answers([&flow](Request& request) -> Result<Json> {
    TRY_ASSIGN(const auto view, flow.run(request.parameter("run")));
    return view.to_json();
  });
  router.add(route);
  route.method = Method::post;
  route.access = Access::admin;
  route.pattern = "/v1/runs";
  route.summary =
      "Runs a flow, computes what is stale of a derived table, or loads a table over files; answers with the run's id.";
  route.handler = json_answers([parts](Request& request) { return start_run(parts, request); });
  router.add(route);
  route.pattern = "/v1/runs/{run}/stop";
  route.summary = "Stops a run; what it has computed stays.";
  route.handler = json_answers([&flow](Request& request) -> Result<Json> {
    TRY(flow.stop(request.parameter("run"), request.caller.name()));
    return Json(Json::Object{{"stopped", true}});
  });
  router.add(route);
}

}  // namespace weir::http
