// The lake's routes: what it holds, manifest, verify, drain, compact, requeue, retain, rebuild, where one event is, and
// loading a file into a table.
#include "core/base/text.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"
#include "surface/http/routes/sql_user.h"

namespace weir::http {

namespace {

constexpr Duration kDrainMax = minutes(10);

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json verification_json(const lake::Verification& verification) {
  Json checked{Json::Object{}};
  checked.set("archive_files", verification.archive_files);
  checked.set("parquet_files", verification.parquet_files);
  checked.set("archive_records", verification.archive_records);
  checked.set("parquet_rows", verification.parquet_rows);
  checked.set("journal_records", verification.journal_records);
  checked.set("forgotten", verification.forgotten);
  Json problems{Json::Array{}};
  for (const std::string& problem : verification.problems) problems.push(problem);
  Json out{Json::Object{}};
  out.set("ok", verification.problems.empty());
  out.set("checked", std::move(checked));
  out.set("problems", std::move(problems));
  return out;
}

Json place_json(const lake::Place& place) {
  Json out{Json::Object{}};
  out.set("stream", place.stream);
  out.set("verdict", place.verdict);
  if (!place.reason.empty()) {
    out.set("reason", place.reason);
    out.set("field", text_or_null(place.field));
    out.set("message", place.message);
  }
  out.set("arrived_at", json_time(place.arrived_at.micros));
  if (place.forgotten_at) out.set("forgotten_at", json_time(place.forgotten_at->micros));
  out.set("event_time", place.event_time ? Json(json_time(place.event_time->micros)) : Json());
  out.set("sequence", place.sequence.value);
  if (!place.segment.empty()) out.set("segment", place.segment);
  if (!place.archive_file.empty()) out.set("archive_file", place.archive_file);
  if (!place.lake_file.empty()) out.set("lake_file", place.lake_file);
  return out;
}

// A place is shown to who may see the record there.
Result<Json> explain(const LakeParts& parts, const std::string& id, const warehouse::User& user) {
  TRY_ASSIGN(std::vector<lake::Place> places, parts.lake.explain(id));
  std::erase_if(places, [&](const lake::Place& place) {
    const std::string table = place.verdict == "quarantined" ? place.stream + "_quarantine" : place.stream;
    return !parts.warehouse.check_sees_all(user, table);
  });
  Json listed{Json::Array{}};
  for (const lake::Place& place : places) {
    Json one = place_json(place);
    TRY_ASSIGN(Json rows, parts.streams.rows_of(place.stream, place.sequence.value));
    one.set("rows", std::move(rows));
    listed.push(std::move(one));
  }
  Json out{Json::Object{}};
  out.set("id", id);
  out.set("found", !places.empty());
  out.set("places", std::move(listed));
  return out;
}

// Begins a run; its parameters are checked first.
Result<Json> begin(const LakeParts& parts, const Request& request, const std::string& kind, const std::string& name,
                   Json parameters) {
  flow::WorkRequest wanted;
  wanted.kind = kind;
  wanted.name = name.empty() ? kind : name;
  wanted.parameters = std::move(parameters);
  wanted.cause = Json(Json::Object{{"by", "person"}, {"who", request.caller.name()}});
  TRY_ASSIGN(const std::string id, parts.flow.start_work(wanted));
  return Json(Json::Object{{"id", id}});
}

Result<Json> compact(const LakeParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"table", "day"}));
  Json parameters{Json::Object{}};
  TRY_ASSIGN(const std::string table, body.text_or("table", ""));
  if (!table.empty()) parameters.set("table", table);
  TRY_ASSIGN(const auto day, day_in(body, "day"));
  if (day) parameters.set("day", format_date(*day));
  return begin(parts, request, "compact", table, std::move(parameters));
}

Result<Json> requeue(const LakeParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"reason", "limit", "dry_run"}));
  lake::RequeueRequest wanted;
  wanted.stream = request.parameter("name");
  TRY_ASSIGN(wanted.reason, body.text_or("reason", ""));
  TRY_ASSIGN(const int64_t limit, body.integer_or("limit", INT64_MAX, {1, INT64_MAX}));
  wanted.limit = static_cast<uint64_t>(limit);
  TRY_ASSIGN(wanted.dry_run, body.flag_or("dry_run", false));
  if (wanted.dry_run) {
    TRY_ASSIGN(const lake::RequeueReport report, parts.requeue.run(wanted, *request.cancel));
    return report.to_json();
  }
  Json parameters(Json::Object{{"stream", wanted.stream}});
  if (!wanted.reason.empty()) parameters.set("reason", wanted.reason);
  if (limit != INT64_MAX) parameters.set("limit", limit);
  return begin(parts, request, "requeue", wanted.stream, std::move(parameters));
}

Result<Json> retain(const LakeParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"stream", "dry_run"}));
  lake::RetainRequest wanted;
  TRY_ASSIGN(wanted.stream, body.text_or("stream", ""));
  TRY_ASSIGN(wanted.dry_run, body.flag_or("dry_run", false));
  if (wanted.dry_run) {
    TRY_ASSIGN(const lake::Retention would, parts.lake.retain(wanted, *request.cancel));
    return would.to_json(true);
  }
  Json parameters{Json::Object{}};
  if (!wanted.stream.empty()) parameters.set("stream", wanted.stream);
  return begin(parts, request, "retain", wanted.stream, std::move(parameters));
}

