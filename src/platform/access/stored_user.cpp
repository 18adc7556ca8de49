#include "platform/access/stored_user.h"

#include "core/base/json_shape.h"
#include "core/base/text.h"

namespace weir::access {
namespace {

template <class Optional, class Read>
Json or_null(const Optional& value, Read read) {
  return value ? Json(read(*value)) : Json();
}

}  // namespace

Json stored_body(const UserInfo& user, const Credentials& credentials) {
  Json settings{Json::Array{}};
  for (const auto& [name, value] : user.settings) settings.push(Json::Array{name, value});
  Json password;
  if (credentials.exist()) {
    password = Json::Object{{"argon2", credentials.argon2},
                            {"over", credentials.over},
                            {"scram", credentials.scram},
                            {"md5", credentials.md5}};
  }
  Json out{Json::Object{}};
  out.set("superuser", user.superuser);
  out.set("create_database", user.create_database);
  out.set("syslog_unrestricted", user.syslog_unrestricted);
  out.set("valid_until", or_null(user.valid_until, [](WallTime time) { return time.micros; }));
  out.set("connection_limit", or_null(user.connection_limit, [](int limit) { return limit; }));
  out.set("session_timeout", or_null(user.session_timeout, [](Duration timeout) { return timeout.micros; }));
  out.set("disabled", user.is_disabled);
  out.set("settings", std::move(settings));
  out.set("password_version", user.password_version);
  out.set("password", std::move(password));
  return out;
}

namespace {

std::optional<int64_t> integer_or_none(JsonShape& in, std::string_view key) {
  const Json* value = in.need(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_integer()) in.fail(std::string(key) + " is no whole number");
  return value->as_int();
}

void read_settings(JsonShape& in, UserInfo& user) {
  const Json::Array* settings = in.list("settings");
  if (settings == nullptr) return;
  for (const Json& one : *settings) {
    if (one.array().size() != 2) return in.fail("settings are no pairs");
    user.settings.emplace_back(one.array()[0].as_string(), one.array()[1].as_string());
  }
}

Credentials read_credentials(JsonShape& in, std::string& wrong) {
  Credentials out;
  const Json* password = in.need("password");
  if (password == nullptr || password->is_null()) return out;
  JsonShape kept(*password, "the password", wrong);
  kept.text("argon2", out.argon2);
  kept.text("over", out.over);
  kept.text("scram", out.scram);
  kept.text("md5", out.md5);
  kept.finish();
  return out;
}

}  // namespace

Result<std::pair<UserInfo, Credentials>> read_stored_user(const control::User& stored) {
  std::string wrong;
  JsonShape in(stored.body, "the user", wrong);
  UserInfo user;
  user.id = stored.id;
  user.name = stored.name;
  user.created_at = stored.created_at;
  in.flag("superuser", user.superuser);
  in.flag("create_database", user.create_database);
  in.flag("syslog_unrestricted", user.syslog_unrestricted);
  if (const auto until = integer_or_none(in, "valid_until")) user.valid_until = WallTime{*until};
  if (const auto limit = integer_or_none(in, "connection_limit")) user.connection_limit = static_cast<int>(*limit);
  if (const auto timeout = integer_or_none(in, "session_timeout")) user.session_timeout = Duration{*timeout};
  in.flag("disabled", user.is_disabled);
  read_settings(in, user);
  int64_t password_version = 0;
  in.integer("password_version", password_version, 0, UINT32_MAX);
  user.password_version = static_cast<uint32_t>(password_version);
  Credentials credentials = read_credentials(in, wrong);
  in.finish();
  if (!wrong.empty())
    return Error(Code::corrupt, "the user " + shown(stored.name) + " in the control database is damaged: " + wrong);
  user.has_password = credentials.exist();
  return std::make_pair(std::move(user), std::move(credentials));
}

}  // namespace weir::access
