// Row-level security and dynamic data masking: policies, what they are attached to, and who they hold for. They lie in
// weir_catalog and change in the statement's transaction; storage/engine's guard_function.cpp puts them before rows.
//
// What weir_catalog.policies keeps as attributes, in JSON: {"columns":[{"name","type","shown"}], "alias", "written" (as
// it was said), "expressions":["in the engine's words"], "returns":["type"], "search_path":[…] (of functions that it
// calls), "calls":["schema.function(arguments)"], "reads":["schema.relation"]}.
//
// Sources: Redshift, "Row-level security" (t_rls), "Dynamic data masking" (t_ddm), and the pages of the statements.
#include <algorithm>

#include "platform/warehouse/session_state.h"
#include "platform/warehouse/table_definition.h"
#include "storage/engine/select_names.h"

namespace weir::warehouse {
namespace {

using dialect::PolicyKind;

constexpr size_t kPoliciesMax = 10'000;

Error error_of(Code code, const char* sqlstate, std::string message, std::string hint = {}) {
  Error out(code, std::move(message), std::move(hint));
  out.sqlstate = sqlstate;
  return out;
}

std::string kind_of(PolicyKind kind) {
  return kind == PolicyKind::mask ? "mask" : "rows";
}
std::string shown_kind(PolicyKind kind) {
  return kind == PolicyKind::mask ? "masking policy" : "RLS policy";
}

Json texts(const std::vector<std::string>& list) {
  Json out{Json::Array{}};
  for (const std::string& one : list) out.push(one);
  return out;
}

// A list as the engine reads it.
std::string list_of(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) {
    out += out.size() > 1 ? ", '" : "'";
    for (const char c : name) out += c == '\'' ? "''" : std::string(1, c);
    out += "'";
  }
  return out + "]";
}

bool is_number(const std::string& type) {
  for (const char* known : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"}) {
    if (type.starts_with(known)) return true;
  }
  return false;
}

bool reads(const Rights& rights, const Relation& relation, const std::string& place, int depth) {
  for (const Json& one : relation.attributes["reads"].array()) {
    if (one.as_string() == place) return true;
    const size_t dot = one.as_string().find('.');
    const Relation* inner = rights.find(one.as_string().substr(0, dot), one.as_string().substr(dot + 1));
    if (inner != nullptr && inner->view && depth < 32 && reads(rights, *inner, place, depth + 1)) return true;
  }
  return false;
}

// The rows of a materialized view are there already.
Status check_not_materialized(const Rights& rights, const Place& place) {
  std::vector<std::string> names = rights.other_names(place.schema, place.name);
  names.push_back(relation_key(place.schema, place.name));
  if (place.schema == "lake") {
    names.push_back("lake.raw_" + place.name);
    names.push_back("lake." + place.name + "_quarantine");
    names.push_back("lake." + place.name + "_intake");
  }
  for (const auto& [key, relation] : rights.relations()) {
    if (relation.kind != "materialized view") continue;
    for (const std::string& name : names) {
      if (!reads(rights, relation, name, 0)) continue;
      return error_of(Code::unsupported, "0A000",
                      "a policy cannot hold for " + place.name + ": the materialized view " + key + " reads " + name,
                      "drop that first; a view shows its reader's rows");
    }
  }
  return {};
}

// One external table has its policies under one of its names, and they hold under all of them.
Status check_one_name(const Rights& rights, const Place& place) {
  for (const std::string& other : rights.other_names(place.schema, place.name)) {
    if (!rights.has_policies(other)) continue;
    return error_of(Code::invalid, "42809", place.schema + "." + place.name + " has its policies as " + other,
                    "name it so here too: they hold under each name of the table");
  }
  return {};
}

class PolicyChanger {
 public:
  explicit PolicyChanger(SessionState& session)
      : session_(session), who_(session.subject()), directory_(session.directory()) {}

