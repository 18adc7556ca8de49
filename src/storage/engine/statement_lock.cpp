// The second lock: what a statement may say, decided on the parsed statement before anything is bound. What is not
// listed is refused: statement kinds, table references, functions, expressions. Every expression and subquery is
// visited; parameters become constants on the way, so that they pass the same checks.
#include <algorithm>
#include <utility>

#include "storage/engine/refusals.h"
#include "storage/engine/statement_walk.h"

namespace weir::engine {
namespace {

using duckdb::ExpressionClass;
using duckdb::StatementType;
using duckdb::TableReferenceType;

std::string lower(const std::string& name) {
  return duckdb::StringUtil::Lower(name);
}

// A change of tables by a client's session. Whose tables is decided on the bound plan.
class ChangeCheck {
 public:
  ChangeCheck(const WalkRules& rules, Scope scope) : walk_(rules), scope_(scope), sql_(rules.sql), rules_(rules) {}

  Result<Allowed> check(duckdb::SQLStatement& statement) {
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
      case StatementType::MERGE_INTO_STATEMENT:
        merge(statement.Cast<duckdb::MergeIntoStatement>());
        break;
      case StatementType::VACUUM_STATEMENT:
        if (statement.Cast<duckdb::VacuumStatement>().info->ref) {
          target(*statement.Cast<duckdb::VacuumStatement>().info->ref);
        }
        break;
      case StatementType::CREATE_STATEMENT:
        if (scope_ != Scope::define) return refusal_of(statement);
        create(*statement.Cast<duckdb::CreateStatement>().info);
        break;
      case StatementType::ALTER_STATEMENT:
      case StatementType::DROP_STATEMENT:
        if (scope_ != Scope::define) return refusal_of(statement);
        break;
      default:
        return refusal_of(statement);
    }
    if (walk_.refusal()) return *walk_.refusal();
    if (statement.type == StatementType::UPDATE_STATEMENT && changes_guarded_) {
      guard_update(statement.Cast<duckdb::UpdateStatement>());
    }
    if (statement.type == StatementType::DELETE_STATEMENT && changes_guarded_) {
      guard_delete(statement.Cast<duckdb::DeleteStatement>());
    }
    Allowed out = std::move(walk_).found();
    out.changes_guarded = changes_guarded_;
    return out;
  }

 private:
  void name(std::string& catalog, const std::string& schema, const std::string& table, size_t place) {
    const std::string in = lower(schema), database = lower(catalog);
    const bool is_ours = database.empty() || database == lower(std::string(rules_.authority->database()));
    const bool is_system = in == kOwnSchema || in == kPgCatalog || in == kInformationSchema || in == kInternalSchema;
    if (!is_ours || is_system) {
      return walk_.refuse(
          Code::denied, "\"" + (is_ours ? in : database) + "." + table + "\" cannot be changed by a statement", place);
    }
    catalog.clear();
    if (const Authority::View* view = rules_.authority->view(in, lower(table))) {
      walk_.refuse(Code::invalid, "\"" + view->name + "\" is a view; change the tables that it reads", place, "42809");
    }
    const auto external = rules_.authority->external(in, lower(table), {});
    if (!external) {
      walk_.refuse(external.error().code, external.error().message, place, external.error().sqlstate);
    } else if (*external != nullptr) {
      walk_.refuse(Code::unsupported,
                   "external tables are read-only: \"" + (*external)->name +
                       "\" cannot be changed; UNLOAD or CREATE EXTERNAL TABLE AS write files for one",
                   place, "0A000");
    }
  }
  void target(duckdb::TableRef& ref) {
    if (ref.type != TableReferenceType::BASE_TABLE) {
      return walk_.refuse(Code::denied, "only a table can be changed", ref.query_location);
    }
    auto& base = ref.Cast<duckdb::BaseTableRef>();
    name(base.catalog_name, base.schema_name, base.table_name,
         base.query_location.IsValid() ? base.query_location.GetIndex() : 0);
    changes_guarded_ = rules_.authority->may_be_guarded(lower(base.table_name));
  }

