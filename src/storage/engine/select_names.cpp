#include "storage/engine/select_names.h"

#include "storage/engine/group_names.h"
#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

using duckdb::StringUtil;

class Renamer {
 public:
  explicit Renamer(const RenamedTable& renamed) : renamed_(renamed) {}

  void node(duckdb::QueryNode& node) {
    for (auto& [name, cte] : node.cte_map.map) {
      has_cte_ = has_cte_ || StringUtil::CIEquals(name, renamed_.name);
      this->node(*cte->query->node);
    }
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeChildren(
        node, [this](duckdb::unique_ptr<duckdb::ParsedExpression>& child) { expression(*child); },
        [this](duckdb::TableRef& ref) { table(ref); });
  }
  bool has_cte() const { return has_cte_; }

 private:
  void expression(duckdb::ParsedExpression& child) {
    if (child.GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY) {
      node(*child.Cast<duckdb::SubqueryExpression>().subquery->node);
    }
    duckdb::ParsedExpressionIterator::EnumerateChildren(child,
                                                        [this](duckdb::ParsedExpression& inner) { expression(inner); });
  }

  void table(duckdb::TableRef& ref) {
    if (ref.type == duckdb::TableReferenceType::SUBQUERY) {
      // Its tables were met already; its WITH was not.
      for (auto& [name, cte] : ref.Cast<duckdb::SubqueryRef>().subquery->node->cte_map.map) {
        has_cte_ = has_cte_ || StringUtil::CIEquals(name, renamed_.name);
        node(*cte->query->node);
      }
    }
    if (ref.type != duckdb::TableReferenceType::BASE_TABLE) return;
    auto& base = ref.Cast<duckdb::BaseTableRef>();
    const bool is_it =
        base.schema_name.empty() ? renamed_.is_in_path : StringUtil::CIEquals(base.schema_name, renamed_.schema);
    if (!is_it || !StringUtil::CIEquals(base.table_name, renamed_.name)) return;
    if (base.alias.empty()) base.alias = base.table_name;
    base.table_name = renamed_.to;
  }

  const RenamedTable& renamed_;
  bool has_cte_ = false;
};

// The bare names of tables, each by what finds it; those of a WITH are left to it.
class Qualifier {
 public:
  explicit Qualifier(const std::vector<QualifiedName>& names) : names_(names) {}

  void expression(duckdb::ParsedExpression& child) {
    if (child.GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY) {
      node(*child.Cast<duckdb::SubqueryExpression>().subquery->node);
    }
    duckdb::ParsedExpressionIterator::EnumerateChildren(child,
                                                        [this](duckdb::ParsedExpression& inner) { expression(inner); });
  }
  bool has_cte() const { return has_cte_; }

 private:
  void node(duckdb::QueryNode& node) {
    has_cte_ = has_cte_ || !node.cte_map.map.empty();
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeChildren(
        node, [this](duckdb::unique_ptr<duckdb::ParsedExpression>& child) { expression(*child); },
        [this](duckdb::TableRef& ref) { table(ref); });
  }

  void table(duckdb::TableRef& ref) {
    if (ref.type == duckdb::TableReferenceType::SUBQUERY) {
      has_cte_ = has_cte_ || !ref.Cast<duckdb::SubqueryRef>().subquery->node->cte_map.map.empty();
    }
    if (ref.type != duckdb::TableReferenceType::BASE_TABLE) return;
    auto& base = ref.Cast<duckdb::BaseTableRef>();
    if (!base.schema_name.empty()) return;
    for (const QualifiedName& one : names_) {
      if (!StringUtil::CIEquals(base.table_name, one.name)) continue;
      if (base.alias.empty()) base.alias = base.table_name;
      base.schema_name = one.schema == kLakeCatalog ? DEFAULT_SCHEMA : one.schema;
      if (one.schema == kLakeCatalog) base.catalog_name = kLakeCatalog;
      return;
    }
  }

  const std::vector<QualifiedName>& names_;
  bool has_cte_ = false;
};

// The tables of a FROM by the names that its columns are called by.
void add_names(const duckdb::TableRef& ref, std::vector<std::string>& names) {
  if (ref.type == duckdb::TableReferenceType::JOIN) {
    const auto& join = ref.Cast<duckdb::JoinRef>();
    add_names(*join.left, names);
    add_names(*join.right, names);
  } else if (!ref.alias.empty()) {
    names.push_back(ref.alias);
  } else if (ref.type == duckdb::TableReferenceType::BASE_TABLE) {
    names.push_back(ref.Cast<duckdb::BaseTableRef>().table_name);
  }
}

}  // namespace

Result<std::string> rename_in_select(const std::string& select, const RenamedTable& renamed) {
  try {
    const auto statement = duckdb::CreateViewInfo::ParseSelect(select);
    Renamer renamer(renamed);
    renamer.node(*statement->node);
    if (renamer.has_cte()) return Error(Code::conflict, "a WITH of the view has the name " + renamed.name + " too");
    return statement->ToString();
  } catch (const std::exception& thrown) {
    return to_error(thrown, "");
  }
}

Result<std::string> qualify_in_expression(const std::string& expression, const std::vector<QualifiedName>& names) {
  try {
    auto parsed = duckdb::Parser::ParseExpressionList(expression);
    if (parsed.size() != 1) return Error(Code::invalid, "one expression is expected");
    Qualifier qualifier(names);
    qualifier.expression(*parsed[0]);
    if (qualifier.has_cte()) return Error(Code::unsupported, "WITH is not for policies: write a subquery");
    return parsed[0]->ToString();
  } catch (const std::exception& thrown) {
    return to_error(thrown, "");
  }
}

void group_by_output_names(duckdb::SelectNode& select) {
  if (select.groups.group_expressions.empty() || !select.from_table) return;
  std::vector<std::string> tables;
  add_names(*select.from_table, tables);
  for (auto& group : select.groups.group_expressions) {
    if (group->GetExpressionClass() != duckdb::ExpressionClass::COLUMN_REF) continue;
    const auto& ref = group->Cast<duckdb::ColumnRefExpression>();
    if (ref.column_names.size() != 1) continue;
    const std::string& name = ref.column_names[0];
    const auto is_name = [&](const std::string& other) { return StringUtil::CIEquals(name, other); };
    if (std::none_of(tables.begin(), tables.end(), is_name)) continue;
    for (const auto& item : select.select_list) {
      if (!is_name(item->alias)) continue;
      group = item->Copy();
      group->alias.clear();
      break;
    }
  }
}

}  // namespace weir::engine
