// Users, roles, groups; GRANT and REVOKE. Users are kept by access, at once and outside of transactions; grants in the
// engine, in the statement's transaction.
#include <algorithm>
#include <set>

#include "platform/warehouse/session_state.h"

namespace weir::warehouse {
namespace {

using dialect::GranteeKind;
using dialect::ObjectKind;

Error error_of(Code code, const char* sqlstate, std::string message, std::string hint = {}) {
  Error out(code, std::move(message), std::move(hint));
  out.sqlstate = sqlstate;
  return out;
}

Error no_such(std::string_view what, const std::string& name) {
  return error_of(Code::not_found, "42704", std::string(what) + " \"" + name + "\" does not exist");
}

// What access says, with the SQLSTATE that clients know.
Error told(Error error) {
  if (error.sqlstate == nullptr) {
    if (error.code == Code::not_found) error.sqlstate = "42704";
    if (error.code == Code::conflict)
      error.sqlstate = error.message.find("exists") != std::string::npos ? "42710" : "2BP01";
    if (error.code == Code::invalid) error.sqlstate = "22023";
  }
  return error;
}

class UserChanger {
 public:
  explicit UserChanger(SessionState& session)
      : session_(session), users_(*session.core_users()), who_(session.subject()), directory_(users_.directory()) {}

  Status operator()(const dialect::UserChange& order) {
    const bool is_self = !order.is_new && order.name == session_.options.user.name;
    const bool is_small = is_self && !order.superuser && !order.create_database && !order.rename_to &&
                          !order.connection_limit && !order.valid_until && !order.syslog_unrestricted &&
                          !order.session_timeout;
    if (!who_.is_superuser && !is_small) return permission_denied("users: a superuser changes them");
    access::UserChange change;
    if (order.password || order.disables_password) {
      access::PasswordChange password;
      password.text = order.password;
      change.password = std::move(password);
    }
    change.superuser = order.superuser;
    change.create_database = order.create_database;
    change.syslog_unrestricted = order.syslog_unrestricted;
    if (order.valid_until) {
      TRY_ASSIGN(change.valid_until, until(*order.valid_until));
    }
    if (order.connection_limit) {
      change.connection_limit =
          *order.connection_limit < 0 ? std::optional<int>() : std::optional<int>(*order.connection_limit);
    }
    if (order.session_timeout) {
      change.session_timeout = *order.session_timeout == 0 ? std::optional<Duration>()
                                                           : std::optional<Duration>(seconds(*order.session_timeout));
    }
    if (order.is_new) {
      access::NewUser wanted{.name = order.name, .with = std::move(change), .member_of = {}};
      for (const std::string& group : order.groups) {
        TRY_ASSIGN(const uint32_t id, role_id(group, access::RoleInfo::Kind::group));
        wanted.member_of.push_back(id);
      }
      TRY(users_.create_user(wanted));
      return {};
    }
    if (order.rename_to) {
      TRY(users_.rename_user(order.name, *order.rename_to));
      return {};
    }
    if (order.setting) {
      std::string value;
      for (const std::string& one : order.setting->values) value += (value.empty() ? "" : ", ") + one;
      Settings known(session_.options.profile, order.name);
      TRY(known.set(order.setting->name, value));
      change.settings.emplace_back(order.setting->name,
                                   order.setting->values.empty() ? std::nullopt : std::optional<std::string>(value));
    }
    if (order.reset && *order.reset == "all") return users_.reset_settings(order.name);
    if (order.reset) change.settings.emplace_back(*order.reset, std::nullopt);
    TRY(users_.alter_user(order.name, change));
    return {};
  }

  Status operator()(const dialect::RoleChange& order) {
    if (!who_.is_superuser) return permission_denied("roles and groups: a superuser changes them");
    const access::RoleName role{.name = order.name, .kind = kind_of(order.is_group)};
    if (order.is_new) {
      TRY_ASSIGN(const access::RoleInfo made, users_.create_role(role, who_.id));
      return add_members(made.id, order.add);
    }
    TRY_ASSIGN(const uint32_t id, role_id(order.name, role.kind));
    if (order.rename_to) {
      TRY(users_.rename_role(role, *order.rename_to));
      return {};
    }
    if (order.owner) {
      TRY_ASSIGN(const uint32_t owner, user_id(*order.owner));
      return users_.set_role_owner(role, owner);
    }
    TRY(add_members(id, order.add));
    for (const std::string& name : order.remove) {
      TRY_ASSIGN(const uint32_t member, user_id(name));
      TRY(users_.revoke_role({.role = id, .member = member}));
    }
    return {};
  }

