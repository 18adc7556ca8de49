// How long a connection may be quiet. Pure: what the clock says comes in. Internal to surface/pgwire.
#pragma once

#include <optional>

#include "core/base/result.h"
#include "core/base/time.h"

namespace weir::pgwire {

struct IdleLimits {
  Duration idle_max, idle_transaction_max;  // wire.idle_max, wire.idle_transaction_max
  std::optional<Duration> of_user;          // SESSION TIMEOUT
};

// Why a connection that has been quiet for so long is ended; nothing: it may go on. A limit is reached when more time
// has passed than it says.
std::optional<Error> idle_too_long(const IdleLimits& limits, Duration quiet, bool is_in_transaction);

}  // namespace weir::pgwire
