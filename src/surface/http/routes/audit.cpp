// GET /v1/audit: who did what, for administrators.
#include "surface/http/routes/audit.h"

#include "core/base/time.h"
#include "platform/warehouse/audit.h"
#include "platform/warehouse/warehouse.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {
namespace {

constexpr int64_t kEntriesMax = 100'000;

// "2h": so long ago; or a time.
Result<WallTime> time_of(std::string_view name, std::string_view text, WallTime now) {
  if (const auto ago = parse_duration(text)) return WallTime{now.micros - ago->micros};
  if (const auto at = parse_timestamp(text)) return WallTime{*at};
  return Error(Code::invalid, std::string(name) + " is neither a time nor a duration: " + std::string(text),
               "for example " + std::string(name) + "=2h, or " + std::string(name) + "=2026-11-20T08:00:00Z");
}

Result<warehouse::AuditQuery> query_of(const Request& request, WallTime now) {
  warehouse::AuditQuery out;
  if (const auto text = request.query_value("since"); text && !text->empty()) {
    TRY_ASSIGN(out.since, time_of("since", *text, now));
  }
  if (const auto text = request.query_value("until"); text && !text->empty()) {
    TRY_ASSIGN(out.until, time_of("until", *text, now));
  }
  out.user = request.query_value("user").value_or("");
  out.kind = request.query_value("kind").value_or("");
  out.outcome = request.query_value("outcome").value_or("");
  if (const auto text = request.query_value("limit"); text && !text->empty()) {
    const bool is_number = text->find_first_not_of("0123456789") == std::string::npos && text->size() < 7;
    const int64_t limit = is_number ? std::stoll(std::string(*text)) : 0;
    if (limit < 1 || limit > kEntriesMax) {
      return Error(Code::invalid, "limit is a number of entries, up to " + std::to_string(kEntriesMax));
    }
    out.limit = static_cast<size_t>(limit);
  }
  return out;
}

}  // namespace

std::string address_without_port(const Peer& peer) {
  const size_t colon = peer.address.rfind(':');
  return peer.unix_socket || colon == std::string::npos ? peer.address : peer.address.substr(0, colon);
}

void note_change(warehouse::Warehouse& audit, const Request& request, const char* event, std::string what) {
  audit.note({.event = event,
              .user = request.caller.name(),
              .peer = address_without_port(*request.peer),
              .way = "http",
              .reason = std::move(what)});
}

void add_audit_routes(Router& router, warehouse::Warehouse& audit) {
  Route route;
  route.access = Access::admin;
  route.pattern = "/v1/audit";
  route.summary =
      "Who did what: statements without their values, sign-ins, changes of users and tokens. since, until, "
      "user, kind, outcome, limit.";
  route.handler = json_answers([&audit](Request& request) -> Result<Json> {
    TRY_ASSIGN(const warehouse::AuditQuery query, query_of(request, audit.now()));
    return warehouse::audit_json(audit.log(), query);
  });
  router.add(route);
}

}  // namespace weir::http
