// ALTER TABLE, VIEW, SCHEMA. What the engine cannot change in place is made anew: a table with the new definition, its
// rows copied, under the old name, in one transaction.
#include <algorithm>

#include "platform/warehouse/table_definition.h"
#include "storage/engine/select_names.h"

namespace weir::warehouse {
namespace {

using What = dialect::Alter::What;

Error error_of(Code code, const char* sqlstate, std::string message, std::string hint = {}) {
  Error out(code, std::move(message), std::move(hint));
  out.sqlstate = sqlstate;
  return out;
}

class Alterer {
 public:
  Alterer(SessionState& session, const dialect::Alter& order) : session_(session), order_(order) {}

  Status run() {
    if (order_.kind == dialect::ObjectKind::schema) return schema_owner();
    TRY_ASSIGN(place_, relation(session_, order_.name));
    if (order_.what == What::row_security) return set_row_security(session_, place_, order_);
    TRY(check_owner(session_, place_));
    if (place_.kind == "stream") {
      return error_of(Code::denied, "42501", "\"" + place_.name + "\" is declared in the project's folder",
                      "change its declaration; weir plan shows what that does");
    }
    session_.rows_change(place_.schema, place_.name);
    if (order_.what == What::auto_refresh) return auto_refresh();
    if (order_.what == What::owner) return owner();
    if (order_.what == What::rename) return rename();
    TRY(check_unguarded(session_, place_, "ALTER TABLE"));
    if (place_.kind != "table") {
      return error_of(Code::invalid, "42809", "\"" + place_.name + "\" is a " + place_.kind + ", not a table");
    }
    TRY_ASSIGN(definition_, TableDefinition::of_existing(session_, place_));
    switch (order_.what) {
      case What::add_column:
        return add_column();
      case What::drop_column:
        return drop_column();
      case What::rename_column:
        return rename_column();
      case What::set_not_null:
      case What::drop_not_null:
      case What::set_default:
      case What::drop_default:
      case What::column_type:
        return change_column();
      case What::encoding:
        return encoding();
      case What::attributes:
        return attributes();
      case What::add_constraint:
        return add_constraint();
      case What::drop_constraint:
        return drop_constraint();
      case What::append:
        return append();
      case What::owner:
      case What::rename:
      case What::row_security:
      case What::auto_refresh:
        break;
    }
    return {};
  }

 private:
  dialect::ColumnDefinition* find(const std::string& name) {
    const auto found = std::find_if(definition_.columns.begin(), definition_.columns.end(),
                                    [&](const auto& one) { return one.name == name; });
    return found == definition_.columns.end() ? nullptr : &*found;
  }
  Status column(const std::string& name) {
    if (find(name) != nullptr) return {};
    return error_of(Code::not_found, "42703",
                    "column \"" + name + "\" of relation \"" + place_.name + "\" does not exist");
  }

  // materialized-view-alter-sql-command
  Status auto_refresh() {
    TRY_ASSIGN(rights_, session_.rights());
    const Relation* known = rights_->find(place_.schema, place_.name);
    if (known == nullptr || known->kind != "materialized view") {
      return error_of(Code::invalid, "42809", "\"" + place_.name + "\" is not a materialized view");
    }
    if (order_.is_on) {
      TRY(check_is_told(*rights_, known->attributes["reads"]));
    }
    Json attributes = known->attributes;
    attributes.set("auto_refresh", order_.is_on);
    TRY(session_.own("UPDATE weir_catalog.relations SET attributes = $3 WHERE schema_name = $1 AND relation_name = $2",
                     {place_.schema, place_.name, attributes.dump()}));
    session_.catalog_was_changed();
    return {};
  }

  // Views keep the names that they were made with.
  Status check_not_viewed() {
    TRY_ASSIGN(rights_, session_.rights());
    const std::vector<Place> views = views_over(*rights_, place_);
    if (views.empty()) return {};
    return error_of(
        Code::conflict, "2BP01",
        "cannot change " + place_.kind + " " + place_.name + " because other objects depend on it",
        views.front().kind + " " + views.front().schema + "." + views.front().name + " reads it: drop it first");
  }

  bool is_known() const { return rights_->find(place_.schema, place_.name) != nullptr; }

