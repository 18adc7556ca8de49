#include "storage/engine/session.h"

#include <utility>

#include "core/base/check.h"
#include "storage/engine/block_reader.h"
#include "storage/engine/catalog.h"

namespace weir::engine {
namespace {

constexpr size_t kStatementBytesMax = 1 << 20;

class DuckResult final : public ResultStream {
 public:
  DuckResult(std::shared_ptr<Link> link, std::shared_ptr<Running> running, std::string sql, uint64_t rows_max,
             duckdb::unique_ptr<duckdb::QueryResult> result)
      : link_(std::move(link)),
        running_(std::move(running)),
        calls_(link_->state->statement().stop),
        sql_(std::move(sql)),
        rows_left_(rows_max),
        rows_max_(rows_max),
        result_(std::move(result)),
        reader_(result_->types),
        counts_changes_(result_->properties.return_type == duckdb::StatementReturnType::CHANGED_ROWS) {
    for (size_t i = 0; i < result_->names.size(); ++i)
      columns_.push_back({result_->names[i], result_->types[i].ToString()});
  }
  ~DuckResult() override { close(); }

  const std::vector<ResultColumn>& columns() const override { return columns_; }

  Result<std::vector<std::vector<Cell>>> next() override {
    std::vector<std::vector<Cell>> rows;
    TRY(fetch());
    if (chunk_) append_cells(*chunk_, rows);
    return rows;
  }
  Result<const ResultBlock*> next_block() override {
    TRY(fetch());
    if (!chunk_) return nullptr;
    return &reader_.read(*chunk_);
  }
  bool counts_changes() const override { return counts_changes_; }

  Status keep() override {
    if (!result_) return {};
    try {
      kept_ = duckdb::make_uniq<duckdb::ColumnDataCollection>(duckdb::BufferManager::GetBufferManager(link_->context()),
                                                              result_->types);
      const uint64_t rows_left = rows_left_;
      while (result_) {
        TRY(fetch_next());
        if (chunk_) kept_->Append(*chunk_);
      }
      chunk_.reset();
      rows_left_ = rows_left;
      kept_->InitializeScan(scan_);
    } catch (const std::exception& thrown) {
      return fail(duckdb::ErrorData(thrown));
    }
    return {};
  }

 private:
  // The next chunk; null at the end.
  Status fetch() {
    if (!kept_) return fetch_next();
    chunk_ = duckdb::make_uniq<duckdb::DataChunk>();
    try {
      kept_->InitializeScanChunk(*chunk_);
      if (!kept_->Scan(scan_, *chunk_)) chunk_.reset();
    } catch (const std::exception& thrown) {
      return to_error(thrown, sql_);
    }
    return {};
  }
  Status fetch_next() {
    chunk_.reset();
    if (!result_) return {};
    try {
      chunk_ = result_->FetchRaw();
      if (result_->HasError()) return fail(result_->GetErrorObject());
    } catch (const std::exception& thrown) {
      return fail(duckdb::ErrorData(thrown));
    }
    if (chunk_ && chunk_->size() > rows_left_) return too_many();
    if (chunk_ && chunk_->size() > 0) {
      rows_left_ -= chunk_->size();
      return {};
    }
    chunk_.reset();
    close();
    return {};
  }
  Error too_many() {
    close();
    return Error(Code::too_large, "the statement has more than " + std::to_string(rows_max_) + " rows, the limit",
                 "add a LIMIT, or aggregate");
  }
  Error fail(const duckdb::ErrorData& thrown) {
    const Error error = statement_error(thrown, sql_, *link_, *running_);
    close();
    return error;
  }
  // Ends the statement. A result dropped half-way would keep its snapshot until the connection's next statement.
  void close() {
    if (!result_) return;
    calls_.cancel();  // the engine waits for its threads, and those wait for children
    result_.reset();
    running_->finished();
    duckdb::ClientContext& context = link_->context();
    try {
      context.CancelTransaction();
    } catch (const std::exception&) {  // it has ended already; nothing is left to stop
    }
    if (context.transaction.IsAutoCommit()) link_->state->release();
  }

