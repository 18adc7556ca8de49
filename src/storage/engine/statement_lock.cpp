// The second lock: what a user's statement may say, decided on the parsed statement before anything is bound. What is
// not listed is refused: statement kinds, table references, functions, expressions. Every expression and subquery is
// visited; parameters become constants on the way, so that they pass the same checks.
#include <algorithm>
#include <utility>

#include "storage/engine/bounds.h"
#include "storage/engine/functions.h"
#include "storage/engine/inside.h"
#include "storage/engine/refusals.h"

namespace weir::engine {
namespace {

using duckdb::ExpressionClass;
using duckdb::ParsedExpression;
using duckdb::StatementType;
using duckdb::TableReferenceType;

constexpr int kDepthMax = 1000;

std::string lower(const std::string& name) {
  return duckdb::StringUtil::Lower(name);
}

class Walk {
 public:
  Walk(Trust trust, const std::vector<duckdb::Value>& parameters, const std::vector<std::string>& own_views,
       std::string_view sql)
      : trust_(trust), parameters_(parameters), own_views_(own_views), sql_(sql) {}

  void node(duckdb::QueryNode& node);
  Allowed found() && { return {reads_tables_, std::move(reads_)}; }
  const std::optional<Error>& refusal() const { return refusal_; }  // the first one: the walk stops at it

 private:
  struct Step {  // one level of the walk; not `open` once something was refused
    explicit Step(Walk& owner) : walk(owner) {
      if (++walk.depth_ > kDepthMax) {
        walk.refuse(Code::too_large, "the statement is nested more than " + std::to_string(kDepthMax) + " deep", {});
      }
    }
    ~Step() { --walk.depth_; }
    explicit operator bool() const { return !walk.refusal_.has_value(); }
    Walk& walk;
  };
  using Child = duckdb::unique_ptr<ParsedExpression>;
  void expression(Child& child);
  void optional(Child& child) {
    if (child) expression(child);
  }
  void list(duckdb::vector<Child>& children) {
    for (Child& child : children) expression(child);
  }
  void call(duckdb::FunctionExpression& function, bool as_table);
  void table(duckdb::TableRef& ref);
  void base_table(const duckdb::BaseTableRef& ref);
  void pivot(duckdb::PivotRef& ref);
  void show(duckdb::ShowRef& ref);
  void modifiers(duckdb::QueryNode& node);
  void note_read(const duckdb::BaseTableRef& ref);
  Child constant(const duckdb::ParameterExpression& parameter);

  void refuse(Code code, std::string message, duckdb::optional_idx place) {
    if (refusal_) return;
    refusal_.emplace(code, std::move(message));
    if (place.IsValid()) refusal_->at(place_in(sql_, place.GetIndex()));
  }
  void refuse(std::string message, duckdb::optional_idx place) {
    if (trust_ == Trust::user) refuse(Code::denied, std::move(message), place);
  }

