// What sessions of clients have beyond reading: an authority, changes, transactions, a search path, descriptions.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "storage/engine/session.h"

namespace weir::engine {
namespace {

// For the time of one statement a user's connection is ours.
class Trusted {
 public:
  explicit Trusted(ConnectionState& state) : state_(state), was_(state.trust.exchange(Trust::own)) {}
  ~Trusted() { state_.trust.store(was_); }
  Trusted(const Trusted&) = delete;
  Trusted& operator=(const Trusted&) = delete;

 private:
  ConnectionState& state_;
  const Trust was_;
};

std::string type_name(const duckdb::LogicalType& type) {
  return type.id() == duckdb::LogicalTypeId::UNKNOWN || type.id() == duckdb::LogicalTypeId::SQLNULL ? ""
                                                                                                    : type.ToString();
}

}  // namespace

namespace {

std::vector<std::vector<Cell>> all_rows(duckdb::QueryResult& result) {
  std::vector<std::vector<Cell>> rows;
  while (const auto chunk = result.Fetch()) {
    if (chunk->size() == 0) break;
    append_cells(*chunk, rows);
  }
  return rows;
}

duckdb::LogicalType given_type(GivenRows::Kind kind) {
  switch (kind) {
    case GivenRows::Kind::text:
      return duckdb::LogicalType::VARCHAR;
    case GivenRows::Kind::bytes:
      return duckdb::LogicalType::BLOB;
    case GivenRows::Kind::whole:
      return duckdb::LogicalType::BIGINT;
  }
  return duckdb::LogicalType::VARCHAR;
}

// Rows `from` … `from + count` of a column. Texts are not copied: the collection does, when it takes the chunk.
void fill_vector(const GivenRows::Column& column, size_t from, size_t count, duckdb::Vector& out) {
  auto& valid = duckdb::FlatVector::Validity(out);
  for (size_t i = 0; i < count; ++i) {
    const size_t row = from + i;
    if (column.nulls[row]) {
      valid.SetInvalid(i);
    } else if (column.kind == GivenRows::Kind::whole) {
      duckdb::FlatVector::GetData<int64_t>(out)[i] = column.wholes[row];
    } else {
      const uint32_t begin = row == 0 ? 0 : column.ends[row - 1];
      duckdb::FlatVector::GetData<duckdb::string_t>(out)[i] =
          duckdb::string_t(column.bytes.data() + begin, column.ends[row] - begin);
    }
  }
}

duckdb::unique_ptr<duckdb::ColumnDataCollection> collected(const GivenRows& rows) {
  duckdb::vector<duckdb::LogicalType> types = {duckdb::LogicalType::BIGINT};
  for (const GivenRows::Column& column : rows.columns) types.push_back(given_type(column.kind));
  auto& allocator = duckdb::Allocator::DefaultAllocator();
  auto out = duckdb::make_uniq<duckdb::ColumnDataCollection>(allocator, types);
  duckdb::DataChunk chunk;
  chunk.Initialize(allocator, types);
  for (size_t from = 0; from < rows.rows; from += STANDARD_VECTOR_SIZE) {
    const size_t count = std::min<size_t>(rows.rows - from, STANDARD_VECTOR_SIZE);
    chunk.Reset();
    chunk.data[0].Sequence(static_cast<int64_t>(from), 1, count);
    for (size_t i = 0; i < rows.columns.size(); ++i) fill_vector(rows.columns[i], from, count, chunk.data[i + 1]);
    chunk.SetCardinality(count);
    out->Append(chunk);
  }
  return out;
}

// A SELECT reads the rows in place of what stands behind FROM, an INSERT as a common table expression of that name.
void give(duckdb::SQLStatement& statement, duckdb::ColumnDataCollection& rows) {
  auto reference = duckdb::make_uniq<duckdb::ColumnDataRef>(rows);
  reference->alias = "given";
  reference->expected_names = {"row"};
  for (size_t i = 1; i < rows.ColumnCount(); ++i) reference->expected_names.push_back("c" + std::to_string(i));
  if (statement.type == duckdb::StatementType::SELECT_STATEMENT) {
    statement.Cast<duckdb::SelectStatement>().node->Cast<duckdb::SelectNode>().from_table = std::move(reference);
    return;
  }
  CHECK(statement.type == duckdb::StatementType::INSERT_STATEMENT, "rows are given to SELECT and INSERT");
  auto node = duckdb::make_uniq<duckdb::SelectNode>();
  node->select_list.push_back(duckdb::make_uniq<duckdb::StarExpression>());
  node->from_table = std::move(reference);
  auto info = duckdb::make_uniq<duckdb::CommonTableExpressionInfo>();
  info->query = duckdb::make_uniq<duckdb::SelectStatement>();
  info->query->node = std::move(node);
  info->materialized = duckdb::CTEMaterialize::CTE_MATERIALIZE_NEVER;
  statement.Cast<duckdb::InsertStatement>().cte_map.map.insert("given", std::move(info));
}

}  // namespace

DuckSession::~DuckSession() {
  if (is_in_transaction_) (void)rollback();
}

void DuckSession::govern(std::shared_ptr<const Authority> authority) {
  authority_ = std::move(authority);
  if (link_) link_->state->authority = authority_;
}

Result<std::unique_ptr<ResultStream>> DuckSession::execute(const Order& order) {
  TRY(ready());
  TRY_ASSIGN(Statement statement, parse_checked(order.sql, order.parameters, order.scope));
  link_->state->scope = order.scope;
  return run(std::move(statement), order.sql, order.parameters, order.limits);
}

Result<Description> DuckSession::describe(const Order& order, const std::vector<std::string>& types) {
  TRY(ready());
  Description out;
  for (const std::string& type : types) out.parameters.push_back(type);
  TRY_ASSIGN(Statement statement, parse(order.sql));
  WalkRules known = rules(order.sql);
  known.parameter_types = &types;
  TRY_ASSIGN(Allowed allowed, check_statement(*statement, known, order.scope));
  out.reads = std::move(allowed.reads);
  out.calls = std::move(allowed.calls);
  link_->state->changes_guarded = allowed.changes_guarded;
  link_->state->scope = order.scope;
  link_->state->take_error();
  link_->state->view_bodies.clear();
  link_->state->failing_guard.clear();
  try {
    const auto prepared = link_->context().Prepare(std::move(statement));
    if (prepared->HasError()) {
      if (const auto ours = link_->state->take_error()) return *ours;
      return to_error(prepared->error, order.sql);
    }
    for (const auto& [name, type] : prepared->GetExpectedParameterTypes()) {
      const size_t number = std::stoul(name);
      if (number == 0 || number > 65'535) return Error(Code::invalid, "there is no parameter $" + name);
      if (out.parameters.size() < number) out.parameters.resize(number);
      if (out.parameters[number - 1].empty()) out.parameters[number - 1] = type_name(type);
    }
    // Where nothing tells a parameter's type the engine gives no columns either: it is a text then, as in PostgreSQL.
    std::vector<std::string> complete = out.parameters;
    for (std::string& type : complete) {
      if (type.empty() || type == "UNKNOWN") type = "VARCHAR";
    }
    if (!prepared->GetStatementProperties().bound_all_parameters && complete != types) return describe(order, complete);
    out.returns_rows = prepared->GetStatementProperties().return_type == duckdb::StatementReturnType::QUERY_RESULT;
    for (size_t i = 0; out.returns_rows && i < prepared->GetNames().size(); ++i) {
      out.columns.push_back({prepared->GetNames()[i], type_name(prepared->GetTypes()[i])});
    }
  } catch (const std::exception& thrown) {
    return to_error(thrown, order.sql);
  }
  return out;
}

Status DuckSession::begin() {
  TRY(ready());
  CHECK(!is_in_transaction_, "one transaction at a time");
  try {
    const Trusted trusted(*link_->state);
    link_->state->pin_at_begin = false;
    link_->connection->BeginTransaction();
  } catch (const std::exception& thrown) {
    return to_error(thrown, "");
  }
  is_in_transaction_ = true;
  return {};
}

Status DuckSession::end_transaction(const char* word) {
  if (!is_in_transaction_) return {};
  is_in_transaction_ = false;
  if (!link_ || link_->database->is_invalidated()) {
    return Error(Code::unavailable, "the engine stopped after an internal error; the transaction is lost");
  }
  const Trusted trusted(*link_->state);
  link_->state->pin_at_begin = false;
  Status ended = engine::run(*link_->connection, word);
  link_->state->release();
  return ended;
}

Status DuckSession::commit() {
  Status committed = end_transaction("COMMIT");
  if (committed) return {};
  // What could not be committed is rolled back by the engine, or here.
  if (link_ && !link_->database->is_invalidated() && !link_->context().transaction.IsAutoCommit()) {
    const Trusted trusted(*link_->state);
    (void)engine::run(*link_->connection, "ROLLBACK");
  }
  return committed;
}

Status DuckSession::rollback() {
  return end_transaction("ROLLBACK");
}

Status DuckSession::set_search_path(const std::vector<std::string>& schemas) {
  search_path_ = schemas;
  TRY(ready());
  return apply_settings();
}

Status DuckSession::set_time_zone(const std::string& zone) {
  TRY(ready());
  const auto known = run_own("SELECT timezone($1, TIMESTAMPTZ '2026-01-01 00:00:00+00')", {Json(zone)});
  if (!known) {
    Error error(Code::invalid, "there is no time zone \"" + zone + "\"", "use a name such as Europe/Berlin, or UTC");
    error.sqlstate = "22023";
    return error;
  }
  time_zone_ = zone;
  return apply_settings();
}

// The engine's settings are locked; a connection's own are set beside the statement that would.
Status DuckSession::apply_settings() {
  if (!time_zone_.empty()) {
    duckdb::ClientConfig::GetConfig(link_->context()).set_variables["TimeZone"] = duckdb::Value(time_zone_);
  }
  if (search_path_.empty()) return {};
  try {
    duckdb::vector<duckdb::CatalogSearchEntry> path;
    for (const std::string& schema : search_path_) {
      if (schema == kLakeCatalog) path.emplace_back(kLakeCatalog, DEFAULT_SCHEMA);
      path.emplace_back(link_->database->catalog, schema);
      if (schema != kPublic) continue;
      path.emplace_back(link_->database->catalog, DEFAULT_SCHEMA);
      path.emplace_back(kLakeCatalog, DEFAULT_SCHEMA);
      path.emplace_back(kLakeCatalog, kPublic);
    }
    duckdb::ClientData::Get(link_->context())
        .catalog_search_path->Set(std::move(path), duckdb::CatalogSetPathType::SET_DIRECTLY);
  } catch (const std::exception& thrown) {
    return to_error(thrown, "");
  }
  return {};
}

Result<std::vector<std::vector<Cell>>> DuckSession::run_own(std::string_view sql, const Parameters& parameters) {
  TRY(ready());
  TRY_ASSIGN(std::vector<duckdb::Value> values, parameter_values(parameters));
  const Trusted trusted(*link_->state);
  link_->state->pin_at_begin = false;
  link_->state->take_error();
  std::weak_ptr<Running> before;  // a result that is read beside it
  {
    const std::lock_guard lock(mutex_);
    before = running_;
  }
  const std::shared_ptr<Running> running = begin_running(sql);
  auto done = [&]() -> Result<std::vector<std::vector<Cell>>> {
    try {
      duckdb::vector<duckdb::Value> given(values.begin(), values.end());
      const auto prepared = link_->connection->Prepare(std::string(sql));
      if (prepared->HasError()) return statement_error(prepared->error, sql, *link_, *running);
      const auto result = prepared->Execute(given, false);
      if (result->HasError()) return statement_error(result->GetErrorObject(), sql, *link_, *running);
      return all_rows(*result);
    } catch (const std::exception& thrown) {
      return statement_error(duckdb::ErrorData(thrown), sql, *link_, *running);
    }
  }();
  running->finished();
  const std::lock_guard lock(mutex_);
  running_ = before;
  return done;
}

Result<std::vector<std::vector<Cell>>> DuckSession::run_own_with(std::string_view sql, const GivenRows& rows) {
  TRY(ready());
  TRY_ASSIGN(Statement statement, parse(std::string(sql)));
  const Trusted trusted(*link_->state);
  link_->state->pin_at_begin = false;
  try {
    const auto given = collected(rows);  // outlives the statement that reads it
    give(*statement, *given);
    const auto result = link_->connection->Query(std::move(statement));
    if (result->HasError()) return to_error(result->GetErrorObject(), sql);
    return all_rows(*result);
  } catch (const std::exception& thrown) {
    return to_error(thrown, sql);
  }
}

}  // namespace weir::engine
