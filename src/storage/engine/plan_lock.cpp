// The third lock: the bound plan of a user's statement, before optimization. It holds where a name on the allow-list
// turns out to be something else: a view or macro over a refused function, a statement kind that the parser hides in
// another one. Grants on relations and columns are decided here too: LogicalGet::GetColumnIds() are exactly the columns
// used.
#include <algorithm>
#include <set>

#include "storage/engine/external_scan.h"
#include "storage/engine/functions.h"
#include "storage/engine/inside.h"
#include "storage/engine/statement_walk.h"

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
    case LogicalOperatorType::LOGICAL_EXTENSION_OPERATOR:  // a guard's wall: there is no other one
      return true;
    default:
      return false;
  }
}

bool change_is_allowed(LogicalOperatorType type) {
  switch (type) {
    case LogicalOperatorType::LOGICAL_INSERT:
    case LogicalOperatorType::LOGICAL_UPDATE:
    case LogicalOperatorType::LOGICAL_DELETE:
    case LogicalOperatorType::LOGICAL_MERGE_INTO:
    case LogicalOperatorType::LOGICAL_VACUUM:
      return true;
    default:
      return false;
  }
}

bool definition_is_allowed(LogicalOperatorType type) {
  switch (type) {
    case LogicalOperatorType::LOGICAL_CREATE_TABLE:
    case LogicalOperatorType::LOGICAL_CREATE_SCHEMA:
    case LogicalOperatorType::LOGICAL_CREATE_SEQUENCE:
    case LogicalOperatorType::LOGICAL_ALTER:
    case LogicalOperatorType::LOGICAL_DROP:
      return true;
    default:
      return false;
  }
}

// What information_schema and SHOW TABLES read; the statement lock keeps users from calling them themselves.
bool is_listing(const std::string& name) {
  for (const char* listing : {"duckdb_tables", "duckdb_views", "duckdb_columns", "duckdb_schemas", "duckdb_databases",
                              "duckdb_constraints", "duckdb_indexes", "duckdb_functions", "duckdb_types"}) {
    if (name == listing) return true;
  }
  return false;
}

// One bound statement: its operators, and what its relations are asked for.
class PlanCheck {
 public:
  PlanCheck(ConnectionState* state, duckdb::LogicalOperator& plan) : state_(state), root_(plan) {
    if (authority() == nullptr) return;
    use_all(plan);  // the answer
    collect(plan);
  }

  void check() { visit(root_, nullptr, {}); }

 private:
  const Authority* authority() const { return state_ != nullptr ? state_->authority.get() : nullptr; }
  Scope scope() const { return state_ != nullptr && authority() != nullptr ? state_->scope : Scope::read; }

