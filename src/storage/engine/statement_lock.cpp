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

bool is_name_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Walk {
 public:
  Walk(Trust trust, const std::vector<duckdb::Value>& parameters, const std::vector<std::string>& own_views,
       std::string_view sql)
      : trust_(trust), parameters_(parameters), own_views_(own_views), sql_(sql) {}

  // A script's: parameters have names.
  Walk(const ScriptValues& values, const std::vector<std::string>& own_views, std::string_view sql)
      : trust_(Trust::user), named_(&values), own_views_(own_views), sql_(sql) {}

  void node(duckdb::QueryNode& node);
  void ctes(duckdb::CommonTableExpressionMap& map);
  void expression_or_none(duckdb::unique_ptr<ParsedExpression>& child) { optional(child); }
  void expressions(duckdb::vector<duckdb::unique_ptr<ParsedExpression>>& children) { list(children); }
  void table_ref(duckdb::TableRef& ref) { table(ref); }
  void refuse_here(Code code, std::string message, duckdb::optional_idx place = {}) {
    refuse(code, std::move(message), place);
  }
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
  duckdb::optional_idx place_of(const duckdb::ParameterExpression& parameter) const;

  void refuse(Code code, std::string message, duckdb::optional_idx place) {
    if (refusal_) return;
    refusal_.emplace(code, std::move(message));
    if (place.IsValid()) refusal_->at(place_in(sql_, place.GetIndex()));
  }
  void refuse(std::string message, duckdb::optional_idx place) {
    if (trust_ == Trust::user) refuse(Code::denied, std::move(message), place);
  }

  const Trust trust_;
  const std::vector<duckdb::Value> parameters_;
  const ScriptValues* const named_ = nullptr;  // of a script; then parameters_ is empty
  const std::vector<std::string>& own_views_;
  const std::string_view sql_;
  bool reads_tables_ = false;
  std::vector<TableRead> reads_;
  std::vector<std::string> ctes_;  // names that stand for a CTE where the walk is
  int depth_ = 0;
  std::optional<Error> refusal_;
};

// DuckDB's parser keeps no place of a parameter: where its name stands first in the text.
duckdb::optional_idx Walk::place_of(const duckdb::ParameterExpression& parameter) const {
  if (parameter.query_location.IsValid()) return parameter.query_location;
  const std::string written = "$" + parameter.identifier;
  for (size_t at = sql_.find(written); at != std::string_view::npos; at = sql_.find(written, at + 1)) {
    const size_t end = at + written.size();
    if (end == sql_.size() || !is_name_part(sql_[end])) return at;
  }
  return {};
}

