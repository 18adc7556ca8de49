// Redshift's Data API: statements that are handed over, described, cancelled, listed, and their results page by page.
#include "surface/awsapi/data_api.h"

#include <memory>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "platform/dialect/token.h"
#include "surface/awsapi/data_types.h"
#include "surface/awsapi/db_access.h"

namespace weir::awsapi {
namespace {

using warehouse::Job;
using warehouse::JobState;
using warehouse::JobStatement;

constexpr size_t kSqlBytesMax = 1 << 20;
constexpr int64_t kWaitMax = 30;

// An id, and which of its statements: "…:2".
struct StatementId {
  std::string job;
  std::optional<size_t> statement;  // from 0
};

Result<StatementId> statement_id(const Members& members) {
  TRY_ASSIGN(const std::string text, members.text("Id", 64));
  StatementId out{.job = to_lower(text.substr(0, text.find(':'))), .statement = {}};
  if (!parse_uuid(out.job)) return Error(Code::invalid, "Id is no identifier of a statement: " + shown(text));
  if (const size_t colon = text.find(':'); colon != std::string::npos) {
    const std::string number = text.substr(colon + 1);
    if (number.empty() || number.size() > 2 || number.find_first_not_of("0123456789") != std::string::npos ||
        number == "0" || number == "00") {
      return Error(Code::invalid, "Id is no identifier of a statement: " + shown(text));
    }
    out.statement = std::stoul(number) - 1;
  }
  return out;
}

warehouse::JobReader reader_of(const Caller& caller) {
  return {owner_of(*caller.identity), access::may_administer(*caller.identity).has_value()};
}

void set_if(Json& out, const char* name, const std::string& value) {
  if (!value.empty()) out.set(name, value);
}

// What the client said of where it wants the statement, as it wants it back.
void set_about(Json& out, const Job& job) {
  for (const char* name : {"ClusterIdentifier", "WorkgroupName", "SecretArn"})
    set_if(out, name, job.about[name].as_string());
  set_if(out, "Database", job.database);
}

Json parameters_json(const Job& job) {
  Json out{Json::Array{}};
  for (const warehouse::JobParameter& one : job.parameters) {
    Json parameter{Json::Object{}};
    parameter.set("name", one.name);
    parameter.set("value", one.value);
    out.push(std::move(parameter));
  }
  return out;
}

bool has_result(const Job& job) {
  for (const JobStatement& one : job.statements) {
    if (one.has_rows) return true;
  }
  return false;
}

void set_result(Json& out, const JobStatement& one) {
  out.set("HasResultSet", one.has_rows);
  out.set("ResultRows", one.rows);
  out.set("ResultSize", static_cast<int64_t>(one.bytes));
  out.set("RedshiftQueryId", static_cast<int64_t>(one.query));
}

Json sub_statement(const Job& job, size_t index) {
  const JobStatement& one = job.statements[index];
  Json out{Json::Object{}};
  out.set("Id", job.id + ":" + std::to_string(index + 1));
  out.set("Status", job_state_name(one.state));
  out.set("QueryString", one.sql);
  out.set("Duration", one.took.micros * 1000);
  out.set("CreatedAt", epoch_seconds(job.created_at.micros));
  out.set("UpdatedAt", epoch_seconds(one.updated_at.micros));
  set_if(out, "Error", one.error);
  set_result(out, one);
  return out;
}

// The statement whose result is the job's: of several the last that gives rows.
size_t result_statement(const Job& job) {
  for (size_t i = job.statements.size(); i > 0; --i) {
    if (job.statements[i - 1].has_rows) return i - 1;
  }
  return job.statements.size() - 1;
}

Json described(const Job& job) {
  Json out{Json::Object{}};
  out.set("Id", job.id);
  out.set("Status", job_state_name(job.state));
  set_if(out, "Error", job.error);
  out.set("Duration", job.took().micros * 1000);
  out.set("CreatedAt", epoch_seconds(job.created_at.micros));
  out.set("UpdatedAt", epoch_seconds(job.updated_at.micros));
  out.set("RedshiftPid", static_cast<int64_t>(job.process_id));
  out.set("DbUser", job.user);
  out.set("ResultFormat", job.form == warehouse::ResultForm::csv ? "CSV" : "JSON");
  set_if(out, "SessionId", job.session);
  set_about(out, job);
  if (!job.parameters.empty()) out.set("QueryParameters", parameters_json(job));
  const JobStatement& last = job.statements[result_statement(job)];
  if (job.is_batch) {
    Json subs{Json::Array{}};
    for (size_t i = 0; i < job.statements.size(); ++i) subs.push(sub_statement(job, i));
    out.set("SubStatements", std::move(subs));
    out.set("ExecutionMode", job.each_by_itself ? "AUTO_COMMIT" : "TRANSACTION");
    out.set("HasResultSet", has_result(job));
    out.set("ResultRows", last.rows);
    out.set("ResultSize", static_cast<int64_t>(last.bytes));
  } else {
    std::string sql = job.statements.front().sql;
    for (size_t i = 1; i < job.statements.size(); ++i) sql += ";\n" + job.statements[i].sql;
    out.set("QueryString", sql);
    set_result(out, last);
  }
  return out;
}

// One statement of a batch, asked for by its own id.
Json described(const Job& job, size_t statement) {
  Json out = sub_statement(job, statement);
  out.set("RedshiftPid", static_cast<int64_t>(job.process_id));
  out.set("DbUser", job.user);
  out.set("ResultFormat", job.form == warehouse::ResultForm::csv ? "CSV" : "JSON");
  set_about(out, job);
  return out;
}

Json submitted(const Job& job) {
  Json out{Json::Object{}};
  out.set("Id", job.id);
  out.set("CreatedAt", epoch_seconds(job.created_at.micros));
  out.set("DbUser", job.user);
  out.set("DbGroups", Json(Json::Array{}));
  set_about(out, job);
  set_if(out, "SessionId", job.session);
  out.set("Status", job_state_name(job.state));
  out.set("HasResultSet", has_result(job));
  out.set("RedshiftPid", static_cast<int64_t>(job.process_id));
  return out;
}

Result<std::vector<warehouse::JobParameter>> parameters_of(const Members& members) {
  std::vector<warehouse::JobParameter> out;
  for (const Json& one : members.list("Parameters")) {
    if (!one["name"].is_string() || !one["value"].is_string())
      return Error(Code::invalid, "each of Parameters must have a name and a value, both texts");
    out.push_back({one["name"].as_string(), one["value"].as_string()});
  }
  return out;
}

Status read_common(const Members& members, warehouse::JobOrder& order) {
  TRY_ASSIGN(order.parameters, parameters_of(members));
  TRY_ASSIGN(order.name, members.text_or("StatementName", ""));
  TRY_ASSIGN(order.token, members.text_or("ClientToken", "", 64));
  TRY_ASSIGN(order.database, members.text_or("Database", "", 127));
  TRY_ASSIGN(order.session, members.text_or("SessionId", "", 64));
  TRY_ASSIGN(const int64_t keep, members.integer_or("SessionKeepAliveSeconds", 0, 0, 86'400));
  order.keep_session = seconds(keep);
  TRY_ASSIGN(const std::string form, members.text_or("ResultFormat", "JSON"));
  if (form != "JSON" && form != "CSV") return Error(Code::invalid, "ResultFormat must be JSON or CSV");
  order.form = form == "CSV" ? warehouse::ResultForm::csv : warehouse::ResultForm::json;
  order.about = Json(Json::Object{});
  for (const char* name : {"ClusterIdentifier", "WorkgroupName", "SecretArn"}) {
    TRY_ASSIGN(const std::string value, members.text_or(name, ""));
    if (!value.empty()) order.about.set(name, value);
  }
  if (members.has("ClusterIdentifier") && members.has("WorkgroupName"))
    return Error(Code::invalid, "ClusterIdentifier and WorkgroupName exclude each other");
  if (!order.session.empty()) {
    for (const char* name : {"Database", "DbUser", "SecretArn", "ClusterIdentifier", "WorkgroupName"}) {
      if (members.has(name))
        return Error(Code::invalid, std::string(name) + " belongs to the session, and is not given with SessionId");
    }
  }
  return {};
}

// Several in one Sql are one transaction, and its result is that of the last one that has one.
Result<std::vector<std::string>> statements_of(const std::string& sql) {
  TRY_ASSIGN(const std::vector<dialect::Token> tokens, dialect::tokenize(sql, {.named_parameters = true}));
  std::vector<std::string> out;
  for (const dialect::TokenRange& one : dialect::split_statements(sql, tokens)) {
    const size_t begin = tokens[one.first].begin, end = tokens[one.last - 1].end;
    out.push_back(sql.substr(begin, end - begin));
  }
  return out;
}

class DataApi {
 public:
  explicit DataApi(const Parts& parts) : parts_(parts) {}

  Status execute(const Call& call, const Answer& answer) const {
    warehouse::JobOrder order;
    TRY(read_common(call.members, order));
    TRY_ASSIGN(const std::string sql, call.members.text("Sql", kSqlBytesMax));
    TRY_ASSIGN(order.statements, statements_of(sql));
    return submit(call, std::move(order), answer);
  }

  Status execute_batch(const Call& call, const Answer& answer) const {
    warehouse::JobOrder order;
    TRY(read_common(call.members, order));
    for (const Json& sql : call.members.list("Sqls")) {
      if (!sql.is_string()) return Error(Code::invalid, "Sqls must be a list of texts");
      order.statements.push_back(sql.as_string());
    }
    order.is_batch = true;
    TRY_ASSIGN(const std::string mode, call.members.text_or("ExecutionMode", "TRANSACTION"));
    if (mode != "TRANSACTION" && mode != "AUTO_COMMIT")
      return Error(Code::invalid, "ExecutionMode must be TRANSACTION or AUTO_COMMIT");
    order.each_by_itself = mode == "AUTO_COMMIT";
    return submit(call, std::move(order), answer);
  }

  Status describe(const Call& call, const Answer& answer) const {
    TRY_ASSIGN(const StatementId id, statement_id(call.members));
    return after_wait(call, id.job, answer, [id](const Job& job) -> Result<Json> {
      if (!id.statement) return described(job);
      if (!job.is_batch || *id.statement >= job.statements.size())
        return Error(Code::not_found, "there is no statement " + id.job + ":" + std::to_string(*id.statement + 1));
      return described(job, *id.statement);
    });
  }

  Status cancel(const Call& call, const Answer& answer) const {
    TRY_ASSIGN(const StatementId id, statement_id(call.members));
    TRY_ASSIGN(const bool is_cancelled, parts_.jobs.cancel(reader_of(call.caller), id.job));
    if (!is_cancelled) return Error(Code::invalid, "the statement " + id.job + " has ended already");
    Json out{Json::Object{}};
    out.set("Status", true);
    answer.json(out);
    return {};
  }

  Status list(const Call& call, const Answer& answer) const {
    warehouse::Jobs::Filter filter;
    TRY_ASSIGN(const std::string state, call.members.text_or("Status", "ALL"));
    if (state != "ALL") {
      TRY_ASSIGN(filter.state, state_of(state));
    }
    TRY_ASSIGN(filter.name_prefix, call.members.text_or("StatementName", ""));
    TRY_ASSIGN(filter.database, call.members.text_or("Database", ""));
    TRY_ASSIGN(const int64_t most, call.members.integer_or("MaxResults", 100, 0, 100));
    filter.limit = most == 0 ? 100 : static_cast<size_t>(most);
    TRY_ASSIGN(filter.before, call.members.text_or("NextToken", ""));
    if (!filter.before.empty() && !parse_uuid(filter.before))
      return Error(Code::invalid, "NextToken is none that was handed out");
    warehouse::JobReader reader = reader_of(call.caller);
    reader.sees_all = false;  // people list their own
    TRY_ASSIGN(const warehouse::Jobs::List found, parts_.jobs.list(reader, filter));
    Json statements{Json::Array{}};
    for (const Job& job : found.jobs) statements.push(listed(job));
    Json out{Json::Object{}};
    out.set("Statements", std::move(statements));
    set_if(out, "NextToken", found.next);
    answer.json(out);
    return {};
  }

  Status result(const Call& call, const Answer& answer, warehouse::ResultForm form) const {
    TRY_ASSIGN(const StatementId id, statement_id(call.members));
    TRY_ASSIGN(const std::string token, call.members.text_or("NextToken", ""));
    TRY_ASSIGN(const size_t number, place_of_token(token));
    return after_wait(
        call, id.job, answer,
        [this, id, number, form, reader = reader_of(call.caller)](const Job& job) -> Result<std::string> {
          if (job.form != form) {
            return Error(Code::invalid, form == warehouse::ResultForm::csv
                                            ? "the result is JSON: ask with GetStatementResult"
                                            : "the result is CSV: ask with GetStatementResultV2");
          }
          if (id.statement && !job.is_batch)
            return Error(Code::not_found, "there is no statement " + id.job + ":" + std::to_string(*id.statement + 1));
          if (!id.statement && job.is_batch && job.statements.size() > 1) {
            return Error(Code::invalid, "a batch has a result for each of its statements: ask for " + id.job + ":1 …");
          }
          const size_t statement = id.statement.value_or(result_statement(job));
          TRY_ASSIGN(const warehouse::JobPage page, parts_.jobs.page(reader, id.job, statement, number));
          return page_text(page);
        });
  }

  Status sessions(const Call& call, const Answer& answer) const {
    TRY_ASSIGN(const std::string wanted, call.members.text_or("SessionId", ""));
    TRY_ASSIGN(const std::string state, call.members.text_or("Status", ""));
    Json list{Json::Array{}};
    for (const warehouse::JobSession& one : parts_.jobs.sessions(reader_of(call.caller))) {
      const char* status = one.current_job.empty() ? "AVAILABLE" : "BUSY";
      if (!wanted.empty() && one.id != wanted) continue;
      if (!state.empty() && state != status) continue;
      Json session{Json::Object{}};
      session.set("SessionId", one.id);
      session.set("Status", status);
      session.set("CreatedAt", epoch_seconds(one.created_at.micros));
      session.set("UpdatedAt", epoch_seconds(one.updated_at.micros));
      session.set("DbUser", one.user);
      set_if(session, "Database", one.database);
      session.set("SessionAliveSeconds", one.keep.micros / 1'000'000);
      if (one.current_job.empty()) session.set("SessionTtl", epoch_seconds(one.ends_at.micros));
      set_if(session, "CurrentStatementId", one.current_job);
      list.push(std::move(session));
    }
    Json out{Json::Object{}};
    out.set("Sessions", std::move(list));
    answer.json(out);
    return {};
  }

 private:
  Status submit(const Call& call, warehouse::JobOrder order, const Answer& answer) const {
    if (!order.session.empty()) {
      // It runs as the session does.
      for (const warehouse::JobSession& one : parts_.jobs.sessions(reader_of(call.caller))) {
        if (one.id == order.session) order.database = one.database;
      }
    }
    TRY_ASSIGN(order.user, database_user(parts_, call));
    order.owner = owner_of(*call.caller.identity);
    order.peer = call.caller.peer;
    TRY_ASSIGN(const int64_t wait, call.members.integer_or("WaitTimeSeconds", 0, 0, kWaitMax));
    order.is_awaited = wait > 0;
    TRY_ASSIGN(const Job job, parts_.jobs.submit(std::move(order)));
    if (wait == 0 || has_ended(job.state)) {
      answer.json(submitted(job));
      return {};
    }
    return parts_.jobs.when_ended(job.id, seconds(wait), [this, id = job.id, reader = reader_of(call.caller), answer] {
      const auto now = parts_.jobs.find(reader, id);
      now ? answer.json(submitted(*now)) : answer.fail(refuse(now.error()));
    });
  }

  // Answers with what `make` makes of the job, now or when it has ended.
  template <class Make>
  Status after_wait(const Call& call, const std::string& id, const Answer& answer, Make make) const {
    TRY_ASSIGN(const int64_t wait, call.members.integer_or("WaitTimeSeconds", 0, 0, kWaitMax));
    const warehouse::JobReader reader = reader_of(call.caller);
    TRY_ASSIGN(const Job job, parts_.jobs.find(reader, id));
    if (wait == 0 || has_ended(job.state)) {
      TRY_ASSIGN(const auto made, make(job));
      reply(answer, made);
      return {};
    }
    return parts_.jobs.when_ended(id, seconds(wait), [this, id, reader, answer, make] {
      // The thread that ended it has other things to do.
      const Status submitted = parts_.lanes.submit(Lane::interactive, [this, id, reader, answer, make] {
        const auto now = parts_.jobs.find(reader, id);
        if (!now) return answer.fail(refuse(now.error()));
        const auto made = make(*now);
        if (!made) return answer.fail(refuse(made.error()));
        reply(answer, *made);
      });
      if (!submitted) answer.fail(refuse(submitted.error()));
    });
  }
  static void reply(const Answer& answer, const Json& body) { answer.json(body); }
  static void reply(const Answer& answer, const std::string& body) { answer.text(body); }

  static Result<JobState> state_of(const std::string& name) {
    for (const JobState one : {JobState::submitted, JobState::picked, JobState::started, JobState::finished,
                               JobState::aborted, JobState::failed}) {
      if (name == job_state_name(one)) return one;
    }
    return Error(Code::invalid, "Status must be SUBMITTED, PICKED, STARTED, FINISHED, ABORTED, FAILED or ALL");
  }

  static Json listed(const Job& job) {
    Json out{Json::Object{}};
    out.set("Id", job.id);
    out.set("Status", job_state_name(job.state));
    set_if(out, "StatementName", job.name);
    out.set("CreatedAt", epoch_seconds(job.created_at.micros));
    out.set("UpdatedAt", epoch_seconds(job.updated_at.micros));
    out.set("IsBatchStatement", job.is_batch);
    out.set("ResultFormat", job.form == warehouse::ResultForm::csv ? "CSV" : "JSON");
    set_if(out, "SessionId", job.session);
    set_if(out, "SecretArn", job.about["SecretArn"].as_string());
    if (!job.parameters.empty()) out.set("QueryParameters", parameters_json(job));
    if (job.is_batch) {
      Json all{Json::Array{}};
      for (const JobStatement& one : job.statements) all.push(one.sql);
      out.set("QueryStrings", std::move(all));
    } else {
      out.set("QueryString", job.statements.front().sql);
    }
    return out;
  }

  static std::string page_text(const warehouse::JobPage& page) {
    Json columns{Json::Array{}};
    for (const engine::ResultColumn& column : page.columns)
      columns.push(column_metadata(column.name, redshift_type(column.type)));
    std::string out = "{\"ColumnMetadata\":" + columns.dump() + ",\"Records\":[";
    if (page.form == warehouse::ResultForm::json) {
      out += page.rows;
    } else {
      out += "{\"CSVRecords\":";
      Json::append_quoted(out, page.rows);
      out += "}";
    }
    out += "],\"TotalNumRows\":" + std::to_string(page.total);
    if (page.form == warehouse::ResultForm::csv) out += ",\"ResultFormat\":\"CSV\"";
    if (page.next) {
      out += ",\"NextToken\":";
      Json::append_quoted(out, place_token(*page.next));
    }
    out += "}";
    return out;
  }

  static Refusal refuse(const Error& error) { return data_api_refusal(error); }

  const Parts parts_;
};

}  // namespace

Refusal data_api_refusal(const Error& error) {
  Refusal out = refusal_of(error);
  switch (error.code) {
    case Code::invalid:
    case Code::conflict:
    case Code::too_large:
    case Code::unsupported:
      out.type = "ValidationException";
      out.status = 400;
      break;
    case Code::not_found:
      out.fields.emplace_back("ResourceId", "");
      break;
    case Code::busy:
      out.type = error.message.find("sessions") != std::string::npos       ? "ActiveSessionsExceededException"
                 : error.message.find("callers wait") != std::string::npos ? "ActiveWaitingRequestsExceededException"
                                                                           : "ActiveStatementsExceededException";
      out.status = 400;
      break;
    case Code::unauthenticated:  // of a secret's password: the call itself was signed
      out.type = "ValidationException";
      out.status = 400;
      break;
    case Code::timed_out:
      out.status = 400;
      break;
    case Code::denied:
      break;
    default:
      out.type = "InternalServerException";
      out.status = 500;
      break;
  }
  return out;
}

void add_data_api(Operations& operations, const Parts& parts) {
  const auto api = std::make_shared<DataApi>(parts);  // lives in the operations
  const auto add = [&](const char* name, std::function<Status(const Call&, const Answer&)> run) {
    operations.emplace(std::string("RedshiftData.") + name,
                       Operation{.service = "redshift-data", .run = std::move(run), .refuse = data_api_refusal});
  };
  add("ExecuteStatement", [api](const Call& call, const Answer& answer) { return api->execute(call, answer); });
  add("BatchExecuteStatement",
      [api](const Call& call, const Answer& answer) { return api->execute_batch(call, answer); });
  add("DescribeStatement", [api](const Call& call, const Answer& answer) { return api->describe(call, answer); });
  add("CancelStatement", [api](const Call& call, const Answer& answer) { return api->cancel(call, answer); });
  add("ListStatements", [api](const Call& call, const Answer& answer) { return api->list(call, answer); });
  add("ListSessions", [api](const Call& call, const Answer& answer) { return api->sessions(call, answer); });
  add("GetStatementResult",
      [api](const Call& call, const Answer& answer) { return api->result(call, answer, warehouse::ResultForm::json); });
  add("GetStatementResultV2",
      [api](const Call& call, const Answer& answer) { return api->result(call, answer, warehouse::ResultForm::csv); });
  add_data_catalog(operations, parts);
}

}  // namespace weir::awsapi