Result<Json> rebuild(const LakeParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"stream"}));
  TRY_ASSIGN(const std::string stream, body.text("stream"));
  return begin(parts, request, "rebuild", stream, Json(Json::Object{{"stream", stream}}));
}

Result<Json> etl(const LakeParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"folder", "format", "any_age"}));
  const std::string stream(request.parameter("name"));
  Json parameters(Json::Object{{"stream", stream}});
  TRY_ASSIGN(const std::string folder, body.text("folder"));
  parameters.set("folder", folder);
  TRY_ASSIGN(const std::string format, body.text_or("format", "auto"));
  parameters.set("format", format);
  TRY_ASSIGN(const bool any_age, body.flag_or("any_age", false));
  parameters.set("any_age", any_age);
  return begin(parts, request, "etl", stream, std::move(parameters));
}

Result<Json> crawl(const LakeParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"path", "name", "format", "table"}));
  lake::CrawlRequest wanted;
  TRY_ASSIGN(wanted.as_table, body.flag_or("table", false));
  TRY_ASSIGN(wanted.path, body.text("path"));
  TRY_ASSIGN(wanted.name, body.text("name"));
  TRY_ASSIGN(wanted.format, body.text_or("format", "auto"));
  return parts.crawl.run(wanted, *request.cancel);
}

Result<Json> load(const LakeParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"path", "format", "table"}));
  TRY_ASSIGN(const std::string path, body.text("path"));
  TRY_ASSIGN(const std::string format, body.text("format"));
  TRY_ASSIGN(const std::string table, body.text("table"));
  if (!path.starts_with('/'))
    return Error(Code::invalid, "'path' must be absolute: the server's folder is not the caller's");
  TRY_ASSIGN(const uint64_t rows, parts.flow.load(path, format, table));
  parts.warehouse.catalog_changed();
  Json out{Json::Object{}};
  out.set("table", table);
  out.set("rows", rows);
  return out;
}

}  // namespace

void add_lake_routes(Router& router, const LakeParts& parts) {
  Route route;
  route.pattern = "/v1/events/{id}";
  route.access = Access::reader;
  route.summary = "Where one event is: verdict, journal, archive, lake, rows in tables.";
  route.handler = json_answers([parts](Request& request) {
    return explain(parts, std::string(request.parameter("id")), sql_user(request.caller));
  });
  router.add(route);
  route.pattern = "/v1/lake";
  route.summary = "Every table of the lake: rows, files and bytes by partition, what waits.";
  route.handler = json_answers([parts](Request&) { return parts.streams.lake(); });
  router.add(route);
  route.pattern = "/v1/lake/manifest/{table}";
  route.access = Access::admin;
  route.summary = "The committed files of a table, for readers outside.";
  route.handler = json_answers([parts](Request& request) { return parts.lake.manifest(request.parameter("table")); });
  router.add(route);
  route.method = Method::post;
  route.lane = Lane::background;  // these take as long as they take
  route.pattern = "/v1/lake/verify";
  route.summary = "Proves journal, archive and Parquet against each other.";
  route.handler = json_answers([parts](Request&) -> Result<Json> {
    TRY_ASSIGN(const lake::Verification verification, parts.lake.verify());
    return verification_json(verification);
  });
  router.add(route);
  route.pattern = "/v1/lake/drain";
  route.summary = "Waits until everything acknowledged before is committed to files.";
  route.handler = json_answers([parts](Request&) -> Result<Json> {
    TRY(parts.lake.drain(kDrainMax));
    Json out{Json::Object{}};
    out.set("cursor", parts.lake.status().cursor.value);
    return out;
  });
  router.add(route);
  route.lane = Lane::interactive;  // these begin a run, or tell what it would do
  route.pattern = "/v1/lake/compact";
  route.summary = "Merges small files of a table, or of all; answers at once with the run's id.";
  route.handler = json_answers([parts](Request& request) { return compact(parts, request); });
  router.add(route);
  route.pattern = "/v1/streams/{name}/requeue";
  route.summary =
      "Judges what lies in quarantine again, by the declaration as it is now: a run's id, or of a dry run the report.";
  route.handler = json_answers([parts](Request& request) { return requeue(parts, request); });
  router.add(route);
  route.pattern = "/v1/lake/retain";
  route.summary = "Removes what a stream's retention no longer keeps: a run's id, or of a dry run what it would be.";
  route.handler = json_answers([parts](Request& request) { return retain(parts, request); });
  router.add(route);
  route.pattern = "/v1/lake/rebuild";
  route.summary = "Makes a stream's Parquet anew from its archive; answers at once with the run's id.";
  route.handler = json_answers([parts](Request& request) { return rebuild(parts, request); });
  router.add(route);
  route.pattern = "/v1/streams/{name}/etl";
  route.summary = "Loads the files of a foreign folder, each record once; answers at once with the run's id.";
  route.handler = json_answers([parts](Request& request) { return etl(parts, request); });
  router.add(route);
  route.lane = Lane::background;
  route.pattern = "/v1/lake/crawl";
  route.summary = "Looks at a folder of foreign files: what is in it, and how it fits a stream or a table over it.";
  route.handler = json_answers([parts](Request& request) { return crawl(parts, request); });
  router.add(route);
  route.pattern = "/v1/load";
  route.access = Access::owner;
  route.summary = "Loads a file of this machine into a table, whole or not at all.";
  route.handler = json_answers([parts](Request& request) { return load(parts, request); });
  router.add(route);
}

}  // namespace weir::http
