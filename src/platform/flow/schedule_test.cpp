// What each form means and which instants come out; what is refused and how it is told. Days on which clocks change are
// in schedule_change_test.cpp, the comparison with a slow reference in schedule_property_test.cpp.
#include "platform/flow/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>

#include "core/base/time.h"

namespace weir::flow {
namespace {

using testing::HasSubstr;

WallTime at(const char* text) {
  return WallTime{*parse_timestamp(text)};
}

// The next `count` firings after `after` in UTC: "2026-01-05T06:00".
std::string firings(const char* text, const char* after, size_t count, const Zone& zone = Zone::utc()) {
  const auto schedule = Schedule::parse(text, zone);
  EXPECT_TRUE(schedule.has_value()) << (schedule ? "" : schedule.error().text());
  if (!schedule) return "";
  std::string out;
  for (const WallTime due : schedule->between(at(after), WallTime{INT64_MAX}, count)) {
    const std::string full = format_timestamp(due.micros);
    EXPECT_EQ(full.substr(16), ":00.000000Z");
    out += (out.empty() ? "" : " ") + full.substr(0, 16);
  }
  return out;
}

struct Case {
  const char* text;
  const char* after;
  const char* due;  // the next ones, in UTC
};

void check(const std::vector<Case>& cases) {
  for (const Case& wanted : cases) {
    const auto count = static_cast<size_t>(std::count(wanted.due, wanted.due + strlen(wanted.due), ' ')) + 1;
    EXPECT_EQ(firings(wanted.text, wanted.after, count), wanted.due) << wanted.text;
  }
}

// 2026-01-01 is a Thursday.
TEST(Schedule, crontab_of_five_fields) {
  check({
      {"0 6 * * *", "2026-01-01T00:00Z", "2026-01-01T06:00 2026-01-02T06:00"},
      {"0 6 * * *", "2026-01-01T05:59:59.999999Z", "2026-01-01T06:00"},
      {"0 6 * * *", "2026-01-01T06:00Z", "2026-01-02T06:00"},  // strictly after
      {"* * * * *", "2026-12-31T23:58:30Z", "2026-12-31T23:59 2027-01-01T00:00"},
      {"*/15 * * * *", "2026-01-01T00:00Z", "2026-01-01T00:15 2026-01-01T00:30 2026-01-01T00:45 2026-01-01T01:00"},
      {"10-20/5 8-9 * * *", "2026-01-01T08:12Z", "2026-01-01T08:15 2026-01-01T08:20 2026-01-01T09:10"},
      {"0 0,12 * * *", "2026-01-01T00:00Z", "2026-01-01T12:00 2026-01-02T00:00"},
      {"0 0 1 * *", "2026-01-15T00:00Z", "2026-02-01T00:00 2026-03-01T00:00"},
      {"0 0 31 * *", "2026-01-31T00:00Z", "2026-03-31T00:00 2026-05-31T00:00"},
      {"0 0 29 2 *", "2026-01-01T00:00Z", "2028-02-29T00:00 2032-02-29T00:00"},
      {"0 0 29 2 *", "2097-01-01T00:00Z", "2104-02-29T00:00"},  // 2100 is no leap year
      {"0 0 L * *", "2028-01-01T00:00Z", "2028-01-31T00:00 2028-02-29T00:00 2028-03-31T00:00 2028-04-30T00:00"},
      {"0 0 15,L 2 *", "2026-01-01T00:00Z", "2026-02-15T00:00 2026-02-28T00:00 2027-02-15T00:00"},
      {"0 0 * * 0", "2026-01-01T00:00Z", "2026-01-04T00:00 2026-01-11T00:00"},
      {"0 0 * * 7", "2026-01-01T00:00Z", "2026-01-04T00:00 2026-01-11T00:00"},
      {"0 0 * * SUN", "2026-01-01T00:00Z", "2026-01-04T00:00"},
      {"0 0 * * 5-7", "2026-01-01T00:00Z", "2026-01-02T00:00 2026-01-03T00:00 2026-01-04T00:00 2026-01-09T00:00"},
      {"0 0 * * fri-sun", "2026-01-01T00:00Z", "2026-01-02T00:00 2026-01-03T00:00 2026-01-04T00:00 2026-01-09T00:00"},
      {"0 0 * * mon-Fri", "2026-01-02T00:00Z", "2026-01-05T00:00 2026-01-06T00:00"},
      {"0 0 * * */2", "2026-01-01T00:00Z", "2026-01-03T00:00 2026-01-04T00:00 2026-01-06T00:00"},
      {"0 0 1 JAN,jul *", "2026-01-01T00:00Z", "2026-07-01T00:00 2027-01-01T00:00"},
      {"0 0 1 */3 *", "2026-01-01T00:00Z", "2026-04-01T00:00 2026-07-01T00:00 2026-10-01T00:00 2027-01-01T00:00"},
      {"\t 5  4 * * *  \n", "2026-01-01T00:00Z", "2026-01-01T04:05"},
      {"0 */12 */10 * *", "2026-01-01T12:00Z", "2026-01-11T00:00 2026-01-11T12:00 2026-01-21T00:00"},
  });
}

TEST(Schedule, day_of_month_and_day_of_week_both_given_means_either) {
  check({
      {"0 0 13 * FRI", "2026-02-07T00:00Z", "2026-02-13T00:00 2026-02-20T00:00 2026-02-27T00:00 2026-03-06T00:00"},
      {"0 0 1,15 * 3", "2026-01-01T00:00Z", "2026-01-07T00:00 2026-01-14T00:00 2026-01-15T00:00 2026-01-21T00:00"},
      {"0 0 31 2 MON", "2026-02-01T00:00Z", "2026-02-02T00:00"},  // the 31st never comes, Mondays do
      {"0 0 */2 * MON", "2026-01-03T00:00Z",
       "2026-01-05T00:00 2026-01-07T00:00 2026-01-09T00:00 2026-01-11T00:00 2026-01-12T00:00"},
  });
}

TEST(Schedule, names_of_common_schedules) {
  check({
      {"@hourly", "2026-01-01T00:30Z", "2026-01-01T01:00 2026-01-01T02:00"},
      {"@daily", "2026-01-01T00:30Z", "2026-01-02T00:00 2026-01-03T00:00"},
      {"@midnight", "2026-01-01T00:30Z", "2026-01-02T00:00"},
      {"@weekly", "2026-01-01T00:30Z", "2026-01-04T00:00 2026-01-11T00:00"},
      {"@monthly", "2026-01-01T00:30Z", "2026-02-01T00:00 2026-03-01T00:00"},
      {"@yearly", "2026-01-01T00:30Z", "2027-01-01T00:00 2028-01-01T00:00"},
      {" @Annually ", "2026-01-01T00:30Z", "2027-01-01T00:00"},
  });
}

TEST(Schedule, the_clouds_six_fields) {
  check({
      {"cron(0 * * * ? *)", "2026-01-01T00:30Z", "2026-01-01T01:00 2026-01-01T02:00"},
      {"0 10 * * ? *", "2026-01-01T00:00Z", "2026-01-01T10:00 2026-01-02T10:00"},
      {"cron(15 12 * * ? *)", "2026-01-01T00:00Z", "2026-01-01T12:15"},
      {"cron( 0 18 ? * MON-FRI * )", "2026-01-02T18:00Z", "2026-01-05T18:00"},
      {"0 8 1 * ? *", "2026-01-01T09:00Z", "2026-02-01T08:00"},
      {"0/10 * ? * MON-FRI *", "2026-01-02T23:50Z", "2026-01-05T00:00 2026-01-05T00:10"},
      {"1/10 * * * ? *", "2026-01-01T00:00Z", "2026-01-01T00:01 2026-01-01T00:11"},
      {"0/5 8-17 ? * 2-6 *", "2026-01-02T17:55Z", "2026-01-05T08:00 2026-01-05T08:05"},
      {"0 0 ? * 1 *", "2026-01-01T00:00Z", "2026-01-04T00:00"},  // 1 is Sunday
      {"0 0 ? * 7 *", "2026-01-01T00:00Z", "2026-01-03T00:00"},
      {"0 0 ? * L *", "2026-01-01T00:00Z", "2026-01-03T00:00 2026-01-10T00:00"},  // the week ends on Saturday
      {"0 0 ? * 6L *", "2026-01-01T00:00Z", "2026-01-30T00:00 2026-02-27T00:00"},
      {"0 0 ? 2 FRIL 2026-2028", "2026-01-01T00:00Z", "2026-02-27T00:00 2027-02-26T00:00 2028-02-25T00:00"},
      {"0 0 ? * 3#2 *", "2026-01-01T00:00Z", "2026-01-13T00:00 2026-02-10T00:00"},
      {"0 0 ? * THU#1 *", "2026-01-01T00:00Z", "2026-02-05T00:00 2026-03-05T00:00"},
      {"0 0 ? * SUN#5 *", "2026-01-01T00:00Z", "2026-03-29T00:00 2026-05-31T00:00"},
      {"0 0 L * ? *", "2026-02-01T00:00Z", "2026-02-28T00:00 2026-03-31T00:00"},
      {"0 0 15W * ? *", "2026-01-01T00:00Z", "2026-01-15T00:00 2026-02-16T00:00 2026-03-16T00:00 2026-04-15T00:00"},
      {"0 0 1W * ? *", "2026-01-01T00:00Z", "2026-02-02T00:00 2026-03-02T00:00"},  // stays within its month
      {"0 0 1w 8 ? *", "2026-01-01T00:00Z", "2026-08-03T00:00"},                   // a Saturday: not 31 July
      {"0 0 31W * ? *", "2026-05-01T00:00Z", "2026-05-29T00:00 2026-07-31T00:00"},
      {"0 0 LW * ? *", "2026-01-01T00:00Z", "2026-01-30T00:00 2026-02-27T00:00 2026-03-31T00:00"},
      {"0 0 1,15,L * ? *", "2026-01-01T00:00Z", "2026-01-15T00:00 2026-01-31T00:00 2026-02-01T00:00"},
      {"30 9 1 1 ? 2027", "2026-01-01T00:00Z", "2027-01-01T09:30"},
      {"0 0 1 1 ? 2020/5", "2026-01-01T00:00Z", "2030-01-01T00:00 2035-01-01T00:00"},
      {"59 23 31 12 ? *", "2198-06-01T00:00Z", "2198-12-31T23:59 2199-12-31T23:59"},
      {"0 0 1 1 ? 2027,2150-2151", "2026-01-01T00:00Z", "2027-01-01T00:00 2150-01-01T00:00 2151-01-01T00:00"},
      {"0 0 29 2 ? 2025-2028", "2026-01-01T00:00Z", "2028-02-29T00:00"},
  });
}

TEST(Schedule, rates_count_from_1970_and_know_no_zone) {
  check({
      {"rate(5 minutes)", "2026-01-01T00:00Z", "2026-01-01T00:05 2026-01-01T00:10"},
      {"rate(1 minute)", "2026-01-01T00:00:59.999999Z", "2026-01-01T00:01"},
      {"rate(1 hour)", "2026-01-01T00:30Z", "2026-01-01T01:00 2026-01-01T02:00"},
      {"rate(7 minutes)", "1970-01-01T00:00Z", "1970-01-01T00:07 1970-01-01T00:14"},
      {"rate(7 days)", "1970-01-01T00:00Z", "1970-01-08T00:00 1970-01-15T00:00"},
      {"rate(7 days)", "2026-01-03T00:00Z", "2026-01-08T00:00"},
      {" rate( 1  day ) ", "2026-01-01T00:30Z", "2026-01-02T00:00"},
      {"rate(1 day)", "1960-01-01T00:00Z", "1970-01-01T00:00 1970-01-02T00:00"},
  });
  const Zone berlin = *Zone::find("Europe/Berlin");
  EXPECT_EQ(firings("rate(1 day)", "2026-03-29T00:30Z", 2, berlin), "2026-03-30T00:00 2026-03-31T00:00");
}

TEST(Schedule, ends_where_its_years_end) {
  EXPECT_EQ(firings("0 0 1 1 ? 2020", "2026-01-01T00:00Z", 1), "");
  EXPECT_EQ(firings("0 * 1 1 ? 2020-2025", "2025-01-01T22:30Z", 9), "2025-01-01T23:00");
  EXPECT_EQ(firings("0 6 * * *", "2199-12-31T06:00Z", 1), "");
  EXPECT_EQ(firings("rate(10 days)", "2199-12-31T06:00Z", 1), "");
  for (const char* text : {"0 6 * * *", "0 * * * *", "rate(1 hour)"}) {
    const Schedule schedule = *Schedule::parse(text, Zone::utc());
    EXPECT_EQ(schedule.next(WallTime{INT64_MAX}), std::nullopt);
    EXPECT_LE(schedule.next(WallTime{INT64_MIN})->micros, hours(6).micros);
  }
}

TEST(Schedule, between_takes_the_end_and_stops_at_its_limit) {
  const Schedule schedule = *Schedule::parse("0 * * * *", Zone::utc());
  const auto found = schedule.between(at("2026-01-01T01:00Z"), at("2026-01-01T03:00Z"), 10);
  EXPECT_EQ(found, (std::vector<WallTime>{at("2026-01-01T02:00Z"), at("2026-01-01T03:00Z")}));
  EXPECT_EQ(schedule.between(at("2026-01-01T01:00Z"), at("2027-01-01T03:00Z"), 5).size(), 5u);
  EXPECT_TRUE(schedule.between(at("2026-01-01T01:00Z"), at("2027-01-01T03:00Z"), 0).empty());
  EXPECT_TRUE(schedule.between(at("2026-01-01T01:00Z"), at("2025-01-01T03:00Z"), 5).empty());
}

TEST(Schedule, people_read_words) {
  const Zone berlin = *Zone::find("Europe/Berlin");
  const auto words = [&](const char* text) {
    const auto schedule = Schedule::parse(text, berlin);
    EXPECT_TRUE(schedule.has_value()) << (schedule ? "" : schedule.error().text());
    if (!schedule) return std::string();
    std::string out = schedule->words();
    const std::string zone = " (Europe/Berlin)";
    if (out.ends_with(zone)) out.resize(out.size() - zone.size());
    return out;
  };
  EXPECT_EQ(Schedule::parse("0 6 * * *", berlin)->words(), "at 06:00 every day (Europe/Berlin)");
  EXPECT_EQ(words("0 6,18 * * MON-FRI"), "at 06:00 and 18:00 on Monday to Friday");
  EXPECT_EQ(words("30 6 * * 1,4"), "at 06:30 on Monday and Thursday");
  EXPECT_EQ(words("0 0 * * SAT,SUN"), "at 00:00 on Saturday and Sunday");
  EXPECT_EQ(words("0 0 * * 5-7"), "at 00:00 on Friday to Sunday");
  EXPECT_EQ(words("@monthly"), "at 00:00 on day 1 of every month");
  EXPECT_EQ(words("@yearly"), "at 00:00 on day 1 of January");
  EXPECT_EQ(words("0 0 1,15 1,7 *"), "at 00:00 on days 1 and 15 of January and July");
  EXPECT_EQ(words("0 0 L * *"), "at 00:00 on the last day of every month");
  EXPECT_EQ(words("0 0 13 * 5"), "at 00:00 on day 13 of every month and on every Friday");
  EXPECT_EQ(words("0 0 * 12 *"), "at 00:00 every day in December");
  EXPECT_EQ(words("* * * * *"), "every minute");
  EXPECT_EQ(words("*/5 * * * *"), "every 5 minutes");
  EXPECT_EQ(words("0/15 * ? * MON-FRI *"), "every 15 minutes on Monday to Friday");
  EXPECT_EQ(words("@hourly"), "every hour");
  EXPECT_EQ(words("20 * * * *"), "every hour at minute 20");
  EXPECT_EQ(words("0 */6 * * *"), "every 6 hours");
  EXPECT_EQ(words("0,30 */6 * * *"), "every 6 hours at minutes 0 and 30");
  EXPECT_EQ(words("*/15 8-18 * * *"), "every 15 minutes from 08:00 to 18:45 every day");
  EXPECT_EQ(words("5 8-18 * * MON"), "every hour from 08:05 to 18:05 on Monday");
  EXPECT_EQ(words("0 0 ? * 3#2 *"), "at 00:00 on the second Tuesday of every month");
  EXPECT_EQ(words("0 0 ? * 6L *"), "at 00:00 on the last Friday of every month");
  EXPECT_EQ(words("0 0 15W * ? *"), "at 00:00 on the weekday nearest to day 15 of every month");
  EXPECT_EQ(words("0 0 LW * ? *"), "at 00:00 on the last weekday of every month");
  EXPECT_EQ(words("30 9 1 1 ? 2027"), "at 09:30 on day 1 of January 2027");
  EXPECT_EQ(words("30 9 * * ? 2027,2028"), "at 09:30 every day in 2027 and 2028");
  EXPECT_EQ(words("1-59/7 3-9/2 1-7 * ? *"), "1-59/7 3-9/2 1-7 * ? *");  // nobody would say that
  EXPECT_EQ(words("0 0 1-20 * *"), "0 0 1-20 * *");
  EXPECT_EQ(words("rate(1 day)"), "every day, counted from 1970-01-01 00:00 UTC");
  EXPECT_EQ(words("rate(90 minutes)"), "every 90 minutes, counted from 1970-01-01 00:00 UTC");
  EXPECT_EQ(words("rate(24 hours)"), "every day, counted from 1970-01-01 00:00 UTC");
}

struct Refused {
  const char* text;
  const char* told;  // behind "schedule 'text': "
};
constexpr Refused kRefused[] = {
    {"", "it is empty"},
    {" \t ", "it is empty"},
    {"0 6 * *", "it has 4 fields, expected are 5 or 6"},
    {"now", "it has 1 field, expected are 5 or 6"},
    {"0 0 6 * * ? *", "it has 7 fields, expected are 5 or 6"},
    {"60 6 * * *", "minute, column 1: '60' is not 0 to 59"},
    {"  60 6 * * *", "minute, column 3: '60' is not 0 to 59"},
    {"0 24 * * *", "hour, column 3: '24' is not 0 to 23"},
    {"0 6 0 * *", "day of month, column 5: '0' is not 1 to 31"},
    {"0 6 1,32 * *", "day of month, column 7: '32' is not 1 to 31"},
    {"0 6 * 13 *", "month, column 7: '13' is not 1 to 12"},
    {"0 6 * 0 *", "month, column 7: '0' is not 1 to 12"},
    {"0 6 * janvier *", "month, column 7: 'janvier' is neither a number nor a name"},
    {"0 6 * * 8", "day of week, column 9: '8' is not 0 to 7"},
    {"0 6 * * MON-FOO", "day of week, column 13: 'FOO' is neither a number nor a name"},
    {"0 6 * MON *", "month, column 7: 'MON' is neither a number nor a name"},
    {"x 6 * * *", "minute, column 1: 'x' is no number"},
    {"-1 6 * * *", "minute, column 1: '' is empty where a value is expected"},
    {"1- 6 * * *", "minute, column 3: '' is empty where a value is expected"},
    {"1,,2 6 * * *", "minute, column 3: '' is empty where a value is expected"},
    {"1, 6 * * *", "minute, column 3: '' is empty where a value is expected"},
    {"1.5 6 * * *", "minute, column 1: '1.5' is no number"},
    {"99999 6 * * *", "minute, column 1: '99999' is no number"},
    {"30-10 6 * * *", "minute, column 1: '30-10' runs backwards; write its two parts with a comma between them"},
    {"0 22-6 * * *", "hour, column 3: '22-6' runs backwards; write its two parts with a comma between them"},
    {"0 0 ? * FRI-MON *",
     "day of week, column 9: 'FRI-MON' runs backwards; write its two parts with a comma between them"},
    {"1-2-3 6 * * *", "minute, column 3: '2-3' is no number"},
    {"*/0 6 * * *", "minute, column 3: '0' is no step of 1 to 60"},
    {"*/61 6 * * *", "minute, column 3: '61' is no step of 1 to 60"},
    {"*/ 6 * * *", "minute, column 3: '' is no step of 1 to 60"},
    {"*/5/5 6 * * *", "minute, column 3: '5/5' is no step of 1 to 60"},
    {"*5 6 * * *", "minute, column 1: '*5' is no number"},
    {"5/10 6 * * *", "minute, column 1: '5/10' has a step without a range; write 5-59/10"},
    {"0 6 ? * *", "day of month, column 5: '?' is known only to the form with six fields; write *"},
    {"0 6 * * ?", "day of week, column 9: '?' is known only to the form with six fields; write *"},
    {"0 6 15W * *", "day of month, column 5: '15W' is known only to the form with six fields"},
    {"0 6 * * 5L", "day of week, column 9: '5L' is known only to the form with six fields"},
    {"0 6 * * 5#2", "day of week, column 9: '5#2' is known only to the form with six fields"},
    {"0 6 L-2 * *", "day of month, column 5: 'L' is no number"},
    {"0 6 31 2 *", "day of month, column 5: '31' never comes in the months and years of this schedule"},
    {"0 6 30,31 FEB *", "day of month, column 5: '30,31' never comes in the months and years of this schedule"},
    {"0 6 31 4,6,9,11 *", "day of month, column 5: '31' never comes in the months and years of this schedule"},
    {"0 6 29 2 ? 2027", "day of month, column 5: '29' never comes in the months and years of this schedule"},
    {"0 6 31W 6 ? *", "day of month, column 5: '31W' never comes in the months and years of this schedule"},
    {"0 6 ? 2 SUN#5 2026", "day of week, column 9: 'SUN#5' never comes in the months and years of this schedule"},
    {"0 6 * * * *", "day of week, column 9: '*' stands beside '*' as day of month; one of the two must be ?"},
    {"0 6 1 * MON *", "day of week, column 9: 'MON' stands beside '1' as day of month; one of the two must be ?"},
    {"0 6 ? * ? *",
     "day of week, column 9: '?' stands here and in the day of month; one of the two must say which days"},
    {"0 6 ? * 0 *", "day of week, column 9: '0' is not 1 to 7"},
    {"0 6 ? * 8 *", "day of week, column 9: '8' is not 1 to 7"},
    {"0 6 ? * 3#6 *", "day of week, column 11: '6' is not 1 to 5, the first to the fifth"},
    {"0 6 ? * 3# *", "day of week, column 11: '' is not 1 to 5, the first to the fifth"},
    {"0 6 ? * #2 *", "day of week, column 9: '' is empty where a value is expected"},
    {"0 6 ? * 3#1,6#3 *", "day of week, column 9: '3#1,6#3' has a # in a list; a # stands alone"},
    {"0 6 32W * ? *", "day of month, column 5: '32' is not 1 to 31"},
    {"0 6 W * ? *", "day of month, column 5: 'W' is no number"},
    {"0 6 ?,3 * MON *", "day of month, column 5: '?' is no number"},
    {"? 6 * * ? *", "minute, column 1: '?' is no number"},
    {"0 6 * * ? 1969", "year, column 11: '1969' is not 1970 to 2199"},
    {"0 6 * * ? 2200", "year, column 11: '2200' is not 1970 to 2199"},
    {"0 6 * * ? ?", "year, column 11: '?' is no number"},
    {"cron(0 6 * * *)", "cron( ) has 5 fields, expected are 6"},
    {"cron()", "cron( ) has 0 fields, expected are 6"},
    {" cron( 0 24 * * ? *)", "hour, column 10: '24' is not 0 to 23"},
    {"cron(0 6 * * ? *", "cron( has no )"},
    {"cron(0 6 * * ? *) x", "cron( goes on after its ) in column 17"},
    {"@reboot", "'@reboot' is no name of a schedule"},
    {"@dayly", "'@dayly' is no name of a schedule"},
    {"rate(1 minutes)", "rate, column 8: 'minutes' does not agree with the number; write minute"},
    {"rate(5 minute)", "rate, column 8: 'minute' does not agree with the number; write minutes"},
    {"rate(2 hour)", "rate, column 8: 'hour' does not agree with the number; write hours"},
    {"rate(1 days)", "rate, column 8: 'days' does not agree with the number; write day"},
    {"rate(5 seconds)", "rate, column 8: 'seconds' is no unit of minute, minutes, hour, hours, day, days"},
    {"rate(0 minutes)", "rate, column 6: '0' is no whole number above 0 with up to seven digits"},
    {"rate(-5 minutes)", "rate, column 6: '-5' is no whole number above 0 with up to seven digits"},
    {"rate(1.5 hours)", "rate, column 6: '1.5' is no whole number above 0 with up to seven digits"},
    {"rate(99999999 minutes)", "rate, column 6: '99999999' is no whole number above 0 with up to seven digits"},
    {"rate(3651 days)", "rate, column 6: '3651' is more than 3650 days"},
    {"rate(5)", "rate, column 6: '5' has 1 field, expected are 2"},
    {"rate()", "rate, column 6: '' has 0 fields, expected are 2"},
    {"rate(5 minutes", "rate( has no )"},
    {"rate(5 minutes) daily", "rate( goes on after its ) in column 15"},
    {"0 6 * * *\n0 7 * * *", "it has 9 fields, expected are 5 or 6"},
    {"0 6 * * \xff", "day of week, column 9: '\\xff' is neither a number nor a name"},
};

TEST(Schedule, what_is_wrong_is_told_with_field_column_and_value) {
  for (const Refused& wanted : kRefused) {
    const auto schedule = Schedule::parse(wanted.text, Zone::utc());
    ASSERT_FALSE(schedule.has_value()) << wanted.text;
    const Error& error = schedule.error();
    EXPECT_EQ(error.code, Code::invalid) << wanted.text;
    EXPECT_FALSE(error.hint.empty()) << wanted.text;
    ASSERT_TRUE(error.message.starts_with("schedule '")) << error.message;
    EXPECT_EQ(error.message.substr(error.message.size() - std::min(error.message.size(), strlen(wanted.told))),
              wanted.told);
  }
  EXPECT_EQ(
      Schedule::parse("0 24 * * *", Zone::utc()).error().text(),
      "schedule '0 24 * * *': hour, column 3: '24' is not 0 to 23 (hours are 0 to 23, as in 6, 8-18, 6,18, */2 or *)");
  EXPECT_EQ(Schedule::parse("@dayly", Zone::utc()).error().hint, "did you mean '@daily'?");
}

TEST(Schedule, long_texts_are_refused) {
  std::string list = "0";
  while (list.size() + 2 + strlen(" * * * *") <= kScheduleBytesMax) list += ",1";
  EXPECT_TRUE(Schedule::parse(list + " * * * *", Zone::utc()).has_value());
  const auto schedule = Schedule::parse(list + std::string(4, ' ') + " * * * *", Zone::utc());
  ASSERT_FALSE(schedule.has_value());
  EXPECT_EQ(schedule.error().code, Code::too_large);
  EXPECT_THAT(schedule.error().message, HasSubstr("allowed are up to 512"));
}

TEST(Schedule, random_text_is_refused_or_fires) {
  constexpr std::string_view kAlphabet = "0123456789*/-,?LW# \t()@cronrateMONJANdays\n\xff";
  std::mt19937 random(11);
  std::uniform_int_distribution<size_t> length(0, 40), character(0, kAlphabet.size() - 1);
  const std::string parts[] = {"*", "0", "1-5", "*/2", "?", "L", "3#2", "15W", "MON-FRI", "2027", "rate(", ")", ","};
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    if (i % 2 == 0) {
      for (size_t left = length(random); left > 0; --left) text += kAlphabet[character(random)];
    } else {
      for (int left = 6; left > 0; --left) text += parts[random() % std::size(parts)] + (random() % 8 > 0 ? " " : "");
    }
    const auto schedule = Schedule::parse(text, Zone::utc());
    if (!schedule) continue;
    const auto due = schedule->next(WallTime{0});
    if (due) {
      EXPECT_GT(due->micros, 0) << text;
    }
    EXPECT_FALSE(schedule->words().empty());
  }
}

TEST(Schedule, next_costs_microseconds_also_over_years) {
  const Zone berlin = *Zone::find("Europe/Berlin");
  for (const char* text :
       {"0 6 * * *", "* * * * *", "0 0 29 2 *", "0 0/1 29 2 ? *", "0 0 ? 2 SUN#5 *", "0 0/1 1 1 ? 2199"}) {
    const Schedule schedule = *Schedule::parse(text, berlin);
    constexpr int kCalls = 2'000;
    const auto begins = std::chrono::steady_clock::now();
    for (int i = 0; i < kCalls; ++i)
      EXPECT_TRUE(schedule.next(WallTime{at("2026-01-01T00:00Z").micros + i}).has_value());
    const auto spent = std::chrono::steady_clock::now() - begins;
    const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count() / kCalls;
    RecordProperty(text, static_cast<int>(nanos));
    EXPECT_LT(nanos, 1'000'000) << text;  // generous: sanitizers, a busy machine
  }
}

}  // namespace
}  // namespace weir::flow