  Status operator()(const dialect::DefinePolicy& order) {
    TRY(check_right());
    TRY_ASSIGN(const auto rights, session_.rights());
    const Policy* known = rights->policy(order.kind, order.name);
    if (order.is_new && known != nullptr) {
      if (!order.if_not_exists) {
        return error_of(Code::conflict, "42710", shown_kind(order.kind) + " \"" + order.name + "\" already exists");
      }
      session_.notice("NOTICE", "42710", shown_kind(order.kind) + " \"" + order.name + "\" already exists, skipping");
      return {};
    }
    if (!order.is_new && known == nullptr) return no_policy(order.kind, order.name);
    if (rights->policies().size() >= kPoliciesMax) {
      return error_of(Code::busy, "53400",
                      "there are " + std::to_string(kPoliciesMax) + " policies, the most there may be");
    }
    dialect::DefinePolicy wanted = order;
    if (known != nullptr) {
      wanted.alias = known->attributes["alias"].as_string();
      for (const Json& one : known->attributes["columns"].array()) {
        dialect::PolicyColumn column{.name = one["name"].as_string(), .type = {}};
        column.type.engine = one["type"].as_string();
        column.type.shown = one["shown"].as_string();
        wanted.columns.push_back(std::move(column));
      }
      if (order.kind == PolicyKind::mask &&
          order.expressions.size() != known->attributes["expressions"].array().size()) {
        return error_of(Code::invalid, "42601",
                        "the policy gives " + std::to_string(known->attributes["expressions"].array().size()) +
                            " columns, as it is attached");
      }
    }
    TRY_ASSIGN(const Json attributes, examined(wanted));
    if (known != nullptr) {
      TRY(
          session_.own("UPDATE weir_catalog.policies SET attributes = $3, modified_by = $4, modified_at = now() WHERE "
                       "kind = $1 AND name = $2",
                       {kind_of(order.kind), order.name, attributes.dump(), int64_t{who_.id}}));
    } else {
      TRY(session_.own("INSERT INTO weir_catalog.policies VALUES ($1, $2, $4, $4, now(), $3)",
                       {kind_of(order.kind), order.name, attributes.dump(), int64_t{who_.id}}));
    }
    session_.catalog_was_changed();
    return {};
  }

  Status operator()(const dialect::DropPolicy& order) {
    TRY(check_right());
    for (const std::string& name : order.names) {
      TRY_ASSIGN(const auto rights, session_.rights());
      if (rights->policy(order.kind, name) == nullptr) {
        if (!order.if_exists) return no_policy(order.kind, name);
        session_.notice("NOTICE", "00000", shown_kind(order.kind) + " \"" + name + "\" does not exist, skipping");
        continue;
      }
      for (const auto& [relation, attached] : rights->attachments()) {
        for (const Attachment& one : attached) {
          if (order.cascade || one.kind != order.kind || one.policy != name) continue;
          return error_of(Code::conflict, "2BP01",
                          "cannot drop " + shown_kind(order.kind) + " " + name + " because other objects depend on it",
                          "it is attached to " + relation + ": DETACH it first, or DROP … CASCADE");
        }
      }
      TRY(session_.own("DELETE FROM weir_catalog.attachments WHERE kind = $1 AND policy = $2",
                       {kind_of(order.kind), name}));
      TRY(session_.own("DELETE FROM weir_catalog.policies WHERE kind = $1 AND name = $2", {kind_of(order.kind), name}));
      session_.catalog_was_changed();
    }
    return {};
  }

  Status operator()(const dialect::AttachPolicy& order) {
    TRY(check_right());
    TRY_ASSIGN(const auto rights, session_.rights());
    const Policy* policy = rights->policy(order.kind, order.policy);
    if (policy == nullptr) return no_policy(order.kind, order.policy);
    for (const dialect::Name& name : order.relations) {
      TRY_ASSIGN(const Place place, relation(session_, name));
      for (const dialect::Grantee& grantee : order.grantees) {
        TRY_ASSIGN(const uint32_t id, grantee_id(grantee));
        if (order.detaches) {
          TRY(detach(order, place, grantee, id));
        } else {
          TRY(attach(order, *policy, place, grantee, id));
        }
        session_.catalog_was_changed();
      }
    }
    return {};
  }

