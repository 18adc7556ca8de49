// Relations with row-level security or masks, for those whom these hold: a function that binds to the relation's rows
// as its guard lets them be seen. Between them and the statement lies an operator that no optimizer of the engine
// knows, so that none moves an expression past it: what the statement computes is never computed over a row that is
// hidden, and no error, plan or order of filters tells of one. It costs nothing when the statement runs.
#include <algorithm>
#include <duckdb/execution/physical_plan_generator.hpp>
#include <duckdb/planner/operator/logical_extension_operator.hpp>

#include "storage/engine/external_scan.h"
#include "storage/engine/statement_walk.h"

namespace weir::engine {
namespace {

using duckdb::make_uniq;
using duckdb::ParsedExpression;
using Child = duckdb::unique_ptr<ParsedExpression>;

constexpr const char* kSeen = "weir_seen";
constexpr const char* kRowId = "rowid";

class Wall final : public duckdb::LogicalExtensionOperator {
 public:
  explicit Wall(duckdb::unique_ptr<duckdb::LogicalOperator> behind) { children.push_back(std::move(behind)); }
  duckdb::vector<duckdb::ColumnBinding> GetColumnBindings() override { return children[0]->GetColumnBindings(); }
  duckdb::PhysicalOperator& CreatePlan(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator& planner) override {
    return planner.CreatePlan(*children[0]);
  }
  bool SupportSerialization() const override { return false; }
  std::string GetExtensionName() const override { return "weir"; }
  std::string GetName() const override { return "ROW_SECURITY"; }

