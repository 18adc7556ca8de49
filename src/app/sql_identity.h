// Identities as SQL knows them.
#pragma once

#include <string>

#include "core/base/text.h"
#include "platform/access/access.h"
#include "platform/access/users.h"
#include "platform/warehouse/statement_log.h"

namespace weir::app {

inline Result<warehouse::User> sql_user_of(const Result<access::IdentityPtr>& found) {
  if (!found) return found.error();
  const access::Identity& identity = **found;
  TRY(access::may_read(identity));
  const bool is_admin = access::may_administer(identity).has_value();
  return warehouse::User{identity.user.empty() ? identity.id : identity.user, true, is_admin, identity.user_id};
}

// With what is granted to the user now; `not_found`: there is none of that name.
inline Result<warehouse::User> sql_user_named(const access::Users& users, const std::string& name) {
  const auto directory = users.directory();
  const access::UserInfo* user = directory->user(name);
  if (user == nullptr) return Error(Code::not_found, "there is no user " + shown(name), "CREATE USER makes one");
  return sql_user_of(access::identity_of(*directory, *user));
}

}  // namespace weir::app
