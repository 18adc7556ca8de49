// Under whose rights a call's statements run: a secret with a user's password, a user's name, or the key's own
// identity.
//
// Administrators' keys may name any user. A user's own key may name that user, and secrets that hold its password.
// Blocks for a password's check (some 30 ms).
#pragma once

#include "surface/awsapi/operations.h"

namespace weir::awsapi {

// Of SecretArn, DbUser, or neither. Errors: `denied`, `not_found`, `unauthenticated` (the secret's password is wrong).
Result<warehouse::User> database_user(const Parts& parts, const Call& call);

// Whose jobs are whose: by user, or by token for a token of a role.
std::string owner_of(const access::Identity& identity);

// The name in a secret's ARN ("arn:aws:secretsmanager:…:secret:NAME", AWS's six characters behind it or not), or the
// name itself.
Result<std::string> read_secret(const Parts& parts, const Caller& caller, const std::string& id_or_arn,
                                std::string* name = nullptr);

}  // namespace weir::awsapi
