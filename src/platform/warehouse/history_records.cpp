// What the logs write down and read again, as records of the HistoryFile.
#include "platform/warehouse/history_records.h"

#include "platform/dialect/rewrite.h"

namespace weir::warehouse {
namespace {

std::string text_of(const Json& value) {
  return value.is_string() ? value.as_string() : std::string();
}

uint64_t count_of(const Json& value) {
  return static_cast<uint64_t>(std::max<int64_t>(0, value.as_int()));
}

Code code_of(std::string_view name) {
  for (int i = 0; i < kCodeCount; ++i) {
    if (code_name(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  }
  return Code::internal;
}

StatementState state_of(std::string_view name) {
  for (const StatementState one : {StatementState::done, StatementState::cancelled, StatementState::timed_out}) {
    if (state_name(one) == name) return one;
  }
  return StatementState::failed;
}

Json number(uint64_t value) {
  return Json(static_cast<int64_t>(value));
}

}  // namespace

Json record_of(const StatementInfo& info) {
  Json out(Json::Object{{"kind", "statement"},
                        {"at", info.started_at.micros},
                        {"id", info.id},
                        {"sql", dialect::without_values(info.sql)},
                        {"user", info.user},
                        {"user_id", number(info.user_id)},
                        {"client", info.client},
                        {"peer", info.peer},
                        {"application", info.application},
                        {"database", info.database},
                        {"label", info.label},
                        {"process_id", int64_t{info.process_id}},
                        {"number", number(info.number)},
                        {"state", state_name(info.state)},
                        {"elapsed_us", info.elapsed.micros},
                        {"queued_us", info.queued.micros},
                        {"cpu_us", info.cpu.micros},
                        {"rows", number(info.rows)},
                        {"bytes", number(info.bytes)}});
  if (info.truncated) out.set("truncated", true);
  if (info.error) {
    out.set("error_code", code_name(info.error->code));
    out.set("error", dialect::without_quoted(info.error->message));
  }
  return out;
}

StatementInfo statement_of(const Json& record) {
  StatementInfo out;
  out.id = text_of(record["id"]);
  out.sql = text_of(record["sql"]);
  out.user = text_of(record["user"]);
  out.client = text_of(record["client"]);
  out.started_at = WallTime{record["at"].as_int()};
  out.elapsed = microseconds(record["elapsed_us"].as_int());
  out.state = state_of(text_of(record["state"]));
  out.rows = count_of(record["rows"]);
  out.truncated = record["truncated"].as_bool(false);
  if (record["error"].is_string()) out.error = Error(code_of(text_of(record["error_code"])), text_of(record["error"]));
  out.number = count_of(record["number"]);
  out.user_id = static_cast<uint32_t>(count_of(record["user_id"]));
  out.process_id = static_cast<int32_t>(record["process_id"].as_int());
  out.database = text_of(record["database"]);
  out.label = text_of(record["label"]);
  out.peer = text_of(record["peer"]);
  out.application = text_of(record["application"]);
  out.queued = microseconds(record["queued_us"].as_int());
  out.cpu = microseconds(record["cpu_us"].as_int());
  out.bytes = count_of(record["bytes"]);
  return out;
}

Json record_of(const ConnectionEvent& event) {
  return Json::Object{{"kind", "connection"},
                      {"at", event.at.micros},
                      {"event", event.event},
                      {"user", event.user},
                      {"database", event.database},
                      {"peer", event.peer},
                      {"way", event.way},
                      {"tls", event.tls},
                      {"application", event.application},
                      {"reason", event.reason},
                      {"process_id", int64_t{event.process_id}},
                      {"duration_us", event.duration.micros}};
}

ConnectionEvent connection_of(const Json& record) {
  return {.at = WallTime{record["at"].as_int()},
          .event = text_of(record["event"]),
          .user = text_of(record["user"]),
          .database = text_of(record["database"]),
          .peer = text_of(record["peer"]),
          .way = text_of(record["way"]),
          .tls = text_of(record["tls"]),
          .application = text_of(record["application"]),
          .reason = text_of(record["reason"]),
          .process_id = static_cast<int32_t>(record["process_id"].as_int()),
          .duration = microseconds(record["duration_us"].as_int())};
}

Json record_of(const LoadError& error) {
  return Json::Object{{"kind", "load_error"},
                      {"at", error.at.micros},
                      {"user", error.user},
                      {"table", error.table},
                      {"file", error.file},
                      {"line", error.line},
                      {"column", error.column},
                      {"type", error.type},
                      {"reason", dialect::without_quoted(error.reason)},
                      {"user_id", number(error.by.user_id)},
                      {"query", number(error.by.query)},
                      {"process_id", int64_t{error.by.process_id}}};
}

namespace {

StatementMark mark_of(const Json& record) {
  return {.user_id = static_cast<uint32_t>(count_of(record["user_id"])),
          .query = count_of(record["query"]),
          .process_id = static_cast<int32_t>(record["process_id"].as_int())};
}

}  // namespace

LoadError load_error_of(const Json& record) {
  return {.at = WallTime{record["at"].as_int()},
          .user = text_of(record["user"]),
          .table = text_of(record["table"]),
          .file = text_of(record["file"]),
          .line = record["line"].as_int(),
          .column = text_of(record["column"]),
          .type = text_of(record["type"]),
          .raw_line = text_of(record["raw_line"]),
          .reason = text_of(record["reason"]),
          .by = mark_of(record)};
}

namespace {

Json file_record(const char* kind, const LoadedFile& file) {
  return Json::Object{{"kind", kind},
                      {"at", file.at.micros},
                      {"user", file.user},
                      {"table", file.table},
                      {"file", file.file},
                      {"bytes", number(file.bytes)},
                      {"rows", number(file.rows)},
                      {"format", file.format},
                      {"began_at", file.began_at.micros},
                      {"user_id", number(file.by.user_id)},
                      {"query", number(file.by.query)},
                      {"process_id", int64_t{file.by.process_id}}};
}

}  // namespace

Json record_of_loaded(const LoadedFile& file) {
  return file_record("loaded", file);
}
Json record_of_unloaded(const LoadedFile& file) {
  return file_record("unloaded", file);
}

LoadedFile file_of(const Json& record) {
  return {.at = WallTime{record["at"].as_int()},
          .user = text_of(record["user"]),
          .table = text_of(record["table"]),
          .file = text_of(record["file"]),
          .bytes = count_of(record["bytes"]),
          .rows = count_of(record["rows"]),
          .format = text_of(record["format"]),
          .began_at = WallTime{record["began_at"].as_int()},
          .by = mark_of(record)};
}

void restore_history(std::vector<Json> records, StatementLog& statements, LoadLog& loads) {
  for (const Json& record : records) {
    const std::string kind = text_of(record["kind"]);
    if (kind == "statement") statements.restore(statement_of(record));
    if (kind == "connection") statements.restore(connection_of(record));
    if (kind == "load_error") loads.restore(load_error_of(record));
    if (kind == "loaded") loads.restore_loaded(file_of(record));
    if (kind == "unloaded") loads.restore_unloaded(file_of(record));
  }
}

}  // namespace weir::warehouse