  // The columns that the plan uses: those that expressions refer to, and all that an operator takes by their places. Of
  // a projection above a view's body only those that others use.
  void collect(duckdb::LogicalOperator& op) {
    if (!passes_view_on(op)) {
      duckdb::LogicalOperatorVisitor::EnumerateExpressions(
          op, [&](duckdb::unique_ptr<duckdb::Expression>* one) { collect(**one); });
    }
    for (const auto& child : op.children) {
      if (!takes_by_reference(op.type)) use_all(*child);
      collect(*child);
    }
  }
  void use_all(duckdb::LogicalOperator& op) {
    for (const duckdb::ColumnBinding& one : op.GetColumnBindings()) used_.insert({one.table_index, one.column_index});
  }
  // What such an operator takes of its children stands in its expressions, or goes on upwards as it is.
  static bool takes_by_reference(LogicalOperatorType type) {
    switch (type) {
      case LogicalOperatorType::LOGICAL_PROJECTION:
      case LogicalOperatorType::LOGICAL_FILTER:
      case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
      case LogicalOperatorType::LOGICAL_WINDOW:
      case LogicalOperatorType::LOGICAL_UNNEST:
      case LogicalOperatorType::LOGICAL_LIMIT:
      case LogicalOperatorType::LOGICAL_ORDER_BY:
      case LogicalOperatorType::LOGICAL_TOP_N:
      case LogicalOperatorType::LOGICAL_SAMPLE:
      case LogicalOperatorType::LOGICAL_DISTINCT:
      case LogicalOperatorType::LOGICAL_JOIN:
      case LogicalOperatorType::LOGICAL_DELIM_JOIN:
      case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
      case LogicalOperatorType::LOGICAL_ANY_JOIN:
      case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
      case LogicalOperatorType::LOGICAL_POSITIONAL_JOIN:
      case LogicalOperatorType::LOGICAL_ASOF_JOIN:
      case LogicalOperatorType::LOGICAL_DEPENDENT_JOIN:
      case LogicalOperatorType::LOGICAL_UPDATE:
      case LogicalOperatorType::LOGICAL_DELETE:
      case LogicalOperatorType::LOGICAL_EXTENSION_OPERATOR:
        return true;
      default:
        return false;
    }
  }
  void collect(const duckdb::Expression& expression) {
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF) {
      const auto& binding = expression.Cast<duckdb::BoundColumnRefExpression>().binding;
      used_.insert({binding.table_index, binding.column_index});
    }
    duckdb::ExpressionIterator::EnumerateChildren(expression, [&](const duckdb::Expression& inner) { collect(inner); });
  }

  const ConnectionState::Body* view_body(const duckdb::LogicalOperator& op) const {
    if (state_ == nullptr || op.type != LogicalOperatorType::LOGICAL_PROJECTION) return nullptr;
    const auto found = state_->view_bodies.find(op.Cast<duckdb::LogicalProjection>().table_index);
    return found == state_->view_bodies.end() ? nullptr : &found->second;
  }
  // SELECT * FROM a view: a projection of nothing but its columns.
  bool passes_view_on(const duckdb::LogicalOperator& op) const {
    if (op.type != LogicalOperatorType::LOGICAL_PROJECTION || op.children.size() != 1) return false;
    if (view_body(*op.children[0]) == nullptr || &op == &root_) return false;
    return std::all_of(op.expressions.begin(), op.expressions.end(), [](const auto& one) {
      return one->GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF;
    });
  }

  // What an operator lies under: whose rights count, and which guard has been passed.
  struct Under {
    std::string within;                              // the view, "schema.name"; empty: the statement itself
    const ConnectionState::Body* guarded = nullptr;  // the guard's own words read what they need
  };

  void visit(duckdb::LogicalOperator& op, const duckdb::LogicalOperator* parent, const Under& under) {
    const bool is_allowed = operator_is_allowed(op.type) || (scope() != Scope::read && change_is_allowed(op.type)) ||
                            (scope() == Scope::define && definition_is_allowed(op.type));
    if (!is_allowed) {
      throw duckdb::PermissionException("this statement is not allowed: %s", duckdb::LogicalOperatorToString(op.type));
    }
    if (op.type == LogicalOperatorType::LOGICAL_EXPLAIN) explains_ = true;
    if (op.type == LogicalOperatorType::LOGICAL_GET) {
      get(op.Cast<duckdb::LogicalGet>(), under);
      for (const auto& child : op.children) visit(*child, &op, under);  // the arguments of a table function
      return;
    }
    change(op, under.within);
    const ConnectionState::Body* body = view_body(op);
    if (body == nullptr) {
      for (const auto& child : op.children) visit(*child, &op, under);
      return;
    }
    Under inner = under;
    const bool is_guards_view = under.guarded != nullptr && !body->is_guarded &&
                                under.guarded->schema == body->schema && under.guarded->name == body->name;
    if (body->is_guarded) {
      pass_guard(*body);
      inner.guarded = body;
    } else if (under.guarded == nullptr || is_guards_view) {
      if (!is_guards_view) check_unguarded(body->schema, body->name);
      inner = {.within = body->schema + "." + body->name, .guarded = nullptr};
    }
    if (under.guarded == nullptr) ask_body(op.Cast<duckdb::LogicalProjection>(), parent, *body, under.within);
    for (const auto& child : op.children) visit(*child, &op, inner);
  }

  // A plan tells how many rows there are before the guard, and where they end.
  void pass_guard(const ConnectionState::Body& body) const {
    const RelationGuard* guard = authority() != nullptr ? authority()->guard(body.schema, body.name) : nullptr;
    if (!explains_ || (guard != nullptr && guard->may_explain)) {
      if (guard != nullptr) authority()->passed(*guard);
      return;
    }
    throw duckdb::PermissionException(
        "EXPLAIN of \"%s\" would tell of rows that its policies hide; a superuser may, and who was granted EXPLAIN "
        "RLS or EXPLAIN MASKING",
        body.name);
  }

  // The third lock's word on guards: whatever way a statement came to the relation, it is not read past one.
  void check_unguarded(const std::string& schema, const std::string& name) const {
    if (authority() == nullptr || authority()->guard(schema, name) == nullptr) return;
    throw duckdb::PermissionException(
        "permission denied for relation %s: it has row-level security or masks, and this way to it passes them by",
        name);
  }

  void ask_body(const duckdb::LogicalProjection& body, const duckdb::LogicalOperator* parent,
                const ConnectionState::Body& of, const std::string& within) {
    if (authority() == nullptr) return;
    const duckdb::LogicalProjection* passes_on = nullptr;
    if (parent != nullptr && passes_view_on(*parent)) passes_on = &parent->Cast<duckdb::LogicalProjection>();
    RelationUse use{.privilege = Privilege::select,
                    .schema = of.schema,
                    .name = of.name,
                    .is_view = !of.is_guarded,
                    .within = within};
    std::set<size_t> read;
    for (size_t i = 0; i < body.expressions.size(); ++i) {
      if (used_.count({body.table_index, i}) != 0) read.insert(i);
    }
    for (size_t i = 0; passes_on != nullptr && i < passes_on->expressions.size(); ++i) {
      if (used_.count({passes_on->table_index, i}) == 0) continue;
      read.insert(passes_on->expressions[i]->Cast<duckdb::BoundColumnRefExpression>().binding.column_index);
    }
    for (const size_t i : read) {
      const std::string column = body.expressions.at(i)->GetAlias();
      if (!of.is_guarded || column != kGuardedRow) use.columns.push_back(column);
    }
    ask(use);
  }

  void get(const duckdb::LogicalGet& get, const Under& under) {
    const std::string& name = get.function.name;
    RelationUse use{.privilege = Privilege::select, .within = under.within};
    if (name == kViewScan) {
      const ViewRead view = view_read(*get.bind_data);
      if (view.is_internal) return;
      use.schema = kLakeCatalog;
      use.name = view.name;
    } else if (name == kExternalScan) {
      const ExternalTable& table = external_read(*get.bind_data);
      use.schema = table.schema;
      use.name = table.name;
    } else if (const auto table = get.GetTable(); name == kLakeScan || (table && table->IsDuckTable())) {
      if (!table || is_own(*table)) return;
      use.schema = name == kLakeScan ? kLakeCatalog : table->ParentSchema().name;
      use.name = table->name;
    } else if (is_listing(name) || table_function_is_allowed(name)) {
      return;
    } else {
      throw duckdb::PermissionException("reading %s() is not allowed", name);
    }
    if (under.guarded != nullptr) return;
    // The one scan that finds the rows to be changed, by the numbers that came through the guard.
    const auto table = get.GetTable();
    const bool finds_rows = state_ != nullptr && state_->changes_guarded && table && table.get() == target_;
    if (finds_rows) {
      target_ = nullptr;
    } else {
      check_unguarded(use.schema, use.name);
    }
    for (const duckdb::ColumnIndex& column : get.GetColumnIds()) {
      if (!column.IsVirtualColumn() && column.GetPrimaryIndex() < get.names.size()) {
        use.columns.push_back(get.names[column.GetPrimaryIndex()]);
      }
    }
    ask(use);
  }

  // What the platform keeps, read by system relations; and the session's own temporary tables.
  static bool is_own(const duckdb::TableCatalogEntry& table) {
    return table.ParentSchema().name == kOwnSchema || table.ParentCatalog().IsTemporaryCatalog() ||
           table.ParentCatalog().IsSystemCatalog();
  }

  void change(const duckdb::LogicalOperator& op, const std::string& within) {
    const auto use = [&](Privilege privilege, const duckdb::TableCatalogEntry& table,
                         const duckdb::vector<duckdb::PhysicalIndex>* columns) {
      if (table.ParentCatalog().IsTemporaryCatalog()) return;
      RelationUse out{.privilege = privilege, .within = within};
      out.schema = table.ParentCatalog().GetName() == kLakeCatalog ? kLakeCatalog : table.ParentSchema().name;
      if (out.schema == kOwnSchema) throw duckdb::PermissionException("\"%s\" is not for statements", table.name);
      out.name = table.name;
      if (columns != nullptr) {
        for (const duckdb::PhysicalIndex& index : *columns) {
          out.columns.push_back(table.GetColumns().GetColumn(index).Name());
        }
      }
      ask(out);
    };
    switch (op.type) {
      case LogicalOperatorType::LOGICAL_INSERT: {
        const auto& insert = op.Cast<duckdb::LogicalInsert>();
        if (insert.return_chunk) returning(insert.table, insert.table_index, within, true);
        return use(Privilege::insert, insert.table, nullptr);
      }
      case LogicalOperatorType::LOGICAL_DELETE: {
        const auto& remove = op.Cast<duckdb::LogicalDelete>();
        target_ = &remove.table;
        if (remove.return_chunk) returning(remove.table, remove.table_index, within, false);
        return use(Privilege::remove, remove.table, nullptr);
      }
      case LogicalOperatorType::LOGICAL_UPDATE: {
        const auto& update = op.Cast<duckdb::LogicalUpdate>();
        target_ = &update.table;
        if (update.return_chunk) returning(update.table, update.table_index, within, false);
        return use(Privilege::update, update.table, &update.columns);
      }
      case LogicalOperatorType::LOGICAL_MERGE_INTO: {
        const auto& merge = op.Cast<duckdb::LogicalMergeInto>();
        if (merge.return_chunk) returning(merge.table, merge.table_index, within, false);
        for (const auto& [condition, actions] : merge.actions) {
          for (const auto& action : actions) {
            if (action->action_type == duckdb::MergeActionType::MERGE_UPDATE) {
              use(Privilege::update, merge.table, &action->columns);
            } else if (action->action_type == duckdb::MergeActionType::MERGE_INSERT) {
              use(Privilege::insert, merge.table, nullptr);
            } else if (action->action_type == duckdb::MergeActionType::MERGE_DELETE) {
              use(Privilege::remove, merge.table, nullptr);
            }
          }
        }
        return;
      }
      default:
        return;
    }
  }

  // RETURNING shows columns as they are stored: they are read, and no mask covers them. `is_given`: of rows that the
  // statement itself brought.
  void returning(const duckdb::TableCatalogEntry& table, duckdb::idx_t index, const std::string& within,
                 bool is_given) {
    if (authority() == nullptr || table.ParentCatalog().IsTemporaryCatalog()) return;
    RelationUse use{.privilege = Privilege::select, .within = within};
    use.schema = table.ParentCatalog().GetName() == kLakeCatalog ? kLakeCatalog : table.ParentSchema().name;
    use.name = table.name;
    size_t at = 0;
    for (const duckdb::ColumnDefinition& column : table.GetColumns().Physical()) {
      if (used_.count({index, at++}) != 0) use.columns.push_back(column.Name());
    }
    ask(use);
    const RelationGuard* guard = authority()->guard(use.schema, use.name);
    if (guard == nullptr || is_given) return;
    for (const RelationGuard::Mask& mask : guard->masks) {
      for (const std::string& column : use.columns) {
        if (!duckdb::StringUtil::CIEquals(column, mask.column)) continue;
        throw duckdb::PermissionException(
            "permission denied for relation %s: RETURNING would show the column \"%s\" without its mask", use.name,
            column);
      }
    }
  }

  void ask(const RelationUse& use) {
    if (authority() == nullptr) return;
    const Status allowed = authority()->check(use);
    if (allowed) return;
    state_->remember(allowed.error());
    throw duckdb::PermissionException("%s", allowed.error().message);
  }

  ConnectionState* const state_;
  duckdb::LogicalOperator& root_;
  std::set<std::pair<duckdb::idx_t, duckdb::idx_t>> used_;
  const duckdb::TableCatalogEntry* target_ = nullptr;  // of UPDATE and DELETE, until its scan was met
  bool explains_ = false;
};

void before_optimizing(duckdb::OptimizerExtensionInput& input, duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  const auto state = ConnectionState::of(input.context);
  if (state && state->trust == Trust::own) return;
  // copy_result(): the session has set the one path; the file system holds the statement to it.
  const bool copies = state && !state->copy_path.empty() && plan->type == LogicalOperatorType::LOGICAL_COPY_TO_FILE;
  PlanCheck(state.get(), copies ? *plan->children.front() : *plan).check();
}

}  // namespace

duckdb::OptimizerExtension plan_lock() {
  duckdb::OptimizerExtension extension;
  extension.pre_optimize_function = before_optimizing;
  return extension;
}

}  // namespace weir::engine
