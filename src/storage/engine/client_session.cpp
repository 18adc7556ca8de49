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
  link_->state->scope = order.scope;
  link_->state->take_error();
  link_->state->view_bodies.clear();
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
  try {
    duckdb::vector<duckdb::Value> given(values.begin(), values.end());
    const auto prepared = link_->connection->Prepare(std::string(sql));
    if (prepared->HasError()) return to_error(prepared->error, sql);
    const auto result = prepared->Execute(given, false);
    if (result->HasError()) return to_error(result->GetErrorObject(), sql);
    std::vector<std::vector<Cell>> rows;
    while (const auto chunk = result->Fetch()) {
      if (chunk->size() == 0) break;
      append_cells(*chunk, rows);
    }
    return rows;
  } catch (const std::exception& thrown) {
    return to_error(thrown, sql);
  }
}

}  // namespace weir::engine