 protected:
  void ResolveTypes() override { types = children[0]->types; }
};

[[noreturn]] void fail(ConnectionState& state, Error error) {
  error.position.reset();  // it is one in the policy, not in the statement
  state.remember(error);
  throw duckdb::BinderException("%s", error.message);
}

// The words of a guard, as the statement's own are checked; relations in them are read past guards.
Child expression_of(ConnectionState& state, const RelationGuard& guard, const std::string& text) {
  auto parsed = duckdb::Parser::ParseExpressionList(text, user_parser_options());
  if (parsed.size() != 1) throw duckdb::BinderException("a policy of \"%s\" is no single expression", guard.name);
  Walk walk({.own_views = state.database->own_views,
             .sql = text,
             .authority = state.authority.get(),
             .relations = &state.database->relations->names,
             .search_path = &guard.search_path,
             .is_policy = true,
             .calls = &guard.calls});
  walk.expression(parsed[0]);
  if (walk.refusal()) {
    Error why = *walk.refusal();
    why.message = "a policy of " + guard.schema + "." + guard.name + ": " + why.message;
    fail(state, std::move(why));
  }
  return std::move(parsed[0]);
}

// A policy's own names for the columns that it was attached to.
void rename_columns(Child& child, const RelationGuard::Mask& mask) {
  if (child->GetExpressionClass() == duckdb::ExpressionClass::COLUMN_REF) {
    auto& ref = child->Cast<duckdb::ColumnRefExpression>();
    for (const RelationGuard::Mask::Input& one : mask.inputs) {
      if (!duckdb::StringUtil::CIEquals(ref.GetColumnName(), one.name)) continue;
      ref.column_names = {kSeen, one.column};
      if (one.type.empty()) return;
      child = make_uniq<duckdb::CastExpression>(duckdb::TransformStringToLogicalType(one.type), std::move(child), true);
      return;
    }
    throw duckdb::BinderException("a masking policy names the column \"%s\", which is none of its own",
                                  ref.GetColumnName());
  }
  duckdb::ParsedExpressionIterator::EnumerateChildren(*child, [&](Child& inner) { rename_columns(inner, mask); });
}

duckdb::unique_ptr<duckdb::SelectStatement> select_of(duckdb::unique_ptr<duckdb::SelectNode> node) {
  auto out = make_uniq<duckdb::SelectStatement>();
  out->node = std::move(node);
  return out;
}

duckdb::unique_ptr<duckdb::SelectNode> star_from(duckdb::unique_ptr<duckdb::TableRef> from, bool with_row) {
  auto node = make_uniq<duckdb::SelectNode>();
  node->select_list.push_back(make_uniq<duckdb::StarExpression>());
  if (with_row) {
    auto row = make_uniq<duckdb::ColumnRefExpression>(kRowId, from->alias);
    row->alias = kGuardedRow;
    node->select_list.push_back(std::move(row));
  }
  node->from_table = std::move(from);
  return node;
}

// The scan that a name was bound to.
const duckdb::LogicalGet* scan_of(const duckdb::LogicalOperator& op) {
  if (op.type == duckdb::LogicalOperatorType::LOGICAL_GET) return &op.Cast<duckdb::LogicalGet>();
  return op.children.size() == 1 ? scan_of(*op.children[0]) : nullptr;
}

// Of what lies in the engine or in the lake; null: a temporary table, or one of the system's.
const RelationGuard* guard_of(const Authority& authority, const duckdb::TableCatalogEntry& table) {
  if (table.ParentCatalog().IsTemporaryCatalog() || table.ParentCatalog().IsSystemCatalog()) return nullptr;
  const bool is_lake = table.ParentCatalog().GetName() == kLakeCatalog;
  return authority.guard(is_lake ? std::string(kLakeCatalog) : table.ParentSchema().name, table.name);
}

// Whether it may fail over some row. The engine knows that of itself; a function may be one of ours.
bool may_fail(const duckdb::Expression& expression) {
  if (expression.CanThrow() || expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_FUNCTION) return true;
  bool found = false;
  duckdb::ExpressionIterator::EnumerateChildren(
      expression, [&](const duckdb::Expression& inner) { found = found || may_fail(inner); });
  return found;
}
bool may_fail(duckdb::LogicalOperator& op) {
  bool found = false;
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(
      op, [&](duckdb::unique_ptr<duckdb::Expression>* one) { found = found || may_fail(**one); });
  for (const auto& child : op.children) found = found || may_fail(*child);
  return found;
}

// What a name means, and how it is read without its guard.
struct Named {
  duckdb::BoundStatement plain;  // bound already
  const RelationGuard* guard = nullptr;
  duckdb::unique_ptr<duckdb::TableRef> from;  // once more, under its guard's alias
};

duckdb::BoundStatement bind(duckdb::ClientContext& context, duckdb::Binder& parent,
                            duckdb::unique_ptr<duckdb::SelectNode> node) {
  auto binder = duckdb::Binder::CreateBinder(context, &parent, duckdb::BinderType::VIEW_BINDER);
  const auto select = select_of(std::move(node));
  return binder->Bind(static_cast<duckdb::SQLStatement&>(*select));
}

Named look_up(duckdb::ClientContext& context, ConnectionState& state, duckdb::TableFunctionBindInput& input) {
  duckdb::BaseTableRef written;
  written.catalog_name = input.inputs.at(0).ToString();
  written.schema_name = input.inputs.at(1).ToString();
  written.table_name = input.inputs.at(2).ToString();
  written.alias = written.table_name;
  std::string called = written.table_name;
  const bool with_row = input.inputs.at(3).GetValue<bool>();
  written.query_location = input.ref.query_location;
  const Authority& authority = *state.authority;
  Named out;
  const Authority::View* view = nullptr;
  if (written.catalog_name.empty()) {
    view =
        authority.view(duckdb::StringUtil::Lower(written.schema_name), duckdb::StringUtil::Lower(written.table_name));
  }
  const auto from = [&]() -> duckdb::unique_ptr<duckdb::TableRef> {
    if (view != nullptr) return view_reference(*view, written, false);
    return written.Copy();
  };
  out.plain = bind(context, *input.binder, star_from(from(), with_row && view == nullptr));
  if (view != nullptr) {
    out.guard = authority.guard(view->schema, view->name);
  } else if (const duckdb::LogicalGet* scan = scan_of(*out.plain.plan)) {
    const auto table = scan->GetTable();
    if (scan->function.name == kExternalScan) {
      const ExternalTable& external = external_read(*scan->bind_data);
      out.guard = authority.guard(external.schema, external.name);
      called = external.name;
    } else if (table) {
      if (with_row && table->GetColumns().ColumnExists(kRowId)) {
        throw duckdb::BinderException(
            "\"%s\" has a column of the name rowid: UPDATE and DELETE under row-level security "
            "need that name",
            table->name);
      }
      out.guard = guard_of(authority, *table);
    }
  }
  if (out.guard == nullptr) return out;
  out.from = from();
  out.from->alias = out.guard->alias.empty() ? called : out.guard->alias;
  return out;
}

// SELECT * REPLACE (masks) FROM (SELECT *[, rowid] FROM relation WHERE condition).
duckdb::BoundStatement bind_behind_guard(duckdb::ClientContext& context, ConnectionState& state,
                                         duckdb::TableFunctionBindInput& input, Named named) {
  const RelationGuard& guard = *named.guard;
  auto seen = star_from(std::move(named.from), input.inputs.at(3).GetValue<bool>());
  const auto is_there = [&](const std::string& column) {
    return std::any_of(named.plain.names.begin(), named.plain.names.end(),
                       [&](const std::string& one) { return duckdb::StringUtil::CIEquals(one, column); });
  };
  if (!std::all_of(guard.needs.begin(), guard.needs.end(), is_there)) {
    seen->where_clause = make_uniq<duckdb::ConstantExpression>(duckdb::Value::BOOLEAN(false));
  } else if (!guard.condition.empty()) {
    seen->where_clause = expression_of(state, guard, guard.condition);
  }
  auto star = make_uniq<duckdb::StarExpression>();
  for (const RelationGuard::Mask& mask : guard.masks) {
    if (!is_there(mask.column)) continue;  // one of `needs`: no row is shown, or a column that only some have
    Child shown = expression_of(state, guard, mask.expression);
    rename_columns(shown, mask);
    for (size_t i = 0; i < named.plain.names.size(); ++i) {
      if (!duckdb::StringUtil::CIEquals(named.plain.names[i], mask.column)) continue;
      shown = make_uniq<duckdb::CastExpression>(named.plain.types[i], std::move(shown));
    }
    star->replace_list[mask.column] = std::move(shown);
  }
  auto node = make_uniq<duckdb::SelectNode>();
  node->select_list.push_back(std::move(star));
  node->from_table = make_uniq<duckdb::SubqueryRef>(select_of(std::move(seen)), kSeen);
  duckdb::BoundStatement bound = bind(context, *input.binder, std::move(node));
  if (bound.plan->type != duckdb::LogicalOperatorType::LOGICAL_PROJECTION || bound.plan->children.size() != 1) {
    throw duckdb::BinderException("the rows of \"%s\" cannot be shown behind its policies", guard.name);
  }
  if (may_fail(*bound.plan)) state.failing_guard = guard.schema + "." + guard.name;
  bound.plan->children[0] = make_uniq<Wall>(std::move(bound.plan->children[0]));
  return bound;
}

duckdb::unique_ptr<duckdb::LogicalOperator> bind_guarded(duckdb::ClientContext& context,
                                                         duckdb::TableFunctionBindInput& input,
                                                         duckdb::idx_t bind_index, duckdb::vector<std::string>& names) {
  const auto state = ConnectionState::of(context);
  if (!state || !state->authority || state->database == nullptr) {
    throw duckdb::PermissionException("%s() is for sessions of clients", kGuardFunction);
  }
  Named named = look_up(context, *state, input);
  const RelationGuard* guard = named.guard;
  duckdb::BoundStatement bound =
      guard == nullptr ? std::move(named.plain) : bind_behind_guard(context, *state, input, std::move(named));
  names = bound.names;
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> columns;
  const auto bindings = bound.plan->GetColumnBindings();
  for (size_t i = 0; i < bindings.size(); ++i) {
    columns.push_back(make_uniq<duckdb::BoundColumnRefExpression>(names[i], bound.types[i], bindings[i]));
  }
  const auto& aliases = input.ref.column_name_alias;
  for (size_t i = 0; i < std::min(names.size(), aliases.size()); ++i) names[i] = aliases[i];
  auto projection = make_uniq<duckdb::LogicalProjection>(bind_index, std::move(columns));
  projection->children.push_back(std::move(bound.plan));
  if (guard != nullptr) {
    state->view_bodies[bind_index] = {.schema = guard->schema, .name = guard->name, .is_guarded = true};
  }
  return projection;
}

Child text(const std::string& value) {
  return make_uniq<duckdb::ConstantExpression>(duckdb::Value(value));
}

Child column(const std::string& table, const std::string& name) {
  return make_uniq<duckdb::ColumnRefExpression>(name, table);
}

std::string alias_of(const duckdb::BaseTableRef& table) {
  return table.alias.empty() ? table.table_name : table.alias;
}

// The rows of the target that the statement may change, joined to what else it reads.
duckdb::unique_ptr<duckdb::TableRef> sources(const duckdb::BaseTableRef& target,
                                             duckdb::vector<duckdb::unique_ptr<duckdb::TableRef>> others) {
  duckdb::unique_ptr<duckdb::TableRef> all = guarded_reference(target, true);
  for (auto& other : others) {
    auto both = make_uniq<duckdb::JoinRef>(duckdb::JoinRefType::CROSS);
    both->left = std::move(all);
    both->right = std::move(other);
    all = std::move(both);
  }
  return all;
}

}  // namespace

duckdb::unique_ptr<duckdb::TableRef> guarded_reference(const duckdb::BaseTableRef& written, bool with_row) {
  duckdb::vector<Child> arguments;
  arguments.push_back(text(written.catalog_name));
  arguments.push_back(text(written.schema_name));
  arguments.push_back(text(written.table_name));
  arguments.push_back(make_uniq<duckdb::ConstantExpression>(duckdb::Value::BOOLEAN(with_row)));
  auto out = make_uniq<duckdb::TableFunctionRef>();
  out->function = make_uniq<duckdb::FunctionExpression>(kGuardFunction, std::move(arguments));
  out->alias = alias_of(written);
  out->column_name_alias = written.column_name_alias;
  out->query_location = written.query_location;
  if (written.sample) out->sample = written.sample->Copy();
  return out;
}

void register_guard_function(duckdb::Connection& connection) {
  connection.BeginTransaction();
  using duckdb::LogicalType;
  duckdb::TableFunction function(
      kGuardFunction, {LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::BOOLEAN}, nullptr,
      nullptr);
  function.bind_operator = bind_guarded;
  duckdb::CreateTableFunctionInfo info(function);
  duckdb::Catalog::GetSystemCatalog(*connection.context).CreateTableFunction(*connection.context, info);
  connection.Commit();
}

// DELETE FROM t WHERE rowid IN (SELECT weir_row FROM the rows of t that are seen, others WHERE condition).
void guard_delete(duckdb::DeleteStatement& remove) {
  const auto& target = remove.table->Cast<duckdb::BaseTableRef>();
  auto node = make_uniq<duckdb::SelectNode>();
  node->select_list.push_back(column(alias_of(target), kGuardedRow));
  node->from_table = sources(target, std::move(remove.using_clauses));
  node->where_clause = std::move(remove.condition);
  remove.using_clauses.clear();
  auto in = make_uniq<duckdb::SubqueryExpression>();
  in->subquery = select_of(std::move(node));
  in->subquery_type = duckdb::SubqueryType::ANY;
  in->comparison_type = duckdb::ExpressionType::COMPARE_EQUAL;
  in->child = column(alias_of(target), kRowId);
  remove.condition = std::move(in);
}

// UPDATE t SET a = s.weir_set_0 FROM (SELECT weir_row, <value> AS weir_set_0 FROM the rows of t that are seen, others
// WHERE condition) s WHERE t.rowid = s.weir_row.
void guard_update(duckdb::UpdateStatement& update) {
  const auto& target = update.table->Cast<duckdb::BaseTableRef>();
  auto node = make_uniq<duckdb::SelectNode>();
  node->select_list.push_back(column(alias_of(target), kGuardedRow));
  for (size_t i = 0; i < update.set_info->expressions.size(); ++i) {
    Child& value = update.set_info->expressions[i];
    if (value->GetExpressionClass() == duckdb::ExpressionClass::DEFAULT) continue;
    const std::string name = "weir_set_" + std::to_string(i);
    value->alias = name;
    node->select_list.push_back(std::move(value));
    value = column(kSeen, name);
  }
  duckdb::vector<duckdb::unique_ptr<duckdb::TableRef>> others;
  if (update.from_table) others.push_back(std::move(update.from_table));
  node->from_table = sources(target, std::move(others));
  node->where_clause = std::move(update.set_info->condition);
  update.from_table = make_uniq<duckdb::SubqueryRef>(select_of(std::move(node)), kSeen);
  update.set_info->condition = make_uniq<duckdb::ComparisonExpression>(
      duckdb::ExpressionType::COMPARE_EQUAL, column(alias_of(target), kRowId), column(kSeen, kGuardedRow));
}

}  // namespace weir::engine
