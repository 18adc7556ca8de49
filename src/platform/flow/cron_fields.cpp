#include "platform/flow/cron_fields.h"

#include <algorithm>
#include <bit>

#include "core/base/time.h"

namespace weir::flow {
namespace {

constexpr int64_t kMinutesPerDay = 1440;
constexpr int64_t kMicrosPerMinute = 60'000'000;
constexpr uint32_t kEveryDay = 0xFFFF'FFFE;  // bits 1..31

int64_t day_of_civil(int year, int month, int day) {
  return day_number(micros_from_civil({.year = year, .month = month, .day = day}));
}

constexpr uint32_t bit(int n) {
  return uint32_t{1} << n;
}

// Days 1..`length` as bits.
constexpr uint32_t all_days(int length) {
  return kEveryDay & (0xFFFF'FFFF >> (31 - length));
}

// The day of Monday to Friday nearest to `day`; the neighbour beyond a month's edge does not count.
int workday_near(int day, int weekday, int length) {
  if (weekday == 6) return day > 1 ? day - 1 : day + 2;
  if (weekday == 0) return day < length ? day + 1 : day - 2;
  return day;
}

}  // namespace

int days_in_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

int weekday_of(int year, int month, int day) {
  const int64_t number = day_of_civil(year, month, day);
  return static_cast<int>((number % 7 + 7 + 4) % 7);  // 1970-01-01 was a Thursday
}

struct CronFields::Day {
  int year, month, day;
};

uint32_t CronFields::days_of(int year, int month) const {
  if (year < kCronYearFirst || year > kCronYearLast) return 0;
  if (!years.test(static_cast<size_t>(year - kCronYearFirst)) || (months & bit(month)) == 0) return 0;
  const int length = days_in_month(year, month);
  const int first_weekday = weekday_of(year, month, 1);
  const auto weekday = [&](int day) { return (first_weekday + day - 1) % 7; };

  uint32_t by_number = days;
  if (last_day) by_number |= bit(length);
  if (last_working_day) by_number |= bit(workday_near(length, weekday(length), length));
  uint32_t by_weekday = 0;
  for (int day = 1; day <= length; ++day) {
    const uint32_t wanted = bit(weekday(day));
    if ((nearest_workday & bit(day)) != 0) by_number |= bit(workday_near(day, weekday(day), length));
    if ((weekdays & wanted) != 0 && (nth == 0 || (day - 1) / 7 + 1 == nth)) by_weekday |= bit(day);
    if ((last_weekdays & wanted) != 0 && day + 7 > length) by_weekday |= bit(day);
  }
  uint32_t matching = kEveryDay;
  if (month_days_given && weekdays_given) {
    matching = by_number | by_weekday;
  } else if (month_days_given) {
    matching = by_number;
  } else if (weekdays_given) {
    matching = by_weekday;
  }
  return matching & all_days(length);
}

std::optional<CronFields::Day> CronFields::first_day(const Day& from) const {
  int month = from.month;
  int day = from.day;  // 32 in the last month of a search is simply none
  for (int year = std::max(from.year, kCronYearFirst); year <= kCronYearLast; ++year) {
    if (years.test(static_cast<size_t>(year - kCronYearFirst))) {
      for (; month <= 12; ++month) {
        const uint32_t found = day > 31 ? 0 : days_of(year, month) >> day << day;
        if (found != 0) return Day{year, month, std::countr_zero(found)};
        day = 1;
      }
    }
    month = 1;
    day = 1;
  }
  return std::nullopt;
}

std::optional<int> CronFields::first_minute_of_day(int minute) const {
  const int hour = minute / 60;
  if ((hours & bit(hour)) != 0) {
    const uint64_t left = minutes >> (minute % 60) << (minute % 60);
    if (left != 0) return hour * 60 + std::countr_zero(left);
  }
  const uint32_t later = hours >> (hour + 1) << (hour + 1);
  if (later == 0) return std::nullopt;
  return std::countr_zero(later) * 60 + std::countr_zero(minutes);
}

std::optional<int64_t> CronFields::first_minute(int64_t local_minute) const {
  const CivilTime start = civil_from_micros(std::max<int64_t>(local_minute, 0) * kMicrosPerMinute);
  Day from{start.year, start.month, start.day};
  if ((days_of(from.year, from.month) & bit(from.day)) != 0) {
    if (const auto found = first_minute_of_day(start.hour * 60 + start.minute)) {
      return day_of_civil(from.year, from.month, from.day) * kMinutesPerDay + *found;
    }
  }
  ++from.day;
  const auto day = first_day(from);
  if (!day) return std::nullopt;
  const auto found = first_minute_of_day(0);
  if (!found) return std::nullopt;
  return day_of_civil(day->year, day->month, day->day) * kMinutesPerDay + *found;
}

}  // namespace weir::flow