  const Trust trust_;
  const std::vector<duckdb::Value>& parameters_;
  const std::vector<std::string>& own_views_;
  const std::string_view sql_;
  bool reads_tables_ = false;
  std::vector<TableRead> reads_;
  std::vector<std::string> ctes_;  // names that stand for a CTE where the walk is
  int depth_ = 0;
  std::optional<Error> refusal_;
};

Walk::Child Walk::constant(const duckdb::ParameterExpression& parameter) {
  const std::string& name = parameter.identifier;
  duckdb::Value given;
  if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos || name.size() > 6) {
    refuse(Code::invalid, "parameters are numbered: $1, $2, …; found $" + name, parameter.query_location);
  } else if (const size_t number = std::stoul(name); number == 0 || number > parameters_.size()) {
    refuse(Code::invalid,
           "the statement uses parameter $" + name + ", " + std::to_string(parameters_.size()) + " were given",
           parameter.query_location);
  } else {
    given = parameters_[number - 1];
  }
  auto value = duckdb::make_uniq<duckdb::ConstantExpression>(std::move(given));
  value->query_location = parameter.query_location;
  value->alias = parameter.alias;
  return value;
}

void Walk::expression(Child& child) {
  const Step step(*this);
  if (!step) return;
  switch (child->GetExpressionClass()) {
    case ExpressionClass::PARAMETER:
      child = constant(child->Cast<duckdb::ParameterExpression>());
      return;
    case ExpressionClass::CASE:
    case ExpressionClass::CAST:
    case ExpressionClass::COLUMN_REF:
    case ExpressionClass::COMPARISON:
    case ExpressionClass::CONJUNCTION:
    case ExpressionClass::CONSTANT:
    case ExpressionClass::OPERATOR:
    case ExpressionClass::STAR:
    case ExpressionClass::COLLATE:
    case ExpressionClass::LAMBDA:
    case ExpressionClass::POSITIONAL_REFERENCE:
    case ExpressionClass::BETWEEN:
      break;
    case ExpressionClass::SUBQUERY:
      node(*child->Cast<duckdb::SubqueryExpression>().subquery->node);
      break;
    case ExpressionClass::WINDOW: {
      const auto& window = child->Cast<duckdb::WindowExpression>();
      if (!function_is_allowed(window.function_name)) {
        refuse("function " + lower(window.function_name) + "() is not on the list of allowed functions",
               child->query_location);
      }
      break;
    }
    case ExpressionClass::FUNCTION:
      call(child->Cast<duckdb::FunctionExpression>(), false);
      break;
    default:
      refuse("this kind of expression is not allowed: " + child->ToString(), child->query_location);
  }
  duckdb::ParsedExpressionIterator::EnumerateChildren(*child, [this](Child& inner) { expression(inner); });
  // After the children, whose parameters are constants now.
  if (trust_ == Trust::user && child->GetExpressionClass() == ExpressionClass::FUNCTION) {
    if (const auto reason = oversized_call(child->Cast<duckdb::FunctionExpression>())) {
      refuse(Code::too_large, *reason, child->query_location);
    }
  }
}

void Walk::call(duckdb::FunctionExpression& function, bool as_table) {
  const bool known =
      as_table ? table_function_is_allowed(function.function_name) : function_is_allowed(function.function_name);
  if (!known) {
    refuse((as_table ? "table function " : "function ") + lower(function.function_name) +
               "() is not on the list of allowed functions",
           function.query_location);
  }
  if (function.export_state) refuse("EXPORT_STATE is not allowed", function.query_location);
}

void Walk::note_read(const duckdb::BaseTableRef& ref) {
  const std::string name = lower(ref.table_name);
  if (ref.schema_name.empty() && std::find(ctes_.begin(), ctes_.end(), name) != ctes_.end()) return;
  if (lower(ref.schema_name) == "information_schema") return;
  for (const TableRead& known : reads_) {
    if (known.name == name) return;
  }
  reads_.push_back({name, ref.query_location.IsValid() ? place_in(sql_, ref.query_location.GetIndex()) : Position{}});
}

void Walk::base_table(const duckdb::BaseTableRef& ref) {
  reads_tables_ = true;
  note_read(ref);
  const std::string catalog = lower(ref.catalog_name), schema = lower(ref.schema_name), name = lower(ref.table_name);
  if (ref.at_clause) refuse("AT (…) is not supported: a statement reads one snapshot", ref.query_location);
  if (catalog == "system" || catalog == "temp" || schema == "system" || schema == "temp" || schema == "pg_catalog") {
    refuse("\"" + ref.ToString() + "\" belongs to the engine; tables are listed in information_schema.tables",
           ref.query_location);
  }
  if (schema == "information_schema") {
    for (const char* view : {"tables", "columns", "schemata", "views"}) {
      if (name == view) return;
    }
    return refuse("of information_schema only tables, columns, schemata and views may be read", ref.query_location);
  }
  if (std::find(own_views_.begin(), own_views_.end(), name) != own_views_.end()) {
    refuse("\"" + name + "\" is a view of the engine itself; tables are listed in information_schema.tables",
           ref.query_location);
  }
  if (name.find_first_of("./\\:*?[") != std::string::npos) {
    refuse("\"" + name + "\" looks like a file; statements read tables only", ref.query_location);
  }
}

void Walk::pivot(duckdb::PivotRef& ref) {
  table(*ref.source);
  list(ref.aggregates);
  for (duckdb::PivotColumn& column : ref.pivots) {
    if (column.subquery || !column.pivot_enum.empty()) {
      refuse("PIVOT without its values written out is not allowed here; write " + std::string(kPivotAdvice),
             ref.query_location);
    }
    list(column.pivot_expressions);
    for (duckdb::PivotColumnEntry& entry : column.entries) optional(entry.expr);
  }
}

void Walk::show(duckdb::ShowRef& ref) {
  reads_tables_ = true;
  if (ref.show_type != duckdb::ShowType::DESCRIBE) {
    return refuse("SUMMARIZE and SHOW TABLES FROM are not allowed; use DESCRIBE, SHOW TABLES or a SELECT",
                  ref.query_location);
  }
  if (ref.query) return node(*ref.query);
  const std::string what = lower(ref.table_name);
  if (what != "\"tables\"" && what != "tables" && what != "__show_tables_expanded") {
    refuse("SHOW " + what + " is not allowed", ref.query_location);
  }
}

void Walk::table(duckdb::TableRef& ref) {
  const Step step(*this);
  if (!step) return;
  switch (ref.type) {
    case TableReferenceType::BASE_TABLE:
      return base_table(ref.Cast<duckdb::BaseTableRef>());
    case TableReferenceType::SUBQUERY:
      return node(*ref.Cast<duckdb::SubqueryRef>().subquery->node);
    case TableReferenceType::JOIN: {
      auto& join = ref.Cast<duckdb::JoinRef>();
      table(*join.left);
      table(*join.right);
      optional(join.condition);
      return list(join.duplicate_eliminated_columns);
    }
    case TableReferenceType::TABLE_FUNCTION: {
      auto& function = ref.Cast<duckdb::TableFunctionRef>();
      if (function.function->GetExpressionClass() != ExpressionClass::FUNCTION) {
        return refuse("this table reference is not allowed", ref.query_location);
      }
      auto& called = function.function->Cast<duckdb::FunctionExpression>();
      call(called, true);
      duckdb::ParsedExpressionIterator::EnumerateChildren(called, [this](Child& inner) { expression(inner); });
      if (function.subquery) node(*function.subquery->node);
      return;
    }
    case TableReferenceType::EXPRESSION_LIST:
      for (auto& row : ref.Cast<duckdb::ExpressionListRef>().values) list(row);
      return;
    case TableReferenceType::EMPTY_FROM:
      return;
    case TableReferenceType::PIVOT:
      return pivot(ref.Cast<duckdb::PivotRef>());
    case TableReferenceType::SHOW_REF:
      return show(ref.Cast<duckdb::ShowRef>());
    default:
      refuse("this table reference is not allowed", ref.query_location);
  }
}

void Walk::modifiers(duckdb::QueryNode& node) {
  for (auto& modifier : node.modifiers) {
    switch (modifier->type) {
      case duckdb::ResultModifierType::LIMIT_MODIFIER: {
        auto& limit = modifier->Cast<duckdb::LimitModifier>();
        optional(limit.limit);
        optional(limit.offset);
        break;
      }
      case duckdb::ResultModifierType::LIMIT_PERCENT_MODIFIER: {
        auto& limit = modifier->Cast<duckdb::LimitPercentModifier>();
        optional(limit.limit);
        optional(limit.offset);
        break;
      }
      case duckdb::ResultModifierType::ORDER_MODIFIER:
        for (auto& order : modifier->Cast<duckdb::OrderModifier>().orders) expression(order.expression);
        break;
      case duckdb::ResultModifierType::DISTINCT_MODIFIER:
        list(modifier->Cast<duckdb::DistinctModifier>().distinct_on_targets);
        break;
      default:
        refuse("this clause is not allowed", {});
    }
  }
}

void Walk::node(duckdb::QueryNode& node) {
  const Step step(*this);
  if (!step) return;
  const size_t outer_ctes = ctes_.size();
  for (auto& entry : node.cte_map.map) {
    list(entry.second->key_targets);
    this->node(*entry.second->query->node);
    ctes_.push_back(lower(entry.first));  // known to the ones behind it, not to itself: that would be the table
  }
  switch (node.type) {
    case duckdb::QueryNodeType::SELECT_NODE: {
      auto& select = node.Cast<duckdb::SelectNode>();
      list(select.select_list);
      list(select.groups.group_expressions);
      optional(select.where_clause);
      optional(select.having);
      optional(select.qualify);
      table(*select.from_table);
      break;
    }
    case duckdb::QueryNodeType::SET_OPERATION_NODE: {
      auto& both = node.Cast<duckdb::SetOperationNode>();
      this->node(*both.left);
      this->node(*both.right);
      break;
    }
    case duckdb::QueryNodeType::RECURSIVE_CTE_NODE: {
      auto& recursive = node.Cast<duckdb::RecursiveCTENode>();
      list(recursive.key_targets);
      ctes_.push_back(lower(recursive.ctename));
      this->node(*recursive.left);
      this->node(*recursive.right);
      break;
    }
    case duckdb::QueryNodeType::CTE_NODE: {
      auto& cte = node.Cast<duckdb::CTENode>();
      this->node(*cte.query);
      ctes_.push_back(lower(cte.ctename));
      this->node(*cte.child);
      break;
    }
    default:
      refuse("this kind of query is not allowed", {});
  }
  modifiers(node);
  ctes_.resize(outer_ctes);
}

}  // namespace

Result<Allowed> check_statement(duckdb::SQLStatement& statement, Trust trust,
                                const std::vector<duckdb::Value>& parameters, const std::vector<std::string>& own_views,
                                std::string_view sql) {
  duckdb::SQLStatement* inner = &statement;
  if (statement.type == StatementType::EXPLAIN_STATEMENT) {
    inner = statement.Cast<duckdb::ExplainStatement>().stmt.get();
  }
  if (inner->type != StatementType::SELECT_STATEMENT) return refusal_of(*inner);
  Walk walk(trust, parameters, own_views, sql);
  walk.node(*inner->Cast<duckdb::SelectStatement>().node);
  if (walk.refusal()) return *walk.refusal();
  statement.named_param_map.clear();
  inner->named_param_map.clear();
  return std::move(walk).found();
}

}  // namespace weir::engine
