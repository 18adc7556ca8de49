#include "surface/pgwire/idle.h"

#include "surface/pgwire/message.h"

namespace weir::pgwire {

std::optional<Error> idle_too_long(const IdleLimits& limits, Duration quiet, bool is_in_transaction) {
  if (is_in_transaction && quiet.micros > limits.idle_transaction_max.micros) {
    return with_state(Error(Code::timed_out, "nothing happened in a transaction for wire.idle_transaction_max"),
                      "25P03");
  }
  if (limits.of_user && quiet.micros > limits.of_user->micros) {
    return with_state(Error(Code::timed_out, "nothing happened for " + format_duration(*limits.of_user) +
                                                 ", the user's SESSION TIMEOUT"),
                      "57P05");
  }
  if (quiet.micros > limits.idle_max.micros) {
    return with_state(Error(Code::timed_out, "nothing happened for wire.idle_max"), "57P05");
  }
  return std::nullopt;
}

}  // namespace weir::pgwire
