// Users, roles and groups: /v1/users and /v1/roles, for administrators.
#include "platform/access/users.h"

#include "core/base/text.h"
#include "core/base/time.h"
#include "surface/http/routes/audit.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

using access::RoleInfo;
using access::RoleName;
using access::UserChange;
using access::UserInfo;

constexpr int64_t kConnectionsMax = 1'000'000;
constexpr int64_t kSecondsMax = 100 * 24 * 3600;

Response nothing_to_say() {
  Response response;
  response.status = 204;
  return response;
}

Json user_json(const access::Users& users, uint32_t id) {
  const auto directory = users.directory();
  const UserInfo* user = directory->user(id);
  return user == nullptr ? Json(Json::Object{}) : directory->to_json(*user);  // dropped by somebody at this moment
}

Result<UserInfo> user_named(const access::Users& users, std::string_view name) {
  const auto directory = users.directory();
  const UserInfo* user = directory->user(name);
  if (user == nullptr) return Error(Code::not_found, "there is no user " + shown(name), "weir user list");
  return *user;
}

Result<std::optional<bool>> flag_in(const JsonBody& body, const char* key) {
  if (body.find(key) == nullptr) return std::optional<bool>();
  TRY_ASSIGN(const bool value, body.flag_or(key, false));
  return std::optional<bool>(value);
}

// Missing: as it is. null: for ever.
Result<std::optional<std::optional<WallTime>>> time_in(const JsonBody& body, const char* key) {
  using Change = std::optional<std::optional<WallTime>>;
  const Json* found = body.find(key);
  if (found == nullptr) return Change();
  if (found->is_null()) return Change(std::optional<WallTime>());
  TRY_ASSIGN(const std::string text, body.text(key));
  if (const auto day = parse_date(text)) return Change(WallTime{*day * days(1).micros});
  TRY_ASSIGN(const int64_t micros, parse_timestamp(text));
  return Change(WallTime{micros});
}

Result<std::vector<std::pair<std::string, std::optional<std::string>>>> settings_in(const JsonBody& body) {
  std::vector<std::pair<std::string, std::optional<std::string>>> out;
  const Json* settings = body.find("settings");
  if (settings == nullptr) return out;
  if (!settings->is_object()) return Error(Code::invalid, "'settings' must be an object of names and texts");
  for (const auto& [name, value] : settings->object()) {
    if (!value.is_string() && !value.is_null())
      return Error(Code::invalid, "the setting " + shown(name) + " must be a text, or null to reset it");
    out.emplace_back(name, value.is_null() ? std::nullopt : std::optional<std::string>(value.as_string()));
  }
  return out;
}

// What a request says of a user, besides name and password.
Result<UserChange> change_in(const JsonBody& body) {
  UserChange out;
  TRY_ASSIGN(out.superuser, flag_in(body, "superuser"));
  TRY_ASSIGN(out.create_database, flag_in(body, "create_database"));
  TRY_ASSIGN(out.syslog_unrestricted, flag_in(body, "syslog_unrestricted"));
  TRY_ASSIGN(out.valid_until, time_in(body, "valid_until"));
  TRY_ASSIGN(out.settings, settings_in(body));
  if (const Json* limit = body.find("connection_limit")) {
    TRY_ASSIGN(const int64_t value, body.integer_or("connection_limit", 0, {0, kConnectionsMax}));
    out.connection_limit = limit->is_null() ? std::nullopt : std::optional<int>(static_cast<int>(value));
  }
  if (const Json* timeout = body.find("session_timeout_s")) {
    TRY_ASSIGN(const int64_t value, body.integer_or("session_timeout_s", 0, {0, kSecondsMax}));
    out.session_timeout = timeout->is_null() ? std::nullopt : std::optional<Duration>(seconds(value));
  }
  return out;
}

struct GivenPassword {
  std::optional<access::PasswordChange> change;  // nothing: none was given
  std::optional<std::string> generated;
};

Result<GivenPassword> password_in(const JsonBody& body, Random& random) {
  GivenPassword out;
  TRY_ASSIGN(const bool generate, body.flag_or("generate", false));
  TRY_ASSIGN(const bool disable, body.flag_or("disable", false));
  TRY_ASSIGN(const bool keeps_md5, body.flag_or("md5", false));
  const bool is_given = body.find("password") != nullptr;
  if ((generate ? 1 : 0) + (disable ? 1 : 0) + (is_given ? 1 : 0) > 1)
    return Error(Code::invalid, "'password', 'generate' and 'disable' exclude each other");
  if (generate) {
    out.generated = access::random_password(random);
    out.change = access::PasswordChange{out.generated, keeps_md5};
  } else if (disable) {
    out.change = access::PasswordChange{};
  } else if (is_given) {
    TRY_ASSIGN(std::string text, body.text("password"));
    out.change = access::PasswordChange{std::move(text), keeps_md5};
  } else if (keeps_md5) {
    return Error(Code::invalid, "'md5' belongs to a password");
  }
  return out;
}

