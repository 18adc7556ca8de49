// Users, roles, groups and grants.
#include "platform/dialect/cursor.h"

namespace weir::dialect {
namespace {

Result<SetSetting> user_setting(Cursor& at) {
  SetSetting out;
  TRY_ASSIGN(out.name, at.identifier("a setting's name"));
  if (!at.accept("to") && !at.accept_symbol("=")) return at.expected("TO");
  if (at.accept("default")) return out;
  do {
    if (at.sees_text()) {
      TRY_ASSIGN(std::string value, at.text("a value"));
      out.values.push_back(std::move(value));
    } else if (at.is_at_end()) {
      return at.expected("a value");
    } else {
      out.values.emplace_back(at.tokens()[at.place()].in(at.sql()));
      at.skip();
    }
  } while (at.accept_symbol(","));
  return out;
}

bool begins_limit(const Cursor& at) {
  return at.sees("valid") || (at.sees("connection") && at.sees("limit", 1)) ||
         (at.sees("session") && at.sees("timeout", 1));
}

// VALID UNTIL, CONNECTION LIMIT, SESSION TIMEOUT.
Status user_limit(Cursor& at, UserChange& out) {
  if (at.accept("valid")) {
    TRY(at.expect("until"));
    TRY_ASSIGN(out.valid_until, at.text("a time in single quotes"));
    return {};
  }
  if (at.accept_all({"session", "timeout"})) {
    const Error wrong = at.expected("60 to 1728000 seconds");
    TRY_ASSIGN(const int64_t timeout, at.integer("a number of seconds"));
    if (timeout < 60 || timeout > 1'728'000) return wrong;
    out.session_timeout = timeout;
    return {};
  }
  at.accept_all({"connection", "limit"});
  if (at.accept("unlimited")) {
    out.connection_limit = -1;
    return {};
  }
  const Error wrong = at.expected("a number of connections, or UNLIMITED");
  TRY_ASSIGN(const int64_t limit, at.integer("a number of connections, or UNLIMITED"));
  if (limit < -1 || limit > 1'000'000) return wrong;
  out.connection_limit = static_cast<int>(limit);
  return {};
}

Result<std::vector<GrantedPrivilege>> privileges(Cursor& at) {
  std::vector<GrantedPrivilege> out;
  do {
    GrantedPrivilege one;
    if (at.accept("temp")) {
      one.name = "temporary";
    } else {
      TRY_ASSIGN(one.name, at.identifier("a privilege"));
    }
    if (one.name == "all") at.accept("privileges");
    if (at.sees_symbol("(")) {
      TRY_ASSIGN(one.columns, at.column_list("a column"));
    }
    out.push_back(std::move(one));
  } while (at.accept_symbol(","));
  return out;
}

Status grant_objects(Cursor& at, Grant& out) {
  using On = Grant::On;
  if (at.accept("schema")) {
    out.on = On::schemas;
  } else if (at.accept("database")) {
    out.on = On::database;
  } else if (at.accept_all({"all", "tables", "in", "schema"})) {
    out.on = On::all_tables;
  } else if (at.sees("all") && (at.sees("functions", 1) || at.sees("procedures", 1))) {
    return at.unsupported("A grant on all functions of a schema");
  } else if (at.accept("function")) {
    out.on = On::functions;
  } else if (at.sees("procedure")) {
    return at.unsupported("A grant on procedures");
  } else if (at.accept("language")) {
    out.on = On::languages;
  } else if (at.sees("model") || at.sees("datashare") || at.sees("external") || at.sees("copy")) {
    return at.unsupported("A grant on this kind of object");
  } else {
    at.accept("table");
  }
  do {
    TRY_ASSIGN(Name name, at.name("a name"));
    if (out.on == On::functions) {
      TRY_ASSIGN(std::vector<Type> arguments, parse_argument_types(at));
      out.arguments.push_back(std::move(arguments));
    }
    if ((out.on == On::schemas || out.on == On::all_tables) && !name.schema.empty()) {
      name.database = std::move(name.schema);
      name.schema.clear();
    }
    out.names.push_back(std::move(name));
  } while (at.accept_symbol(","));
  return {};
}

}  // namespace

Result<std::vector<Grantee>> parse_grantees(Cursor& at) {
  std::vector<Grantee> out;
  do {
    Grantee one;
    if (at.sees("rls") && at.sees("policy", 1)) {
      return at.unsupported("A grant to an RLS POLICY", "a policy reads its lookup tables by itself");
    }
    if (at.accept("group")) {
      one.kind = GranteeKind::group;
    } else if (at.accept("role")) {
      one.kind = GranteeKind::role;
    } else if (at.accept("public")) {
      one.kind = GranteeKind::everybody;
      one.name = "public";
    }
    if (one.kind != GranteeKind::everybody) {
      TRY_ASSIGN(one.name, at.identifier("a user's name, ROLE, GROUP or PUBLIC"));
      // sys:secadmin
      if (one.kind == GranteeKind::role && at.accept_symbol(":")) {
        TRY_ASSIGN(const std::string rest, at.identifier("a role's name"));
        one.name += ":" + rest;
      }
    }
    if (at.accept_all({"with", "grant", "option"})) one.with_option = true;
    out.push_back(std::move(one));
  } while (at.accept_symbol(","));
  return out;
}

Result<Statement> parse_user(Cursor& at, bool is_new) {
  UserChange out{.name = {},
                 .is_new = is_new,
                 .password = {},
                 .superuser = {},
                 .create_database = {},
                 .syslog_unrestricted = {},
                 .valid_until = {},
                 .connection_limit = {},
                 .session_timeout = {},
                 .groups = {},
                 .rename_to = {},
                 .setting = {},
                 .reset = {}};
  if (is_new && at.accept_all({"if", "not", "exists"})) return at.unsupported("CREATE USER IF NOT EXISTS");
  TRY_ASSIGN(out.name, at.identifier("a user's name"));
  if (!is_new && at.accept_all({"rename", "to"})) {
    TRY_ASSIGN(out.rename_to, at.identifier("a new name"));
    TRY(at.expect_end());
    return Statement(std::move(out));
  }
  at.accept("with");
  while (!at.is_at_end()) {
    if (at.accept("encrypted") || at.accept("unencrypted")) {
      if (!at.sees("password")) return at.expected("PASSWORD");
    } else if (at.accept("password")) {
      out.disables_password = at.accept("disable") || at.accept("null");
      if (!out.disables_password) {
        TRY_ASSIGN(out.password, at.text("a password in single quotes, or DISABLE"));
      }
    } else if (at.accept("createdb")) {
      out.create_database = true;
    } else if (at.accept("nocreatedb")) {
      out.create_database = false;
    } else if (at.accept("createuser") || at.accept("superuser")) {
      out.superuser = true;
    } else if (at.accept("nocreateuser") || at.accept("nosuperuser")) {
      out.superuser = false;
    } else if (at.accept("login") || at.accept("inherit") || at.accept("nocreaterole")) {
      // what every user is
    } else if (at.accept_all({"syslog", "access"})) {
      out.syslog_unrestricted = at.accept("unrestricted");
      if (!*out.syslog_unrestricted) {
        TRY(at.expect("restricted"));
      }
    } else if (at.accept_all({"in", "group"})) {
      TRY_ASSIGN(out.groups, at.identifiers("a group's name"));
    } else if (begins_limit(at)) {
      TRY(user_limit(at, out));
    } else if (!is_new && at.accept("set")) {
      TRY_ASSIGN(out.setting, user_setting(at));
    } else if (!is_new && at.accept_all({"reset", "session", "timeout"})) {
      out.session_timeout = 0;
    } else if (!is_new && at.accept("reset")) {
      TRY_ASSIGN(out.reset, at.identifier("a setting's name"));
    } else if (at.sees("externalid")) {
      return at.unsupported("EXTERNALID");
    } else {
      return at.expected(
          "PASSWORD, CREATEDB, CREATEUSER, IN GROUP, VALID UNTIL, CONNECTION LIMIT, SESSION TIMEOUT or SYSLOG ACCESS");
    }
  }
  return Statement(std::move(out));
}

Result<Statement> parse_role(Cursor& at, bool is_group, bool is_new) {
  RoleChange out{
      .name = {}, .is_group = is_group, .is_new = is_new, .add = {}, .remove = {}, .rename_to = {}, .owner = {}};
  TRY_ASSIGN(out.name, at.identifier(is_group ? "a group's name" : "a role's name"));
  if (is_new) {
    if (is_group && (at.accept_all({"with", "user"}) || at.accept("user"))) {
      TRY_ASSIGN(out.add, at.identifiers("a user's name"));
    }
    if (at.sees("externalid")) return at.unsupported("EXTERNALID");
    if (at.sees("login") || at.sees("password") || (at.sees("with") && !is_group)) {
      return at.unsupported("A role that signs in", "CREATE USER makes one who does");
    }
  } else if (at.accept_all({"rename", "to"})) {
    TRY_ASSIGN(out.rename_to, at.identifier("a new name"));
  } else if (!is_group && at.accept_all({"owner", "to"})) {
    TRY_ASSIGN(out.owner, at.identifier("a user's name"));
  } else if (is_group && at.accept_all({"add", "user"})) {
    TRY_ASSIGN(out.add, at.identifiers("a user's name"));
  } else if (is_group && at.accept_all({"drop", "user"})) {
    TRY_ASSIGN(out.remove, at.identifiers("a user's name"));
  } else {
    return at.expected(is_group ? "ADD USER, DROP USER or RENAME TO" : "RENAME TO or OWNER TO");
  }
  TRY(at.expect_end());
  return Statement(std::move(out));
}

Result<Statement> parse_grant(Cursor& at, bool revokes) {
  Grant out{.revokes = revokes, .privileges = {}, .names = {}, .arguments = {}, .grantees = {}};
  if (revokes && at.accept_all({"grant", "option", "for"})) out.option_only = true;
  if (revokes && at.accept_all({"admin", "option", "for"})) out.option_only = true;
  if (at.sees("assumerole")) return at.unsupported("A grant of ASSUMEROLE");
  if (at.accept_all({"ignore", "rls"})) {
    out.on = Grant::On::system;
    out.privileges.push_back({.name = "ignore rls", .columns = {}});
  } else if (at.accept_all({"explain", "rls"})) {
    out.on = Grant::On::system;
    out.privileges.push_back({.name = "explain rls", .columns = {}});
  } else if (at.accept_all({"explain", "masking"})) {
    out.on = Grant::On::system;
    out.privileges.push_back({.name = "explain masking", .columns = {}});
  } else if (at.accept_all({"access", "system", "table"})) {
    out.on = Grant::On::system;
    out.privileges.push_back({.name = "access system table", .columns = {}});
  } else if (at.accept("role")) {
    out.on = Grant::On::role;
    do {
      Name role{.at = at.offset()};
      TRY_ASSIGN(role.name, at.identifier("a role's name"));
      // sys:monitor
      if (at.accept_symbol(":")) {
        TRY_ASSIGN(const std::string rest, at.identifier("a role's name"));
        role.name += ":" + rest;
      }
      out.names.push_back(std::move(role));
    } while (at.accept_symbol(","));
  } else {
    TRY_ASSIGN(out.privileges, privileges(at));
    TRY(at.expect("on"));
    TRY(grant_objects(at, out));
  }
  TRY(at.expect(revokes ? "from" : "to"));
  TRY_ASSIGN(out.grantees, parse_grantees(at));
  if (!revokes && out.on == Grant::On::role && at.accept_all({"with", "admin", "option"})) {
    for (Grantee& one : out.grantees) one.with_option = true;
  }
  if (revokes) {
    out.cascade = at.accept("cascade") || at.accept("force");
    if (!out.cascade) at.accept("restrict");
  }
  TRY(at.expect_end());
  return Statement(std::move(out));
}

Result<Statement> parse_default_privileges(Cursor& at) {
  DefaultPrivileges out;
  if (at.accept_all({"for", "user"}) || at.accept_all({"for", "role"})) {
    TRY_ASSIGN(out.users, at.identifiers("a user's name"));
  }
  if (at.accept_all({"in", "schema"})) {
    TRY_ASSIGN(out.schemas, at.identifiers("a schema's name"));
  }
  out.grant.revokes = at.accept("revoke");
  if (!out.grant.revokes) {
    TRY(at.expect("grant"));
  } else if (at.accept_all({"grant", "option", "for"})) {
    out.grant.option_only = true;
  }
  TRY_ASSIGN(out.grant.privileges, privileges(at));
  TRY(at.expect("on"));
  out.object = at.word();
  if (out.object != "tables") {
    return at.sees("functions") || at.sees("procedures") ? at.unsupported("Default privileges on " + out.object)
                                                         : at.expected("TABLES");
  }
  at.skip();
  TRY(at.expect(out.grant.revokes ? "from" : "to"));
  TRY_ASSIGN(out.grant.grantees, parse_grantees(at));
  out.grant.cascade = at.accept("cascade");
  if (!out.grant.cascade) at.accept("restrict");
  TRY(at.expect_end());
  return Statement(std::move(out));
}

}  // namespace weir::dialect
