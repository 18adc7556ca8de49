// Who a caller is to the warehouse: a user whose grants count, or a token that reads or administers all. Pure.
#pragma once

#include "platform/warehouse/statement_log.h"
#include "surface/http/caller.h"

namespace weir::http {

inline warehouse::User sql_user(const Caller& caller) {
  warehouse::User user{caller.name(), caller.may_read(), caller.may_administer()};
  if (caller.identity && !caller.identity->user.empty()) {
    user.name = caller.identity->user;
    user.id = caller.identity->user_id;
  }
  return user;
}

}  // namespace weir::http
