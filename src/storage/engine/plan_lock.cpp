// The third lock: the bound plan of a user's statement, before optimization. It holds where a name on the allow-list
// turns out to be something else: a view or macro over a refused function, a statement kind that the parser hides in
// another one. Grants on relations and columns will be decided here too (LogicalGet::GetColumnIds() are exactly the
// columns used).
#include "storage/engine/functions.h"
#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

using duckdb::LogicalOperatorType;

bool operator_is_allowed(LogicalOperatorType type) {
  switch (type) {
    case LogicalOperatorType::LOGICAL_PROJECTION:
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
    case LogicalOperatorType::LOGICAL_WINDOW:
    case LogicalOperatorType::LOGICAL_UNNEST:
    case LogicalOperatorType::LOGICAL_LIMIT:
    case LogicalOperatorType::LOGICAL_ORDER_BY:
    case LogicalOperatorType::LOGICAL_TOP_N:
    case LogicalOperatorType::LOGICAL_DISTINCT:
    case LogicalOperatorType::LOGICAL_SAMPLE:
    case LogicalOperatorType::LOGICAL_PIVOT:
    case LogicalOperatorType::LOGICAL_GET:
    case LogicalOperatorType::LOGICAL_CHUNK_GET:
    case LogicalOperatorType::LOGICAL_DELIM_GET:
    case LogicalOperatorType::LOGICAL_EXPRESSION_GET:
    case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
    case LogicalOperatorType::LOGICAL_EMPTY_RESULT:
    case LogicalOperatorType::LOGICAL_CTE_REF:
    case LogicalOperatorType::LOGICAL_JOIN:
    case LogicalOperatorType::LOGICAL_DELIM_JOIN:
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
    case LogicalOperatorType::LOGICAL_POSITIONAL_JOIN:
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
    case LogicalOperatorType::LOGICAL_DEPENDENT_JOIN:
    case LogicalOperatorType::LOGICAL_UNION:
    case LogicalOperatorType::LOGICAL_EXCEPT:
    case LogicalOperatorType::LOGICAL_INTERSECT:
    case LogicalOperatorType::LOGICAL_RECURSIVE_CTE:
    case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
    case LogicalOperatorType::LOGICAL_EXPLAIN:
      return true;
    default:
      return false;
  }
}

bool get_is_allowed(const duckdb::LogicalGet& get) {
  const std::string& name = get.function.name;
  if (name == kLakeScan || name == kViewScan) return true;
  if (const auto table = get.GetTable()) return table->IsDuckTable();
  // What information_schema and SHOW TABLES read; the statement lock keeps users from calling them themselves.
  for (const char* listing :
       {"duckdb_tables", "duckdb_views", "duckdb_columns", "duckdb_schemas", "duckdb_databases"}) {
    if (name == listing) return true;
  }
  return table_function_is_allowed(name);
}

void check(const duckdb::LogicalOperator& plan) {
  if (!operator_is_allowed(plan.type)) {
    throw duckdb::PermissionException("this statement is not allowed: %s", duckdb::LogicalOperatorToString(plan.type));
  }
  if (plan.type == LogicalOperatorType::LOGICAL_GET && !get_is_allowed(plan.Cast<duckdb::LogicalGet>())) {
    throw duckdb::PermissionException("reading %s() is not allowed", plan.Cast<duckdb::LogicalGet>().function.name);
  }
  for (const auto& child : plan.children) check(*child);
}

void before_optimizing(duckdb::OptimizerExtensionInput& input, duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  const auto state = ConnectionState::of(input.context);
  if (state && state->trust == Trust::own) return;
  // copy_result(): the session has set the one path; the file system holds the statement to it.
  const bool copies = state && !state->copy_path.empty() && plan->type == LogicalOperatorType::LOGICAL_COPY_TO_FILE;
  check(copies ? *plan->children.front() : *plan);
}

}  // namespace

duckdb::OptimizerExtension plan_lock() {
  duckdb::OptimizerExtension extension;
  extension.pre_optimize_function = before_optimizing;
  return extension;
}

}  // namespace weir::engine