 private:
  // r_CREATE_RLS_POLICY: superusers, and the role sys:secadmin.
  Status check_right() const {
    if (who_.is_superuser || who_.is_secadmin) return {};
    Error error = permission_denied("policies");
    error.hint = "a superuser and the role sys:secadmin make and attach them";
    return error;
  }
  static Error no_policy(PolicyKind kind, const std::string& name) {
    return error_of(Code::not_found, "42704", shown_kind(kind) + " \"" + name + "\" does not exist");
  }

  Result<uint32_t> grantee_id(const dialect::Grantee& grantee) const {
    using dialect::GranteeKind;
    if (grantee.kind == GranteeKind::everybody) return kEverybody;
    if (grantee.kind == GranteeKind::user) {
      if (const access::UserInfo* user = directory_->user(grantee.name)) return user->id;
      return error_of(Code::not_found, "42704", "user \"" + grantee.name + "\" does not exist");
    }
    if (grantee.kind == GranteeKind::group) {
      return error_of(Code::invalid, "42601", "a policy is attached to users, roles and PUBLIC",
                      "make a role of the group");
    }
    if (const auto* role = directory_->role(grantee.name, access::RoleInfo::Kind::role)) return role->id;
    return error_of(Code::not_found, "42704", "role \"" + grantee.name + "\" does not exist");
  }

  // What the expressions give and read, with the columns as the policy declares them.
  Result<Json> examined(const dialect::DefinePolicy& order) {
    std::string columns, select;
    Json declared{Json::Array{}};
    for (const dialect::PolicyColumn& one : order.columns) {
      columns += (columns.empty() ? "" : ", ") + std::string("CAST(NULL AS ") + one.type.engine + ") AS " +
                 quoted_name(one.name);
      declared.push(Json::Object{{"name", one.name}, {"type", one.type.engine}, {"shown", one.type.shown}});
    }
    for (const std::string& one : order.expressions) select += (select.empty() ? "SELECT (" : ", (") + one + ")";
    if (!columns.empty()) {
      select += " FROM (SELECT " + columns + ") AS " + quoted_name(order.alias.empty() ? "weir_relation" : order.alias);
    }
    auto described = session_.engine().describe({.sql = select}, {});
    if (!described) {
      Error error = std::move(described).error();
      error.position.reset();  // of our own text
      return error;
    }
    if (!described->parameters.empty()) return error_of(Code::invalid, "42P02", "a policy has no parameters");
    std::vector<std::string> returns;
    for (const engine::ResultColumn& one : described->columns) returns.push_back(one.type);
    if (order.kind == PolicyKind::rows && returns.front() != "BOOLEAN") {
      return error_of(Code::invalid, "42804", "USING of an RLS policy is a condition, not " + returns.front());
    }
    if (order.kind == PolicyKind::mask && !described->reads.empty()) {
      return error_of(Code::unsupported, "0A000", "a masking policy reads no tables",
                      "it is an expression over the columns it names");
    }
    TRY_ASSIGN(const Lookups lookups, lookups_of(described->reads));
    std::vector<std::string> expressions;
    for (const std::string& one : order.expressions) {
      TRY_ASSIGN(std::string text, engine::qualify_in_expression(one, lookups.names));
      expressions.push_back(std::move(text));
    }
    const bool needs_path = !described->calls.empty();
    return Json(Json::Object{{"columns", std::move(declared)},
                             {"alias", order.alias},
                             {"written", order.written},
                             {"expressions", texts(expressions)},
                             {"returns", texts(returns)},
                             {"search_path", texts(needs_path ? session_.search_path() : std::vector<std::string>())},
                             {"calls", texts(described->calls)},
                             {"reads", texts(lookups.places)}});
  }