  // What is kept of the table now; of one that somebody else made there may be nothing yet.
  Status keep() {
    if (place_.schema == "temp") return {};
    const std::string attributes = definition_.to_json().dump();
    TRY_ASSIGN(rights_, session_.rights());
    if (is_known()) {
      TRY(session_.own(
          "UPDATE weir_catalog.relations SET attributes = $3 WHERE schema_name = $1 AND relation_name = $2",
          {place_.schema, place_.name, attributes}));
    } else {
      TRY(session_.own("INSERT INTO weir_catalog.relations VALUES ($1, $2, 'table', $3, $4)",
                       {place_.schema, place_.name, static_cast<int64_t>(access::kOwnerUser), attributes}));
    }
    session_.catalog_was_changed();
    return {};
  }

  Status schema_owner() {
    TRY_ASSIGN(rights_, session_.rights());
    const std::optional<uint32_t> owner = rights_->schema_owner(order_.name.name);
    if (!owner) return error_of(Code::not_found, "3F000", "schema \"" + order_.name.name + "\" does not exist");
    const Subject who = session_.subject();
    if (!who.is_superuser && !who.is(*owner)) {
      return error_of(Code::denied, "42501", "must be owner of schema " + order_.name.name);
    }
    TRY_ASSIGN(const uint32_t to, user(order_.to));
    TRY(session_.own("UPDATE weir_catalog.schemas SET owner = $2 WHERE schema_name = $1",
                     {order_.name.name, static_cast<int64_t>(to)}));
    session_.catalog_was_changed();
    return {};
  }

  Result<uint32_t> user(const std::string& name) {
    const access::UserInfo* found = session_.directory()->user(name);
    if (found != nullptr) return found->id;
    return error_of(Code::not_found, "42704", "user \"" + name + "\" does not exist");
  }

  Status owner() {
    TRY_ASSIGN(const uint32_t to, user(order_.to));
    if (place_.schema == "temp") return error_of(Code::unsupported, "0A000", "a temporary table keeps its owner");
    TRY_ASSIGN(rights_, session_.rights());
    if (!is_known()) {
      TRY_ASSIGN(definition_, TableDefinition::of_existing(session_, place_));
      TRY(keep());
    }
    TRY(session_.own("UPDATE weir_catalog.relations SET owner = $3 WHERE schema_name = $1 AND relation_name = $2",
                     {place_.schema, place_.name, static_cast<int64_t>(to)}));
    session_.catalog_was_changed();
    return {};
  }

  // Views go with what they read: their SELECT has the new name then.
  Status rename_in_views() {
    TRY_ASSIGN(rights_, session_.rights());
    for (const Place& view : views_over(*rights_, place_)) {
      const Relation* known = rights_->find(view.schema, view.name);
      Json attributes = known->attributes;
      const Json::Array& path = attributes["search_path"].array();
      const bool is_in_path = std::find(path.begin(), path.end(), Json(place_.schema)) != path.end();
      auto select = engine::rename_in_select(
          attributes["select"].as_string(),
          {.schema = place_.schema, .name = place_.name, .to = order_.to, .is_in_path = is_in_path});
      if (!select) {
        return error_of(Code::conflict, "2BP01",
                        "cannot rename " + place_.kind + " " + place_.name + " because other objects depend on it",
                        view.kind + " " + view.schema + "." + view.name + ": " + select.error().message);
      }
      Json reads{Json::Array{}};
      for (const Json& one : attributes["reads"].array()) {
        const bool is_it = one.as_string() == place_.schema + "." + place_.name;
        reads.push(is_it ? Json(place_.schema + "." + order_.to) : one);
      }
      attributes.set("select", *select);
      attributes.set("definition", *select);
      attributes.set("reads", std::move(reads));
      TRY(session_.own(
          "UPDATE weir_catalog.relations SET attributes = $3 WHERE schema_name = $1 AND relation_name = $2",
          {view.schema, view.name, attributes.dump()}));
    }
    session_.catalog_was_changed();
    return {};
  }

  Status rename() {
    TRY_ASSIGN(
        const std::optional<Place> taken,
        find_relation(session_, {.schema = place_.schema == "temp" ? "pg_temp" : place_.schema, .name = order_.to}));
    if (taken && taken->schema == place_.schema) {
      return error_of(Code::conflict, "42P07", "relation \"" + order_.to + "\" already exists");
    }
    if (place_.schema != "temp") {
      TRY(rename_in_views());
    }
    if (place_.kind != "view") {
      TRY(session_.own("ALTER TABLE " + place_.quoted() + " RENAME TO " + quoted_name(order_.to)));
    }
    if (place_.schema == "temp") return {};
    TRY(session_.own(
        "UPDATE weir_catalog.relations SET relation_name = $3 WHERE schema_name = $1 AND relation_name = $2",
        {place_.schema, place_.name, order_.to}));
    TRY(
        session_.own("UPDATE weir_catalog.grants SET object_name = $3 WHERE kind = 'relation' AND schema_name = $1 AND "
                     "object_name = $2",
                     {place_.schema, place_.name, order_.to}));
    TRY(rename_policies(session_, place_, order_.to));
    session_.catalog_was_changed();
    return {};
  }

