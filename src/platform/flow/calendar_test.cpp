// Quiet hours and digests of topics over the real zone files, on days on which clocks change.
#include "platform/flow/calendar.h"

#include <gtest/gtest.h>

namespace weir::flow {
namespace {

using notify::Severity;
using notify::Subscription;

WallTime at(const std::string& text) {
  return {*parse_timestamp(text)};
}

std::string due(const Subscription& subscription, const std::string& now, Severity severity = Severity::warning) {
  const auto found = subscription.due(calendar(), severity, at(now));
  return found ? format_timestamp(found->micros).substr(0, 16) : found.error().message;
}

Subscription quiet(int from, int to) {
  Subscription out;
  out.zone = "Europe/Berlin";
  out.quiet = notify::QuietHours{from * 60, to * 60, "Europe/Berlin", Severity::critical};
  return out;
}

TEST(Calendar, quiet_hours_end_by_the_clock_on_the_wall) {
  const Subscription night = quiet(22, 7);
  EXPECT_EQ(due(night, "2026-01-15 20:59:59"), "2026-01-15T20:59") << "21:59 in Berlin";
  EXPECT_EQ(due(night, "2026-01-15 21:00:00"), "2026-01-16T06:00");
  EXPECT_EQ(due(night, "2026-07-15 21:00:00"), "2026-07-16T05:00");
  EXPECT_EQ(due(night, "2026-01-16 05:59:59"), "2026-01-16T06:00");
  EXPECT_EQ(due(night, "2026-01-16 06:00:00"), "2026-01-16T06:00");
  EXPECT_EQ(due(night, "2026-01-15 23:00:00", Severity::critical), "2026-01-15T23:00") << "it does not wait";
}

TEST(Calendar, a_night_of_23_or_25_hours_still_ends_at_seven) {
  const Subscription night = quiet(22, 7);
  EXPECT_EQ(due(night, "2026-03-28 21:30:00"), "2026-03-29T05:00") << "the night loses an hour";
  EXPECT_EQ(due(night, "2026-10-24 20:30:00"), "2026-10-25T06:00") << "the night has one more";
}

TEST(Calendar, quiet_hours_within_a_gap_or_a_repeated_hour) {
  const Subscription gap = quiet(2, 3);  // 2026-03-29 has no such hour
  EXPECT_EQ(due(gap, "2026-03-29 00:59:00"), "2026-03-29T00:59");
  EXPECT_EQ(due(gap, "2026-03-29 01:00:00"), "2026-03-29T01:00") << "it is 03:00 already";
  EXPECT_EQ(due(gap, "2026-10-25 00:30:00"), "2026-10-25T02:00") << "both of them are quiet";
}

TEST(Calendar, a_digest_comes_each_full_hour_or_by_a_schedule_in_its_zone) {
  Subscription hourly;
  hourly.digest = "1h";
  EXPECT_EQ(due(hourly, "2026-01-15 20:59:59"), "2026-01-15T21:00");
  EXPECT_EQ(due(hourly, "2026-01-15 21:00:00"), "2026-01-15T22:00");
  Subscription daily;
  daily.zone = "Europe/Berlin";
  daily.digest = "0 8 * * *";
  EXPECT_EQ(due(daily, "2026-01-15 07:00:00"), "2026-01-16T07:00");
  EXPECT_EQ(due(daily, "2026-07-15 05:59:00"), "2026-07-15T06:00");
  daily.quiet = notify::QuietHours{7 * 60, 9 * 60, "Europe/Berlin", {}};
  EXPECT_EQ(due(daily, "2026-07-15 05:59:00"), "2026-07-15T07:00") << "both, one after the other";
}

TEST(Calendar, a_zone_that_there_is_not_is_an_error) {
  Subscription wrong;
  wrong.zone = "Europe/Berlim";
  wrong.digest = "0 8 * * *";
  EXPECT_FALSE(wrong.due(calendar(), Severity::info, WallTime{}));
}

}  // namespace
}  // namespace weir::flow
