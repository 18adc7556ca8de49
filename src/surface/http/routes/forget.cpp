// Forgetting a person: what would go, a run that does it, and the receipts. The value is in the body of a POST, never
// in an address, so that no log of a server between has it.
#include "platform/forget/forget.h"

#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

Result<Json> forget(forget::Forgets& forgets, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"field", "values", "dry_run", "remove_objects"}));
  forget::Request wanted;
  wanted.stream = request.parameter("name");
  TRY_ASSIGN(wanted.field, body.text("field"));
  TRY_ASSIGN(const Json::Array values, body.array_or_empty("values"));
  for (const Json& value : values) {
    if (!value.is_string() && !value.is_integer()) {
      return Error(Code::invalid, "'values' must be an array of strings or whole numbers");
    }
    wanted.values.push_back(value.is_string() ? value.as_string() : value.dump());
  }
  TRY_ASSIGN(wanted.remove_objects, body.flag_or("remove_objects", false));
  TRY_ASSIGN(const bool dry_run, body.flag_or("dry_run", false));
  if (dry_run) return forgets.count(wanted, *request.cancel);
  return forgets.start(wanted, Json(Json::Object{{"by", "person"}, {"who", request.caller.name()}}));
}

}  // namespace

void add_forget_routes(Router& router, forget::Forgets& forgets) {
  Route route;
  route.method = Method::post;
  route.lane = Lane::background;  // a dry run reads the whole archive of the stream
  route.access = Access::admin;
  route.pattern = "/v1/streams/{name}/forget";
  route.summary = "Forgets whom a subject field names; answers at once with the receipt's and the run's id, or counts.";
  route.handler = json_answers([&forgets](Request& request) { return forget(forgets, request); });
  router.add(route);
  route.method = Method::get;
  route.lane = Lane::interactive;
  route.pattern = "/v1/forgets";
  route.summary = "What was forgotten: receipts, newest first.";
  route.handler = json_answers([&forgets](Request&) { return forgets.list(); });
  router.add(route);
  route.pattern = "/v1/forgets/{id}";
  route.summary = "One receipt.";
  route.handler =
      json_answers([&forgets](Request& request) { return forgets.find(std::string(request.parameter("id"))); });
  router.add(route);
}

}  // namespace weir::http
