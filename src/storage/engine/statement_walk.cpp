#include "storage/engine/statement_walk.h"

#include <algorithm>
#include <utility>

#include "storage/engine/bounds.h"
#include "storage/engine/functions.h"
#include "storage/engine/group_names.h"
#include "storage/engine/refusals.h"

namespace weir::engine {
namespace {

using duckdb::ExpressionClass;
using duckdb::TableReferenceType;

constexpr int kDepthMax = 1000;

std::string lower(const std::string& name) {
  return duckdb::StringUtil::Lower(name);
}

bool is_name_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

Walk::Step::Step(Walk& owner) : walk(owner) {
  if (++walk.depth_ > kDepthMax) {
    walk.refuse(Code::too_large, "the statement is nested more than " + std::to_string(kDepthMax) + " deep");
  }
}

void Walk::refuse(Code code, std::string message, duckdb::optional_idx place, const char* sqlstate) {
  if (refusal_) return;
  refusal_.emplace(code, std::move(message));
  refusal_->sqlstate = sqlstate;
  if (place.IsValid()) refusal_->at(place_in(rules_.sql, place.GetIndex()));
}

void Walk::refuse(const Error& error, duckdb::optional_idx place) {
  if (refusal_) return;
  refusal_ = error;
  if (place.IsValid()) refusal_->at(place_in(rules_.sql, place.GetIndex()));
}

void Walk::refuse_user(std::string message, duckdb::optional_idx place) {
  if (rules_.trust == Trust::user) refuse(Code::denied, std::move(message), place);
}

// DuckDB's parser keeps no place of a parameter: where its name stands first in the text.
duckdb::optional_idx Walk::place_of(const duckdb::ParameterExpression& parameter) const {
  if (parameter.query_location.IsValid()) return parameter.query_location;
  const std::string written = "$" + parameter.identifier;
  for (size_t at = rules_.sql.find(written); at != std::string_view::npos; at = rules_.sql.find(written, at + 1)) {
    const size_t end = at + written.size();
    if (end == rules_.sql.size() || !is_name_part(rules_.sql[end])) return at;
  }
  return {};
}

Walk::Child Walk::constant(const duckdb::ParameterExpression& parameter) {
  const std::string& name = parameter.identifier;
  const duckdb::optional_idx place = place_of(parameter);
  duckdb::Value given;
  if (rules_.named != nullptr) {
    const auto found = std::find_if(rules_.named->values.begin(), rules_.named->values.end(),
                                    [&](const auto& known) { return known.first == lower(name); });
    if (found != rules_.named->values.end()) {
      given = found->second;
    } else {
      std::string known;
      for (const auto& one : rules_.named->values) known += (known.empty() ? "$" : ", $") + one.first;
      refuse(Code::invalid, "there is no parameter $" + name + "; known are " + known, place);
    }
  } else if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos || name.size() > 6) {
    refuse(Code::invalid, "parameters are numbered: $1, $2, …; found $" + name, place);
  } else if (const size_t number = std::stoul(name); number == 0 || number > rules_.parameters->size()) {
    refuse(Code::invalid,
           "the statement uses parameter $" + name + ", " + std::to_string(rules_.parameters->size()) + " were given",
           place);
  } else {
    given = (*rules_.parameters)[number - 1];
  }
  auto value = duckdb::make_uniq<duckdb::ConstantExpression>(std::move(given));
  value->query_location = parameter.query_location;
  value->alias = parameter.alias;
  return value;
}

void Walk::parameter(Child& child) {
  auto& written = child->Cast<duckdb::ParameterExpression>();
  if (rules_.parameters != nullptr || rules_.named != nullptr) {
    child = constant(written);
    return;
  }
  const std::string& name = written.identifier;
  if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos || name.size() > 5) {
    return refuse(Code::invalid, "parameters are numbered: $1, $2, …; found $" + name, place_of(written));
  }
  const size_t number = std::stoul(name);
  if (rules_.parameter_types == nullptr || number == 0 || number > rules_.parameter_types->size()) return;
  const std::string& type = (*rules_.parameter_types)[number - 1];
  if (type.empty()) return;
  const std::string alias = child->alias;
  child = duckdb::make_uniq<duckdb::CastExpression>(duckdb::TransformStringToLogicalType(type), std::move(child));
  child->alias = alias;
}

