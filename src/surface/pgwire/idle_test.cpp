#include "surface/pgwire/idle.h"

#include <gtest/gtest.h>

namespace weir::pgwire {
namespace {

const IdleLimits kLimits{.idle_max = hours(24), .idle_transaction_max = minutes(10), .of_user = {}};

std::string state_of(const std::optional<Error>& error) {
  return error ? error->sqlstate : "goes on";
}

TEST(Idle, a_users_session_ends_when_its_timeout_has_passed) {
  IdleLimits limits = kLimits;
  limits.of_user = seconds(60);
  EXPECT_EQ(state_of(idle_too_long(limits, seconds(60), false)), "goes on");
  const std::optional<Error> ended = idle_too_long(limits, Duration{60'000'001}, false);
  EXPECT_EQ(state_of(ended), "57P05");
  EXPECT_EQ(ended->message, "nothing happened for 1m, the user's SESSION TIMEOUT");
  EXPECT_EQ(state_of(idle_too_long(limits, seconds(61), true)), "57P05") << "also inside of a transaction";
}

TEST(Idle, without_one_the_servers_limits_count) {
  EXPECT_EQ(state_of(idle_too_long(kLimits, hours(24), false)), "goes on");
  EXPECT_EQ(state_of(idle_too_long(kLimits, Duration{hours(24).micros + 1}, false)), "57P05");
  EXPECT_EQ(state_of(idle_too_long(kLimits, minutes(10), true)), "goes on");
  EXPECT_EQ(state_of(idle_too_long(kLimits, minutes(11), true)), "25P03");
  EXPECT_EQ(state_of(idle_too_long(kLimits, minutes(11), false)), "goes on");
}

}  // namespace
}  // namespace weir::pgwire