  std::shared_ptr<Link> link_;
  std::shared_ptr<Running> running_;
  const Cancel calls_;  // those of this statement
  std::string sql_;
  uint64_t rows_left_, rows_max_;
  duckdb::unique_ptr<duckdb::QueryResult> result_;
  duckdb::unique_ptr<duckdb::DataChunk> chunk_;  // what the last call handed out
  BlockReader reader_;
  const bool counts_changes_;
  duckdb::unique_ptr<duckdb::ColumnDataCollection> kept_;  // of keep()
  duckdb::ColumnDataScanState scan_;
  std::vector<ResultColumn> columns_;
};

}  // namespace

namespace {

// Which value could not be computed is told by the engine; where it may have been a policy's, of a row or column that
// is hidden, it is not told on.
void hide_values(Error& error, const duckdb::ErrorData& thrown, const std::string& relation) {
  using Type = duckdb::ExceptionType;
  if (relation.empty()) return;
  switch (thrown.Type()) {
    case Type::PARSER:
    case Type::SYNTAX:
    case Type::CATALOG:
    case Type::BINDER:
    case Type::PERMISSION:
    case Type::INTERRUPT:
    case Type::TRANSACTION:
    case Type::CONSTRAINT:
    case Type::DEPENDENCY:
    case Type::NOT_IMPLEMENTED:
    case Type::OUT_OF_MEMORY:
    case Type::IO:
      return;
    default:
      error.message = "a value could not be computed, by the statement or by a policy of " + relation;
      error.hint = "which one is not told, as it may be of a row or column that the policy hides";
  }
}

}  // namespace

Error statement_error(const duckdb::ErrorData& thrown, std::string_view sql, Link& link, const Running& running) {
  const std::optional<Error> ours = link.state->take_error();
  if (running.why() == Stop::cancelled) return Error(Code::cancelled, "the statement was cancelled");
  if (running.why() == Stop::timed_out) {
    return Error(Code::timed_out, "the statement ran longer than its time limit", "select less, or raise the limit");
  }
  if (ours) return *ours;
  if (link.database->is_invalidated()) {
    return Error(Code::unavailable, "the engine stopped after an internal error: " + to_error(thrown, "").message,
                 "it reopens with the next statement");
  }
  Error error = to_error(thrown, sql);
  error.message = link.state->with_urls(std::move(error.message));
  if (link.state->trust == Trust::user) hide_values(error, thrown, link.state->failing_guard);
  return error;
}

void divide_whole_numbers(Link& link, Trust trust) {
  if (trust == Trust::user) link.context().config.set_variables["integer_division"] = duckdb::Value::BOOLEAN(true);
}

// An invalidated database is let go, so that the engine can open it again.
Status DuckSession::ready() {
  if (link_ && !link_->database->is_invalidated()) return {};
  if (is_in_transaction_) {
    return Error(Code::unavailable, "the engine stopped after an internal error; the transaction is lost",
                 "ROLLBACK, and begin again");
  }
  {
    const std::lock_guard lock(mutex_);
    link_.reset();
  }
  TRY_ASSIGN(std::shared_ptr<Link> link, engine_.link(trust_));
  divide_whole_numbers(*link, trust_);
  {
    const std::lock_guard lock(mutex_);
    link_ = std::move(link);
  }
  read_from(given_);
  link_->state->authority = authority_;
  return apply_settings();
}

void DuckSession::read_from(std::shared_ptr<const Snapshot> snapshot) {
  given_ = std::move(snapshot);
  if (!link_) return;
  link_->state->read_from(given_ ? std::make_shared<const Tables>(given_, engine_.views()) : nullptr);
}

Result<SelectShape> DuckSession::examine(std::string_view select, bool binds) {
  TRY(ready());
  const std::string sql(select);
  TRY_ASSIGN(Statement statement, parse(sql));
  if (statement->type != duckdb::StatementType::SELECT_STATEMENT) {
    return Error(Code::invalid, "a " + duckdb::StatementTypeToString(statement->type) + " statement is no SELECT",
                 "write one SELECT");
  }
  TRY_ASSIGN(const Allowed allowed, check(*statement, sql, {}, Scope::read));
  SelectShape shape;
  shape.reads = allowed.reads;
  if (!binds) return shape;
  link_->state->take_error();
  try {
    const auto prepared = link_->context().Prepare(std::move(statement));
    if (prepared->HasError()) {
      if (const auto ours = link_->state->take_error()) return *ours;
      return to_error(prepared->error, sql);
    }
    for (size_t i = 0; i < prepared->GetNames().size(); ++i) {
      shape.columns.push_back({prepared->GetNames()[i], prepared->GetTypes()[i].ToString()});
    }
  } catch (const std::exception& thrown) {
    return to_error(thrown, sql);
  }
  return shape;
}

Result<DuckSession::Statement> DuckSession::parse(const std::string& sql) {
  if (trust_ == Trust::user && sql.size() > kStatementBytesMax) {
    return Error(Code::too_large, "the statement has " + std::to_string(sql.size()) + " bytes, allowed up to " +
                                      std::to_string(kStatementBytesMax));
  }
  if (sql.find('\0') != std::string::npos) return Error(Code::invalid, "the statement contains a zero byte");
  try {
    // Never Connection::ExtractStatements() on a user's text: it runs pragma handlers, which read files.
    duckdb::Parser parser(link_->context().GetParserOptions());
    parser.ParseQuery(sql);
    if (trust_ == Trust::own) link_->context().HandlePragmaStatements(parser.statements);
    if (parser.statements.size() == 1) return std::move(parser.statements[0]);
    if (parser.statements.empty()) return Error(Code::invalid, "there is no statement");
    return Error(Code::invalid, "one statement at a time: found " + std::to_string(parser.statements.size()),
                 "weir sql < FILE runs several, one after another");
  } catch (const std::exception& thrown) {
    return to_error(thrown, sql);
  }
}

Result<std::vector<DuckSession::Statement>> DuckSession::parse_script(const std::string& sql) {
  if (sql.size() > kStatementBytesMax) {
    return Error(Code::too_large, "the script has " + std::to_string(sql.size()) + " bytes, allowed up to " +
                                      std::to_string(kStatementBytesMax));
  }
  if (sql.find('\0') != std::string::npos) return Error(Code::invalid, "the script contains a zero byte");
  try {
    duckdb::Parser parser(link_->context().GetParserOptions());
    parser.ParseQuery(sql);
    std::vector<Statement> out;
    for (Statement& statement : parser.statements) out.push_back(std::move(statement));
    if (out.empty()) return Error(Code::invalid, "there is no statement");
    return out;
  } catch (const std::exception& thrown) {
    return to_error(thrown, sql);
  }
}

Result<std::vector<ScriptStatement>> DuckSession::examine_script(std::string_view script,
                                                                 const std::vector<NamedValue>& values) {
  TRY(ready());
  const std::string sql(script);
  TRY_ASSIGN(const std::vector<Statement> statements, parse_script(sql));
  TRY_ASSIGN(const ScriptValues given, ScriptValues::of(values));
  std::vector<ScriptStatement> out;
  for (const Statement& statement : statements) {
    TRY_ASSIGN(ScriptAllowed allowed, check_script(*statement, sql, given));
    out.push_back({allowed.kind, std::move(allowed.reads), std::move(allowed.writes)});
  }
  return out;
}

Result<std::unique_ptr<ResultStream>> DuckSession::query_declared(std::string_view script, size_t number,
                                                                  const std::vector<NamedValue>& values,
                                                                  QueryLimits limits) {
  TRY(ready());
  const std::string sql(script);
  TRY_ASSIGN(std::vector<Statement> statements, parse_script(sql));
  CHECK(number < statements.size(), "the script was examined");
  TRY_ASSIGN(const ScriptValues given, ScriptValues::of(values));
  Statement& statement = statements[number];
  TRY_ASSIGN(const ScriptAllowed allowed, check_script(*statement, sql, given));
  link_->state->pin_at_begin = allowed.reads_tables;
  link_->state->is_declared = true;
  auto stream = run(std::move(statement), sql, {}, limits);
  link_->state->is_declared = false;
  return stream;
}

Result<uint64_t> DuckSession::run_own(const std::string& sql, QueryLimits limits) {
  TRY_ASSIGN(Statement statement, parse(sql));
  link_->state->pin_at_begin = false;
  TRY_ASSIGN(const auto stream, run(std::move(statement), sql, {}, limits));
  uint64_t first = 0;
  for (bool is_first = true;; is_first = false) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return first;
    if (!is_first || rows.front().empty()) continue;
    if (const auto* number = std::get_if<int64_t>(&rows.front().front())) first = static_cast<uint64_t>(*number);
  }
}