void Walk::expression(Child& child) {
  const Step step(*this);
  if (!step) return;
  switch (child->GetExpressionClass()) {
    case ExpressionClass::PARAMETER:
      parameter(child);
      return;
    case ExpressionClass::DEFAULT:
      return;
    case ExpressionClass::CAST:
      expression(child->Cast<duckdb::CastExpression>().child);
      return catalog_cast(child);
    case ExpressionClass::COLUMN_REF:
      session_name(child);
      return;
    case ExpressionClass::COLLATE:
      if (drop_collation(child)) return expression(child);
      break;
    case ExpressionClass::CASE:
    case ExpressionClass::COMPARISON:
    case ExpressionClass::CONJUNCTION:
    case ExpressionClass::CONSTANT:
    case ExpressionClass::OPERATOR:
    case ExpressionClass::STAR:
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
        refuse_user("function " + lower(window.function_name) + "() is not on the list of allowed functions",
                    child->query_location);
      }
      break;
    }
    case ExpressionClass::FUNCTION:
      if (stored_function(child) || session_word(child)) return;
      call(child->Cast<duckdb::FunctionExpression>(), false);
      break;
    default:
      refuse_user("this kind of expression is not allowed: " + child->ToString(), child->query_location);
  }
  duckdb::ParsedExpressionIterator::EnumerateChildren(*child, [this](Child& one) { inner(one); });
  // After the children, whose parameters are constants now.
  if (rules_.trust == Trust::user && rules_.authority != nullptr &&
      child->GetExpressionClass() == ExpressionClass::FUNCTION) {
    escape_pattern(child->Cast<duckdb::FunctionExpression>());
  }
  if (rules_.trust == Trust::user && calling_.empty() && child->GetExpressionClass() == ExpressionClass::FUNCTION) {
    if (const auto reason = oversized_call(child->Cast<duckdb::FunctionExpression>())) {
      refuse(Code::too_large, *reason, child->query_location);
    }
    const auto reason = is_early_ ? early_call(child->Cast<duckdb::FunctionExpression>()) : std::nullopt;
    if (reason) refuse_user(*reason, child->query_location);
  }
}

// Words of the session that are written without brackets; the grammar reserves them, so they are no columns.
void Walk::session_name(Child& child) {
  auto& column = child->Cast<duckdb::ColumnRefExpression>();
  if (rules_.authority == nullptr) return;
  // pg_catalog.pg_class.relname: the relation is known by its name alone.
  const std::string first = lower(column.column_names.front());
  if (column.column_names.size() > 2 && (first == kPgCatalog || first == kInformationSchema)) {
    column.column_names.erase(column.column_names.begin());
  }
  if (column.IsQualified()) return;
  const std::string name = lower(column.GetColumnName());
  if (name != "current_user" && name != "session_user" && name != "current_role" && name != "current_catalog" &&
      name != "current_schema") {
    return;
  }
  auto call = duckdb::make_uniq<duckdb::FunctionExpression>(name, duckdb::vector<Child>());
  call->alias = child->alias;
  call->query_location = child->query_location;
  Child word = std::move(call);
  if (session_word(word)) child = std::move(word);
}

// A name is a column's; inside of a call it would name the argument.
void Walk::inner(Child& child) {
  const bool is_named = !child->alias.empty();
  expression(child);
  if (!is_named) child->alias.clear();
}

