#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "core/base/text.h"
#include "core/base/time.h"
#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr size_t kPasswordBytesMax = 4'096;  // what is no password is said by the server

// What the options of one command were set to.
struct UserOptions {
  std::string name;
  bool password_stdin = false, generate = false, no_password = false, disable = false, md5 = false;
  bool superuser = false, no_superuser = false, create_database = false, no_create_database = false;
  bool sees_all_statements = false, sees_own_statements = false;
  std::string valid_until, connection_limit, session_timeout, new_name;
  std::vector<std::string> roles, groups, set, reset;
};

struct RoleOptions {
  std::string role, member, owner;
  bool group = false, force = false, with_admin = false;
};

// --- passwords ------------------------------------------------------------------------------------------------------

// From a prompt without echo or the first line of standard input, never from the command line: that would show it to
// everybody on the machine.
Result<std::string> ask_password() {
  const char* typed = getpass("password: ");
  if (typed == nullptr) return Error(Code::io, "the terminal gave no password");
  const std::string first = typed;
  typed = getpass("again: ");
  if (typed == nullptr || first != typed) return Error(Code::invalid, "the two passwords differ");
  return first;
}

Result<std::string> read_password() {
  std::string line;
  if (!std::getline(std::cin, line)) return Error(Code::invalid, "standard input has no password");
  if (line.ends_with('\r')) line.pop_back();
  if (line.size() > kPasswordBytesMax) return Error(Code::too_large, "the password is longer than 4096 bytes");
  return line;
}

Status add_password(const UserOptions& options, Json& body) {
  const int ways = (options.password_stdin ? 1 : 0) + (options.generate ? 1 : 0) + (options.no_password ? 1 : 0) +
                   (options.disable ? 1 : 0);
  if (ways > 1)
    return Error(Code::invalid, "--password-stdin, --generate, --no-password and --disable exclude each other");
  if (options.md5) body.set("md5", true);
  if (options.no_password) return {};
  if (options.generate) {
    body.set("generate", true);
  } else if (options.disable) {
    body.set("disable", true);
  } else if (options.password_stdin) {
    TRY_ASSIGN(std::string password, read_password());
    body.set("password", std::move(password));
  } else if (isatty(STDIN_FILENO) == 1) {
    TRY_ASSIGN(std::string password, ask_password());
    body.set("password", std::move(password));
  } else {
    return Error(Code::invalid, "there is no terminal to ask for the password", "--password-stdin or --generate");
  }
  return {};
}

// --- what is said of a user -----------------------------------------------------------------------------------------

Status add_flag(Json& body, const char* key, bool on, bool off) {
  if (on && off) return Error(Code::invalid, std::string("both options for ") + key + " were given");
  if (on || off) body.set(key, on);
  return {};
}

Status add_limits(const UserOptions& options, Json& body) {
  if (!options.valid_until.empty())
    body.set("valid_until", options.valid_until == "never" ? Json() : Json(options.valid_until));
  if (options.connection_limit == "unlimited") {
    body.set("connection_limit", Json());
  } else if (!options.connection_limit.empty()) {
    const auto limit = Json::parse(options.connection_limit);
    if (!limit || !limit->is_integer())
      return Error(Code::invalid, shown(options.connection_limit) + " is no connection limit",
                   "a number, or unlimited");
    body.set("connection_limit", *limit);
  }
  if (options.session_timeout == "none") {
    body.set("session_timeout_s", Json());
  } else if (!options.session_timeout.empty()) {
    TRY_ASSIGN(const Duration timeout, parse_duration(options.session_timeout));
    body.set("session_timeout_s", timeout.micros / 1'000'000);
  }
  return {};
}

