// The second lock for the steps of flows: as a user's, and changes of the engine's own tables.
#include <utility>

#include "storage/engine/statement_walk.h"

namespace weir::engine {
namespace {

using duckdb::ExpressionClass;
using duckdb::StatementType;
using duckdb::TableReferenceType;

std::string lower(const std::string& name) {
  return duckdb::StringUtil::Lower(name);
}

}  // namespace

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
  ScriptCheck(const WalkRules& rules, const std::string& own_catalog)
      : walk_(rules), own_catalog_(own_catalog), sql_(rules.sql) {}

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
      return walk_.refuse(Code::denied,
                          "\"" + (is_own ? in : lower(catalog)) + "." + table +
                              "\" is not for steps to change: tables of theirs lie in main and public",
                          place);
    }
    out_.writes.push_back({(in == "public" ? "public." : "") + lower(table), place_in(sql_, place)});
  }

  void target(const duckdb::TableRef& ref) {
    if (ref.type != TableReferenceType::BASE_TABLE) {
      return walk_.refuse(Code::denied, "only a table can be changed", ref.query_location);
    }
    const auto& base = ref.Cast<duckdb::BaseTableRef>();
    target(base.catalog_name, base.schema_name, base.table_name,
           base.query_location.IsValid() ? base.query_location.GetIndex() : 0);
  }

  void insert(duckdb::InsertStatement& insert) {
    walk_.ctes(insert.cte_map);
    target(insert.catalog, insert.schema, insert.table, insert.stmt_location);
    if (insert.on_conflict_info) {
      walk_.refuse(Code::denied, "INSERT … ON CONFLICT is not for a step: DELETE the rows first, in the same step",
                   insert.stmt_location);
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

  void create(duckdb::CreateTableInfo& info) {
    if (info.temporary) return walk_.refuse(Code::denied, "a step makes no temporary tables: use WITH");
    target(info.catalog, info.schema, info.table, 0);
    if (info.query) walk_.node(*info.query->node);
    for (const auto& constraint : info.constraints) {
      if (constraint->type != duckdb::ConstraintType::NOT_NULL) {
        walk_.refuse(Code::denied, "of constraints a table has NOT NULL only; a check step looks for the rest");
      }
    }
    for (const duckdb::ColumnDefinition& column : info.columns.Logical()) {
      const bool is_plain =
          !column.Generated() &&
          (!column.HasDefaultValue() || column.DefaultValue().GetExpressionClass() == ExpressionClass::CONSTANT);
      if (!is_plain) {
        walk_.refuse(Code::denied, "column " + column.GetName() + " has a default that is no plain value");
      }
    }
  }

  Walk walk_;
  const std::string& own_catalog_;
  const std::string_view sql_;
  ScriptAllowed out_;
};

}  // namespace

Result<ScriptAllowed> check_declared(duckdb::SQLStatement& statement, const WalkRules& rules,
                                     const std::string& own_catalog) {
  return ScriptCheck(rules, own_catalog).check(statement);
}

}  // namespace weir::engine
