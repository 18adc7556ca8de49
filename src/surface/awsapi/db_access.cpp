#include "surface/awsapi/db_access.h"

#include "core/base/text.h"

namespace weir::awsapi {
namespace {

bool is_administrator(const access::Identity& identity) {
  return access::may_administer(identity).has_value();
}

warehouse::User user_named(const access::Directory& directory, const access::UserInfo& user) {
  return {user.name, true, directory.is_superuser(user.id), user.id};
}

std::string secret_name(const std::string& id_or_arn) {
  constexpr std::string_view kMark = ":secret:";
  const size_t mark = id_or_arn.find(kMark);
  return mark == std::string::npos ? id_or_arn : id_or_arn.substr(mark + kMark.size());
}

}  // namespace

std::string owner_of(const access::Identity& identity) {
  return identity.user_id != 0 ? "user:" + std::to_string(identity.user_id) : "token:" + identity.id;
}

Result<std::string> read_secret(const Parts& parts, const Caller& caller, const std::string& id_or_arn,
                                std::string* name) {
  std::string wanted = secret_name(id_or_arn);
  auto value = parts.secrets.find(wanted);
  // AWS puts six characters behind the name.
  if (!value && value.error().code == Code::not_found && wanted.size() > 7 && wanted[wanted.size() - 7] == '-') {
    auto shorter = parts.secrets.find(wanted.substr(0, wanted.size() - 7));
    if (shorter) {
      wanted.resize(wanted.size() - 7);
      value = std::move(shorter);
    }
  }
  if (!is_administrator(*caller.identity)) {
    // Who may not read it learns nothing of it, not even whether it is there.
    const Error denied(Code::denied,
                       "the access key " + caller.key_id + " may not read the secret " + shown(id_or_arn));
    if (!value || caller.identity->user.empty()) return denied;
    const auto json = Json::parse(*value);
    if (!json || (*json)["username"].as_string() != caller.identity->user) return denied;
  }
  if (value && name != nullptr) *name = wanted;
  return value;
}

Result<warehouse::User> database_user(const Parts& parts, const Call& call) {
  const access::Identity& identity = *call.caller.identity;
  TRY(access::may_read(identity));
  TRY_ASSIGN(const std::string secret, call.members.text_or("SecretArn", ""));
  TRY_ASSIGN(const std::string name, call.members.text_or("DbUser", ""));
  const auto directory = parts.users.directory();
  if (!secret.empty()) {
    if (!name.empty()) return Error(Code::invalid, "SecretArn and DbUser exclude each other");
    TRY_ASSIGN(const std::string text, read_secret(parts, call.caller, secret));
    const auto json = Json::parse(text);
    if (!json || !(*json)["username"].is_string() || !(*json)["password"].is_string())
      return Error(Code::invalid, "the secret is not {\"username\": …, \"password\": …}");
    TRY_ASSIGN(
        const access::UserInfo user,
        parts.users.authenticate((*json)["username"].as_string(), (*json)["password"].as_string(), call.caller.peer));
    return user_named(*parts.users.directory(), user);
  }
  if (!name.empty() && name != identity.user) {
    if (!is_administrator(identity))
      return Error(Code::denied, "the access key " + call.caller.key_id + " may not act as the user " + shown(name));
    const access::UserInfo* user = directory->user(name);
    if (user == nullptr) return Error(Code::not_found, "there is no user " + shown(name), "weir user list");
    return user_named(*directory, *user);
  }
  warehouse::User user{identity.user.empty() ? identity.id : identity.user, true, is_administrator(identity),
                       identity.user_id};
  return user;
}

}  // namespace weir::awsapi