  Status operator()(const dialect::Drop& order) {
    if (!who_.is_superuser) return permission_denied("users and roles: a superuser drops them");
    for (const dialect::Name& name : order.names) {
      const bool is_user = order.kind == ObjectKind::user;
      const auto kind = kind_of(order.kind == ObjectKind::group);
      const bool is_there =
          is_user ? directory_->user(name.name) != nullptr : directory_->role(name.name, kind) != nullptr;
      if (!is_there && order.if_exists) {
        session_.notice("NOTICE", "00000", "\"" + name.name + "\" does not exist, skipping");
        continue;
      }
      TRY(is_user ? users_.drop_user(name.name) : users_.drop_role({name.name, kind}, order.cascade));
    }
    return {};
  }

  // GRANT ROLE r TO …
  Status operator()(const dialect::Grant& order) {
    for (const dialect::Name& name : order.names) {
      TRY_ASSIGN(const uint32_t role, role_id(name.name, access::RoleInfo::Kind::role));
      if (!who_.is_superuser && !has_admin_option(role)) return permission_denied("role " + name.name);
      for (const dialect::Grantee& grantee : order.grantees) {
        if (grantee.kind == GranteeKind::group || grantee.kind == GranteeKind::everybody) {
          return error_of(Code::invalid, "42601", "a role is granted to users and roles");
        }
        TRY_ASSIGN(const uint32_t member, grantee.kind == GranteeKind::role
                                              ? role_id(grantee.name, access::RoleInfo::Kind::role)
                                              : user_id(grantee.name));
        const access::Membership membership{.role = role, .member = member, .with_admin = grantee.with_option};
        TRY(!order.revokes      ? users_.grant_role(membership)
            : order.option_only ? users_.revoke_admin_option(membership)
                                : users_.revoke_role(membership));
      }
    }
    return {};
  }

 private:
  static access::RoleInfo::Kind kind_of(bool is_group) {
    return is_group ? access::RoleInfo::Kind::group : access::RoleInfo::Kind::role;
  }
  Result<uint32_t> user_id(const std::string& name) {
    if (const access::UserInfo* found = users_.directory()->user(name)) return found->id;
    return no_such("user", name);
  }
  Result<uint32_t> role_id(const std::string& name, access::RoleInfo::Kind kind) {
    if (const access::RoleInfo* found = users_.directory()->role(name, kind)) return found->id;
    return no_such(kind == access::RoleInfo::Kind::group ? "group" : "role", name);
  }
  bool has_admin_option(uint32_t role) const {
    return std::any_of(
        directory_->memberships().begin(), directory_->memberships().end(),
        [&](const access::Membership& one) { return one.role == role && one.with_admin && who_.is(one.member); });
  }
  Status add_members(uint32_t role, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      TRY_ASSIGN(const uint32_t member, user_id(name));
      TRY(users_.grant_role({.role = role, .member = member}));
    }
    return {};
  }
  Result<std::optional<WallTime>> until(const std::string& text) {
    if (text == "infinity") return std::optional<WallTime>();
    auto micros = parse_timestamp(text.size() == 10 ? text + " 00:00:00" : text);
    if (!micros)
      return error_of(Code::invalid, "22007", "VALID UNTIL \"" + text + "\" is no time",
                      "expected 'YYYY-MM-DD HH:MM:SS', or 'infinity'");
    return std::optional<WallTime>(WallTime{*micros});
  }

  SessionState& session_;
  access::Users& users_;
  const Subject who_;
  const std::shared_ptr<const access::Directory> directory_;
};

// --- grants on relations and schemas
// ----------------------------------------------------------------------------------

const std::set<std::string> kOfTables = {"select", "insert", "update",   "delete", "references",
                                         "drop",   "alter",  "truncate", "rule",   "trigger"};
const std::set<std::string> kOfSchemas = {"create", "usage", "alter", "drop"};

class Granter {
 public:
  explicit Granter(SessionState& session)
      : session_(session), who_(session.subject()), directory_(session.directory()) {}