Status add_attributes(const UserOptions& options, Json& body) {
  TRY(add_flag(body, "superuser", options.superuser, options.no_superuser));
  TRY(add_flag(body, "create_database", options.create_database, options.no_create_database));
  TRY(add_flag(body, "syslog_unrestricted", options.sees_all_statements, options.sees_own_statements));
  TRY(add_limits(options, body));
  Json settings{Json::Object{}};
  for (const std::string& one : options.set) {
    const size_t equals = one.find('=');
    if (equals == std::string::npos)
      return Error(Code::invalid, shown(one) + " is no setting with a value", "--set search_path=marketing");
    settings.set(one.substr(0, equals), one.substr(equals + 1));
  }
  for (const std::string& name : options.reset) settings.set(name, Json());
  if (!settings.object().empty()) body.set("settings", std::move(settings));
  return {};
}

Json list_of(const std::vector<std::string>& names) {
  Json out{Json::Array{}};
  for (const std::string& name : names) out.push(name);
  return out;
}

std::string path_of(const std::string& name) {
  return "/v1/users/" + url_encode(name);
}

// --- commands of users ----------------------------------------------------------------------------------------------

Result<Json> ask(Context& context, const ApiRequest& request) {
  TRY_ASSIGN(const auto backend, context.wiring.open(context.common));
  return call_json(*backend, request);
}

int done(const Result<Json>& answer) {
  return answer ? kDone : report(answer.error());
}

// A generated password is all that goes to standard output, so that a script can keep it.
int print_changed(const Context& context, const Result<Json>& answer, const std::string& what) {
  if (!answer) return report(answer.error());
  if (context.common.json) {
    std::cout << answer->dump(2) << "\n";
    return kDone;
  }
  const Json& generated = (*answer)["generated_password"];
  if (generated.is_string()) {
    std::printf("%s\n", generated.as_string().c_str());
    std::fprintf(stderr, "shown once; it is the password of %s\n", (*answer)["name"].as_string().c_str());
  } else {
    std::printf("%s %s\n", (*answer)["name"].as_string().c_str(), what.c_str());
  }
  return kDone;
}

int create(Context& context, const UserOptions& options) {
  Json body{Json::Object{}};
  body.set("name", options.name);
  if (!options.roles.empty()) body.set("roles", list_of(options.roles));
  if (!options.groups.empty()) body.set("groups", list_of(options.groups));
  if (const auto said = add_attributes(options, body); !said) return report(said.error());
  if (const auto given = add_password(options, body); !given) return report(given.error());
  return print_changed(context, ask(context, {.method = "POST", .path = "/v1/users", .body = body.dump()}), "is made");
}

int alter(Context& context, const UserOptions& options) {
  Json body{Json::Object{}};
  if (!options.new_name.empty()) body.set("name", options.new_name);
  if (const auto said = add_attributes(options, body); !said) return report(said.error());
  if (body.object().empty())
    return report(Error(Code::invalid, "nothing to change was given", "weir user alter --help"));
  return print_changed(context, ask(context, {.method = "PATCH", .path = path_of(options.name), .body = body.dump()}),
                       "is changed");
}

int password(Context& context, const UserOptions& options) {
  Json body{Json::Object{}};
  if (const auto given = add_password(options, body); !given) return report(given.error());
  return print_changed(
      context, ask(context, {.method = "PUT", .path = path_of(options.name) + "/password", .body = body.dump()}),
      options.disable ? "has no password any more" : "has a new password");
}

std::string names_of(const Json& list) {
  std::vector<std::string> names;
  for (const Json& name : list.array()) names.push_back(name.as_string());
  return join(names, ",");
}

std::string password_state(const Json& user) {
  if (user["is_disabled"].as_bool()) return "disabled";
  return user["has_password"].as_bool() ? "set" : "none";
}

int list(Context& context) {
  const auto answer = ask(context, {.path = "/v1/users"});
  if (!answer) return report(answer.error());
  if (context.common.json) {
    std::cout << answer->dump(2) << "\n";
    return kDone;
  }
  TextTable table;
  table.header = {"id", "name", "superuser", "password", "valid until", "roles", "groups", "created"};
  for (const Json& user : (*answer)["users"].array()) {
    table.rows.push_back({std::to_string(user["id"].as_int()), user["name"].as_string(),
                          user["superuser"].as_bool() ? "yes" : "", password_state(user),
                          user["valid_until"].as_string(), names_of(user["roles"]), names_of(user["groups"]),
                          user["created_at"].as_string()});
  }
  std::cout << render(table, context.common.colour);
  return kDone;
}

