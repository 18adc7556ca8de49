#include "storage/engine/time_calendar.h"

#include <array>

#include "core/base/time.h"

namespace weir::engine {

int64_t day_of(int64_t year, int month, int day) {
  // Years of 400 are alike, so that any year is counted in one that a CivilTime's microseconds hold.
  const int64_t cycle = year / 400;
  const CivilTime civil{.year = static_cast<int>(year % 400) + 2000, .month = month, .day = 1};
  return micros_from_civil(civil) / kDayMicros + (cycle - 5) * 146'097 + day - 1;
}

int days_in_month(int64_t year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && is_leap ? 29 : kDays[static_cast<size_t>(month - 1)];
}

int weekday_of(int64_t day) {
  return static_cast<int>(((day + 4) % 7 + 7) % 7);
}

int64_t day_of(const IsoWeek& week) {
  const int64_t fourth = day_of(week.year, 1, 4);  // always in week 1
  const int64_t monday = fourth - (weekday_of(fourth) + 6) % 7;
  return monday + 7 * int64_t{week.week - 1} + week.weekday - 1;
}

IsoWeek iso_week_of(int64_t day) {
  const int weekday = (weekday_of(day) + 6) % 7 + 1;
  const CivilTime thursday = civil_from_micros((day - weekday + 4) * kDayMicros);
  const int64_t first = day_of({.year = thursday.year});
  return {.year = thursday.year, .week = static_cast<int>((day - first) / 7) + 1, .weekday = weekday};
}

}  // namespace weir::engine