  Status run(const dialect::Grant& order) {
    using On = dialect::Grant::On;
    TRY_ASSIGN(const std::vector<uint32_t> grantees, numbers(order.grantees));
    if (order.on == On::system) {
      TRY(on_system(order, grantees));
    }
    for (size_t i = 0; i < order.names.size(); ++i) {
      const dialect::Name& name = order.names[i];
      if (order.on == On::database) {
        if (name.name != session_.options.database) return no_such("database", name.name);
        session_.notice("NOTICE", "00000", "every user may connect and make temporary tables; nothing was changed");
      } else if (order.on == On::languages) {
        session_.notice("NOTICE", "00000", "every user may write functions in SQL; nothing was changed");
      } else if (order.on == On::functions) {
        TRY(on_function(order, name, order.arguments.at(i), grantees));
      } else if (order.on == On::schemas) {
        TRY(on_schema(order, name, grantees));
      } else if (order.on == On::all_tables) {
        TRY(on_all(order, name, grantees));
      } else {
        TRY_ASSIGN(const Place place, relation(session_, name));
        TRY(on_relation(order, place, grantees));
      }
    }
    session_.catalog_was_changed();
    return {};
  }

  Status run(const dialect::DefaultPrivileges& order) {
    TRY_ASSIGN(const std::vector<uint32_t> grantees, numbers(order.grant.grantees));
    std::vector<uint32_t> owners;
    for (const std::string& name : order.users) {
      const access::UserInfo* user = directory_->user(name);
      if (user == nullptr) return no_such("user", name);
      if (user->id != who_.id && !who_.is_superuser) return permission_denied("default privileges of " + name);
      owners.push_back(user->id);
    }
    if (owners.empty()) owners.push_back(who_.id);
    std::vector<std::string> schemas = order.schemas;
    for (const std::string& schema : schemas) {
      TRY_ASSIGN(const bool exists, schema_exists(session_, schema));
      if (!exists) return error_of(Code::not_found, "3F000", "schema \"" + schema + "\" does not exist");
    }
    if (schemas.empty()) schemas.emplace_back();
    TRY_ASSIGN(const std::vector<std::string> privileges, names_of(order.grant.privileges, kOfTables));
    for (const uint32_t owner : owners) {
      for (const std::string& schema : schemas) {
        for (const std::string& privilege : privileges) {
          for (size_t i = 0; i < grantees.size(); ++i) {
            TRY(session_.own(
                "DELETE FROM weir_catalog.default_grants WHERE owner = $1 AND schema_name = $2 AND privilege "
                "= $3 AND grantee = $4",
                {int64_t{owner}, schema, privilege, int64_t{grantees[i]}}));
            if (order.grant.revokes) continue;
            TRY(session_.own("INSERT INTO weir_catalog.default_grants VALUES ($1, $2, $3, $4, $5, $6)",
                             {int64_t{owner}, schema, privilege, int64_t{grantees[i]}, int64_t{who_.id},
                              order.grant.grantees[i].with_option}));
          }
        }
      }
    }
    session_.catalog_was_changed();
    return {};
  }

 private:
  Result<std::vector<uint32_t>> numbers(const std::vector<dialect::Grantee>& grantees) {
    std::vector<uint32_t> out;
    for (const dialect::Grantee& one : grantees) {
      if (one.kind == GranteeKind::everybody) {
        out.push_back(kEverybody);
      } else if (one.kind == GranteeKind::user) {
        const access::UserInfo* user = directory_->user(one.name);
        if (user == nullptr) return no_such("user", one.name);
        out.push_back(user->id);
      } else {
        const auto kind = one.kind == GranteeKind::role ? access::RoleInfo::Kind::role : access::RoleInfo::Kind::group;
        const access::RoleInfo* role = directory_->role(one.name, kind);
        if (role == nullptr) return no_such(one.kind == GranteeKind::role ? "role" : "group", one.name);
        out.push_back(role->id);
      }
    }
    return out;
  }

  static Result<std::vector<std::string>> names_of(const std::vector<dialect::GrantedPrivilege>& privileges,
                                                   const std::set<std::string>& known) {
    std::vector<std::string> out;
    for (const dialect::GrantedPrivilege& one : privileges) {
      if (one.name == "all") return std::vector<std::string>(known.begin(), known.end());
      if (!known.contains(one.name)) {
        std::string list;
        for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
        return error_of(Code::invalid, "0LP01", "invalid privilege type \"" + one.name + "\"",
                        "there are " + list + " and all");
      }
      out.push_back(one.name);
    }
    return out;
  }

