// Saved queries: files of the project's folder. Changes say which revision they replace (If-Match), or that there must
// be none yet (If-None-Match: *).
#include "core/base/log.h"
#include "core/base/text.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

std::string in_quotes(const std::string& revision) {
  return "\"" + revision + "\"";
}

Response reply_of(const warehouse::SavedQuery& query) {
  Response response = json_reply(query.to_json());
  response.headers.emplace_back("ETag", in_quotes(query.revision));
  return response;
}

// The revision that is to be replaced; nothing: there must be none.
Result<std::optional<std::string>> replaced_in(const Request& request) {
  const std::string_view match = trim(request.header("if-match"));
  const std::string_view none = trim(request.header("if-none-match"));
  if (!match.empty() && !none.empty()) return Error(Code::invalid, "If-Match and If-None-Match exclude each other");
  if (none == "*") return std::optional<std::string>();
  if (match.size() > 2 && match.front() == '"' && match.back() == '"') {
    return std::optional(std::string(match.substr(1, match.size() - 2)));
  }
  return Error(Code::invalid, "the request does not say which revision it changes",
               "If-Match: \"REVISION\" as GET answered it, or If-None-Match: * for a new query");
}

Result<std::string> revision_in(const Request& request) {
  TRY_ASSIGN(const auto replaced, replaced_in(request));
  if (!replaced) return Error(Code::invalid, "the request does not say which revision it changes", "If-Match");
  return *replaced;
}

void note(const char* event, const Request& request, std::string_view name) {
  log_event(Level::info, event, {{"query", std::string(name)}, {"by", request.caller.name()}});
}

Result<Json> list(const warehouse::SavedQueries& queries) {
  TRY_ASSIGN(const auto saved, queries.list());
  Json listed{Json::Array{}};
  for (const auto& one : saved) listed.push(Json::Object{{"name", one.name}, {"bytes", one.bytes}});
  return Json(Json::Object{{"queries", std::move(listed)}});
}

Result<Response> put(warehouse::SavedQueries& queries, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"sql", "renamed_from"}));
  const std::string_view name = request.parameter("name");
  TRY_ASSIGN(const std::string former, body.text_or("renamed_from", ""));
  if (!former.empty()) {
    if (body.find("sql") != nullptr) return Error(Code::invalid, "'sql' and 'renamed_from' exclude each other");
    TRY_ASSIGN(const std::string revision, revision_in(request));
    TRY_ASSIGN(const auto renamed, queries.rename(former, name, revision));
    note("query.renamed", request, name);
    return reply_of(renamed);
  }
  TRY_ASSIGN(std::string sql, body.text("sql"));
  TRY_ASSIGN(const auto replaced, replaced_in(request));
  TRY_ASSIGN(const auto saved, queries.save(name, std::move(sql), replaced));
  note("query.saved", request, name);
  return reply_of(saved);
}

}  // namespace

void add_query_routes(Router& router, warehouse::SavedQueries& queries) {
  Route route;
  route.access = Access::reader;
  route.pattern = "/v1/queries";
  route.summary = "Saved queries: the files queries/NAME.sql of the project.";
  route.handler = json_answers([&queries](Request&) { return list(queries); });
  router.add(route);
  route.pattern = "/v1/queries/{name}";
  route.summary = "One saved query with its revision.";
  route.handler = answers([&queries](Request& request) -> Result<Response> {
    TRY_ASSIGN(const auto query, queries.open(request.parameter("name")));
    return reply_of(query);
  });
  router.add(route);
  route.access = Access::admin;
  route.method = Method::put;
  route.summary = "Saves a query, over the revision in If-Match or as a new one, or renames one.";
  route.body_bytes_max = 2 << 20;  // a text of which every byte is escaped
  route.handler = answers([&queries](Request& request) { return put(queries, request); });
  router.add(route);
  route.method = Method::erase;
  route.summary = "Deletes the revision of a saved query that If-Match names.";
  route.body_bytes_max = 1024;
  route.handler = answers([&queries](Request& request) -> Result<Response> {
    TRY_ASSIGN(const std::string revision, revision_in(request));
    TRY(queries.remove(request.parameter("name"), revision));
    note("query.deleted", request, request.parameter("name"));
    Response response;
    response.status = 204;
    return response;
  });
  router.add(route);
}

}  // namespace weir::http