int show(Context& context, const std::string& name) {
  const auto answer = ask(context, {.path = path_of(name)});
  if (!answer) return report(answer.error());
  if (context.common.json) {
    std::cout << answer->dump(2) << "\n";
    return kDone;
  }
  TextTable table;
  table.header = {"", ""};
  for (const auto& [key, value] : answer->object())
    table.rows.push_back({key, value.is_string() ? value.as_string() : value.is_null() ? "" : value.dump()});
  std::cout << render(table, context.common.colour, true);
  return kDone;
}

// --- commands of roles ----------------------------------------------------------------------------------------------

std::string role_path(const RoleOptions& options) {
  return "/v1/roles/" + url_encode(options.role);
}

std::string kind_query(const RoleOptions& options) {
  return std::string("?kind=") + (options.group ? "group" : "role");
}

int create_role(Context& context, const RoleOptions& options) {
  Json body{Json::Object{}};
  body.set("name", options.role);
  body.set("kind", options.group ? "group" : "role");
  if (!options.owner.empty()) body.set("owner", options.owner);
  return print_changed(context, ask(context, {.method = "POST", .path = "/v1/roles", .body = body.dump()}), "is made");
}

int list_roles(Context& context) {
  const auto answer = ask(context, {.path = "/v1/roles"});
  if (!answer) return report(answer.error());
  if (context.common.json) {
    std::cout << answer->dump(2) << "\n";
    return kDone;
  }
  TextTable table;
  table.header = {"id", "name", "kind", "owner", "members"};
  for (const Json& role : (*answer)["roles"].array()) {
    std::vector<std::string> members;
    for (const Json& member : role["members"].array())
      members.push_back(member["name"].as_string() + (member["with_admin"].as_bool() ? " (admin)" : ""));
    table.rows.push_back({std::to_string(role["id"].as_int()), role["name"].as_string(), role["kind"].as_string(),
                          role["predefined"].as_bool() ? "" : role["owner"].as_string(), join(members, ", ")});
  }
  std::cout << render(table, context.common.colour);
  return kDone;
}

int drop_role(Context& context, const RoleOptions& options) {
  return done(ask(context, {.method = "DELETE",
                            .path = role_path(options) + kind_query(options) + (options.force ? "&force=true" : "")}));
}

int change_members(Context& context, const char* method, const RoleOptions& options) {
  Json body{Json::Object{}};
  if (options.with_admin) body.set("with_admin", true);
  return done(ask(context, {.method = method,
                            .path = role_path(options) + "/members/" + url_encode(options.member) + kind_query(options),
                            .body = body.object().empty() ? std::string() : body.dump()}));
}

// --- grammar --------------------------------------------------------------------------------------------------------

void add_attribute_options(CLI::App& command, UserOptions& options) {
  command.add_flag("--superuser", options.superuser, "May do everything");
  command.add_flag("--create-database", options.create_database, "May create databases");
  command.add_flag("--sees-all-statements", options.sees_all_statements,
                   "Sees what others ran, in the system views (SYSLOG ACCESS UNRESTRICTED)");
  command.add_option("--valid-until", options.valid_until, "When the password ends, in UTC: 2027-01-31, or never");
  command.add_option("--connection-limit", options.connection_limit, "Connections at once, or unlimited");
  command.add_option("--session-timeout", options.session_timeout, "Idle time of a connection: 60s to 20d, or none");
  command.add_option("--set", options.set, "A setting of its sessions, NAME=VALUE; can be given several times");
}

