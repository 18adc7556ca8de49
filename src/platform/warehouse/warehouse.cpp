#include "platform/warehouse/warehouse.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "platform/warehouse/result_text.h"
#include "platform/warehouse/run.h"

namespace weir::warehouse {
namespace {

Error stopping() {
  return Error(Code::unavailable, "the server is stopping", "try again when it is back");
}

Status check_statement(const Statement& statement, const Limits& limits) {
  if (statement.sql.size() > limits.statement_bytes_max) {
    return Error(Code::too_large, "the statement has " + std::to_string(statement.sql.size()) +
                                      " bytes, allowed up to " + std::to_string(limits.statement_bytes_max));
  }
  if (statement.parameters.size() > limits.parameters_max) {
    return Error(Code::too_large, "the statement comes with " + std::to_string(statement.parameters.size()) +
                                      " parameters, allowed up to " + std::to_string(limits.parameters_max));
  }
  if (statement.time && (statement.time->micros <= 0 || *statement.time > limits.time_max)) {
    return Error(Code::invalid, "the time limit is " + format_duration(*statement.time) +
                                    ", allowed are more than 0s and up to " + format_duration(limits.time_max));
  }
  return {};
}

}  // namespace

Status check_reader(const User& user) {
  if (user.may_read || user.may_administer) return {};
  return Error(Code::denied, (user.name.empty() ? "this caller" : user.name) + " may not read with SQL",
               "use a token whose role is read or admin");
}

// --- Execution, Admission --------------------------------------------------------------------------------------------

Execution::~Execution() {
  if (run_) run_->leave();
}
const std::string& Execution::id() const {
  return run_->id();
}
const std::vector<engine::ResultColumn>& Execution::columns() const {
  return run_->columns();
}
Result<Rows> Execution::next() {
  return run_->next();
}
Result<const engine::ResultBlock*> Execution::next_block() {
  return run_->next_block();
}
std::string Execution::tag() const {
  return run_->tag();
}
Status Execution::set_aside() {
  return run_->keep_rows();
}
const CopyStream* Execution::copy() const {
  return run_->copy();
}
Status Execution::load(const engine::GivenRows& rows, const std::vector<uint64_t>& lines) {
  return run_->load(rows, lines);
}
Status Execution::end_load() {
  return run_->end_load();
}
const LoadPlace& Execution::load_place() const {
  return run_->load_place();
}
Error Execution::fail_load(Error error, const LoadPlace& place) {
  return run_->fail_load(std::move(error), place);
}
Status Execution::check() const {
  return run_->check();
}
void Execution::count_bytes(uint64_t bytes) {
  run_->count_bytes(bytes);
}
void Execution::when_stopped(std::function<void()> call) {
  run_->when_stopped(std::move(call));
}
void Execution::cut() {
  run_->cut();
}
uint64_t Execution::rows() const {
  return run_->rows();
}
bool Execution::truncated() const {
  return run_->truncated();
}
Duration Execution::elapsed() const {
  return run_->elapsed();
}

Admission::~Admission() {
  if (run_) run_->leave();
}
const std::string& Admission::id() const {
  return run_->id();
}

void Admission::when_ready(std::function<void()> call) {
  const std::shared_ptr<Run> run = run_;  // the call may drop this Admission
  run->when_ready(std::move(call));
}

Result<std::unique_ptr<Execution>> Admission::start() {
  TRY(run_->start());
  return std::make_unique<Execution>(std::exchange(run_, nullptr));
}

// --- Warehouse -------------------------------------------------------------------------------------------------------

Warehouse::Warehouse(const Parts& parts, const Limits& limits) : core_(std::make_unique<Core>(parts, limits)) {
  CHECK(limits.concurrent > 0, "at least one statement may run");
  if (parts.users == nullptr) return;
  parts.users->ask_before_drop([this](uint32_t id) { return holdings(id); });
}

Warehouse::~Warehouse() {
  stop();
  CHECK(core_->parts.log.live_count() == 0, "every Admission and Execution ends before its Warehouse");
}

const Limits& Warehouse::limits() const {
  return core_->limits;
}

Result<std::unique_ptr<Admission>> Warehouse::admit(const User& user, Statement statement, const Cancel& cancel) {
  return core_->admit(user, std::move(statement), cancel, nullptr);
}

namespace {

Result<std::unique_ptr<Admission>> admit_checked(Warehouse::Core& core, const User& user, Statement statement,
                                                 const Cancel& cancel, std::shared_ptr<SessionState> session) {
  const Warehouse::Parts& parts = core.parts;
  TRY(check_reader(user));
  TRY(check_statement(statement, core.limits));
  Uuid id;
  if (statement.id.empty()) {
    id = uuid_v7(parts.clock, parts.random);
  } else if (!parse_uuid_fast(statement.id, id)) {
    return Error(Code::invalid, "the statement's id is not a UUID", "send 8-4-4-4-12 hexadecimal digits, or no id");
  }
  TRY_ASSIGN(std::unique_ptr<Gate::Turn> turn, core.gate.enter());
  const bool is_single = session == nullptr;
  if (is_single) {
    session = std::make_shared<SessionState>(core, SessionOptions{.user = user, .client = {}, .peer = {}}, true);
  }
  StatementInfo info{.id = format_uuid(id),
                     .sql = dialect::without_secrets(statement.sql),
                     .user = user.name,
                     .client = statement.client,
                     .started_at = parts.clock.wall()};
  info.user_id = user.id;
  info.process_id = session->process_id;
  info.database = session->options.database;
  info.label = session->settings->find("query_group").value_or("");
  info.peer = session->options.peer;
  info.application = session->settings->find("application_name").value_or("");
  TRY_ASSIGN(std::shared_ptr<StatementLog::Live> live, parts.log.begin(std::move(info), cancel.child()));
  const Duration time = statement.time.value_or(core.limits.time);
  session->set_stop(live->stop);
  const auto run = std::make_shared<Run>(core, std::move(statement), live, std::move(turn), std::move(session));
  auto admission = std::make_unique<Admission>(run);
  run->limit_time(time);
  // Looked at after it was registered: stop() looks at the registry after it has raised the flag.
  if (core.is_stopping.load()) live->stop.cancel(stopping());
  return admission;
}

}  // namespace

Result<std::unique_ptr<Admission>> Warehouse::Core::admit(const User& user, Statement statement, const Cancel& cancel,
                                                          std::shared_ptr<SessionState> session) {
  StatementInfo info{.id = format_uuid(uuid_v7(parts.clock, parts.random)),
                     .sql = dialect::without_secrets(std::string_view(statement.sql).substr(0, kSqlShownBytes)),
                     .user = user.name,
                     .client = statement.client,
                     .started_at = parts.clock.wall()};
  info.user_id = user.id;
  auto admission = admit_checked(*this, user, std::move(statement), cancel, std::move(session));
  if (!admission) parts.log.refused(std::move(info), admission.error());
  return admission;
}

Result<std::shared_ptr<const Rights>> Warehouse::Core::current_rights() {
  const MutexLock lock(rights_mutex);
  const uint64_t version = rights_version.load();
  if (rights && rights_seen == version) return rights;
  if (parts.users == nullptr) {
    rights = std::make_shared<const Rights>();
  } else {
    TRY_ASSIGN(auto session, sessions.take());
    TRY_ASSIGN(rights, Rights::load(*session));
    sessions.give_back(std::move(session));
  }
  rights_seen = version;
  return rights;
}

void Warehouse::Core::rights_changed() {
  rights_version.fetch_add(1);
  catalog_changes.fetch_add(1);
}

Result<std::unique_ptr<Execution>> Warehouse::execute(const User& user, Statement statement, const Cancel& cancel) {
  TRY_ASSIGN(const auto admission, admit(user, std::move(statement), cancel));
  return admission->start();
}

Result<JsonResult> Warehouse::run_to_json(const User& user, Statement statement, const Cancel& cancel) {
  statement.rows_max = std::min(statement.rows_max.value_or(UINT64_MAX), core_->limits.json_rows_max);
  TRY_ASSIGN(const auto execution, execute(user, std::move(statement), cancel));
  return read_json(*execution, core_->limits.json_bytes_max);
}

Result<FileResult> Warehouse::write_parquet_result(const User& user, Statement statement, const std::string& path,
                                                   const Cancel& cancel) {
  if (!statement.parameters.empty() || statement.rows_max) {
    return Error(Code::unsupported, "a result written to a Parquet file takes neither parameters nor rows_max",
                 "write the values and a LIMIT into the statement");
  }
  TRY_ASSIGN(const auto admission, admit(user, std::move(statement), cancel));
  TRY_ASSIGN(const uint64_t rows, admission->run_->write_file(path));
  return FileResult{.statement_id = admission->id(), .rows = rows, .elapsed = admission->run_->elapsed()};
}

std::vector<StatementInfo> Warehouse::running() const {
  return core_->parts.log.running();
}

Status Warehouse::cancel(const std::string& id, const User& user) {
  Uuid uuid;  // ids are registered in lower case
  return core_->parts.log.cancel(parse_uuid_fast(id, uuid) ? format_uuid(uuid) : id, user);
}

Status Warehouse::check_sees_all(const User& user, const std::string& table) {
  TRY(check_reader(user));
  if (core_->parts.users == nullptr) return {};
  TRY_ASSIGN(const auto rights, core_->current_rights());
  const Subject who = subject_of(*core_->parts.users->directory(), user);
  if (!rights->may_whole(who, "select", "lake", table)) return permission_denied("relation " + table);
  if (!rights->guards(who).contains(relation_key("lake", table))) return {};
  Error error = permission_denied("relation " + table);
  error.hint = "it has policies, which hold for you: a SELECT shows what you may see";
  return error;
}

Result<std::vector<std::string>> Warehouse::holdings(uint32_t id) {
  TRY_ASSIGN(const auto rights, core_->current_rights());
  return rights->holdings(id);
}

const StatementLog& Warehouse::log() const {
  return core_->parts.log;
}

WallTime Warehouse::now() const {
  return core_->parts.clock.wall();
}

void Warehouse::note(ConnectionEvent event) {
  // Some type their password where their name belongs: what is no user's name is not kept.
  const bool is_known = core_->parts.users != nullptr && core_->parts.users->directory()->user(event.user) != nullptr;
  if (event.event == "authentication failure" && !is_known) event.user = "(unknown)";
  core_->parts.log.note(std::move(event));
}

void Warehouse::stop() {
  core_->is_stopping.store(true);
  core_->parts.log.cancel_all(stopping());
}

// --- JSON ------------------------------------------------------------------------------------------------------------

Result<JsonResult> read_json(Execution& execution, size_t bytes_max) {
  JsonResult result{.statement_id = execution.id(), .tag = {}, .columns = execution.columns(), .rows = "["};
  bool is_cut = false;
  size_t counted = 0;
  while (!is_cut) {
    TRY_ASSIGN(const Rows rows, execution.next());
    if (rows.empty()) break;
    for (const ResultRow& row : rows) {
      const size_t before = result.rows.size();
      if (result.row_count > 0) result.rows += ',';
      append_json_row(result.rows, row);
      if (result.rows.size() > bytes_max) {
        result.rows.resize(before);
        is_cut = true;
        break;
      }
      ++result.row_count;
    }
    execution.count_bytes(result.rows.size() - counted);
    counted = result.rows.size();
  }
  if (is_cut) execution.cut();
  result.rows += ']';
  result.tag = execution.tag();
  result.truncated = execution.truncated();
  result.elapsed = execution.elapsed();
  return result;
}

namespace {

Json columns_json(const std::vector<engine::ResultColumn>& columns) {
  Json all{Json::Array{}};
  for (const auto& column : columns) all.push(Json::Object{{"name", column.name}, {"type", column.type}});
  return all;
}

}  // namespace

std::string JsonResult::text() const {
  std::string text = "{\"statement_id\":";
  Json::append_quoted(text, statement_id);
  text += ",\"tag\":";
  Json::append_quoted(text, tag);
  text += ",\"columns\":" + columns_json(columns).dump() + ",\"rows\":";
  text += rows;
  text += ",\"row_count\":" + std::to_string(row_count);
  text += truncated ? ",\"truncated\":true" : ",\"truncated\":false";
  text += ",\"elapsed_ms\":" + Json(static_cast<double>(elapsed.micros) / 1e3).dump() + "}";
  return text;
}

Json catalog_json(const Catalog& catalog) {
  Json tables{Json::Array{}};
  for (const CatalogTable& table : catalog.tables) {
    tables.push(Json::Object{
        {"name", table.name}, {"kind", table_kind_name(table.kind)}, {"columns", columns_json(table.columns)}});
  }
  Json functions{Json::Array{}};
  for (const std::string& name : catalog.functions) functions.push(Json::Object{{"name", name}});
  return Json::Object{{"tables", std::move(tables)}, {"functions", std::move(functions)}};
}

}  // namespace weir::warehouse
