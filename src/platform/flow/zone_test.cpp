// Zones against known dates and against the C library's own reading of the same files (localtime_r), up to 2199.
#include "platform/flow/zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <random>

#include "core/base/time.h"
#include "platform/flow/zone_files.h"
#include "platform/flow/zone_rule.h"

namespace weir::flow {
namespace {

using testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;

Zone zone(const std::string& name) {
  auto found = Zone::find(name);
  EXPECT_TRUE(found.has_value()) << name << ": " << (found ? "" : found.error().text());
  return found ? *found : Zone::utc();
}
int32_t day(const char* text) {
  return *parse_date(text);
}
int64_t at(const char* text) {
  return *parse_timestamp(text);
}

struct DayCase {
  const char* zone;
  const char* day;
  const char* begins;  // UTC
  double hours;
};
constexpr DayCase kDays[] = {
    {"UTC", "2026-03-29", "2026-03-29T00:00Z", 24},
    {"Europe/Berlin", "2026-03-28", "2026-03-27T23:00Z", 24},
    {"Europe/Berlin", "2026-03-29", "2026-03-28T23:00Z", 23},
    {"Europe/Berlin", "2026-03-30", "2026-03-29T22:00Z", 24},
    {"Europe/Berlin", "2026-10-25", "2026-10-24T22:00Z", 25},
    {"Europe/Berlin", "2060-03-28", "2060-03-27T23:00Z", 23},  // after the last change written in the file
    {"Europe/Berlin", "2060-07-01", "2060-06-30T22:00Z", 24},
    {"Europe/Dublin", "2026-03-29", "2026-03-29T00:00Z", 23},
    {"America/New_York", "2026-03-08", "2026-03-08T05:00Z", 23},
    {"America/New_York", "2026-11-01", "2026-11-01T04:00Z", 25},
    {"Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00Z", 24.5},
    {"Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30Z", 23.5},
    {"America/Sao_Paulo", "2018-11-03", "2018-11-03T03:00Z", 24},
    {"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00Z", 23},  // no midnight: begins at 01:00
    {"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00Z", 25},  // 23:00 to 24:00 twice
    {"Africa/Cairo", "2024-04-26", "2024-04-25T22:00Z", 23},       // no midnight
    {"Africa/Cairo", "2024-10-31", "2024-10-30T21:00Z", 25},
    {"America/Havana", "2026-11-01", "2026-11-01T04:00Z", 25},    // midnight twice
    {"America/St_Johns", "2010-11-06", "2010-11-06T02:30Z", 24},  // 00:01 goes back to 23:01
    {"America/St_Johns", "2010-11-07", "2010-11-07T02:30Z", 25},
    {"Pacific/Apia", "2011-12-29", "2011-12-29T10:00Z", 24},
    {"Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z", 0},  // a day that never was
    {"Pacific/Apia", "2011-12-31", "2011-12-30T10:00Z", 24},
    {"Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15Z", 24},
    {"Africa/Monrovia", "1971-06-01", "1971-06-01T00:44:30Z", 24},  // an offset with seconds
};

TEST(Zone, days_begin_where_the_calendar_of_the_place_says) {
  for (const DayCase& wanted : kDays) {
    SCOPED_TRACE(std::string(wanted.zone) + " " + wanted.day);
    const Zone place = zone(wanted.zone);
    const int64_t begins = place.start_of_day(day(wanted.day));
    EXPECT_EQ(format_timestamp(begins), format_timestamp(at(wanted.begins)));
    EXPECT_EQ(static_cast<double>(place.start_of_day(day(wanted.day) + 1) - begins) / kHour, wanted.hours);
    if (wanted.hours == 0) continue;
    EXPECT_EQ(place.day_of(begins), day(wanted.day));
    EXPECT_LT(place.day_of(begins - 1), day(wanted.day));
  }
}

TEST(Zone, every_instant_lies_in_exactly_one_day) {
  for (const char* name : {"UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Africa/Cairo",
                           "Antarctica/Troll", "Asia/Manila", "America/Juneau", "Pacific/Kwajalein"}) {
    const Zone place = zone(name);
    for (int32_t d = day("1840-01-01"); d < day("2210-01-01"); ++d) {
      const int64_t begins = place.start_of_day(d), ends = place.start_of_day(d + 1);
      ASSERT_LE(begins, ends) << name << " " << format_date(d);
      if (begins == ends) continue;
      ASSERT_EQ(place.day_of(begins), d) << name << " " << format_date(d);
      ASSERT_EQ(place.day_of(ends - 1), d) << name << " " << format_date(d);
    }
  }
}

TEST(Zone, agrees_with_the_c_library_in_every_zone_until_2199) {
  const auto names = zone_names();
  ASSERT_TRUE(names.has_value()) << names.error().text();
  ASSERT_GT(names->size(), 300u);
  std::mt19937_64 random(7);
  std::uniform_int_distribution<int64_t> seconds(0, at("2200-01-01T00:00Z") / kSecond - 1);
  for (const std::string& name : *names) {
    ASSERT_EQ(setenv("TZ", name.c_str(), 1), 0);
    tzset();
    const Zone place = zone(name);
    for (int i = 0; i < 600; ++i) {
      // Half of them beside a change, where mistakes would be.
      int64_t second = seconds(random);
      if (i % 2 == 0) second = place.period_at(second).begins - i / 2 % 3 + 1;
      if (second < 0) continue;
      const time_t wanted = second;
      tm local{};
      ASSERT_NE(localtime_r(&wanted, &local), nullptr);
      ASSERT_EQ(place.period_at(second).offset, local.tm_gmtoff) << name << " " << format_timestamp(second * kSecond);
      ASSERT_TRUE(place.format(second * kSecond).ends_with(std::string(" ") + local.tm_zone)) << name;
    }
  }
  unsetenv("TZ");
  tzset();
}

TEST(Zone, people_read_the_local_time_with_its_name) {
  EXPECT_EQ(zone("Europe/Berlin").format(at("2026-03-29T00:59:59Z")), "2026-03-29 01:59 CET");
  EXPECT_EQ(zone("Europe/Berlin").format(at("2026-03-29T01:00Z")), "2026-03-29 03:00 CEST");
  EXPECT_EQ(zone("America/Sao_Paulo").format(at("2026-03-29T01:00Z")), "2026-03-28 22:00 -03");
  EXPECT_EQ(Zone::utc().format(-1), "1969-12-31 23:59 UTC");
}

TEST(Zone, local_times_have_one_first_instant) {
  const Zone berlin = zone("Europe/Berlin");
  const auto first = [&](const char* local) { return format_timestamp(berlin.first_instant(at(local))); };
  EXPECT_EQ(first("2026-03-29T01:59:59.999999"), "2026-03-29T00:59:59.999999Z");
  EXPECT_EQ(first("2026-03-29T02:00"), "2026-03-29T01:00:00.000000Z");
  EXPECT_EQ(first("2026-03-29T02:59"), "2026-03-29T01:00:00.000000Z");
  EXPECT_EQ(first("2026-03-29T03:00"), "2026-03-29T01:00:00.000000Z");
  EXPECT_EQ(first("2026-10-25T02:30"), "2026-10-25T00:30:00.000000Z");  // the first of two
  EXPECT_EQ(format_timestamp(berlin.local_of(at("2026-10-25T01:30Z"))), "2026-10-25T02:30:00.000000Z");
  EXPECT_EQ(format_timestamp(berlin.latest_local(at("2026-10-25T01:30Z"))), "2026-10-25T02:59:59.999999Z");
}

TEST(Zone, days_far_away_are_the_nearest_of_the_calendar) {
  EXPECT_EQ(Zone::utc().start_of_day(INT32_MAX), at("9999-12-31T00:00Z"));
  EXPECT_EQ(Zone::utc().start_of_day(INT32_MIN), at("0001-01-01T00:00Z"));
  EXPECT_EQ(zone("Europe/Berlin").start_of_day(INT32_MAX), at("9999-12-30T23:00Z"));
}

TEST(Zone, an_unknown_name_is_told_with_the_nearest) {
  const auto hint = [](const char* name) {
    const auto found = Zone::find(name);
    EXPECT_FALSE(found.has_value()) << name;
    if (found) return std::string();
    EXPECT_EQ(found.error().code, Code::invalid) << name;
    return found.error().hint;
  };
  EXPECT_EQ(hint("europe/berlin"), "did you mean 'Europe/Berlin'?");
  EXPECT_EQ(hint("Europe/Berlni"), "did you mean 'Europe/Berlin'?");
  EXPECT_EQ(hint("Berlin"), "did you mean 'Europe/Berlin'?");
  EXPECT_EQ(hint("New York"), "did you mean 'America/New_York'?");
  EXPECT_EQ(hint("Sao_Paolo"), "did you mean 'America/Sao_Paulo'?");
  EXPECT_EQ(hint("utc"), "did you mean 'Etc/UTC' or 'UTC'?");
  for (const char* name :
       {"", "localtime", "../../etc/passwd", "/etc/localtime", "Europe", "+02:00", "Mars/Olympus_Mons"}) {
    hint(name);
  }
  EXPECT_THAT(hint("Kathedralenviertel der Innenstadt"), HasSubstr("for example UTC, Europe/Berlin"));
  EXPECT_THAT(Zone::find(std::string(100'000, 'x')).error().message, HasSubstr("is no time zone"));
  EXPECT_EQ(Zone::find("Europe/Berlni").error().message, "'Europe/Berlni' is no time zone");
}

TEST(ZoneRule, changes_of_a_year_in_order) {
  const auto in = [](const char* rule, int year) {
    const auto parsed = ZoneRule::parse(rule);
    EXPECT_TRUE(parsed.has_value()) << rule;
    std::string out;
    if (!parsed) return out;
    for (const ZoneChange& change : parsed->changes_in(year)) {
      out += format_timestamp(change.at * kSecond).substr(0, 16) + " " + change.abbreviation + " " +
             std::to_string(change.offset) + "; ";
    }
    return out;
  };
  EXPECT_EQ(in("CET-1CEST,M3.5.0,M10.5.0/3", 2040), "2040-03-25T01:00 CEST 7200; 2040-10-28T01:00 CET 3600; ");
  EXPECT_EQ(in("IST-1GMT0,M10.5.0,M3.5.0/1", 2040), "2040-03-25T01:00 IST 3600; 2040-10-28T01:00 GMT 0; ");
  EXPECT_EQ(in("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2040),
            "2040-03-31T15:00 +1030 37800; 2040-10-06T15:30 +11 39600; ");
  EXPECT_EQ(in("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2040), "2040-03-25T01:00 -01 -3600; 2040-10-28T01:00 -02 -7200; ");
  EXPECT_EQ(in("EET-2EEST,M4.5.5/0,M10.5.4/24", 2040), "2040-04-26T22:00 EEST 10800; 2040-10-25T21:00 EET 7200; ");
  EXPECT_EQ(in("AAA0BBB,J60,J365/25", 2040), "2040-03-01T02:00 BBB 3600; 2041-01-01T00:00 AAA 0; ");
  EXPECT_EQ(in("AAA0BBB,59/0,364/0:30:30", 2040), "2040-02-29T00:00 BBB 3600; 2040-12-29T23:30 AAA 0; ");
  EXPECT_EQ(in("UTC0", 2040), "");
}

TEST(ZoneRule, anything_else_is_a_damaged_file) {
  for (const char* rule : {"",
                           "A",
                           "CET",
                           "CET-",
                           "CET-1CEST",
                           "CET-1CEST,",
                           "CET-1CEST,M3.5.0",
                           "CET-1CEST,M3.5.0,",
                           "<+01-1",
                           "CET-1CEST,M13.5.0,M10.5.0",
                           "CET-1CEST,M0.5.0,M10.5.0",
                           "CET-1CEST,M3.6.0,M10.5.0",
                           "CET-1CEST,M3.0.0,M10.5.0",
                           "CET-1CEST,M3.5.7,M10.5.0",
                           "CET-1CEST,J0,J365",
                           "CET-1CEST,0,366",
                           "CET-168",
                           "CET-1:60",
                           "CET-1CEST,M3.5.0/168,M10.5.0",
                           "CET-1CEST,M3.5.0,M10.5.0x"}) {
    const auto parsed = ZoneRule::parse(rule);
    ASSERT_FALSE(parsed.has_value()) << rule;
    EXPECT_EQ(parsed.error().code, Code::corrupt) << rule;
  }
}

// "Slim" files of other systems end where the closing rule begins to hold; Berlin's in 1996.
TEST(ZoneFiles, the_closing_rule_goes_on_where_the_file_ends) {
  const int64_t last = at("1996-10-27T01:00Z") / kSecond;
  const auto changes = continued({{last, 3600, "CET"}}, "CET-1CEST,M3.5.0,M10.5.0/3");
  ASSERT_TRUE(changes.has_value());
  ASSERT_EQ(changes->size(), 1u + 2 * (kZoneYearLast - 1996));
  EXPECT_EQ((*changes)[1], (ZoneChange{at("1997-03-30T01:00Z") / kSecond, 7200, "CEST"}));
  EXPECT_EQ(changes->back(), (ZoneChange{at("2200-10-26T01:00Z") / kSecond, 3600, "CET"}));
  EXPECT_EQ(continued({{last, 3600, "CET"}}, "")->size(), 1u);
  EXPECT_FALSE(continued({{last, 3600, "CET"}}, "\x01\x02").has_value());
}

}  // namespace
}  // namespace weir::flow