// A call of a word that stands for the session, with constants, is its value.
bool Walk::session_word(Child& child) {
  auto& function = child->Cast<duckdb::FunctionExpression>();
  if (lower(function.schema) == kPgCatalog) function.schema.clear();
  if (rules_.authority == nullptr || !function.schema.empty()) return false;
  // What only system relations ask.
  if (function.function_name.find(':') != std::string::npos) return false;
  std::vector<Json> arguments;
  for (Child& argument : function.children) {
    // Nothing else is walked here: it would be walked again as the call's, and twice as often at each level.
    const ExpressionClass kind = argument->GetExpressionClass();
    if (kind != ExpressionClass::CONSTANT && kind != ExpressionClass::PARAMETER) return false;
    inner(argument);
    if (argument->GetExpressionClass() != ExpressionClass::CONSTANT) return false;
    const duckdb::Value& value = argument->Cast<duckdb::ConstantExpression>().value;
    arguments.push_back(value.IsNull() ? Json() : Json(value.ToString()));
  }
  const std::optional<Json> value = rules_.authority->word(lower(function.function_name), arguments);
  if (!value) return false;
  const Result<std::vector<duckdb::Value>> constants = parameter_values({*value});
  if (!constants) {
    refuse(constants.error().code, constants.error().message, child->query_location);
    return true;
  }
  auto constant = duckdb::make_uniq<duckdb::ConstantExpression>(constants->front());
  constant->query_location = child->query_location;
  constant->alias = child->alias.empty() ? lower(function.function_name) : child->alias;
  child = std::move(constant);
  return true;
}

// Types that only pg_catalog has: names and numbers of its relations.
void Walk::catalog_cast(Child& child) {
  auto& cast = child->Cast<duckdb::CastExpression>();
  if (rules_.trust != Trust::user || cast.cast_type.id() != duckdb::LogicalTypeId::USER) return;
  const std::string type = lower(duckdb::UserType::GetTypeName(cast.cast_type));
  const std::string schema = lower(duckdb::UserType::GetSchema(cast.cast_type));
  if (!schema.empty() && schema != kPgCatalog) return;
  if (type == "regclass" || type == "regtype" || type == "regproc" || type == "regnamespace") {
    duckdb::vector<Child> arguments;
    arguments.push_back(std::move(cast.child));
    auto call = duckdb::make_uniq<duckdb::FunctionExpression>("to_" + type, std::move(arguments));
    call->alias = cast.alias.empty() ? type : cast.alias;
    call->query_location = cast.query_location;
    child = std::move(call);
    return;
  }
  if (type == "name" || type == "char" || type == "aclitem" || type == "unknown") {
    cast.cast_type = duckdb::LogicalType::VARCHAR;
  } else if (type == "oid" || type == "xid" || type == "cid") {
    cast.cast_type = duckdb::LogicalType::BIGINT;
  } else if (!schema.empty()) {
    cast.cast_type = duckdb::TransformStringToLogicalType(type);
  }
}

void Walk::call(duckdb::FunctionExpression& function, bool as_table) {
  // The engine's own say something else.
  if (rules_.authority != nullptr && !as_table) {
    const std::string name = lower(function.function_name);
    if (name == "current_schemas" || name == "txid_current" || name == "current_setting") {
      function.function_name = "weir_" + name;
    }
    if (name == "json_build_object") function.function_name = "json_object";
    if (name == "json_build_array") function.function_name = "json_array";
  }
  const bool known =
      as_table ? table_function_is_allowed(function.function_name) : function_is_allowed(function.function_name);
  if (!known) {
    refuse_user((as_table ? "table function " : "function ") + lower(function.function_name) +
                    "() is not on the list of allowed functions",
                function.query_location);
  }
  if (function.export_state) refuse_user("EXPORT_STATE is not allowed", function.query_location);
}

bool Walk::is_cte(const duckdb::BaseTableRef& ref) const {
  return ref.schema_name.empty() && ref.catalog_name.empty() &&
         std::find(ctes_.begin(), ctes_.end(), lower(ref.table_name)) != ctes_.end();
}

