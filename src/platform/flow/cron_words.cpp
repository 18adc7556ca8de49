#include "platform/flow/cron_words.h"

#include <array>
#include <bit>
#include <cstdio>
#include <vector>

namespace weir::flow {
namespace {

constexpr size_t kListedMax = 4;  // times or days in one sentence
constexpr uint32_t kAllHours = 0xFF'FFFF;
constexpr uint32_t kAllMonths = 0x1FFE;
constexpr uint32_t kAllWeekdays = 0x7F;
constexpr std::array<const char*, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                  "Thursday", "Friday", "Saturday"};
constexpr std::array<const char*, 13> kMonths = {"",        "January",  "February", "March",  "April",
                                                 "May",     "June",     "July",     "August", "September",
                                                 "October", "November", "December"};
constexpr std::array<const char*, 6> kOrdinals = {"", "first", "second", "third", "fourth", "fifth"};

// "a", "a and b", "a, b and c".
std::string enumerated(const std::vector<std::string>& parts) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += i + 1 == parts.size() ? " and " : ", ";
    out += parts[i];
  }
  return out;
}

std::vector<int> members(uint64_t bits) {
  std::vector<int> out;
  for (; bits != 0; bits &= bits - 1) out.push_back(std::countr_zero(bits));
  return out;
}

// n if the bits are 0, n, 2n, … below `size`, which n divides; else 0.
int even_step(uint64_t bits, int size) {
  const int count = std::popcount(bits);
  if (count < 2 || size % count != 0) return 0;
  const int step = size / count;
  for (int at = 0; at < size; at += step) {
    if ((bits >> at & 1) == 0) return 0;
  }
  return step;
}

std::string every(int64_t count, const std::string& unit) {
  return count == 1 ? "every " + unit : "every " + std::to_string(count) + " " + unit + "s";
}

struct TimeWords {
  std::string text;
  bool repeats = false;  // "every hour" needs no "every day" behind it
};

std::string clock_time(int hour, int minute) {
  std::array<char, 16> buffer{};
  (void)std::snprintf(buffer.data(), buffer.size(), "%02d:%02d", hour, minute);
  return buffer.data();
}

// "at 06:00 and 18:00", "every 15 minutes from 08:00 to 18:45".
std::optional<TimeWords> clock_words(const CronFields& fields) {
  const std::vector<int> hours = members(fields.hours), minutes = members(fields.minutes);
  if (hours.size() * minutes.size() <= kListedMax) {
    std::vector<std::string> times;
    for (const int hour : hours) {
      for (const int minute : minutes) times.push_back(clock_time(hour, minute));
    }
    return TimeWords{"at " + enumerated(times)};
  }
  const int minute_step = even_step(fields.minutes, 60);
  const bool without_gap = hours.back() - hours.front() + 1 == static_cast<int>(hours.size());
  if (!without_gap || (minute_step == 0 && minutes.size() > 1)) return std::nullopt;
  const std::string often = minute_step > 0 ? every(minute_step, "minute") : every(1, "hour");
  return TimeWords{often + " from " + clock_time(hours.front(), minutes.front()) + " to " +
                   clock_time(hours.back(), minutes.back())};
}

std::optional<TimeWords> time_words(const CronFields& fields) {
  const int minute_step = even_step(fields.minutes, 60), hour_step = even_step(fields.hours, 24);
  if (!fields.counts_hours) return clock_words(fields);
  if (minute_step > 0 && fields.hours == kAllHours) return TimeWords{every(minute_step, "minute"), true};
  if (hour_step == 0) return clock_words(fields);
  const std::vector<int> minutes = members(fields.minutes);
  if (minutes.size() > kListedMax) return std::nullopt;
  if (minutes.size() == 1 && minutes[0] == 0) return TimeWords{every(hour_step, "hour"), true};
  std::vector<std::string> parts;
  for (const int minute : minutes) parts.push_back(std::to_string(minute));
  return TimeWords{
      every(hour_step, "hour") + (minutes.size() == 1 ? " at minute " : " at minutes ") + enumerated(parts), true};
}

