// Who did what, and when: statements, sign-ins and what administrators change, newest first. The same records as the
// history on disk, without the values of statements and without secrets.
#pragma once

#include <optional>
#include <string>

#include "core/base/json.h"
#include "core/base/time.h"
#include "platform/warehouse/statement_log.h"

namespace weir::warehouse {

struct AuditQuery {
  std::optional<WallTime> since{}, until{};  // until: not included
  std::string user{};                        // empty: everybody
  std::string kind{};                        // empty: all
  std::string outcome{};                     // "done", "failed", "cancelled", "timed_out"; empty: any
  size_t limit = 1'000;
};

// "read", "change", "define", "rights" (GRANT, REVOKE, policies), "user" (users, roles, groups), "session" (SET, BEGIN
// …) of a statement's first words.
std::string audit_kind(std::string_view sql);

// {"entries":[{"at","kind","user","peer","client","database","what","outcome","error"?,"rows"?,"elapsed_ms"?,"id"?}]}
// Beside the kinds above: "sign_in", "sign_in_failed", "sign_out", and "user" and "token" for what is changed outside
// of statements.
Json audit_json(const StatementLog& log, const AuditQuery& query);

}  // namespace weir::warehouse