void Walk::note_read(const duckdb::BaseTableRef& ref) {
  std::string name = lower(ref.table_name);
  const std::string schema = lower(ref.schema_name);
  if (is_cte(ref)) return;
  if (schema == "information_schema") return;
  if (!schema.empty() && schema != "main" && schema != kLakeCatalog) name = schema + "." + name;
  for (const TableRead& known : reads_) {
    if (known.name == name) return;
  }
  reads_.push_back(
      {name, ref.query_location.IsValid() ? place_in(rules_.sql, ref.query_location.GetIndex()) : Position{}});
}

// database.schema.table of the client's own database is schema.table.
void Walk::own_database(duckdb::BaseTableRef& ref) const {
  if (rules_.authority == nullptr || ref.catalog_name.empty()) return;
  if (lower(ref.catalog_name) == lower(std::string(rules_.authority->database()))) ref.catalog_name.clear();
}

// pg_catalog and information_schema are ours, not the engine's.
bool Walk::is_system_relation(duckdb::BaseTableRef& ref) const {
  if (rules_.trust != Trust::user || rules_.relations == nullptr || !ref.catalog_name.empty()) return false;
  const std::string schema = lower(ref.schema_name), name = lower(ref.table_name);
  if (!schema.empty() && schema != kPgCatalog && schema != kInformationSchema) return false;
  if (!rules_.relations->contains((schema.empty() ? kPgCatalog : schema) + "." + name)) return false;
  if (schema.empty() && is_cte(ref)) return false;
  ref.catalog_name = kLakeCatalog;
  ref.schema_name = schema.empty() ? kPgCatalog : schema;
  if (ref.alias.empty()) ref.alias = ref.table_name;
  return true;
}

// A table of an external schema lies in the catalog of ours, under both of its names.
bool Walk::external_table(duckdb::BaseTableRef& ref) {
  const auto found = rules_.authority->external(lower(ref.schema_name), lower(ref.table_name), rules_.within);
  if (!found) {
    refuse(found.error().code, found.error().message, ref.query_location, found.error().sqlstate);
    return true;
  }
  const ExternalTable* table = found->get();
  if (table == nullptr) return false;
  if (ref.alias.empty()) ref.alias = ref.table_name;
  ref.catalog_name = kLakeCatalog;
  ref.schema_name = table->lake_table.empty() ? kExternalSchema : DEFAULT_SCHEMA;
  ref.table_name = table->lake_table.empty() ? table->schema + "." + table->name : table->lake_table;
  return true;
}

// What stands for the table: a view's body, or the rows that this user may see.
void Walk::replace_relation(Table& table) {
  auto& ref = table->Cast<duckdb::BaseTableRef>();
  if (rules_.authority == nullptr || is_cte(ref)) return;
  const std::string schema = lower(ref.schema_name), name = lower(ref.table_name);
  const Authority::View* view = ref.catalog_name.empty() ? rules_.authority->view(schema, name) : nullptr;
  const bool is_guarded_view =
      view != nullptr && !rules_.is_policy && rules_.authority->guard(view->schema, view->name) != nullptr;
  if (view != nullptr && !is_guarded_view) {
    table = view_reference(*view, ref, rules_.is_policy);
    return;
  }
  // A stream under an external schema is the stream.
  const bool is_external = ref.catalog_name.empty() && external_table(ref);
  if (refusal_) return;
  const bool is_foreign = is_external && ref.schema_name == kExternalSchema;
  const std::string member = is_foreign ? ref.table_name.substr(ref.table_name.find('.') + 1) : ref.table_name;
  // Which relation the name means is known when it is bound.
  if (!rules_.is_policy && rules_.authority->may_be_guarded(lower(member))) {
    table = guarded_reference(ref, false);
  }
}

