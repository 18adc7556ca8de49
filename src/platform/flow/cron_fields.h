// CronFields: a cron expression after parsing: sets of minutes, hours, days, months and years on a wall clock without
// a zone, and the search through them. What happens on days when clocks change is schedule.h's matter.
//
// Local minutes are minutes since 1970-01-01 00:00 on the wall clock. The search skips by year, month, day and hour:
// it costs a microsecond or less also where years lie between two matches.
// Pure functions of plain data; threads do not matter.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>

namespace weir::flow {

inline constexpr int kCronYearFirst = 1970;
inline constexpr int kCronYearLast = 2199;

int days_in_month(int year, int month);
int weekday_of(int year, int month, int day);  // 0 = Sunday

struct CronFields {
  uint64_t minutes = 0;  // bit m
  uint32_t hours = 0;    // bit h
  uint32_t months = 0;   // bits 1..12
  std::bitset<kCronYearLast - kCronYearFirst + 1> years;

  uint32_t days = 0;              // bits 1..31
  bool last_day = false;          // L: the month's last day
  bool last_working_day = false;  // LW: the month's last day of Monday to Friday
  uint32_t nearest_workday = 0;   // bit n for nW: the day of Monday to Friday nearest to day n, within the month

  uint32_t weekdays = 0;       // bits 0..6, 0 = Sunday
  uint32_t last_weekdays = 0;  // bits 0..6: the last such day of the month
  int nth = 0;                 // 1..5 if `weekdays` means only the nth of the month

  bool month_days_given = false;  // false: every day of the month
  bool weekdays_given = false;    // false: every day of the week
  // Both given: one that matches is enough. Only crontab's form can say both.

  // The hour is `*`, has a step, or lists all 24: the schedule counts hours, it does not name one.
  bool counts_hours = false;

  // The days of this month that match, as bits 1..31; 0 if neither year nor month matches.
  uint32_t days_of(int year, int month) const;
  // The first matching minute at or after `local_minute`; nothing if there is none until the end of 2199.
  std::optional<int64_t> first_minute(int64_t local_minute) const;

 private:
  struct Day;
  std::optional<Day> first_day(const Day& from) const;
  std::optional<int> first_minute_of_day(int minute) const;
};

}  // namespace weir::flow