Response user_reply(const access::Users& users, const UserInfo& user, const GivenPassword& given) {
  Json out = user_json(users, user.id);
  if (given.generated) out.set("generated_password", *given.generated);
  return json_reply(out);
}

Result<std::vector<uint32_t>> roles_in(const access::Users& users, const JsonBody& body) {
  std::vector<uint32_t> out;
  const auto directory = users.directory();
  for (const auto& [key, kind] :
       {std::pair("roles", RoleInfo::Kind::role), std::pair("groups", RoleInfo::Kind::group)}) {
    TRY_ASSIGN(const Json::Array names, body.array_or_empty(key));
    for (const Json& name : names) {
      const RoleInfo* role = directory->role(name.as_string(), kind);
      if (role == nullptr) {
        return Error(Code::not_found,
                     std::string("there is no ") + role_kind_name(kind) + " " + shown(name.as_string()),
                     "weir user role list");
      }
      out.push_back(role->id);
    }
  }
  return out;
}

Result<Response> create_user(const UserParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body,
             JsonBody::parse(request, {"name", "password", "generate", "disable", "md5", "superuser", "create_database",
                                       "syslog_unrestricted", "valid_until", "connection_limit", "session_timeout_s",
                                       "settings", "roles", "groups"}));
  access::NewUser wanted;
  TRY_ASSIGN(wanted.name, body.text("name"));
  TRY_ASSIGN(wanted.with, change_in(body));
  TRY_ASSIGN(wanted.member_of, roles_in(parts.users, body));
  TRY_ASSIGN(const GivenPassword given, password_in(body, parts.random));
  wanted.with.password = given.change;
  TRY_ASSIGN(const UserInfo made, parts.users.create_user(wanted));
  note_change(parts.audit, request, "user created", made.name);
  return user_reply(parts.users, made, given);
}

Result<Response> alter_user(const UserParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body,
             JsonBody::parse(request, {"name", "superuser", "create_database", "syslog_unrestricted", "valid_until",
                                       "connection_limit", "session_timeout_s", "settings"}));
  const std::string_view name = request.parameter("name");
  if (body.find("name") != nullptr) {
    TRY_ASSIGN(const std::string to, body.text("name"));
    if (body.size() > 1) return Error(Code::invalid, "a user is renamed in a request of its own");
    TRY_ASSIGN(const UserInfo renamed, parts.users.rename_user(name, to));
    note_change(parts.audit, request, "user renamed", std::string(name) + " to " + to);
    return user_reply(parts.users, renamed, {});
  }
  TRY_ASSIGN(const UserChange change, change_in(body));
  TRY_ASSIGN(const UserInfo changed, parts.users.alter_user(name, change));
  note_change(parts.audit, request, "user changed", changed.name);
  return user_reply(parts.users, changed, {});
}

Result<Response> set_password(const UserParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"password", "generate", "disable", "md5"}));
  TRY_ASSIGN(const GivenPassword given, password_in(body, parts.random));
  if (!given.change)
    return Error(Code::invalid, "the password is missing", R"({"password"}, {"generate": true} or {"disable": true})");
  UserChange change;
  change.password = given.change;
  TRY_ASSIGN(const UserInfo changed, parts.users.alter_user(request.parameter("name"), change));
  note_change(parts.audit, request, "user password changed", changed.name);
  return user_reply(parts.users, changed, given);
}

// --- roles and groups -----------------------------------------------------------------------------------------------

Result<RoleName> role_in(const Request& request) {
  RoleName out{std::string(request.parameter("role"))};
  TRY_ASSIGN(out.kind, access::parse_role_kind(request.query_value("kind").value_or("role")));
  return out;
}

Result<Response> create_role(const UserParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"name", "kind", "owner"}));
  RoleName wanted;
  TRY_ASSIGN(wanted.name, body.text("name"));
  TRY_ASSIGN(const std::string kind, body.text_or("kind", "role"));
  TRY_ASSIGN(wanted.kind, access::parse_role_kind(kind));
  const std::string& caller = request.caller.identity->user;
  TRY_ASSIGN(const std::string owner, body.text_or("owner", caller.empty() ? access::kOwnerName : caller));
  TRY_ASSIGN(const UserInfo user, user_named(parts.users, owner));
  TRY_ASSIGN(const RoleInfo made, parts.users.create_role(wanted, user.id));
  note_change(parts.audit, request, "role created", made.name);
  return json_reply(parts.users.directory()->to_json(made));
}

Result<access::Membership> membership_in(const UserParts& parts, const Request& request) {
  TRY_ASSIGN(const RoleName name, role_in(request));
  const auto directory = parts.users.directory();
  const RoleInfo* role = directory->role(name.name, name.kind);
  if (role == nullptr)
    return Error(Code::not_found, std::string("there is no ") + role_kind_name(name.kind) + " " + shown(name.name),
                 "weir user role list");
  const std::string member(request.parameter("member"));
  access::Membership out{.role = role->id};
  if (const UserInfo* user = directory->user(member)) {
    out.member = user->id;
  } else if (const RoleInfo* inner = directory->role(member, RoleInfo::Kind::role)) {
    out.member = inner->id;
  } else {
    return Error(Code::not_found, "there is no user or role " + shown(member), "weir user list");
  }
  return out;
}