void Walk::base_table(Table& table) {
  auto& ref = table->Cast<duckdb::BaseTableRef>();
  reads_tables_ = true;
  own_database(ref);
  if (ref.at_clause) refuse_user("AT (…) is not supported: a statement reads one snapshot", ref.query_location);
  if (is_system_relation(ref)) return;
  note_read(ref);
  const std::string catalog = lower(ref.catalog_name), schema = lower(ref.schema_name), name = lower(ref.table_name);
  if (catalog == "system" || catalog == "temp" || schema == "system" || schema == "temp" || schema == kPgCatalog ||
      schema == kOwnSchema || schema == kInternalSchema || (catalog == kLakeCatalog && schema == kExternalSchema)) {
    refuse_user("\"" + ref.ToString() + "\" belongs to the engine; tables are listed in information_schema.tables",
                ref.query_location);
  }
  if (schema == kInformationSchema) {
    for (const char* view : {"tables", "columns", "schemata", "views"}) {
      if (name == view) return;
    }
    return refuse_user("of information_schema only tables, columns, schemata and views may be read",
                       ref.query_location);
  }
  if (std::find(rules_.own_views.begin(), rules_.own_views.end(), name) != rules_.own_views.end() && !is_cte(ref)) {
    refuse_user("\"" + name + "\" is a view of the engine itself; tables are listed in information_schema.tables",
                ref.query_location);
  }
  if (name.find_first_of("./\\:*?[") != std::string::npos) {
    refuse_user("\"" + name + "\" looks like a file; statements read tables only", ref.query_location);
  }
  if (!refusal_) replace_relation(table);
}

void Walk::target(duckdb::BaseTableRef& ref) {
  own_database(ref);
}

void Walk::pivot(duckdb::PivotRef& ref) {
  table(ref.source);
  list(ref.aggregates);
  for (duckdb::PivotColumn& column : ref.pivots) {
    if (column.subquery || !column.pivot_enum.empty()) {
      refuse_user("PIVOT without its values written out is not allowed here; write " + std::string(kPivotAdvice),
                  ref.query_location);
    }
    list(column.pivot_expressions);
    for (duckdb::PivotColumnEntry& entry : column.entries) optional(entry.expr);
  }
}

void Walk::show(duckdb::ShowRef& ref) {
  reads_tables_ = true;
  if (ref.show_type != duckdb::ShowType::DESCRIBE) {
    return refuse_user("SUMMARIZE and SHOW TABLES FROM are not allowed; use DESCRIBE, SHOW TABLES or a SELECT",
                       ref.query_location);
  }
  if (ref.query) return node(*ref.query);
  const std::string what = lower(ref.table_name);
  if (what != "\"tables\"" && what != "tables" && what != "__show_tables_expanded") {
    refuse_user("SHOW " + what + " is not allowed", ref.query_location);
  }
}

// PostgreSQL takes every function in FROM: one that gives a value is a table of one row there.
bool Walk::scalar_in_from(Table& table_ref) {
  auto& ref = table_ref->Cast<duckdb::TableFunctionRef>();
  const std::string name = lower(ref.function->Cast<duckdb::FunctionExpression>().function_name);
  if (rules_.authority == nullptr || ref.subquery || table_function_is_allowed(name) || !function_is_allowed(name)) {
    return false;
  }
  const std::string alias = ref.alias.empty() ? name : ref.alias;
  expression(ref.function);
  ref.function->alias = ref.column_name_alias.empty() ? alias : ref.column_name_alias.front();
  auto select = duckdb::make_uniq<duckdb::SelectNode>();
  select->select_list.push_back(std::move(ref.function));
  select->from_table = duckdb::make_uniq<duckdb::EmptyTableRef>();
  auto statement = duckdb::make_uniq<duckdb::SelectStatement>();
  statement->node = std::move(select);
  table_ref = duckdb::make_uniq<duckdb::SubqueryRef>(std::move(statement), alias);
  return true;
}

