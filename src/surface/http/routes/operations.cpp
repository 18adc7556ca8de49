// GET /metrics, /health/live, /health/ready: answered on the io threads, so that they answer while queries keep the
// lanes busy.
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

struct Check {
  const char* name;
  bool ok;
  std::string detail;
};

std::vector<Check> checks(const OperationsParts& parts) {
  const journal::Stats journal = parts.journal.stats();
  const lake::LakeStatus lake = parts.lake.status();
  return {
      {"journal", !journal.full, journal.full ? "the disk is full" : "appends"},
      {"lake", lake.error.empty(), lake.error.empty() ? "follows" : lake.error},
  };
}

// A lake that fails to commit loses nothing and hides nothing: events are taken and SQL sees them. It is reported, and
// does not take the server out of service.
bool is_ready(const std::vector<Check>& all) {
  return all[0].ok;
}

Response ready(const OperationsParts& parts) {
  const std::vector<Check> all = checks(parts);
  Json listed{Json::Array{}};
  for (const Check& check : all) {
    Json one{Json::Object{}};
    one.set("name", check.name);
    one.set("ok", check.ok);
    one.set("detail", check.detail);
    listed.push(std::move(one));
  }
  Json out{Json::Object{}};
  out.set("ready", is_ready(all));
  out.set("checks", std::move(listed));
  return json_reply(out, is_ready(all) ? 200 : 503);
}

}  // namespace

void add_operations_routes(Router& router, const OperationsParts& parts) {
  Route route;
  route.access = Access::operations;
  route.runs = Runs::on_io;
  route.pattern = "/metrics";
  route.summary = "All metrics in Prometheus' text format.";
  route.handler = answers([parts](Request&) -> Result<Response> {
    Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = parts.metrics.prometheus();
    return response;
  });
  router.add(route);
  route.pattern = "/health/live";
  route.summary = "Answers while the program runs.";
  route.handler = answers([](Request&) -> Result<Response> { return json_response(R"({"live":true})"); });
  router.add(route);
  route.pattern = "/health/ready";
  route.summary = "200 while events are taken, else 503, with what is checked.";
  route.handler = answers([parts](Request&) -> Result<Response> { return ready(parts); });
  router.add(route);
}

}  // namespace weir::http