// "Monday to Friday", "Monday and Thursday".
std::string weekday_words(uint32_t weekdays) {
  std::vector<int> days = members(weekdays);
  if (!days.empty() && days[0] == 0) {  // people's weeks begin on Monday
    days.erase(days.begin());
    days.push_back(0);
  }
  const auto place = [](int day) { return day == 0 ? 7 : day; };
  if (days.size() > 2 && place(days.back()) - place(days.front()) + 1 == static_cast<int>(days.size())) {
    return std::string(kWeekdays[static_cast<size_t>(days.front())]) + " to " +
           kWeekdays[static_cast<size_t>(days.back())];
  }
  std::vector<std::string> names;
  for (const int day : days) names.emplace_back(kWeekdays[static_cast<size_t>(day)]);
  return enumerated(names);
}

std::string month_words(uint32_t months) {
  std::vector<std::string> names;
  for (const int month : members(months)) names.emplace_back(kMonths[static_cast<size_t>(month)]);
  return enumerated(names);
}

// "day 1", "days 1 and 15", "the last day", "the weekday nearest to day 15".
std::optional<std::string> month_day_words(const CronFields& fields) {
  std::vector<std::string> parts, numbers;
  for (const int day : members(fields.days)) numbers.push_back(std::to_string(day));
  if (numbers.size() > kListedMax) return std::nullopt;
  if (!numbers.empty()) parts.push_back((numbers.size() == 1 ? "day " : "days ") + enumerated(numbers));
  for (const int day : members(fields.nearest_workday)) {
    parts.push_back("the weekday nearest to day " + std::to_string(day));
  }
  if (fields.last_day) parts.emplace_back("the last day");
  if (fields.last_working_day) parts.emplace_back("the last weekday");
  if (parts.size() > kListedMax) return std::nullopt;
  return enumerated(parts);
}

// The days and months, to stand behind the time.
std::optional<std::string> day_words(const CronFields& fields, bool time_repeats) {
  const bool all_months = fields.months == kAllMonths;
  if (!all_months && std::popcount(fields.months) > static_cast<int>(kListedMax)) return std::nullopt;
  const std::string in_months = all_months ? "" : " in " + month_words(fields.months);
  const std::string of_months = all_months ? " of every month" : " of " + month_words(fields.months);
  if (fields.month_days_given && fields.weekdays_given) {
    const auto days = month_day_words(fields);
    if (!days) return std::nullopt;
    return " on " + *days + of_months + " and on every " + weekday_words(fields.weekdays) + in_months;
  }
  if (fields.month_days_given) {
    const auto days = month_day_words(fields);
    if (!days) return std::nullopt;
    return " on " + *days + of_months;
  }
  if (fields.weekdays_given && fields.weekdays != kAllWeekdays) {
    if (fields.nth > 0) {
      return " on the " + std::string(kOrdinals[static_cast<size_t>(fields.nth)]) + " " +
             weekday_words(fields.weekdays) + of_months;
    }
    if (fields.last_weekdays == 0) return " on " + weekday_words(fields.weekdays) + in_months;
    if (fields.weekdays != 0) return std::nullopt;
    return " on the last " + weekday_words(fields.last_weekdays) + of_months;
  }
  return (time_repeats ? "" : " every day") + in_months;
}

}  // namespace

std::optional<std::string> words_of_cron(const CronFields& fields) {
  const auto time = time_words(fields);
  if (!time) return std::nullopt;
  const auto days = day_words(fields, time->repeats);
  if (!days) return std::nullopt;
  if (fields.years.all()) return time->text + *days;
  std::vector<std::string> years;
  for (int year = kCronYearFirst; year <= kCronYearLast; ++year) {
    if (fields.years.test(static_cast<size_t>(year - kCronYearFirst))) years.push_back(std::to_string(year));
  }
  if (years.size() > kListedMax) return std::nullopt;
  return time->text + *days + (fields.months == kAllMonths ? " in " : " ") + enumerated(years);
}

std::string words_of_rate(int64_t every_minutes) {
  const std::string counted = ", counted from 1970-01-01 00:00 UTC";
  if (every_minutes % 1440 == 0) return every(every_minutes / 1440, "day") + counted;
  if (every_minutes % 60 == 0) return every(every_minutes / 60, "hour") + counted;
  return every(every_minutes, "minute") + counted;
}

}  // namespace weir::flow