void Walk::table(Table& table_ref) {
  const Step step(*this);
  if (!step) return;
  duckdb::TableRef& ref = *table_ref;
  switch (ref.type) {
    case TableReferenceType::BASE_TABLE:
      return base_table(table_ref);
    case TableReferenceType::SUBQUERY:
      return node(*ref.Cast<duckdb::SubqueryRef>().subquery->node);
    case TableReferenceType::JOIN: {
      auto& join = ref.Cast<duckdb::JoinRef>();
      table(join.left);
      table(join.right);
      optional(join.condition);
      return list(join.duplicate_eliminated_columns);
    }
    case TableReferenceType::TABLE_FUNCTION: {
      auto& function = ref.Cast<duckdb::TableFunctionRef>();
      if (function.function->GetExpressionClass() != ExpressionClass::FUNCTION) {
        return refuse_user("this table reference is not allowed", ref.query_location);
      }
      auto& called = function.function->Cast<duckdb::FunctionExpression>();
      if (lower(called.schema) == kPgCatalog) called.schema.clear();
      if (scalar_in_from(table_ref)) return;
      // PostgreSQL: the one column of such a function is called as the function is here.
      if (rules_.authority != nullptr && lower(called.function_name) == "generate_series" && !function.alias.empty() &&
          function.column_name_alias.empty()) {
        function.column_name_alias.push_back(function.alias);
      }
      call(called, true);
      const bool is_planned = lower(called.function_name) == "unnest";
      duckdb::ParsedExpressionIterator::EnumerateChildren(
          called, [&](Child& inner) { is_planned ? expression(inner) : early(inner); });
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
      refuse_user("this table reference is not allowed", ref.query_location);
  }
}

void Walk::modifiers(duckdb::QueryNode& node) {
  for (auto& modifier : node.modifiers) {
    switch (modifier->type) {
      case duckdb::ResultModifierType::LIMIT_MODIFIER: {
        auto& limit = modifier->Cast<duckdb::LimitModifier>();
        early(limit.limit);
        early(limit.offset);
        break;
      }
      case duckdb::ResultModifierType::LIMIT_PERCENT_MODIFIER: {
        auto& limit = modifier->Cast<duckdb::LimitPercentModifier>();
        early(limit.limit);
        early(limit.offset);
        break;
      }
      case duckdb::ResultModifierType::ORDER_MODIFIER:
        for (auto& order : modifier->Cast<duckdb::OrderModifier>().orders) expression(order.expression);
        break;
      case duckdb::ResultModifierType::DISTINCT_MODIFIER:
        list(modifier->Cast<duckdb::DistinctModifier>().distinct_on_targets);
        break;
      default:
        refuse_user("this clause is not allowed", {});
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
  const bool was_early = std::exchange(is_early_, false);
  const std::vector<std::string> outer_ctes = ctes_;
  // The engine's parser keeps one WITH twice, around its query and in it. A query of it is walked each time, and its
  // own name means there what it means outside.
  std::vector<std::string> wrapped = std::exchange(wrapped_, {});
  for (auto& entry : node.cte_map.map) {
    if (std::count(wrapped.begin(), wrapped.end(), lower(entry.first)) > 0) std::erase(ctes_, lower(entry.first));
  }
  ctes(node.cte_map);
  switch (node.type) {
    case duckdb::QueryNodeType::SELECT_NODE: {
      auto& select = node.Cast<duckdb::SelectNode>();
      if (rules_.authority != nullptr) {
        group_by_output_names(select);
        name_columns(select);
      }
      list(select.select_list);
      list(select.groups.group_expressions);
      optional(select.where_clause);
      optional(select.having);
      optional(select.qualify);
      table(select.from_table);
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
      const std::string name = lower(cte.ctename);
      for (auto& entry : node.cte_map.map) wrapped.push_back(lower(entry.first));
      if (std::count(wrapped.begin(), wrapped.end(), name) > 0) std::erase(ctes_, name);
      this->node(*cte.query);
      ctes_.push_back(name);
      wrapped.push_back(name);
      wrapped_ = std::move(wrapped);
      this->node(*cte.child);
      break;
    }
    default:
      refuse_user("this kind of query is not allowed", {});
  }
  modifiers(node);
  ctes_ = outer_ctes;
  is_early_ = was_early;
}

}  // namespace weir::engine
