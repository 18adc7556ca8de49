#include "storage/engine/platform_functions.h"

#include <map>

#include "storage/engine/by_row.h"

namespace weir::engine {
namespace {

void add_all(std::map<std::string, duckdb::ScalarFunctionSet>& sets, ScalarFunctions functions) {
  for (duckdb::ScalarFunction& function : functions) {
    sets.try_emplace(function.name, function.name).first->second.AddFunction(std::move(function));
  }
}

}  // namespace

void throw_error(const Error& error) {
  const std::string message = error.hint.empty() ? error.message : error.message + " (" + error.hint + ")";
  switch (error.code) {
    case Code::too_large:
      throw duckdb::Exception(duckdb::ExceptionType::OBJECT_SIZE, message);
    case Code::unsupported:
      throw duckdb::NotImplementedException(message);
    default:
      throw duckdb::InvalidInputException(message);
  }
}

namespace {

// Where / is // for whole numbers, an interval is still divided by a number.
ScalarFunctions interval_division(duckdb::ClientContext& context, duckdb::Catalog& catalog) {
  ScalarFunctions out;
  auto& division = catalog.GetEntry<duckdb::ScalarFunctionCatalogEntry>(context, DEFAULT_SCHEMA, "/");
  for (const duckdb::ScalarFunction& function : division.functions.functions) {
    if (function.arguments[0].id() != duckdb::LogicalTypeId::INTERVAL) continue;
    out.push_back(function);
    out.back().name = "//";
  }
  return out;
}

// DuckDB's date_trunc gives a DATE where its part is a day or more; Redshift's gives a TIMESTAMP, always.
ScalarFunctions timestamp_trunc(duckdb::ClientContext& context, duckdb::Catalog& catalog) {
  ScalarFunctions out;
  auto& trunc = catalog.GetEntry<duckdb::ScalarFunctionCatalogEntry>(context, DEFAULT_SCHEMA, "date_trunc");
  for (duckdb::ScalarFunction function : trunc.functions.functions) {
    function.name = "weir_date_trunc";
    function.bind = nullptr;  // which chose the DATE
    function.statistics = nullptr;
    out.push_back(std::move(function));
  }
  return out;
}

}  // namespace

void register_functions(duckdb::Connection& connection) {
  std::map<std::string, duckdb::ScalarFunctionSet> sets;
  for (const auto& functions : {text_functions, time_functions, number_functions, sketch_functions}) {
    add_all(sets, functions());
  }
  connection.BeginTransaction();
  auto& catalog = duckdb::Catalog::GetSystemCatalog(*connection.context);
  add_all(sets, interval_division(*connection.context, catalog));
  add_all(sets, timestamp_trunc(*connection.context, catalog));
  const auto add = [&](duckdb::CreateFunctionInfo& info) {
    info.schema = DEFAULT_SCHEMA;
    info.internal = true;
    // A name that DuckDB has already gets the arguments beside its own.
    info.on_conflict = duckdb::OnCreateConflict::ALTER_ON_CONFLICT;
    catalog.CreateFunction(*connection.context, info);
  };
  for (auto& [name, set] : sets) {
    duckdb::CreateScalarFunctionInfo info(set);
    add(info);
  }
  for (const auto& aggregates : {sketch_aggregates, list_aggregates}) {
    for (const duckdb::AggregateFunctionSet& set : aggregates()) {
      duckdb::CreateAggregateFunctionInfo info(set);
      add(info);
    }
  }
  connection.Commit();
}

}  // namespace weir::engine
