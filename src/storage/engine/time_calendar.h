// Weeks and numbered days of the calendar, for time patterns and the functions over dates. Pure, any thread.
#pragma once

#include <cstdint>

namespace weir::engine {

inline constexpr int64_t kDayMicros = 86'400'000'000;
inline constexpr int64_t kJulianOf1970 = 2'440'588;

// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; year 0 is 1 BC.
int64_t day_of(int64_t year, int month, int day);
int days_in_month(int64_t year, int month);
int weekday_of(int64_t day);  // 0 is Sunday

struct IsoWeek {
  int64_t year = 0;
  int week = 1;     // 1 to 53
  int weekday = 1;  // 1 is Monday
};
IsoWeek iso_week_of(int64_t day);
int64_t day_of(const IsoWeek& week);

}  // namespace weir::engine