void add_password_options(CLI::App& command, UserOptions& options) {
  command.add_flag("--password-stdin", options.password_stdin, "The first line of standard input");
  command.add_flag("--generate", options.generate, "A random one, printed once");
  command.add_flag("--disable", options.disable, "None, and only an administrator may give one again");
  command.add_flag("--md5", options.md5, "Keep it also in the form that old drivers need on the wire");
}

void add_role_commands(CLI::App& group, Context& context) {
  auto* roles = group.add_subcommand("role", "Roles and groups");
  roles->require_subcommand(1);
  auto options = std::make_shared<RoleOptions>();
  const auto add = [&](const char* name, const char* help, const std::function<int()>& run) {
    auto* command = roles->add_subcommand(name, help);
    command->callback([&context, run] { context.exit_code = run(); });
    return command;
  };
  const auto takes_role = [options](CLI::App* command) {
    command->add_option("ROLE", options->role)->required();
    command->add_flag("--group", options->group, "A group, not a role");
    return command;
  };
  auto* create =
      takes_role(add("create", "Make a role or a group", [=, &context] { return create_role(context, *options); }));
  create->add_option("--owner", options->owner, "A user; weir unless told");
  add("list", "All of them with their members", [&context] { return list_roles(context); });
  auto* drop = takes_role(add("drop", "Drop one", [=, &context] { return drop_role(context, *options); }));
  drop->add_flag("--force", options->force, "Also one that is granted to somebody");
  auto* grant = takes_role(add("grant", "Grant a role to a user or a role, or add a user to a group",
                               [=, &context] { return change_members(context, "PUT", *options); }));
  grant->add_option("MEMBER", options->member)->required();
  grant->add_flag("--with-admin", options->with_admin, "May grant it to others");
  auto* revoke =
      takes_role(add("revoke", "Take it back", [=, &context] { return change_members(context, "DELETE", *options); }));
  revoke->add_option("MEMBER", options->member)->required();
}

}  // namespace

void add_user(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("user", "People and programs that sign in with a name: users, roles, groups");
  group->require_subcommand(1);
  auto options = std::make_shared<UserOptions>();
  const auto add = [&](const char* name, const char* help, const std::function<int()>& run) {
    auto* command = group->add_subcommand(name, help);
    command->callback([&context, run] { context.exit_code = run(); });
    return command;
  };
  auto* make = add("create", "Make a user; asks for the password", [=, &context] { return create(context, *options); });
  make->add_option("NAME", options->name)->required();
  add_attribute_options(*make, *options);
  add_password_options(*make, *options);
  make->add_flag("--no-password", options->no_password, "None yet");
  make->add_option("--role", options->roles, "Grant it this role; can be given several times");
  make->add_option("--group", options->groups, "Add it to this group; can be given several times");

  add("list", "All users", [&context] { return list(context); });
  auto* one = add("show", "One user", [=, &context] { return show(context, options->name); });
  one->add_option("NAME", options->name)->required();

  auto* change = add("alter", "Change what is said of a user", [=, &context] { return alter(context, *options); });
  change->add_option("NAME", options->name)->required();
  change->add_option("--rename", options->new_name, "Its new name; nothing else at the same time");
  add_attribute_options(*change, *options);
  change->add_flag("--no-superuser", options->no_superuser);
  change->add_flag("--no-create-database", options->no_create_database);
  change->add_flag("--sees-own-statements", options->sees_own_statements, "SYSLOG ACCESS RESTRICTED");
  change->add_option("--reset", options->reset, "A setting that goes back to its default; several times for more");

  auto* renew = add("password", "Give a user a new password; its sessions end",
                    [=, &context] { return password(context, *options); });
  renew->add_option("NAME", options->name)->required();
  add_password_options(*renew, *options);

  auto* drop = add("drop", "Drop a user who owns nothing",
                   [=, &context] { return done(ask(context, {.method = "DELETE", .path = path_of(options->name)})); });
  drop->add_option("NAME", options->name)->required();
  add_role_commands(*group, context);
}

}  // namespace weir::cli