  // Takes one right away, and gives it again with what is said now.
  Status change(const dialect::Grant& order, const std::string& kind, const Place& place, const std::string& column,
                const std::string& privilege, size_t grantee_at, uint32_t grantee) {
    if (order.option_only) {
      TRY(
          session_.own("UPDATE weir_catalog.grants SET with_option = false WHERE kind = $1 AND schema_name = $2 AND "
                       "object_name = $3 AND column_name = $4 AND privilege = $5 AND grantee = $6",
                       {kind, place.schema, place.name, column, privilege, int64_t{grantee}}));
      return {};
    }
    TRY(
        session_.own("DELETE FROM weir_catalog.grants WHERE kind = $1 AND schema_name = $2 AND object_name = $3 AND "
                     "(column_name = $4 OR ($4 = '' AND $7)) AND privilege = $5 AND grantee = $6",
                     {kind, place.schema, place.name, column, privilege, int64_t{grantee}, order.revokes}));
    if (order.revokes) return {};
    TRY(session_.own("INSERT INTO weir_catalog.grants VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                     {kind, place.schema, place.name, column, privilege, int64_t{grantee}, int64_t{who_.id},
                      order.grantees[grantee_at].with_option}));
    return {};
  }

  Status check_columns(const Place& place, const std::vector<std::string>& columns) {
    for (const std::string& column : columns) {
      TRY_ASSIGN(
          const Rows rows,
          session_.own("SELECT 1 FROM duckdb_columns() WHERE table_name = $1 AND column_name = $2 AND CASE WHEN $3 "
                       "= 'lake' THEN database_name = 'lake' ELSE schema_name = $3 END",
                       {place.name, column, place.schema}));
      if (rows.empty() && place.kind != "view") {
        return error_of(Code::not_found, "42703",
                        "column \"" + column + "\" of relation \"" + place.name + "\" does not exist");
      }
    }
    return {};
  }

  Status on_relation(const dialect::Grant& order, const Place& place, const std::vector<uint32_t>& grantees) {
    if (place.schema == "temp") return error_of(Code::unsupported, "0A000", "a temporary table is its session's alone");
    if (place.kind == "external table") {
      return error_of(Code::unsupported, "0A000", "nothing is granted on an external table by itself",
                      "GRANT USAGE ON SCHEMA " + place.schema + " lets read all its tables");
    }
    TRY_ASSIGN(const auto rights, session_.rights());
    for (const dialect::GrantedPrivilege& one : order.privileges) {
      TRY_ASSIGN(const std::vector<std::string> privileges, names_of({one}, kOfTables));
      TRY(check_columns(place, one.columns));
      for (const std::string& privilege : privileges) {
        if (!one.columns.empty() && privilege != "select" && privilege != "update" && privilege != "references") {
          if (one.name == "all") continue;
          return error_of(Code::invalid, "0LP01", "only SELECT, UPDATE and REFERENCES are granted on columns");
        }
        if (!rights->may_grant(who_, privilege, place.schema, place.name)) {
          return permission_denied("relation " + place.name);
        }
        std::vector<std::string> columns = one.columns;
        if (columns.empty()) columns.emplace_back();
        for (const std::string& column : columns) {
          for (size_t i = 0; i < grantees.size(); ++i) {
            TRY(change(order, "relation", place, column, privilege, i, grantees[i]));
          }
        }
      }
    }
    return {};
  }

  Status on_all(const dialect::Grant& order, const dialect::Name& schema, const std::vector<uint32_t>& grantees) {
    TRY_ASSIGN(const bool exists, schema_exists(session_, schema.name));
    if (!exists) return error_of(Code::not_found, "3F000", "schema \"" + schema.name + "\" does not exist");
    TRY_ASSIGN(const auto rights, session_.rights());
    std::vector<Place> places;
    const bool is_public = schema.name == "public";
    TRY_ASSIGN(
        const Rows rows,
        session_.own("SELECT CASE WHEN database_name = 'lake' THEN 'lake' ELSE schema_name END, table_name FROM "
                     "duckdb_tables() WHERE (database_name = current_database() AND (schema_name = $1 OR ($2 AND "
                     "schema_name = 'main'))) OR ($2 AND database_name = 'lake' AND table_name NOT LIKE 'weir\\_%' "
                     "ESCAPE '\\')",
                     {schema.name, is_public}));
    for (const auto& row : rows) {
      places.push_back(
          {.schema = std::get<std::string>(row[0]), .name = std::get<std::string>(row[1]), .kind = "table"});
    }
    for (const auto& [key, relation] : rights->relations()) {
      if (relation.schema == schema.name && relation.kind == "view")
        places.push_back({schema.name, relation.name, "view"});
    }
    for (const Place& place : places) {
      TRY(on_relation(order, place, grantees));
    }
    return {};
  }

