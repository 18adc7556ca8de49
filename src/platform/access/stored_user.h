// A user as the control database keeps it: what is said of it and the verifiers of its password. Pure functions.
#pragma once

#include <utility>

#include "core/base/json.h"
#include "core/base/result.h"
#include "platform/access/password.h"
#include "platform/access/users.h"
#include "storage/control/control.h"

namespace weir::access {

Json stored_body(const UserInfo& user, const Credentials& credentials);
Result<std::pair<UserInfo, Credentials>> read_stored_user(const control::User& stored);  // `corrupt`

}  // namespace weir::access
