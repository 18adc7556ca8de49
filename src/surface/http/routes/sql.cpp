// POST /v1/sql and what belongs to it: running statements, cancelling, the catalog.
//
// A statement waits for its turn without a thread: the handler admits it, and the warehouse says when it would not wait
// any more. JSON is made whole in memory under the warehouse's limits; CSV and NDJSON are streamed, Parquet goes
// through a file.
#include <algorithm>

#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "platform/warehouse/result_text.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/result_form.h"
#include "surface/http/routes/routes.h"
#include "surface/http/routes/sql_user.h"

namespace weir::http {

namespace {

constexpr size_t kPieceBytes = 64 << 10;

Result<warehouse::Statement> statement_of(const Request& request, Form form) {
  TRY_ASSIGN(const JsonBody body,
             JsonBody::parse(request, {"sql", "parameters", "rows_max", "time_limit_ms", "statement_id"}));
  warehouse::Statement statement;
  TRY_ASSIGN(statement.sql, body.text("sql"));
  TRY_ASSIGN(statement.parameters, body.array_or_empty("parameters"));
  TRY_ASSIGN(statement.id, body.text_or("statement_id", ""));
  TRY_ASSIGN(const int64_t time, body.integer_or("time_limit_ms", 0, {1, 86'400'000}));
  if (time > 0) statement.time = milliseconds(time);
  TRY_ASSIGN(const int64_t rows, body.integer_or("rows_max", 0, {1, INT64_MAX}));
  // A file holds the whole result: the engine writes it, and knows no limit of rows.
  if (rows > 0 && form != Form::parquet) statement.rows_max = static_cast<uint64_t>(rows);
  statement.client = "http";
  return statement;
}

// The text of some rows, with the header before the first ones.
class TableWriter {
 public:
  TableWriter(const std::vector<engine::ResultColumn>& columns, Form form) : form_(form), ndjson_(columns) {
    if (form == Form::csv) warehouse::append_csv_header(text, columns);
  }
  void add(const warehouse::Rows& rows) {
    for (const auto& row : rows) {
      if (form_ == Form::csv) {
        warehouse::append_csv_row(text, row);
      } else {
        ndjson_.append_row(text, row);
      }
    }
  }
  std::string text;

 private:
  const Form form_;
  const warehouse::NdjsonWriter ndjson_;
};

void stream_rows(warehouse::Execution& execution, Form form, const Responder& responder) {
  // The first rows come before the head, so that what fails at once is an error and not a broken file.
  Result<warehouse::Rows> rows = execution.next();
  if (!rows) return responder.fail(rows.error());
  Response head;
  head.content_type = content_type_of(form);
  head.headers.emplace_back("X-Weir-Statement-Id", execution.id());
  const std::shared_ptr<BodyStream> body = responder.stream(std::move(head));
  TableWriter writer(execution.columns(), form);
  for (;;) {
    if (!rows) {
      // Too late for a status: the cut connection says that something is missing.
      log_event(Level::info, "http.result_cut", {{"statement", execution.id()}, {"reason", rows.error().text()}});
      return;
    }
    writer.add(*rows);
    if (!writer.text.empty() && !body->write(writer.text)) return;
    writer.text.clear();
    if (rows->empty()) break;
    rows = execution.next();
  }
  body->finish();
}

// One statement from its request to its answer.
struct Job {
  std::unique_ptr<warehouse::Admission> admission;
  Form form = Form::json;
  size_t bytes_max = 0;
  Responder responder;
};

void run(Job& job) {
  Result<std::unique_ptr<warehouse::Execution>> execution = job.admission->start();
  if (!execution) return job.responder.fail(execution.error());
  if (job.form != Form::json) return stream_rows(**execution, job.form, job.responder);
  const Result<warehouse::JsonResult> result = warehouse::read_json(**execution, job.bytes_max);
  if (!result) return job.responder.fail(result.error());
  job.responder.send(json_response(result->text()));
}

Status send_file(Files& files, const std::string& path, const warehouse::FileResult& result,
                 const Responder& responder) {
  TRY_ASSIGN(const std::unique_ptr<File> file, files.open(path, OpenMode::read));
  TRY_ASSIGN(const uint64_t size, file->size());
  Response head;
  head.content_type = content_type_of(Form::parquet);
  head.headers.emplace_back("X-Weir-Statement-Id", result.statement_id);
  head.headers.emplace_back("X-Weir-Rows", std::to_string(result.rows));
  const std::shared_ptr<BodyStream> body = responder.stream(std::move(head));
  std::string piece(kPieceBytes, '\0');
  for (uint64_t at = 0; at < size;) {
    TRY_ASSIGN(const size_t count, file->read_at(at, piece.data(), piece.size()));
    if (count == 0) return Error(Code::io, "the result's file became shorter while it was sent");
    TRY(body->write(std::string_view(piece).substr(0, count)));
    at += count;
  }
  body->finish();
  return {};
}

class SqlRoutes {
 public:
  SqlRoutes(const SqlParts& parts, const SiteFacts& facts)
      : parts_(parts), staging_(join_path(facts.store_root, ".staging")) {}