  struct Lookups {
    std::vector<engine::QualifiedName> names;
    std::vector<std::string> places;
  };
  // Where they lie now: nobody puts another table in their place later.
  Result<Lookups> lookups_of(const std::vector<engine::TableRead>& reads) {
    Lookups out;
    for (const engine::TableRead& one : reads) {
      const size_t dot = one.name.find('.');
      const dialect::Name name{.schema = dot == std::string::npos ? "" : one.name.substr(0, dot),
                               .name = dot == std::string::npos ? one.name : one.name.substr(dot + 1)};
      TRY_ASSIGN(const Place place, relation(session_, name));
      if (place.schema == "temp") {
        return error_of(Code::invalid, "42809", "a policy cannot read the temporary table \"" + place.name + "\"");
      }
      if (name.schema.empty()) out.names.push_back({.name = name.name, .schema = place.schema});
      out.places.push_back(place.schema + "." + place.name);
    }
    return out;
  }

  struct Column {
    std::string name, type;
  };
  Result<std::vector<Column>> columns_of(const Place& place) {
    std::vector<Column> out;
    TRY_ASSIGN(const auto rights, session_.rights());
    const Relation* known = rights->find(place.schema, place.name);
    if (known != nullptr && (known->kind == "view" || known->kind == "external table")) {
      for (const char* list : {"columns", "partition_columns"}) {
        if (!known->attributes[list].is_array()) continue;
        for (const Json& one : known->attributes[list].array()) {
          out.push_back({one["name"].as_string(), one["type"].as_string()});
        }
      }
      return out;
    }
    TRY_ASSIGN(
        const Rows rows,
        session_.own("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = $1 AND CASE WHEN $2 = "
                     "'lake' THEN database_name = 'lake' ELSE database_name = current_database() AND schema_name "
                     "= $2 END",
                     {place.name, place.schema}));
    for (const auto& row : rows) out.push_back({std::get<std::string>(row[0]), std::get<std::string>(row[1])});
    return out;
  }

  Status check_columns(const dialect::AttachPolicy& order, const Policy& policy, const Place& place) {
    TRY_ASSIGN(const std::vector<Column> columns, columns_of(place));
    const Relation* known = nullptr;
    TRY_ASSIGN(const auto rights, session_.rights());
    known = rights->find(place.schema, place.name);
    if (known != nullptr && known->attributes["late"].as_bool(false)) return {};
    const auto find = [&](const std::string& name) -> const Column* {
      for (const Column& one : columns) {
        if (one.name == name) return &one;
      }
      return nullptr;
    };
    const auto missing = [&](const std::string& name) {
      return error_of(Code::not_found, "42703",
                      "column \"" + name + "\" of relation \"" + place.name + "\" does not exist",
                      "the policy " + policy.name + " needs it");
    };
    const Json::Array& declared = policy.attributes["columns"].array();
    if (policy.kind == PolicyKind::rows) {
      for (const Json& one : declared) {
        if (find(one["name"].as_string()) == nullptr) return missing(one["name"].as_string());
      }
      return {};
    }
    const std::vector<std::string>& inputs = order.inputs.empty() ? order.columns : order.inputs;
    const Json::Array& returns = policy.attributes["returns"].array();
    if (inputs.size() != declared.size() || order.columns.size() != returns.size()) {
      return error_of(Code::invalid, "42601",
                      "the policy " + policy.name + " makes " + std::to_string(returns.size()) + " columns of " +
                          std::to_string(declared.size()),
                      "ON table (masked columns) USING (columns it is made of)");
    }
    for (const std::string& one : inputs) {
      if (find(one) == nullptr) return missing(one);
    }
    for (size_t i = 0; i < order.columns.size(); ++i) {
      const Column* column = find(order.columns[i]);
      if (column == nullptr) return missing(order.columns[i]);
      const std::string& made = returns[i].as_string();
      if (made.empty() || made == column->type || (is_number(made) && is_number(column->type))) continue;
      return error_of(Code::invalid, "42804",
                      "the policy " + policy.name + " makes " + made + " of column \"" + column->name +
                          "\", which is " + column->type,
                      "a mask keeps the column's type: cast in the policy");
    }
    return {};
  }