Walk::Child Walk::constant(const duckdb::ParameterExpression& parameter) {
  const std::string& name = parameter.identifier;
  const duckdb::optional_idx place = place_of(parameter);
  duckdb::Value given;
  if (named_ != nullptr) {
    const auto found = std::find_if(named_->values.begin(), named_->values.end(),
                                    [&](const auto& known) { return known.first == lower(name); });
    if (found != named_->values.end()) {
      given = found->second;
    } else {
      std::string known;
      for (const auto& one : named_->values) known += (known.empty() ? "$" : ", $") + one.first;
      refuse(Code::invalid, "there is no parameter $" + name + "; known are " + known, place);
    }
  } else if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos || name.size() > 6) {
    refuse(Code::invalid, "parameters are numbered: $1, $2, …; found $" + name, place);
  } else if (const size_t number = std::stoul(name); number == 0 || number > parameters_.size()) {
    refuse(Code::invalid,
           "the statement uses parameter $" + name + ", " + std::to_string(parameters_.size()) + " were given", place);
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
  std::string name = lower(ref.table_name);
  const std::string schema = lower(ref.schema_name);
  if (schema.empty() && std::find(ctes_.begin(), ctes_.end(), name) != ctes_.end()) return;
  if (schema == "information_schema") return;
  if (!schema.empty() && schema != "main" && schema != kLakeCatalog) name = schema + "." + name;
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

void Walk::ctes(duckdb::CommonTableExpressionMap& map) {
  for (auto& entry : map.map) {
    list(entry.second->key_targets);
    node(*entry.second->query->node);
    ctes_.push_back(lower(entry.first));  // known to the ones behind it, not to itself: that would be the table
  }
}

void Walk::node(duckdb::QueryNode& node) {
  const Step step(*this);
  if (!step) return;
  const size_t outer_ctes = ctes_.size();
  ctes(node.cte_map);
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

Result<ScriptValues> ScriptValues::of(const std::vector<NamedValue>& values) {
  ScriptValues out;
  for (const NamedValue& value : values) {
    if (!duckdb::Value::StringIsValid(value.text)) {
      return Error(Code::invalid, "parameter $" + value.name + " is not valid UTF-8");
    }
    try {
      const duckdb::Value text(value.text);
      out.values.emplace_back(value.name, value.is_date ? text.DefaultCastAs(duckdb::LogicalType::DATE) : text);
    } catch (const std::exception& thrown) {
      return to_error(thrown, "");
    }
  }
  return out;
}

namespace {

// What one statement of a script changes, and that all it says besides is what a user may say.
class ScriptCheck {
 public:
  ScriptCheck(const ScriptValues& values, const std::vector<std::string>& own_views, const std::string& own_catalog,
              std::string_view sql)
      : walk_(values, own_views, sql), own_catalog_(own_catalog), sql_(sql) {}

  Result<ScriptAllowed> check(duckdb::SQLStatement& statement) {
    switch (statement.type) {
      case StatementType::SELECT_STATEMENT:
        walk_.node(*statement.Cast<duckdb::SelectStatement>().node);
        break;
      case StatementType::INSERT_STATEMENT:
        insert(statement.Cast<duckdb::InsertStatement>());
        break;
      case StatementType::DELETE_STATEMENT:
        remove(statement.Cast<duckdb::DeleteStatement>());
        break;
      case StatementType::UPDATE_STATEMENT:
        update(statement.Cast<duckdb::UpdateStatement>());
        break;
      case StatementType::CREATE_STATEMENT:
        if (statement.Cast<duckdb::CreateStatement>().info->type != duckdb::CatalogType::TABLE_ENTRY) {
          return not_in_a_step(statement);
        }
        create(statement.Cast<duckdb::CreateStatement>().info->Cast<duckdb::CreateTableInfo>());
        break;
      case StatementType::DROP_STATEMENT: {
        const duckdb::DropInfo& info = *statement.Cast<duckdb::DropStatement>().info;
        if (info.type != duckdb::CatalogType::TABLE_ENTRY) return not_in_a_step(statement);
        target(info.catalog, info.schema, info.name, statement.stmt_location);
        break;
      }
      case StatementType::VACUUM_STATEMENT:
        out_.kind = ScriptStatement::Kind::maintain;
        break;
      default:
        return not_in_a_step(statement);
    }
    if (walk_.refusal()) return *walk_.refusal();
    statement.named_param_map.clear();
    Allowed found = std::move(walk_).found();
    out_.reads_tables = found.reads_tables;
    out_.reads = std::move(found.reads);
    return std::move(out_);
  }

 private:
  Error not_in_a_step(const duckdb::SQLStatement& statement) const {
    Error error(Code::denied,
                duckdb::StatementTypeToString(statement.type) +
                    " is not for a step; it takes SELECT, INSERT, UPDATE, DELETE, TRUNCATE, CREATE TABLE, DROP TABLE, "
                    "VACUUM and ANALYZE",
                statement.type == StatementType::TRANSACTION_STATEMENT ? "a step is one transaction by itself" : "");
    error.at(place_in(sql_, statement.stmt_location));
    return error;
  }

  void target(const std::string& catalog, const std::string& schema, const std::string& table, size_t place) {
    out_.kind = ScriptStatement::Kind::write;
    const std::string in = lower(schema);
    const bool is_own = catalog.empty() || lower(catalog) == lower(own_catalog_);
    if (!is_own || (!in.empty() && in != "main" && in != "public")) {
      return walk_.refuse_here(Code::denied,
                               "\"" + (is_own ? in : lower(catalog)) + "." + table +
                                   "\" is not for steps to change: tables of theirs lie in main and public",
                               place);
    }
    out_.writes.push_back({(in == "public" ? "public." : "") + lower(table), place_in(sql_, place)});
  }

  void target(const duckdb::TableRef& ref) {
    if (ref.type != TableReferenceType::BASE_TABLE) {
      return walk_.refuse_here(Code::denied, "only a table can be changed", ref.query_location);
    }
    const auto& base = ref.Cast<duckdb::BaseTableRef>();
    target(base.catalog_name, base.schema_name, base.table_name,
           base.query_location.IsValid() ? base.query_location.GetIndex() : 0);
  }

  void insert(duckdb::InsertStatement& insert) {
    walk_.ctes(insert.cte_map);
    target(insert.catalog, insert.schema, insert.table, insert.stmt_location);
    if (insert.on_conflict_info) {
      walk_.refuse_here(Code::denied, "INSERT … ON CONFLICT is not for a step: DELETE the rows first, in the same step",
                        insert.stmt_location);
    }
    if (insert.select_statement) walk_.node(*insert.select_statement->node);
    walk_.expressions(insert.returning_list);
  }

  void remove(duckdb::DeleteStatement& remove) {
    walk_.ctes(remove.cte_map);
    target(*remove.table);
    walk_.expression_or_none(remove.condition);
    for (auto& other : remove.using_clauses) walk_.table_ref(*other);
    walk_.expressions(remove.returning_list);
  }

  void update(duckdb::UpdateStatement& update) {
    walk_.ctes(update.cte_map);
    target(*update.table);
    if (update.from_table) walk_.table_ref(*update.from_table);
    walk_.expression_or_none(update.set_info->condition);
    walk_.expressions(update.set_info->expressions);
    walk_.expressions(update.returning_list);
  }

  void create(duckdb::CreateTableInfo& info) {
    if (info.temporary) return walk_.refuse_here(Code::denied, "a step makes no temporary tables: use WITH");
    target(info.catalog, info.schema, info.table, 0);
    if (info.query) walk_.node(*info.query->node);
    for (const auto& constraint : info.constraints) {
      if (constraint->type != duckdb::ConstraintType::NOT_NULL) {
        walk_.refuse_here(Code::denied, "of constraints a table has NOT NULL only; a check step looks for the rest");
      }
    }
    for (const duckdb::ColumnDefinition& column : info.columns.Logical()) {
      const bool is_plain =
          !column.Generated() &&
          (!column.HasDefaultValue() || column.DefaultValue().GetExpressionClass() == ExpressionClass::CONSTANT);
      if (!is_plain) {
        walk_.refuse_here(Code::denied, "column " + column.GetName() + " has a default that is no plain value");
      }
    }
  }

  Walk walk_;
  const std::string& own_catalog_;
  const std::string_view sql_;
  ScriptAllowed out_;
};

}  // namespace

Result<ScriptAllowed> check_declared(duckdb::SQLStatement& statement, const ScriptValues& values,
                                     const std::vector<std::string>& own_views, const std::string& own_catalog,
                                     std::string_view sql) {
  return ScriptCheck(values, own_views, own_catalog, sql).check(statement);
}

}  // namespace weir::engine