  Status on_schema(const dialect::Grant& order, const dialect::Name& name, const std::vector<uint32_t>& grantees) {
    TRY_ASSIGN(const bool exists, schema_exists(session_, name.name));
    if (!exists) return error_of(Code::not_found, "3F000", "schema \"" + name.name + "\" does not exist");
    TRY_ASSIGN(const auto rights, session_.rights());
    TRY_ASSIGN(const std::vector<std::string> privileges, names_of(order.privileges, kOfSchemas));
    const Place place{.schema = name.name, .name = {}, .kind = "schema"};
    for (const std::string& privilege : privileges) {
      if (!rights->may_grant(who_, privilege, name.name, "")) return permission_denied("schema " + name.name);
      for (size_t i = 0; i < grantees.size(); ++i) {
        TRY(change(order, "schema", place, "", privilege, i, grantees[i]));
        // What everybody has from the start is kept as its absence.
        if (name.name != "public" || privilege != "create" || grantees[i] != kEverybody) continue;
        TRY(session_.own(
            "DELETE FROM weir_catalog.grants WHERE kind = 'schema' AND schema_name = 'public' AND privilege = "
            "'no create'"));
        if (!order.revokes) continue;
        TRY(session_.own(
            "INSERT INTO weir_catalog.grants VALUES ('schema', 'public', '', '', 'no create', 0, $1, false)",
            {int64_t{who_.id}}));
      }
    }
    return {};
  }

  Status on_function(const dialect::Grant& order, const dialect::Name& name,
                     const std::vector<dialect::Type>& arguments, const std::vector<uint32_t>& grantees) {
    TRY_ASSIGN(const auto rights, session_.rights());
    TRY_ASSIGN(const std::vector<std::string> privileges, names_of(order.privileges, {"execute"}));
    std::vector<std::string> types;
    std::string shown;
    for (const dialect::Type& one : arguments) {
      types.push_back(one.engine);
      shown += (shown.empty() ? "" : ", ") + one.shown;
    }
    const FunctionEntry* found = nullptr;
    for (const std::string& schema :
         name.schema.empty() ? session_.search_path() : std::vector<std::string>{name.schema}) {
      if (found == nullptr) found = rights->function(schema, name.name, types);
    }
    if (found == nullptr) {
      return error_of(Code::not_found, "42883", "function " + name.name + "(" + shown + ") does not exist");
    }
    if (!rights->may_grant_function(who_, *found)) return permission_denied("function " + name.name);
    const Place place{.schema = found->function.schema,
                      .name = found->function.key.substr(found->function.schema.size() + 1),
                      .kind = "function"};
    for (size_t i = 0; i < grantees.size(); ++i) {
      TRY(change(order, "function", place, "", "execute", i, grantees[i]));
    }
    return {};
  }

  // IGNORE RLS and its like: of roles, as on Redshift.
  Status on_system(const dialect::Grant& order, const std::vector<uint32_t>& grantees) {
    if (!who_.is_superuser) return permission_denied(order.privileges.front().name + ": a superuser grants it");
    for (const dialect::Grantee& one : order.grantees) {
      if (one.kind == GranteeKind::role) continue;
      return error_of(Code::invalid, "0LP01", "a right over the whole system is granted to a role", "TO ROLE name");
    }
    for (size_t i = 0; i < grantees.size(); ++i) {
      TRY(change(order, "system", Place{}, "", order.privileges.front().name, i, grantees[i]));
    }
    return {};
  }

  SessionState& session_;
  const Subject who_;
  const std::shared_ptr<const access::Directory> directory_;
};

}  // namespace

Result<Answer> change_users(SessionState& session, const dialect::Statement& parsed) {
  UserChanger changer(session);
  Status done;
  if (const auto* user = std::get_if<dialect::UserChange>(&parsed)) done = changer(*user);
  if (const auto* role = std::get_if<dialect::RoleChange>(&parsed)) done = changer(*role);
  if (const auto* drop = std::get_if<dialect::Drop>(&parsed)) done = changer(*drop);
  if (!done) return told(std::move(done).error());
  return only_tag(parsed);
}

Result<Answer> change_grants(SessionState& session, const dialect::Statement& parsed) {
  if (const auto* grant = std::get_if<dialect::Grant>(&parsed)) {
    if (grant->on == dialect::Grant::On::role) {
      const Status done = UserChanger(session)(*grant);
      if (!done) return told(done.error());
      return only_tag(parsed);
    }
    TRY(session.in_transaction([&] { return Granter(session).run(*grant); }));
    return only_tag(parsed);
  }
  const auto& order = std::get<dialect::DefaultPrivileges>(parsed);
  TRY(session.in_transaction([&] { return Granter(session).run(order); }));
  return only_tag(parsed);
}

}  // namespace weir::warehouse