WalkRules DuckSession::rules(std::string_view sql) const {
  return {.trust = trust_,
          .own_views = link_->database->own_views,
          .sql = sql,
          .authority = authority_.get(),
          .relations = &link_->database->relations->names};
}

Result<DuckSession::Statement> DuckSession::parse_checked(const std::string& sql, const Parameters& parameters,
                                                          Scope scope) {
  TRY_ASSIGN(Statement statement, parse(sql));
  link_->state->pin_at_begin = false;
  if (trust_ == Trust::own && statement->type != duckdb::StatementType::SELECT_STATEMENT) return statement;
  TRY_ASSIGN(const Allowed allowed, check(*statement, sql, parameters, scope));
  link_->state->pin_at_begin = allowed.reads_tables;
  link_->state->changes_guarded = allowed.changes_guarded;
  return statement;
}

Result<Allowed> DuckSession::check(duckdb::SQLStatement& statement, const std::string& sql,
                                   const Parameters& parameters, Scope scope) {
  TRY_ASSIGN(const std::vector<duckdb::Value> values, parameter_values(parameters));
  WalkRules known = rules(sql);
  known.parameters = &values;
  return check_statement(statement, known, scope);
}

Result<ScriptAllowed> DuckSession::check_script(duckdb::SQLStatement& statement, const std::string& sql,
                                                const ScriptValues& values) {
  WalkRules known = rules(sql);
  known.trust = Trust::user;  // whoever declared it
  known.named = &values;
  return check_declared(statement, known, link_->database->catalog);
}