  Status attach(const dialect::AttachPolicy& order, const Policy& policy, const Place& place,
                const dialect::Grantee& grantee, uint32_t id) {
    TRY_ASSIGN(const auto rights, session_.rights());
    if (place.schema == "temp") {
      return error_of(Code::invalid, "42809", "a policy cannot be attached to the temporary table " + place.name);
    }
    TRY(check_one_name(*rights, place));
    if (id != kEverybody && grantee.kind == dialect::GranteeKind::user && directory_->is_superuser(id)) {
      session_.notice("WARNING", "01000",
                      "\"" + grantee.name + "\" is a superuser: policies do not hold for superusers");
    }
    TRY(check_not_materialized(*rights, place));
    TRY(check_columns(order, policy, place));
    const auto found = rights->attachments().find(place.schema + "." + place.name);
    if (found != rights->attachments().end()) {
      for (const Attachment& one : found->second) {
        TRY(check_beside(*rights, order, policy, one, grantee, id));
      }
    }
    TRY(session_.own(
        "INSERT INTO weir_catalog.attachments VALUES ($1, $2, $3, $4, $5, $6, $7, " + list_of(order.columns) +
            "::VARCHAR[], " + list_of(order.inputs) + "::VARCHAR[])",
        {kind_of(order.kind), order.policy, place.schema, place.name, int64_t{id}, int64_t{who_.id}, order.priority}));
    return {};
  }

  Status check_beside(const Rights& rights, const dialect::AttachPolicy& order, const Policy& policy,
                      const Attachment& other, const dialect::Grantee& grantee, uint32_t id) {
    if (other.kind != order.kind) return {};
    const std::string to = grantee.kind == dialect::GranteeKind::everybody ? "PUBLIC" : grantee.name;
    if (order.kind == PolicyKind::rows) {
      if (other.policy == order.policy && other.grantee == id) {
        return error_of(Code::conflict, "42710",
                        "RLS policy \"" + order.policy + "\" is attached to " + to + " already");
      }
      const Policy* beside = rights.policy(other.kind, other.policy);
      if (beside == nullptr) return {};
      // The condition is one, over one relation under one name.
      const std::string mine = policy.attributes["alias"].as_string(), theirs = beside->attributes["alias"].as_string();
      if (!mine.empty() && !theirs.empty() && mine != theirs) {
        return error_of(Code::invalid, "42P16",
                        "policies of one relation have one alias: \"" + mine + "\" of " + policy.name + ", \"" +
                            theirs + "\" of " + beside->name);
      }
      const Json &path = policy.attributes["search_path"], &other_path = beside->attributes["search_path"];
      if (!path.array().empty() && !other_path.array().empty() && path != other_path) {
        return error_of(Code::unsupported, "0A000",
                        "policies of one relation that call functions are made under one search path",
                        beside->name + " was made under another one");
      }
      return {};
    }
    for (const std::string& column : order.columns) {
      if (std::find(other.columns.begin(), other.columns.end(), column) == other.columns.end()) continue;
      if (other.grantee == id) {
        return error_of(Code::conflict, "42710",
                        "column \"" + column + "\" has the masking policy " + other.policy + " for " + to + " already");
      }
      if (other.priority == order.priority) {
        return error_of(Code::conflict, "42710",
                        "column \"" + column + "\" has the masking policy " + other.policy +
                            " with the same priority, " + std::to_string(order.priority),
                        "say PRIORITY n: the highest one is applied");
      }
    }
    return {};
  }

