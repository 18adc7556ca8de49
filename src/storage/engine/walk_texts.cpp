// What PostgreSQL says about texts in a statement, and the engine says otherwise.
#include "storage/engine/statement_walk.h"

namespace weir::engine {

using duckdb::ExpressionClass;

// Text has one order here, that of its bytes: PostgreSQL's names for it say nothing else.
bool Walk::drop_collation(Child& child) {
  auto& collate = child->Cast<duckdb::CollateExpression>();
  std::string name = duckdb::StringUtil::Lower(collate.collation);
  if (name.starts_with("pg_catalog.")) name = name.substr(11);
  if (name != "default" && name != "c" && name != "posix") return false;
  Child inner = std::move(collate.child);
  inner->alias = child->alias;
  child = std::move(inner);
  return true;
}

// A backslash is the escape of LIKE unless it names another: PostgreSQL 15, functions-matching §9.7.1.
void Walk::escape_pattern(duckdb::FunctionExpression& function) {
  static const std::map<std::string, std::string> kEscaped = {
      {"~~", "like_escape"}, {"!~~", "not_like_escape"}, {"~~*", "ilike_escape"}, {"!~~*", "not_ilike_escape"}};
  const auto found = kEscaped.find(function.function_name);
  if (found == kEscaped.end() || function.children.size() != 2) return;
  const auto& pattern = *function.children[1];
  if (pattern.GetExpressionClass() == ExpressionClass::CONSTANT &&
      pattern.Cast<duckdb::ConstantExpression>().value.ToString().find('\\') == std::string::npos) {
    return;
  }
  function.function_name = found->second;
  function.is_operator = false;
  function.children.push_back(duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value("\\")));
}

}  // namespace weir::engine