Result<Response> grant(const UserParts& parts, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"with_admin"}));
  TRY_ASSIGN(access::Membership membership, membership_in(parts, request));
  TRY_ASSIGN(membership.with_admin, body.flag_or("with_admin", false));
  TRY(parts.users.grant_role(membership));
  note_change(parts.audit, request, "role granted",
              std::string(request.parameter("role")) + " to " + std::string(request.parameter("member")));
  return nothing_to_say();
}

void add_user_list(Router& router, const UserParts& parts) {
  Route route;
  route.access = Access::admin;
  route.body_bytes_max = 64 << 10;
  route.pattern = "/v1/users";
  route.summary = "All users, without anything of their passwords.";
  route.handler = json_answers([parts](Request&) -> Result<Json> {
    const auto directory = parts.users.directory();
    Json users{Json::Array{}};
    for (const UserInfo& user : directory->users()) users.push(directory->to_json(user));
    return Json(Json::Object{{"users", std::move(users)}});
  });
  router.add(route);
  route.method = Method::post;
  route.summary = "Makes a user; a password that was asked for is shown once.";
  route.handler = answers([parts](Request& request) { return create_user(parts, request); });
  router.add(route);
  route.method = Method::get;
  route.pattern = "/v1/users/{name}";
  route.summary = "One user.";
  route.handler = json_answers([parts](Request& request) -> Result<Json> {
    TRY_ASSIGN(const UserInfo user, user_named(parts.users, request.parameter("name")));
    return user_json(parts.users, user.id);
  });
  router.add(route);
  route.method = Method::patch;
  route.summary = "Changes what is said of a user, or renames it.";
  route.handler = answers([parts](Request& request) { return alter_user(parts, request); });
  router.add(route);
  route.method = Method::erase;
  route.summary = "Drops a user who owns nothing; what was opened with its name ends at once.";
  route.handler = answers([parts](Request& request) -> Result<Response> {
    TRY(parts.users.drop_user(request.parameter("name")));
    note_change(parts.audit, request, "user dropped", std::string(request.parameter("name")));
    return nothing_to_say();
  });
  router.add(route);
  route.method = Method::put;
  route.pattern = "/v1/users/{name}/password";
  route.summary = "Gives a user a password, or disables it; its sessions end.";
  route.handler = answers([parts](Request& request) { return set_password(parts, request); });
  router.add(route);
}

void add_role_list(Router& router, const UserParts& parts) {
  Route route;
  route.access = Access::admin;
  route.body_bytes_max = 64 << 10;
  route.pattern = "/v1/roles";
  route.summary = "All roles and groups with their members.";
  route.handler = json_answers([parts](Request&) -> Result<Json> {
    const auto directory = parts.users.directory();
    Json roles{Json::Array{}};
    for (const RoleInfo& role : directory->roles()) roles.push(directory->to_json(role));
    return Json(Json::Object{{"roles", std::move(roles)}});
  });
  router.add(route);
  route.method = Method::post;
  route.summary = "Makes a role or a group.";
  route.handler = answers([parts](Request& request) { return create_role(parts, request); });
  router.add(route);
  route.method = Method::erase;
  route.pattern = "/v1/roles/{role}";
  route.summary = "Drops a role; kind=group a group. force=true also one that is granted.";
  route.handler = answers([parts](Request& request) -> Result<Response> {
    TRY_ASSIGN(const RoleName name, role_in(request));
    TRY(parts.users.drop_role(name, request.query_value("force").value_or("") == "true"));
    note_change(parts.audit, request, "role dropped", name.name);
    return nothing_to_say();
  });
  router.add(route);
  route.method = Method::put;
  route.pattern = "/v1/roles/{role}/members/{member}";
  route.summary = "Grants a role to a user or a role; kind=group adds a user to a group.";
  route.handler = answers([parts](Request& request) { return grant(parts, request); });
  router.add(route);
  route.method = Method::erase;
  route.summary = "Takes a role from a user or a role; kind=group takes a user out of a group.";
  route.handler = answers([parts](Request& request) -> Result<Response> {
    TRY_ASSIGN(const access::Membership membership, membership_in(parts, request));
    TRY(parts.users.revoke_role(membership));
    note_change(parts.audit, request, "role revoked",
                std::string(request.parameter("role")) + " from " + std::string(request.parameter("member")));
    return nothing_to_say();
  });
  router.add(route);
}

}  // namespace

void add_user_routes(Router& router, const UserParts& parts) {
  add_user_list(router, parts);
  add_role_list(router, parts);
}

}  // namespace weir::http
