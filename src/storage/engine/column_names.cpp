// How a column of a result is called that nobody named, as PostgreSQL 15 does (its parser's FigureColname): a call by
// its function, CASE by what its ELSE is called or "case", a cast by its column or its type, everything else ?column?.
#include <algorithm>

#include "storage/engine/statement_walk.h"

namespace weir::engine {
namespace {

using duckdb::ExpressionClass;
using duckdb::ExpressionType;

constexpr const char* kNoName = "?column?";

// How good a name is: that of a column or function is kept through a cast or CASE, that of a type is not.
enum class Strength { none, weak, strong };
struct Found {
  Strength strength = Strength::none;
  std::string name = {};
};

std::string type_name(const duckdb::LogicalType& type) {
  switch (type.id()) {
    case duckdb::LogicalTypeId::BOOLEAN:
      return "bool";
    case duckdb::LogicalTypeId::SMALLINT:
      return "int2";
    case duckdb::LogicalTypeId::INTEGER:
      return "int4";
    case duckdb::LogicalTypeId::BIGINT:
      return "int8";
    case duckdb::LogicalTypeId::FLOAT:
      return "float4";
    case duckdb::LogicalTypeId::DOUBLE:
      return "float8";
    case duckdb::LogicalTypeId::DECIMAL:
      return "numeric";
    case duckdb::LogicalTypeId::TIMESTAMP_TZ:
      return "timestamptz";
    case duckdb::LogicalTypeId::TIME_TZ:
      return "timetz";
    case duckdb::LogicalTypeId::BLOB:
      return "bytea";
    default: {
      const std::string name = type.id() == duckdb::LogicalTypeId::USER ? duckdb::UserType::GetTypeName(type)
                                                                        : duckdb::LogicalTypeIdToString(type.id());
      return duckdb::StringUtil::Lower(name);
    }
  }
}

Found name_of(const duckdb::ParsedExpression& expression);

Found of_function(const duckdb::FunctionExpression& call) {
  if (call.is_operator) return {};
  std::string name = duckdb::StringUtil::Lower(call.function_name);
  if (name == "weir_cut" && !call.children.empty()) {  // a cast to VARCHAR(n), as the dialect says it
    const Found inner = name_of(*call.children[0]);
    return inner.strength == Strength::strong ? inner : Found{Strength::weak, "varchar"};
  }
  if (name.starts_with("weir_")) name = name.substr(5);
  if (name == "count_star") name = "count";
  if (name == "list_value" || name == "array_value") name = "array";
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) return {};
  return {Strength::strong, name};
}

Found of_subquery(const duckdb::SubqueryExpression& subquery) {
  if (subquery.subquery_type == duckdb::SubqueryType::EXISTS) return {Strength::strong, "exists"};
  if (subquery.subquery_type != duckdb::SubqueryType::SCALAR) return {};
  const duckdb::QueryNode* node = subquery.subquery->node.get();
  while (node->type == duckdb::QueryNodeType::SET_OPERATION_NODE) {
    node = node->Cast<duckdb::SetOperationNode>().left.get();
  }
  if (node->type != duckdb::QueryNodeType::SELECT_NODE) return {};
  const auto& list = node->Cast<duckdb::SelectNode>().select_list;
  if (list.empty()) return {};
  if (!list[0]->alias.empty()) return {Strength::strong, list[0]->alias};
  return {Strength::strong, name_of(*list[0]).name};
}

Found of_operator(const duckdb::OperatorExpression& expression) {
  switch (expression.type) {
    case ExpressionType::OPERATOR_COALESCE:
      return {Strength::strong, "coalesce"};
    case ExpressionType::OPERATOR_NULLIF:
      return {Strength::strong, "nullif"};
    case ExpressionType::ARRAY_CONSTRUCTOR:
      return {Strength::strong, "array"};
    case ExpressionType::GROUPING_FUNCTION:
      return {Strength::strong, "grouping"};
    case ExpressionType::ARRAY_EXTRACT:
    case ExpressionType::ARRAY_SLICE:
      return name_of(*expression.children[0]);
    case ExpressionType::STRUCT_EXTRACT:
      if (expression.children[1]->GetExpressionClass() != ExpressionClass::CONSTANT) return {};
      return {Strength::strong, expression.children[1]->Cast<duckdb::ConstantExpression>().value.ToString()};
    default:
      return {};
  }
}

Found name_of(const duckdb::ParsedExpression& expression) {
  switch (expression.GetExpressionClass()) {
    case ExpressionClass::COLUMN_REF:
      return {Strength::strong, expression.Cast<duckdb::ColumnRefExpression>().GetColumnName()};
    case ExpressionClass::CAST: {
      const auto& cast = expression.Cast<duckdb::CastExpression>();
      const Found inner = name_of(*cast.child);
      return inner.strength == Strength::strong ? inner : Found{Strength::weak, type_name(cast.cast_type)};
    }
    case ExpressionClass::CASE: {
      const auto& branches = expression.Cast<duckdb::CaseExpression>();
      const Found last = branches.else_expr ? name_of(*branches.else_expr) : Found();
      return last.strength == Strength::strong ? last : Found{Strength::weak, "case"};
    }
    case ExpressionClass::COLLATE:
      return name_of(*expression.Cast<duckdb::CollateExpression>().child);
    case ExpressionClass::FUNCTION:
      return of_function(expression.Cast<duckdb::FunctionExpression>());
    case ExpressionClass::WINDOW: {
      const std::string name = duckdb::StringUtil::Lower(expression.Cast<duckdb::WindowExpression>().function_name);
      return {Strength::strong, name == "count_star" ? "count" : name};
    }
    case ExpressionClass::OPERATOR:
      return of_operator(expression.Cast<duckdb::OperatorExpression>());
    case ExpressionClass::SUBQUERY:
      return of_subquery(expression.Cast<duckdb::SubqueryExpression>());
    default:
      return {};
  }
}

// COLUMNS(…) and * stand for columns with names of their own.
bool has_star(const duckdb::ParsedExpression& expression) {
  if (expression.GetExpressionClass() == ExpressionClass::STAR) return true;
  bool found = false;
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      expression, [&](const duckdb::ParsedExpression& child) { found = found || has_star(child); });
  return found;
}

}  // namespace

void Walk::name_columns(duckdb::SelectNode& select) const {
  for (Child& item : select.select_list) {
    const ExpressionClass kind = item->GetExpressionClass();
    if (!item->alias.empty() || kind == ExpressionClass::COLUMN_REF || kind == ExpressionClass::POSITIONAL_REFERENCE ||
        has_star(*item)) {
      continue;
    }
    const Found found = name_of(*item);
    item->alias = found.name.empty() ? kNoName : found.name;
  }
}

}  // namespace weir::engine