  // A policy finds its columns by their names.
  Status check_not_in_policy() {
    TRY_ASSIGN(rights_, session_.rights());
    const auto found = rights_->attachments().find(place_.schema + "." + place_.name);
    if (found == rights_->attachments().end()) return {};
    for (const Attachment& one : found->second) {
      const Policy* policy = rights_->policy(one.kind, one.policy);
      std::vector<std::string> names = one.columns;
      names.insert(names.end(), one.inputs.begin(), one.inputs.end());
      if (policy != nullptr && one.kind == dialect::PolicyKind::rows) {
        for (const Json& column : policy->attributes["columns"].array()) names.push_back(column["name"].as_string());
      }
      if (std::find(names.begin(), names.end(), order_.column) == names.end()) continue;
      return error_of(Code::conflict, "2BP01",
                      "cannot change column " + order_.column + " because other objects depend on it",
                      "the policy " + one.policy + " uses it: DETACH it first");
    }
    return {};
  }

  Status add_column() {
    const dialect::ColumnDefinition& added = *order_.definition;
    if (find(added.name) != nullptr) {
      if (order_.if_exists) return {};
      return error_of(Code::conflict, "42701",
                      "column \"" + added.name + "\" of relation \"" + place_.name + "\" already exists");
    }
    if (added.identity) return error_of(Code::unsupported, "0A000", "an IDENTITY column cannot be added");
    definition_.columns.push_back(added);
    // A default is checked where a table is made.
    const bool is_plain = !added.is_not_null && !added.type.bytes_max && added.default_value.empty();
    if (!is_plain) return rebuild({});
    TRY(session_.define("ALTER TABLE " + place_.quoted() + " ADD COLUMN " + quoted_name(added.name) + " " +
                        added.type.engine));
    return keep();
  }

  Status drop_column() {
    if (find(order_.column) == nullptr && order_.if_exists) return {};
    TRY(column(order_.column));
    TRY(check_not_in_policy());
    TRY(check_not_viewed());
    if (definition_.columns.size() == 1) {
      return error_of(Code::invalid, "42P16", "a table keeps at least one column");
    }
    if (definition_.distkey == order_.column ||
        std::count(definition_.sortkeys.begin(), definition_.sortkeys.end(), order_.column) > 0) {
      return error_of(Code::conflict, "2BP01", "column \"" + order_.column + "\" is a key of the table",
                      "ALTER TABLE … ALTER DISTSTYLE or SORTKEY first");
    }
    std::erase_if(definition_.columns, [&](const auto& one) { return one.name == order_.column; });
    return rebuild({});
  }

  Status rename_column() {
    TRY(column(order_.column));
    TRY(check_not_in_policy());
    TRY(check_not_viewed());
    if (find(order_.to) != nullptr) {
      return error_of(Code::conflict, "42701",
                      "column \"" + order_.to + "\" of relation \"" + place_.name + "\" already exists");
    }
    find(order_.column)->name = order_.to;
    const auto renamed = [&](std::string& name) {
      if (name == order_.column) name = order_.to;
    };
    renamed(definition_.distkey);
    for (std::string& key : definition_.sortkeys) renamed(key);
    for (dialect::Constraint& one : definition_.constraints) {
      for (std::string& name : one.columns) renamed(name);
    }
    if (const auto node = definition_.sequences.extract(order_.column)) {
      definition_.sequences[order_.to] = node.mapped();
    }
    return rebuild({{order_.to, order_.column}});
  }

  Status change_column() {
    TRY(column(order_.column));
    if (order_.what == What::column_type) {
      TRY(check_not_in_policy());
      TRY(check_not_viewed());
    }
    dialect::ColumnDefinition& changed = *find(order_.column);
    switch (order_.what) {
      case What::set_not_null:
        changed.is_not_null = true;
        break;
      case What::drop_not_null:
        changed.is_not_null = false;
        break;
      case What::set_default:
        changed.default_value = order_.to;
        break;
      case What::drop_default:
        changed.default_value.clear();
        break;
      default:
        changed.type = *order_.type;
        break;
    }
    return rebuild({});
  }