Result<std::unique_ptr<ResultStream>> DuckSession::query(std::string_view text, const Parameters& parameters,
                                                         QueryLimits limits) {
  TRY(ready());
  const std::string sql(text);
  TRY_ASSIGN(Statement statement, parse_checked(sql, parameters, Scope::read));
  link_->state->scope = Scope::read;
  return run(std::move(statement), sql, parameters, limits);
}

Result<std::unique_ptr<ResultStream>> DuckSession::run(Statement statement, const std::string& sql,
                                                       const Parameters& parameters, QueryLimits limits) {
  const std::shared_ptr<Running> running = begin_running(sql);
  engine_.watchdog().add(running, limits.time);
  link_->state->take_error();
  link_->state->view_bodies.clear();
  link_->state->failing_guard.clear();
  link_->state->forget_files();
  try {
    TRY_ASSIGN(const std::vector<duckdb::Value> values, parameter_values(parameters));
    duckdb::case_insensitive_map_t<duckdb::BoundParameterData> named;
    // check_statement() has made constants of a SELECT's parameters.
    for (size_t i = 0; !statement->named_param_map.empty() && i < values.size(); ++i) {
      named[std::to_string(i + 1)] = duckdb::BoundParameterData(values[i]);
    }
    const auto pending = link_->context().PendingQuery(std::move(statement), named, true);
    duckdb::unique_ptr<duckdb::QueryResult> result;
    if (!pending->HasError()) result = pending->Execute();
    if (pending->HasError() || result->HasError()) {
      const Error error = statement_error(pending->HasError() ? pending->GetErrorObject() : result->GetErrorObject(),
                                          sql, *link_, *running);
      running->finished();
      if (link_->context().transaction.IsAutoCommit()) link_->state->release();
      return error;
    }
    return std::unique_ptr<ResultStream>(
        std::make_unique<DuckResult>(link_, running, sql, limits.rows_max, std::move(result)));
  } catch (const std::exception& thrown) {
    running->finished();
    return statement_error(duckdb::ErrorData(thrown), sql, *link_, *running);
  }
}

std::shared_ptr<Running> DuckSession::begin_running(std::string_view sql) {
  const Cancel calls = link_->state->begin_statement(sql);
  const auto interrupt = [context = link_->connection->context, calls] {
    context->Interrupt();
    calls.cancel();  // after it, so that a call whose child was killed sees why
  };
  auto running = std::make_shared<Running>(interrupt, link_->state->statement().text_id);
  const std::lock_guard lock(mutex_);
  running_ = running;
  return running;
}

void DuckSession::cancel() {
  std::shared_ptr<Running> running;
  {
    const std::lock_guard lock(mutex_);
    running = running_.lock();
  }
  if (running && !running->is_finished()) engine_.watchdog().stop(running, Stop::cancelled);
}

std::optional<double> DuckSession::progress() const {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Running> running = running_.lock();
  if (!link_ || !running || running->is_finished()) return std::nullopt;
  const double percent = link_->context().GetQueryProgress().GetPercentage();
  if (percent < 0) return std::nullopt;
  return std::min(percent / 100.0, 1.0);
}

}  // namespace weir::engine