  void insert(duckdb::InsertStatement& insert) {
    walk_.ctes(insert.cte_map);
    name(insert.catalog, insert.schema, insert.table, insert.stmt_location);
    if (insert.on_conflict_info) {
      walk_.refuse(Code::unsupported, "INSERT … ON CONFLICT is not supported; use MERGE INTO", insert.stmt_location);
    }
    if (insert.select_statement) walk_.node(*insert.select_statement->node);
    walk_.list(insert.returning_list);
  }
  void remove(duckdb::DeleteStatement& remove) {
    walk_.ctes(remove.cte_map);
    target(*remove.table);
    walk_.optional(remove.condition);
    for (auto& other : remove.using_clauses) walk_.table(other);
    walk_.list(remove.returning_list);
  }
  void update(duckdb::UpdateStatement& update) {
    walk_.ctes(update.cte_map);
    target(*update.table);
    if (update.from_table) walk_.table(update.from_table);
    walk_.optional(update.set_info->condition);
    walk_.list(update.set_info->expressions);
    walk_.list(update.returning_list);
  }
  void merge(duckdb::MergeIntoStatement& merge) {
    walk_.ctes(merge.cte_map);
    target(*merge.target);
    walk_.table(merge.source);
    walk_.optional(merge.join_condition);
    for (auto& [kind, actions] : merge.actions) {
      for (auto& action : actions) {
        walk_.optional(action->condition);
        walk_.list(action->expressions);
        if (!action->update_info) continue;
        walk_.optional(action->update_info->condition);
        walk_.list(action->update_info->expressions);
      }
    }
    walk_.list(merge.returning_list);
  }

  // Of what our own rooms wrote in the engine's words: the parts that the user wrote are checked.
  void create(duckdb::CreateInfo& info) {
    if (info.type != duckdb::CatalogType::TABLE_ENTRY) return;
    auto& table = info.Cast<duckdb::CreateTableInfo>();
    if (table.query) walk_.node(*table.query->node);
    for (const duckdb::ColumnDefinition& column : table.columns.Logical()) {
      if (column.Generated() || !column.HasDefaultValue() || is_identity(column.DefaultValue())) continue;
      auto copy = column.DefaultValue().Copy();
      walk_.expression(copy);
    }
    for (const auto& constraint : table.constraints) {
      if (constraint->type != duckdb::ConstraintType::CHECK) continue;
      auto copy = constraint->Cast<duckdb::CheckConstraint>().expression->Copy();
      walk_.expression(copy);
    }
  }
  // nextval('weir_catalog.…'), as the platform writes it for IDENTITY.
  static bool is_identity(const duckdb::ParsedExpression& value) {
    if (value.GetExpressionClass() != ExpressionClass::FUNCTION) return false;
    const auto& call = value.Cast<duckdb::FunctionExpression>();
    if (lower(call.function_name) != "nextval" || call.children.size() != 1) return false;
    if (call.children[0]->GetExpressionClass() != ExpressionClass::CONSTANT) return false;
    const std::string sequence = call.children[0]->Cast<duckdb::ConstantExpression>().value.ToString();
    return sequence.starts_with(std::string(kOwnSchema) + ".");
  }

  Walk walk_;
  const Scope scope_;
  const std::string_view sql_;
  const WalkRules& rules_;
  bool changes_guarded_ = false;
};

}  // namespace

Result<Allowed> check_statement(duckdb::SQLStatement& statement, const WalkRules& rules, Scope scope) {
  duckdb::SQLStatement* inner = &statement;
  if (statement.type == StatementType::EXPLAIN_STATEMENT) {
    inner = statement.Cast<duckdb::ExplainStatement>().stmt.get();
  }
  Result<Allowed> allowed = Allowed();
  if (scope != Scope::read && rules.authority != nullptr) {
    allowed = ChangeCheck(rules, scope).check(*inner);
  } else if (inner->type != StatementType::SELECT_STATEMENT) {
    return refusal_of(*inner);
  } else {
    Walk walk(rules);
    walk.node(*inner->Cast<duckdb::SelectStatement>().node);
    if (walk.refusal()) return *walk.refusal();
    allowed = std::move(walk).found();
  }
  if (!allowed || (rules.parameters == nullptr && rules.named == nullptr)) return allowed;
  statement.named_param_map.clear();
  inner->named_param_map.clear();
  return allowed;
}

}  // namespace weir::engine
