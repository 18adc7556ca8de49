// Schedule: at which instants something is due, written the way people already write it, in a time zone.
//
// Forms (parse says which field, column and value is wrong, and what is expected)
//   0 6 * * *               crontab: minute hour day-of-month month day-of-week. Lists, ranges, steps (after * or a
//                           range), names of months and days, 0 and 7 = Sunday, L = the month's last day. Day of month
//                           and day of week both other than `*`: one that matches is enough (POSIX).
//   @hourly @daily @weekly @monthly @yearly (also @midnight, @annually)
//   cron(0 10 ? * MON-FRI *)  the cloud's six fields (Amazon EventBridge), with or without `cron( )`: minutes hours
//                           day-of-month month day-of-week year. One of the two days must be `?`; 1 = Sunday; 10/15
//                           counts from 10 on; L, 15W, LW, 6L, 3#2; years 1970 to 2199.
//   rate(5 minutes)         every so often, counted from 1970-01-01T00:00Z so that a restart does not move it, in no
//                           zone. `1 minute`, `5 minutes`: the unit agrees with the number; up to kRateDaysMax.
// A day that never comes (31 February) is refused. Text of up to kScheduleBytesMax bytes.
//
// Days on which clocks change
//   - A schedule that names its hours (6 or 8-18 or 6,18) is due once at each local time it names: on a day of 25 hours
//     at the first of the two; where its local time does not exist, at the first instant after the gap. Several local
//     times within one gap are one instant and so one firing.
//   - A schedule that counts hours (`*`, a step, or all 24) follows real time: it is due whenever the zone's clock
//   shows
//     a matching time, so `0 * * * *` fires 23 times on a day of 23 hours and 25 times on one of 25.
// Seconds are always 0 on the zone's clock. Nothing is due before 1970 or after 2199.
//
// Threads: immutable; everything may be called from any thread. next() costs microseconds and allocates nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"
#include "platform/flow/cron_fields.h"
#include "platform/flow/zone.h"

namespace weir::flow {

inline constexpr size_t kScheduleBytesMax = 512;
inline constexpr int kRateDaysMax = 3650;

class Schedule {
 public:
  static Result<Schedule> parse(std::string_view text, const Zone& zone);

  // The first instant strictly after `after`; nothing if there is none, as when the year field lies in the past.
  std::optional<WallTime> next(WallTime after) const;
  // Those after `after` up to and including `until`, oldest first, at most `max`.
  std::vector<WallTime> between(WallTime after, WallTime until, size_t max) const;

  // What a person reads: "at 06:00 every day (Europe/Berlin)"; the text itself where words would be longer than it.
  std::string words() const;
  const std::string& text() const { return text_; }
  const Zone& zone() const { return zone_; }

 private:
  Schedule(std::string text, Zone zone) : text_(std::move(text)), zone_(std::move(zone)) {}
  Status read(std::string_view written, size_t column);
  std::optional<int64_t> next_named(int64_t after_micros) const;
  std::optional<int64_t> next_counted(int64_t after_micros) const;
  std::optional<int64_t> next_of_rate(int64_t after_micros) const;

  std::string text_;  // as written, without white space around it
  Zone zone_;
  CronFields cron_;            // of both cron forms
  int64_t every_minutes_ = 0;  // of rate(); else 0
};

}  // namespace weir::flow