  Status encoding() {
    TRY(column(order_.column));
    find(order_.column)->encoding = order_.to;
    return keep();
  }

  Status attributes() {
    const dialect::TableAttributes& to = *order_.attributes;
    if (!to.diststyle.empty()) definition_.diststyle = to.diststyle;
    if (!to.distkey.empty()) {
      TRY(column(to.distkey));
      definition_.distkey = to.distkey;
      definition_.diststyle = "key";
    } else if (!to.diststyle.empty()) {
      definition_.distkey.clear();
    }
    if (to.sortstyle == "none") {
      definition_.sortstyle.clear();
      definition_.sortkeys.clear();
    } else if (!to.sortstyle.empty()) {
      for (const std::string& key : to.sortkeys) {
        TRY(column(key));
      }
      definition_.sortstyle = to.sortstyle;
      definition_.sortkeys = to.sortkeys;
    }
    return keep();
  }

  Status add_constraint() {
    dialect::Constraint added = *order_.constraint;
    for (const std::string& name : added.columns) {
      TRY(column(name));
    }
    if (added.name.empty()) {
      added.name = place_.name + (added.kind == dialect::Constraint::Kind::primary_key ? "_pkey" : "_key") +
                   std::to_string(definition_.constraints.size() + 1);
    }
    definition_.constraints.push_back(std::move(added));
    return keep();
  }

  Status drop_constraint() {
    const size_t erased =
        std::erase_if(definition_.constraints, [&](const auto& one) { return one.name == order_.column; });
    if (erased > 0) return keep();
    if (order_.if_exists) return {};
    return error_of(Code::not_found, "42704",
                    "constraint \"" + order_.column + "\" of relation \"" + place_.name + "\" does not exist");
  }

  // r_ALTER_TABLE_APPEND: the rows move.
  Status append() {
    TRY_ASSIGN(const Place source, relation(session_, *order_.source));
    TRY(check_owner(session_, source));
    TRY(check_unguarded(session_, source, "ALTER TABLE … APPEND"));
    if (source.kind != "table") return error_of(Code::invalid, "42809", "\"" + source.name + "\" is not a table");
    session_.rows_change(source.schema, source.name);
    TRY(session_.own("INSERT INTO " + place_.quoted() + " BY NAME SELECT * FROM " + source.quoted()));
    TRY(session_.own("DELETE FROM " + source.quoted()));
    return {};
  }

  // `from`: columns that had another name.
  Status rebuild(const std::vector<std::pair<std::string, std::string>>& from) {
    TRY_ASSIGN(const Rows old,
               session_.own("SELECT column_name FROM duckdb_columns() WHERE table_name = $1 AND CASE WHEN "
                            "$2 = 'temp' THEN database_name = 'temp' ELSE database_name = "
                            "current_database() AND schema_name = $2 END",
                            {place_.name, place_.schema}));
    std::string into, values;
    for (const auto& column : definition_.columns) {
      std::string was = column.name;
      for (const auto& [now, before] : from) {
        if (now == column.name) was = before;
      }
      const bool is_old =
          std::any_of(old.begin(), old.end(), [&](const auto& row) { return std::get<std::string>(row[0]) == was; });
      if (!is_old) continue;
      into += (into.empty() ? "" : ", ") + quoted_name(column.name);
      values += (values.empty() ? "" : ", ") + quoted_name(was) + "::" + column.type.engine;
    }
    Place made = place_;
    made.name = "weir rebuilt " + place_.name;
    TRY(make_table(session_, made, definition_));
    TRY(session_.own("INSERT INTO " + made.quoted() + " (" + into + ") SELECT " + values + " FROM " + place_.quoted()));
    TRY(session_.own("DROP TABLE " + place_.quoted()));
    TRY(session_.own("ALTER TABLE " + made.quoted() + " RENAME TO " + quoted_name(place_.name)));
    return keep();
  }

  SessionState& session_;
  const dialect::Alter& order_;
  Place place_;
  TableDefinition definition_;
  std::shared_ptr<const Rights> rights_;
};

}  // namespace

Result<Answer> alter(SessionState& session, const dialect::Alter& order) {
  TRY(session.in_transaction([&] { return Alterer(session, order).run(); }));
  return Answer{.stream = nullptr, .tag = dialect::tag_of(order)};
}

}  // namespace weir::warehouse
