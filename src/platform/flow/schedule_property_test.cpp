// Goal: the search of Schedule agrees with a slow reading of its promises.
// Method: random expressions of both forms are written together with the sets they mean; windows of weeks around days
// of change are walked minute by minute, with the C library (localtime_r) telling what the clock shows, and every
// firing after a random instant is compared.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "platform/flow/schedule.h"

namespace weir::flow {
namespace {

constexpr int64_t kMinute = 60'000'000;

struct Meaning {
  std::set<int> minutes, hours, months, years;
  bool counts_hours = false;
  bool month_days_given = false, weekdays_given = false;
  std::set<int> month_days, nearest, weekdays, last_weekdays;
  bool last_day = false, last_workday = false;
  int nth = 0;
};

int length_of(int year, int month) {
  const int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 1 : 0;
  if (month == 2) return 28 + leap;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int weekday(int64_t day) {
  return static_cast<int>((day + 4) % 7);
}

// The nearest Monday to Friday by trying the neighbours in order of their distance.
int nearest_workday(int day, int length, int64_t first_of_month) {
  for (const int offset : {0, -1, 1, -2, 2}) {
    const int candidate = day + offset;
    const int on = weekday(first_of_month + candidate - 1);
    if (candidate >= 1 && candidate <= length && on != 0 && on != 6) return candidate;
  }
  return 0;
}

bool day_matches(const Meaning& wanted, int64_t day) {
  const CivilTime civil = civil_from_micros(day * 1440 * kMinute);
  if (!wanted.months.contains(civil.month) || !wanted.years.contains(civil.year)) return false;
  const int length = length_of(civil.year, civil.month);
  const int64_t first = day - civil.day + 1;
  bool by_number = wanted.month_days.contains(civil.day) || (wanted.last_day && civil.day == length);
  for (const int n : wanted.nearest)
    by_number = by_number || (n <= length && nearest_workday(n, length, first) == civil.day);
  if (wanted.last_workday) by_number = by_number || nearest_workday(length, length, first) == civil.day;
  bool by_weekday = wanted.weekdays.contains(weekday(day)) && (wanted.nth == 0 || (civil.day + 6) / 7 == wanted.nth);
  by_weekday = by_weekday || (wanted.last_weekdays.contains(weekday(day)) && civil.day > length - 7);
  if (wanted.month_days_given && wanted.weekdays_given) return by_number || by_weekday;
  return (!wanted.month_days_given || by_number) && (!wanted.weekdays_given || by_weekday);
}

bool minute_matches(const Meaning& wanted, int64_t local_minute) {
  return wanted.minutes.contains(static_cast<int>(local_minute % 60)) &&
         wanted.hours.contains(static_cast<int>(local_minute / 60 % 24)) && day_matches(wanted, local_minute / 1440);
}

// What a zone's clock shows at every minute of some weeks.
struct Window {
  std::string zone;
  int64_t first_minute = 0;  // UTC
  std::vector<int64_t> local;
};

Window window(const char* zone, const char* begins, int days_long) {
  setenv("TZ", zone, 1);
  tzset();
  Window out{zone, *parse_timestamp(begins) / kMinute, {}};
  for (int64_t minute = 0; minute < days_long * 1440; ++minute) {
    const time_t second = (out.first_minute + minute) * 60;
    tm local{};
    localtime_r(&second, &local);
    out.local.push_back(out.first_minute + minute + local.tm_gmtoff / 60);
  }
  unsetenv("TZ");
  tzset();
  return out;
}

std::vector<WallTime> reference(const Meaning& wanted, const Window& in, WallTime after, size_t max) {
  std::vector<WallTime> out;
  int64_t shown = in.local[0];  // the latest the clock has shown
  for (size_t i = 1; i < in.local.size() && out.size() < max; ++i) {
    bool due = false;
    if (wanted.counts_hours) {
      due = minute_matches(wanted, in.local[i]);
    } else {
      for (int64_t local = shown + 1; local <= in.local[i] && !due; ++local) due = minute_matches(wanted, local);
      shown = std::max(shown, in.local[i]);
    }
    const WallTime at{(in.first_minute + static_cast<int64_t>(i)) * kMinute};
    if (due && at > after) out.push_back(at);
  }
  return out;
}

// Writes random fields together with what they mean.
class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  int from_to(int first, int last) { return first + below(last - first + 1); }

  struct Values {
    std::string text;
    std::set<int> all;
    bool counts = false;
  };
  // One to three parts of the field's grammar.
  Values list(int first, int last, bool cloud, const std::vector<std::string>& names = {}) {
    Values out;
    for (int parts = below(3) == 0 ? 3 : 1; parts > 0; --parts) {
      if (!out.text.empty()) out.text += ",";
      part(first, last, cloud, names, out);
    }
    return out;
  }

 private:
  void part(int first, int last, bool cloud, const std::vector<std::string>& names, Values& out) {
    int low = from_to(first, last), high = low, step = 1;
    const auto name = [&](int value) {
      const bool named = !names.empty() && below(2) == 0;
      return named ? names[static_cast<size_t>(value - first)] : std::to_string(value);
    };
    const int kind = below(cloud ? 6 : 5);
    if (kind == 0) {
      out.text += name(low);
    } else if (kind == 1 || kind == 2) {
      high = from_to(low, last);
      out.text += name(low) + "-" + name(high);
    } else if (kind == 3 || kind == 4) {
      low = first, high = last;
      out.text += "*";
    } else {
      high = last;
      out.text += name(low);
    }
    if (kind == 2 || kind == 4 || kind == 5) {
      step = from_to(1, last - first + 1);
      out.text += "/" + std::to_string(step);
    }
    out.counts = out.counts || kind >= 2;
    for (int value = low; value <= high; value += step) out.all.insert(value);
  }

  std::mt19937_64 random_;
};

const std::vector<std::string> kMonthNames = {"JAN", "feb", "Mar", "APR", "MAY", "JUN",
                                              "jul", "AUG", "SEP", "OCT", "NOV", "DEC"};
const std::vector<std::string> kDayNames = {"SUN", "mon", "TUE", "Wed", "THU", "FRI", "SAT"};

struct Expression {
  std::string text;
  Meaning means;
};

void every_year(Meaning& means) {
  for (int year = 1970; year <= 2199; ++year) means.years.insert(year);
}

// Month days of the cloud's form with L, LW and W.
std::string cloud_month_days(Writer& write, Meaning& means) {
  means.month_days_given = true;
  switch (write.below(5)) {
    case 0:
      means.last_day = true;
      return "L";
    case 1: {
      const int day = write.from_to(1, 31);
      means.nearest.insert(day);
      return std::to_string(day) + "W";
    }
    case 2:
      means.last_workday = true;
      return "LW";
    default: {
      const auto days = write.list(1, 31, true);
      means.month_days = days.all;
      return days.text;
    }
  }
}

std::string cloud_weekdays(Writer& write, Meaning& means) {
  means.weekdays_given = true;
  const int day = write.from_to(0, 6);
  switch (write.below(4)) {
    case 0:
      means.last_weekdays.insert(day);
      return std::to_string(day + 1) + "L";
    case 1:
      means.weekdays.insert(day);
      means.nth = write.from_to(1, 5);
      return kDayNames[static_cast<size_t>(day)] + "#" + std::to_string(means.nth);
    default: {
      const auto days = write.list(1, 7, true, kDayNames);
      for (const int value : days.all) means.weekdays.insert(value - 1);
      return days.text;
    }
  }
}

Expression random_expression(Writer& write) {
  Expression out;
  Meaning& means = out.means;
  const bool cloud = write.below(2) == 0;
  const auto minutes = write.list(0, 59, cloud);
  auto hours = write.list(0, 23, cloud);
  if (write.below(3) == 0) {  // what people write most, and where clocks change
    const int hour = write.from_to(0, 3);
    hours = {std::to_string(hour) + "-3", {}, false};
    for (int named = hour; named <= 3; ++named) hours.all.insert(named);
  }
  auto months = write.list(1, 12, cloud, kMonthNames);
  if (write.below(3) > 0) months = {"*", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, true};
  means.minutes = minutes.all;
  means.hours = hours.all;
  means.counts_hours = hours.counts || hours.all.size() == 24;
  means.months = months.all;
  const std::string begin = minutes.text + " " + hours.text + " ";
  if (cloud) {
    const bool by_weekday = write.below(2) == 0;
    const std::string days = write.below(2) == 0 ? "*"
                             : by_weekday        ? cloud_weekdays(write, means)
                                                 : cloud_month_days(write, means);
    const auto years = write.below(3) == 0 ? write.list(1970, 2199, true) : Writer::Values{"*", {}, true};
    means.years = years.all;
    if (years.all.empty()) every_year(means);
    out.text =
        begin + (by_weekday ? "? " : days + " ") + months.text + (by_weekday ? " " + days : " ?") + " " + years.text;
    if (write.below(2) == 0) out.text = "cron(" + out.text + ")";
    return out;
  }
  every_year(means);
  const auto days = write.list(1, 31, false);
  const auto weekdays = write.list(0, 6, false, kDayNames);
  const bool any_day = write.below(3) > 0, any_weekday = write.below(3) > 0;
  means.month_days_given = !any_day && days.text != "*";
  means.weekdays_given = !any_weekday && weekdays.text != "*";
  means.month_days = days.all;
  means.weekdays = weekdays.all;
  out.text = begin + (any_day ? "*" : days.text) + " " + months.text + " " + (any_weekday ? "*" : weekdays.text);
  return out;
}

// An instant of the window, mostly near a change of clocks. The first three days only show
// the reference what the clock has shown before.
int64_t start_in(const Window& in, Writer& write) {
  const int first = 3 * 1440, last = static_cast<int>(in.local.size()) - 1440;
  int minute = write.from_to(first, last);
  std::vector<int> changes;
  for (int i = first; i < last; ++i) {
    const auto at = static_cast<size_t>(i);
    if (in.local[at] != in.local[at - 1] + 1) changes.push_back(i);
  }
  if (!changes.empty() && write.below(4) > 0) {
    minute = changes[static_cast<size_t>(write.below(static_cast<int>(changes.size())))] + write.from_to(-120, 120);
  }
  return (in.first_minute + minute) * kMinute + write.below(3) * 29'999'999;
}

TEST(ScheduleProperty, agrees_with_walking_minute_by_minute) {
  const std::vector<Window> windows = {window("UTC", "2027-12-10T00:00Z", 90),
                                       window("Europe/Berlin", "2026-03-01T00:00Z", 50),
                                       window("Europe/Berlin", "2026-10-01T00:00Z", 50),
                                       window("Europe/Berlin", "2075-03-01T00:00Z", 50),
                                       window("America/New_York", "2026-02-20T00:00Z", 40),
                                       window("America/New_York", "2026-10-20T00:00Z", 40),
                                       window("Australia/Lord_Howe", "2026-03-20T00:00Z", 40),
                                       window("Australia/Lord_Howe", "2026-09-20T00:00Z", 40),
                                       window("America/Sao_Paulo", "2018-02-01T00:00Z", 40),
                                       window("America/Sao_Paulo", "2018-10-20T00:00Z", 40),
                                       window("America/St_Johns", "2010-10-25T00:00Z", 40),
                                       window("Pacific/Apia", "2011-12-15T00:00Z", 40),
                                       window("Africa/Cairo", "2024-04-15T00:00Z", 40),
                                       window("Antarctica/Troll", "2026-03-15T00:00Z", 40),
                                       window("Asia/Pyongyang", "2018-04-20T00:00Z", 30)};
  constexpr int kExpressions = 4'000;
  constexpr size_t kCompared = 200;
  int refused = 0, with_firings = 0;
  for (int seed = 0; seed < kExpressions; ++seed) {
    Writer write(static_cast<uint64_t>(seed));
    const Expression expression = random_expression(write);
    const Window& in = windows[static_cast<size_t>(write.below(static_cast<int>(windows.size())))];
    const auto schedule = Schedule::parse(expression.text, *Zone::find(in.zone));
    if (!schedule) {
      // Only days that never come may be refused.
      ASSERT_NE(schedule.error().message.find("never comes"), std::string::npos) << schedule.error().text();
      ++refused;
      continue;
    }
    const WallTime after{start_in(in, write)};
    const WallTime until{(in.first_minute + static_cast<int64_t>(in.local.size()) - 1) * kMinute};
    const auto wanted = reference(expression.means, in, after, kCompared);
    const auto found = schedule->between(after, until, kCompared);
    ASSERT_EQ(found.size(), wanted.size())
        << expression.text << " in " << in.zone << " after " << format_timestamp(after.micros);
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(format_timestamp(found[i].micros), format_timestamp(wanted[i].micros))
          << "seed " << seed << ": " << expression.text << " in " << in.zone << " after "
          << format_timestamp(after.micros);
    }
    with_firings += found.empty() ? 0 : 1;
  }
  EXPECT_LT(refused, kExpressions / 10);
  EXPECT_GT(with_firings, kExpressions / 3);
}

}  // namespace
}  // namespace weir::flow