  void take(Request& request, const Responder& responder) const {
    const Form form = form_of(request);
    Result<warehouse::Statement> statement = statement_of(request, form);
    if (!statement) return responder.fail(statement.error());
    if (form == Form::parquet) return write_file(request, std::move(*statement), responder);
    if (form == Form::json) {
      statement->rows_max =
          std::min(statement->rows_max.value_or(kJsonRowsMax), parts_.warehouse.limits().json_rows_max);
    }
    Result<std::unique_ptr<warehouse::Admission>> admission =
        parts_.warehouse.admit(sql_user(request.caller), std::move(*statement), *request.cancel);
    if (!admission) return responder.fail(admission.error());
    // Shared by the callback that waits for the turn and the task that then runs.
    auto job =
        std::make_shared<Job>(Job{std::move(*admission), form, parts_.warehouse.limits().json_bytes_max, responder});
    warehouse::Admission& waiting = *job->admission;
    waiting.when_ready([&lanes = parts_.lanes, job = std::move(job)]() mutable {
      const Status submitted = lanes.submit(Lane::interactive, [job] { run(*job); });
      if (!submitted) job->responder.fail(submitted.error());
    });
  }

  // Administrators see all of them, others their own.
  Json running(const Request& request) const {
    const warehouse::User user = sql_user(request.caller);
    Json statements{Json::Array{}};
    for (const warehouse::StatementInfo& info : parts_.warehouse.running()) {
      if (!user.may_administer && info.user != user.name) continue;
      Json one{Json::Object{}};
      one.set("id", info.id);
      one.set("sql", info.sql);
      one.set("user", info.user);
      one.set("client", info.client);
      one.set("state", warehouse::state_name(info.state));
      one.set("started_at", json_time(info.started_at.micros));
      one.set("elapsed_ms", info.elapsed.micros / 1000);
      one.set("rows", info.rows);
      one.set("progress", info.progress ? Json(*info.progress) : Json());
      statements.push(std::move(one));
    }
    Json out{Json::Object{}};
    out.set("statements", std::move(statements));
    return out;
  }

  Status cancel(const Request& request) const {
    return parts_.warehouse.cancel(to_lower(request.parameter("id")), sql_user(request.caller));
  }

  Result<Json> catalog(const Request& request) const {
    TRY_ASSIGN(const auto catalog, parts_.warehouse.catalog(sql_user(request.caller)));
    return warehouse::catalog_json(*catalog);
  }

 private:
  // Beside the lake's own staging files: what a crash leaves there is removed when the lake opens.
  void write_file(const Request& request, warehouse::Statement statement, const Responder& responder) const {
    const std::string path =
        join_path(staging_, "result-" + format_uuid(uuid_v7(parts_.clock, parts_.random)) + ".parquet");
    Status done = parts_.files.make_directories(staging_);
    if (done) {
      const Result<warehouse::FileResult> result =
          parts_.warehouse.write_parquet_result(sql_user(request.caller), std::move(statement), path, *request.cancel);
      done = result ? send_file(parts_.files, path, *result, responder) : Status(result.error());
    }
    const Status removed = parts_.files.remove(path);
    if (!done) responder.fail(done.error());
    if (!removed && removed.error().code != Code::not_found) {
      log_event(Level::warn, "http.result_file_left", {{"path", path}, {"reason", removed.error().text()}});
    }
  }

  const SqlParts parts_;
  const std::string staging_;
};

}  // namespace

void add_sql_routes(Router& router, const SqlParts& parts, const SiteFacts& facts) {
  const auto sql = std::make_shared<SqlRoutes>(parts, facts);  // lives in the handlers
  Route route;
  route.method = Method::post;
  route.pattern = "/v1/sql";
  route.access = Access::reader;
  route.summary =
      "Runs one statement with the caller's rights (statements.md); the result as JSON, CSV, NDJSON or Parquet, as "
      "Accept says.";
  route.body_bytes_max = 4 << 20;
  route.handler = [sql](Request& request, const Responder& responder) { sql->take(request, responder); };
  router.add(route);
  route.body_bytes_max = 1024;
  route.method = Method::get;
  route.pattern = "/v1/statements";
  route.summary = "Statements that wait or run: one's own, for administrators all.";
  route.handler = answers([sql](Request& request) -> Result<Response> { return json_reply(sql->running(request)); });
  router.add(route);
  route.pattern = "/v1/catalog";
  route.summary = "Tables, columns and functions, for completion.";
  route.handler = answers([sql](Request& request) -> Result<Response> {
    TRY_ASSIGN(const Json catalog, sql->catalog(request));
    return json_reply(catalog);
  });
  router.add(route);
  route.method = Method::erase;
  route.pattern = "/v1/statements/{id}";
  route.runs = Runs::on_io;  // must work while every lane is busy
  route.summary = "Cancels a statement.";
  route.handler = answers([sql](Request& request) -> Result<Response> {
    TRY(sql->cancel(request));
    Response response;
    response.status = 204;
    return response;
  });
  router.add(route);
}

}  // namespace weir::http
