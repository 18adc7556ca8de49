// Files of the store's buckets before they are loaded: put there, and looked at.
#include "platform/warehouse/inspect.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"
#include "surface/http/routes/sql_user.h"

namespace weir::http {

namespace {

constexpr size_t kUploadBytesMax = 64u << 20;  // it is held in memory

Result<Response> put_file(warehouse::Warehouse& warehouse, const Request& request) {
  const auto path = request.query_value("path");
  if (!path) return Error(Code::invalid, "the request does not say where the file goes", "?path=s3://bucket/key");
  TRY(warehouse::put_file(warehouse, sql_user(request.caller), *path, request.body));
  return json_reply(Json(Json::Object{{"path", *path}, {"bytes", request.body.size()}}), 201);
}

Result<Json> inspect(warehouse::Warehouse& warehouse, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"path", "format"}));
  TRY_ASSIGN(const std::string path, body.text("path"));
  TRY_ASSIGN(const std::string format, body.text_or("format", ""));
  TRY_ASSIGN(const auto shape, warehouse::inspect(warehouse, sql_user(request.caller), path, format, *request.cancel));
  return shape.to_json();
}

}  // namespace

void add_store_routes(Router& router, warehouse::Warehouse& warehouse) {
  Route route;
  route.method = Method::post;
  route.access = Access::reader;  // and CREATE in the schema public: a token that only reads has it not
  route.pattern = "/v1/store/files";
  route.summary = "Puts a file of up to 64 MiB into a bucket of the store, for COPY; the caller may create tables.";
  route.body_bytes_max = kUploadBytesMax;
  route.handler = answers([&warehouse](Request& request) { return put_file(warehouse, request); });
  router.add(route);
  route.pattern = "/v1/store/inspect";
  route.summary = "Columns and first rows of a file in a bucket of the store; the caller may create tables.";
  route.body_bytes_max = 64 << 10;
  route.handler = json_answers([&warehouse](Request& request) { return inspect(warehouse, request); });
  router.add(route);
}

}  // namespace weir::http