  Status detach(const dialect::AttachPolicy& order, const Place& place, const dialect::Grantee& grantee, uint32_t id) {
    TRY_ASSIGN(const Rows rows,
               session_.own("DELETE FROM weir_catalog.attachments WHERE kind = $1 AND policy = $2 AND schema_name = $3 "
                            "AND relation_name = $4 AND grantee = $5 AND column_names = " +
                                list_of(order.columns) + "::VARCHAR[] RETURNING 1",
                            {kind_of(order.kind), order.policy, place.schema, place.name, int64_t{id}}));
    if (!rows.empty()) return {};
    return error_of(Code::not_found, "42704",
                    shown_kind(order.kind) + " \"" + order.policy + "\" is not attached to " + place.name + " for " +
                        (grantee.kind == dialect::GranteeKind::everybody ? "PUBLIC" : grantee.name));
  }

  SessionState& session_;
  const Subject who_;
  const std::shared_ptr<const access::Directory> directory_;
};

}  // namespace

Result<Answer> change_policies(SessionState& session, const dialect::Statement& parsed) {
  TRY(session.in_transaction([&]() -> Status {
    PolicyChanger changer(session);
    if (const auto* order = std::get_if<dialect::DefinePolicy>(&parsed)) return changer(*order);
    if (const auto* order = std::get_if<dialect::DropPolicy>(&parsed)) return changer(*order);
    return changer(std::get<dialect::AttachPolicy>(parsed));
  }));
  return only_tag(parsed);
}

// ALTER TABLE … ROW LEVEL SECURITY: r_ALTER_TABLE.
Status set_row_security(SessionState& session, const Place& place, const dialect::Alter& order) {
  const Subject who = session.subject();
  if (!who.is_superuser && !who.is_secadmin) {
    Error error = permission_denied("relation " + place.name);
    error.hint = "a superuser and the role sys:secadmin turn row-level security on and off";
    return error;
  }
  if (place.schema == "temp") {
    return error_of(Code::invalid, "42809", "the temporary table " + place.name + " is its session's alone");
  }
  TRY_ASSIGN(const auto rights, session.rights());
  TRY(check_one_name(*rights, place));
  if (order.is_on) {
    TRY(check_not_materialized(*rights, place));
  }
  const auto was = rights->row_security(place.schema, place.name);
  std::string conjunction = order.to;
  if (conjunction.empty()) conjunction = was && was->joins_by_or ? "or" : "and";
  TRY(session.own("DELETE FROM weir_catalog.row_security WHERE schema_name = $1 AND relation_name = $2",
                  {place.schema, place.name}));
  TRY(session.own("INSERT INTO weir_catalog.row_security VALUES ($1, $2, $3, $4)",
                  {place.schema, place.name, order.is_on, conjunction}));
  session.catalog_was_changed();
  return {};
}

Status check_unguarded(SessionState& session, const Place& place, std::string_view what) {
  TRY_ASSIGN(const auto rights, session.rights());
  if (!rights->guards(session.subject()).contains(place.schema + "." + place.name)) return {};
  Error error = permission_denied("relation " + place.name);
  error.hint = std::string(what) + " reaches rows and values that its policies keep from you";
  return error;
}

Status forget_policies(SessionState& session, const Place& place) {
  TRY_ASSIGN(const auto rights, session.rights());
  std::vector<std::string> schemas{place.schema};
  for (const std::string& other : rights->other_names(place.schema, place.name)) {
    schemas.push_back(other.substr(0, other.find('.')));
  }
  for (const std::string& schema : schemas) {
    for (const char* table : {"attachments", "row_security"}) {
      TRY(session.own(
          std::string("DELETE FROM weir_catalog.") + table + " WHERE schema_name = $1 AND relation_name = $2",
          {schema, place.name}));
    }
  }
  return {};
}

Status rename_policies(SessionState& session, const Place& place, const std::string& to) {
  for (const char* table : {"attachments", "row_security"}) {
    TRY(session.own(std::string("UPDATE weir_catalog.") + table +
                        " SET relation_name = $3 WHERE schema_name = $1 AND relation_name = $2",
                    {place.schema, place.name, to}));
  }
  return {};
}

}  // namespace weir::warehouse
