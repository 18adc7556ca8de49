#include "surface/http/routes/streams.h"

#include <algorithm>
#include <set>

#include "core/base/quotes.h"
#include "core/base/text.h"
#include "platform/warehouse/result_text.h"
#include "stream/capture/declaration.h"
#include "stream/capture/values.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/sql_user.h"

namespace weir::http {

namespace {

constexpr int64_t kRowsShownMax = 1000;
constexpr size_t kPartitionsShownMax = 1000;
constexpr int64_t kReasonsKeptMicros = 10'000'000;  // a requeue takes records out without anything coming in
constexpr size_t kReasonsStreamsMax = 1000;
constexpr size_t kRateSeconds = 10;  // one second's rate jumps; ten read well on a page

Result<StreamDirectory::Declared> declared_of(const control::Declaration& declaration) {
  StreamDirectory::Declared out;
  out.number = declaration.number;
  out.detached = declaration.detached;
  TRY_ASSIGN(out.stream, capture::stream_from_json(declaration.body));
  return out;
}

// As it is declared: "decimal(9,2)", "array of string".
std::string declared_type(const capture::Field& field) {
  std::string out = capture::type_name(field.type);
  if (field.type == capture::FieldType::decimal)
    out += "(" + std::to_string(field.precision) + "," + std::to_string(field.scale) + ")";
  if (field.type == capture::FieldType::array && !field.items.empty()) out += " of " + declared_type(field.items[0]);
  return out;
}

Json fields_json(const capture::Stream& stream) {
  Json fields{Json::Array{}};
  for (const capture::Field& field : stream.fields) {
    Json one{Json::Object{}};
    one.set("name", field.name);
    one.set("type", declared_type(field));
    one.set("required", field.required);
    one.set("description", field.description);
    fields.push(std::move(one));
  }
  return fields;
}

Json rates_json(const std::vector<RatePoint>& points) {
  Json out{Json::Array{}};
  for (const RatePoint& point : points) {
    Json one{Json::Object{}};
    one.set("at", json_time(point.at.micros));
    one.set("accepted", point.accepted);
    one.set("duplicates", point.duplicates);
    one.set("quarantined", point.quarantined);
    one.set("refused", point.refused);
    out.push(std::move(one));
  }
  return out;
}

constexpr const char* kQuarantine = "_quarantine";

Result<std::vector<std::vector<engine::Cell>>> all_rows(engine::ResultStream& stream) {
  std::vector<std::vector<engine::Cell>> rows;
  for (;;) {
    TRY_ASSIGN(auto some, stream.next());
    if (some.empty()) return rows;
    std::move(some.begin(), some.end(), std::back_inserter(rows));
  }
}

int64_t integer_of(const engine::Cell& cell) {
  const auto* value = std::get_if<int64_t>(&cell);
  return value ? *value : 0;
}

std::string text_of(const engine::Cell& cell) {
  const auto* value = std::get_if<std::string>(&cell);
  if (value) return *value;
  const auto* number = std::get_if<int64_t>(&cell);
  return number ? std::to_string(*number) : std::string();
}

// The quarantine as q, and as m what requeues last found of each entry.
std::string quarantine_with_marks(const std::string& stream) {
  return quoted_name(stream + "_quarantine") +
         " q LEFT JOIN (SELECT entry, arg_max(outcome, _seq) AS outcome, arg_max(reason, _seq) AS reason, "
         "arg_max(field, _seq) AS field, arg_max(message, _seq) AS message, arg_max(event_id, _seq) AS event_id FROM " +
         quoted_name(stream + "_intake") + " WHERE action = 'requeue' GROUP BY entry) m ON m.entry = q._seq";
}

void append_time(std::string& out, const engine::Cell& micros) {
  if (std::holds_alternative<int64_t>(micros)) {
    Json::append_quoted(out, json_time(integer_of(micros)));
  } else {
    out += "null";
  }
}

// The declared fields as one object, with what `unknown: keep` kept beside them.
std::string event_text(const warehouse::NdjsonWriter& writer, const std::vector<engine::Cell>& fields,
                       const engine::Cell& extra) {
  std::string event;
  writer.append_row(event, fields);
  while (event.ends_with('\n')) event.pop_back();
  const std::string kept = text_of(extra);
  if (kept.size() > 2 && kept.front() == '{' && event.ends_with('}')) {
    event.pop_back();
    if (!fields.empty()) event += ',';
    event.append(kept, 1);
  }
  return event;
}

}  // namespace

Result<std::vector<StreamDirectory::Declared>> StreamDirectory::declared() const {
  TRY_ASSIGN(const auto declarations, parts_.control.declarations());
  std::vector<Declared> out;
  for (const control::Declaration& declaration : declarations) {
    if (declaration.kind != "stream") continue;
    TRY_ASSIGN(Declared one, declared_of(declaration));
    out.push_back(std::move(one));
  }
  std::sort(out.begin(), out.end(), [](const Declared& a, const Declared& b) { return a.stream.name < b.stream.name; });
  return out;
}

Result<StreamDirectory::Declared> StreamDirectory::find(std::string_view name) const {
  TRY_ASSIGN(std::vector<Declared> all, declared());
  std::vector<std::string> names;
  for (Declared& one : all) {
    if (one.stream.name == name) return std::move(one);
    names.push_back(one.stream.name);
  }
  return Error(Code::not_found, "there is no stream " + shown(name), did_you_mean(name, names));
}

Result<std::shared_ptr<const StreamDirectory::Files>> StreamDirectory::files() const {
  const uint64_t version = parts_.lake.status().version;
  {
    MutexLock lock(mutex_);
    if (files_ && files_version_ == version) return files_;
  }
  TRY_ASSIGN(const auto listed, parts_.control.lake_files());
  auto made = std::make_shared<Files>();
  for (const control::LakeFile& file : listed) {
    TableFiles& table = (*made)[file.table];
    table.bytes += file.bytes;
    if (file.kind == control::FileKind::archive) {
      ++table.archive;
      continue;
    }
    ++table.parquet;
    table.rows += file.rows;
    TableFiles::Partition& partition = table.partitions[file.partition];
    partition.rows += file.rows;
    partition.bytes += file.bytes;
    ++partition.files;
    partition.version = std::max(partition.version, file.version);
  }
  MutexLock lock(mutex_);
  files_ = std::move(made);
  files_version_ = version;
  return files_;
}

Json StreamDirectory::summary(const Declared& declared, const std::vector<capture::StreamCounts>& counts,
                              const Files& files) const {
  const capture::Stream& stream = declared.stream;
  capture::StreamCounts count;
  for (const capture::StreamCounts& one : counts) {
    if (one.stream == stream.name) count = one;
  }
  Json endpoints{Json::Array{}};
  if (!declared.detached) {
    for (const std::string& path : parts_.events.endpoints(stream)) endpoints.push(path);
  }
  Json tags{Json::Object{}};
  for (const auto& [key, value] : stream.tags) tags.set(key, value);
  const auto table = files.find(stream.name);
  Json out{Json::Object{}};
  out.set("name", stream.name);
  out.set("description", stream.description);
  out.set("enabled", stream.enabled);
  out.set("detached", declared.detached);
  out.set("write", stream.write == capture::WhoWrites::anyone ? "public" : "key");
  out.set("endpoints", std::move(endpoints));
  out.set("key", stream.key.empty() ? Json() : Json(stream.key));
  out.set("time_field", stream.time_field.empty() ? Json() : Json(stream.time_field));
  out.set("counted_since", json_time(counted_since_.micros));
  out.set("accepted", count.accepted);
  out.set("duplicates", count.duplicates);
  out.set("quarantined", count.quarantined);
  out.set("refused", count.refused);
  out.set("records_per_s", parts_.rates.mean(stream.name, kRateSeconds).records());
  out.set("last_arrival", count.last_arrival.micros == 0 ? Json() : Json(json_time(count.last_arrival.micros)));
  out.set("rows_in_lake", table == files.end() ? uint64_t{0} : table->second.rows);
  out.set("tags", std::move(tags));
  return out;
}

Result<Json> StreamDirectory::list() const {
  TRY_ASSIGN(const auto all, declared());
  TRY_ASSIGN(const auto listed, files());
  const auto counts = parts_.capture.counts();
  Json streams{Json::Array{}};
  for (const Declared& one : all) streams.push(summary(one, counts, *listed));
  Json out{Json::Object{}};
  out.set("streams", std::move(streams));
  return out;
}

Result<Json> StreamDirectory::detail(std::string_view name) const {
  TRY_ASSIGN(const Declared declared, find(name));
  TRY_ASSIGN(const auto listed, files());
  Json out = summary(declared, parts_.capture.counts(), *listed);
  out.set("fields", fields_json(declared.stream));
  TRY_ASSIGN(Json reasons, quarantine_reasons(declared, static_cast<uint64_t>(out["quarantined"].as_int())));
  out.set("quarantine", std::move(reasons));
  out.set("rates", rates_json(parts_.rates.points(name)));
  const auto found = listed->find(name);
  const TableFiles table = found == listed->end() ? TableFiles{} : found->second;
  Json file_counts{Json::Object{}};
  file_counts.set("parquet", table.parquet);
  file_counts.set("archive", table.archive);
  file_counts.set("bytes", table.bytes);
  out.set("files", std::move(file_counts));
  out.set("partitions", table.partitions_json());
  return out;
}

Json StreamDirectory::TableFiles::partitions_json() const {
  Json out{Json::Array{}};
  for (auto partition = partitions.rbegin(); partition != partitions.rend(); ++partition) {
    if (out.array().size() == kPartitionsShownMax) break;
    Json one{Json::Object{}};
    one.set("name", partition->first);
    one.set("rows", partition->second.rows);
    one.set("files", partition->second.files);
    one.set("bytes", partition->second.bytes);
    one.set("version", partition->second.version);
    out.push(std::move(one));
  }
  return out;
}

Result<Json> StreamDirectory::lake() const {
  TRY_ASSIGN(const auto all, declared());
  TRY_ASSIGN(const auto listed, files());
  std::map<std::string, std::string> time_fields;  // by stream
  std::set<std::string> names;                     // declared ones are there before their first file
  for (const Declared& one : all) {
    time_fields[one.stream.name] = one.stream.time_field;
    names.insert(one.stream.name);
  }
  for (const auto& [name, table] : *listed) names.insert(name);
  const auto derived = parts_.lake.derived();
  for (const auto& [name, table] : derived) names.insert(name);
  std::erase_if(names, [](const std::string& name) { return lake::is_shadow(name); });
  Json tables{Json::Array{}};
  for (const std::string& name : names) {
    const auto found = listed->find(name);
    const TableFiles table = found == listed->end() ? TableFiles{} : found->second;
    const auto field = time_fields.find(name);
    const bool is_quarantine = name.ends_with("_quarantine");
    Json one{Json::Object{}};
    one.set("name", name);
    one.set("kind", field != time_fields.end() ? "stream"
                    : derived.contains(name)   ? "table"
                    : is_quarantine            ? "quarantine"
                                               : "other");
    one.set("time_field", field == time_fields.end() || field->second.empty() ? Json() : Json(field->second));
    one.set("rows", table.rows);
    one.set("bytes", table.bytes);
    one.set("parquet_files", table.parquet);
    one.set("archive_files", table.archive);
    one.set("partitions", table.partitions_json());
    tables.push(std::move(one));
  }
  const lake::LakeStatus status = parts_.lake.status();
  Json out{Json::Object{}};
  out.set("version", status.version);
  out.set("waiting_rows", status.tail_rows);
  out.set("waiting_bytes", status.tail_bytes);
  out.set("tables", std::move(tables));
  return out;
}

// Counting reads the whole quarantine, and pages ask every two seconds: an answer is used again while nothing came, and
// in any case so long that counting takes at most a tenth of the time.
Result<Json> StreamDirectory::quarantine_reasons(const Declared& declared, uint64_t quarantined) const {
  const int64_t begin = parts_.clock.steady_micros();
  {
    MutexLock lock(mutex_);
    const auto known = reasons_.find(declared.number);
    if (known != reasons_.end()) {
      const int64_t age = begin - known->second.counted_at;
      const bool is_same = known->second.quarantined == quarantined && age < kReasonsKeptMicros;
      if (is_same || age < known->second.took * 10) return known->second.reasons;
    }
  }
  TRY_ASSIGN(Json counted, count_reasons(declared.stream.name));
  const int64_t end = parts_.clock.steady_micros();
  MutexLock lock(mutex_);
  if (reasons_.size() >= kReasonsStreamsMax) reasons_.clear();
  reasons_[declared.number] = {quarantined, end, end - begin, counted};
  return counted;
}

Result<Json> StreamDirectory::count_reasons(const std::string& stream) const {
  TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
  TRY_ASSIGN(const auto result, session->query("SELECT coalesce(m.reason, q.reason), count(*)::BIGINT, "
                                               "epoch_us(max(q._arrived_at)) FROM " +
                                                   quarantine_with_marks(stream) +
                                                   " WHERE coalesce(m.outcome, 'kept') = 'kept' "
                                                   "GROUP BY 1 ORDER BY 2 DESC, 1",
                                               {}, {.time = seconds(10), .rows_max = 1000}));
  TRY_ASSIGN(const auto rows, all_rows(*result));
  Json out{Json::Array{}};
  for (const Row& row : rows) {
    Json one{Json::Object{}};
    one.set("reason", text_of(row[0]));
    one.set("count", integer_of(row[1]));
    one.set("last", json_time(integer_of(row[2])));
    out.push(std::move(one));
  }
  return out;
}

Result<StreamDirectory::Newest> StreamDirectory::newest(const std::string& sql, int64_t limit,
                                                        const Cancel& cancel) const {
  TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
  const auto interrupt = cancel.attach([&session] { session->cancel(); });
  const auto end = static_cast<int64_t>(parts_.journal.durable_end().value);
  Newest found;
  for (const int64_t behind : {int64_t{20'000}, int64_t{2'000'000}, INT64_MAX}) {
    const int64_t lowest = behind >= end ? 0 : end - behind;
    TRY_ASSIGN(const auto result,
               session->query(sql, {Json(lowest), Json(limit)}, {.time = seconds(30), .rows_max = UINT64_MAX}));
    found.columns = result->columns();
    TRY_ASSIGN(found.rows, all_rows(*result));
    if (static_cast<int64_t>(found.rows.size()) >= limit || lowest == 0) break;
  }
  return found;
}

Result<std::string> StreamDirectory::events(std::string_view name, int64_t limit, const Cancel& cancel) const {
  TRY_ASSIGN(const Declared declared, find(name));
  const capture::Stream& stream = declared.stream;
  const bool keeps_extra = stream.unknown == capture::UnknownFields::keep;
  std::string sql = "SELECT CAST(" + quoted_name(stream.key.empty() ? "_id" : stream.key) +
                    " AS VARCHAR), _seq, epoch_us(_arrived_at), ";
  sql += stream.time_field.empty() ? "epoch_us(_arrived_at)"
                                   : "epoch_us(CAST(" + quoted_name(stream.time_field) + " AS TIMESTAMP))";
  sql += keeps_extra ? ", CAST(_extra AS VARCHAR)" : ", NULL";
  for (const capture::Field& field : stream.fields) sql += ", " + quoted_name(field.name);
  sql += " FROM " + quoted_name(stream.name) + " WHERE _seq >= $1 ORDER BY _seq DESC LIMIT $2";
  TRY_ASSIGN(const Newest found, newest(sql, limit, cancel));
  constexpr size_t kOwnColumns = 5;
  const warehouse::NdjsonWriter writer(
      std::vector<engine::ResultColumn>(found.columns.begin() + kOwnColumns, found.columns.end()));
  std::string out = "{\"events\":[";
  for (const Row& row : found.rows) {
    if (out.back() == '}') out += ',';
    out += "{\"id\":";
    Json::append_quoted(out, text_of(row[0]));
    out += ",\"sequence\":" + std::to_string(integer_of(row[1])) + ",\"arrived_at\":";
    append_time(out, row[2]);
    out += ",\"event_time\":";
    append_time(out, row[3]);
    out += ",\"event\":" + event_text(writer, Row(row.begin() + kOwnColumns, row.end()), row[4]) + "}";
  }
  out += "]}";
  return out;
}

Result<std::string> StreamDirectory::quarantine(std::string_view name, int64_t limit, const Cancel& cancel) const {
  TRY_ASSIGN(const Declared declared, find(name));
  const std::string sql =
      "SELECT q.quarantine_id, epoch_us(q._arrived_at), coalesce(m.reason, q.reason), "
      "CASE WHEN m.outcome = 'kept' THEN m.field ELSE q.field END, coalesce(m.message, q.message), q.payload, "
      "CASE m.outcome WHEN 'accepted' THEN 'requeued' WHEN 'duplicate' THEN 'duplicate' ELSE 'open' END, m.event_id "
      "FROM " +
      quarantine_with_marks(declared.stream.name) + " WHERE q._seq >= $1 ORDER BY q._seq DESC LIMIT $2";
  TRY_ASSIGN(const Newest found, newest(sql, limit, cancel));
  std::string out = "{\"records\":[";
  for (const Row& row : found.rows) {
    if (out.back() == '}') out += ',';
    out += "{\"id\":";
    Json::append_quoted(out, text_of(row[0]));
    out += ",\"arrived_at\":";
    append_time(out, row[1]);
    const char* const keys[] = {"reason", "field", "message", "payload", "state", "event_id"};
    for (size_t index = 0; index < std::size(keys); ++index) {
      out += std::string(",\"") + keys[index] + "\":";
      if (std::holds_alternative<std::nullptr_t>(row[index + 2])) {
        out += "null";
      } else {
        Json::append_quoted(out, text_of(row[index + 2]));
      }
    }
    out += '}';
  }
  out += "]}";
  return out;
}

Result<Json> StreamDirectory::rows_of(const std::string& stream, uint64_t sequence) const {
  TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
  Json out{Json::Object{}};
  for (const std::string& table : {stream, stream + "_quarantine"}) {
    TRY_ASSIGN(const auto result,
               session->query("SELECT count(*)::BIGINT FROM " + quoted_name(table) + " WHERE _seq = $1",
                              {Json(sequence)}, {.time = seconds(30), .rows_max = 1}));
    TRY_ASSIGN(const auto rows, all_rows(*result));
    if (!rows.empty() && integer_of(rows[0][0]) > 0) out.set(table, integer_of(rows[0][0]));
  }
  return out;
}

namespace {

Handler shown_records(const StreamDirectory& directory, warehouse::Warehouse& rights, std::string suffix,
                      Result<std::string> (StreamDirectory::*read)(std::string_view, int64_t, const Cancel&) const) {
  return answers([&directory, &rights, suffix, read](Request& request) -> Result<Response> {
    TRY_ASSIGN(const int64_t limit, query_integer_or(request, "limit", 50, {1, kRowsShownMax}));
    const std::string name(request.parameter("name"));
    TRY(directory.find(name));
    TRY(rights.check_sees_all(sql_user(request.caller), name + suffix));
    TRY_ASSIGN(std::string text, (directory.*read)(name, limit, *request.cancel));
    return json_response(std::move(text));
  });
}

void watch(const StreamDirectory& directory, TailHub& tail, warehouse::Warehouse& rights, Request& request,
           const Responder& responder) {
  const Result<StreamDirectory::Declared> declared = directory.find(request.parameter("name"));
  if (!declared) return responder.fail(declared.error());
  const warehouse::User user = sql_user(request.caller);
  const std::string name = declared->stream.name;
  if (const Status sees = rights.check_sees_all(user, name); !sees) return responder.fail(sees.error());
  const bool sees_quarantined = rights.check_sees_all(user, name + kQuarantine).has_value();
  Response head;
  head.content_type = "text/event-stream";
  head.headers.emplace_back("X-Accel-Buffering", "no");  // a proxy between must pass each event on at once
  const std::shared_ptr<BodyStream> body =
      responder.stream(std::move(head), {.endless = true, .waiting_bytes_max = 1 << 20});
  static_cast<void>(body->offer(": watching\n\n"));
  TailHub::Watch wanted{.stream = declared->number,
                        .sees_quarantined = sees_quarantined,
                        .may_go_on = [&rights, user, name] { return rights.check_sees_all(user, name).has_value(); }};
  if (const Status added = tail.add(std::move(wanted), body); !added) {
    static_cast<void>(body->offer("event: refused\ndata: {\"message\":\"too many tails are watched at once\"}\n\n"));
    body->finish();
  }
}

}  // namespace

void add_stream_routes(Router& router, const StreamDirectory& directory, TailHub& tail, warehouse::Warehouse& rights) {
  Route route;
  route.access = Access::reader;
  route.pattern = "/v1/streams";
  route.summary = "All streams with their counts and rates.";
  route.handler = answers([&directory](Request&) -> Result<Response> {
    TRY_ASSIGN(const Json streams, directory.list());
    return json_reply(streams);
  });
  router.add(route);
  route.pattern = "/v1/streams/{name}";
  route.summary = "One stream: fields, counts, rates of the last five minutes, quarantine by reason, files.";
  route.handler = answers([&directory](Request& request) -> Result<Response> {
    TRY_ASSIGN(const Json detail, directory.detail(request.parameter("name")));
    return json_reply(detail);
  });
  router.add(route);
  route.pattern = "/v1/streams/{name}/events";
  route.summary = "The newest events of a stream.";
  route.handler = shown_records(directory, rights, "", &StreamDirectory::events);
  router.add(route);
  route.pattern = "/v1/streams/{name}/quarantine";
  route.summary = "The newest records of a stream that did not fit, with the reason.";
  route.handler = shown_records(directory, rights, kQuarantine, &StreamDirectory::quarantine);
  router.add(route);
  route.pattern = "/v1/streams/{name}/tail";
  route.summary = "Records as they arrive, as server-sent events.";
  route.handler = [&directory, &tail, &rights](Request& request, const Responder& responder) {
    watch(directory, tail, rights, request, responder);
  };
  router.add(route);
}

}  // namespace weir::http
