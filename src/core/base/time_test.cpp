// Instants: the calendar, the accepted shapes of a timestamp, and durations with units.
#include "core/base/time.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

int64_t micros_of(const char* text) {
  auto parsed = parse_timestamp(text);
  EXPECT_TRUE(parsed.has_value()) << text << ": " << (parsed ? "" : parsed.error().text());
  return parsed.value_or(INT64_MIN);
}

std::string error_of(const char* text) {
  auto parsed = parse_timestamp(text);
  return parsed ? "accepted" : parsed.error().message;
}

TEST(Timestamp, known_instants_have_known_micros) {
  EXPECT_EQ(micros_of("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(micros_of("1969-12-31T23:59:59.999999Z"), -1);
  EXPECT_EQ(micros_of("2000-02-29 12:00"), 951'825'600'000'000);
  EXPECT_EQ(micros_of("2038-01-19T03:14:08Z"), 2'147'483'648'000'000);
  EXPECT_EQ(micros_of("0001-01-01T00:00:00Z"), -62'135'596'800'000'000);
  EXPECT_EQ(micros_of("9999-12-31T23:59:59.999999Z"), 253'402'300'799'999'999);
}

TEST(Timestamp, no_zone_is_utc_and_offsets_are_subtracted) {
  int64_t noon = micros_of("2023-06-15T12:00:00Z");
  for (const char* text :
       {"2023-06-15T12:00", "2023-06-15 12:00:00", "2023-06-15T14:00+02:00", "2023-06-15T14:00:00+0200",
        "2023-06-15T14:00+02", "2023-06-15T06:30:00.000-05:30", "2023-06-15T12:00-00:00"}) {
    EXPECT_EQ(micros_of(text), noon) << text;
  }
}

TEST(Timestamp, fractions_are_cut_after_microseconds) {
  int64_t base = micros_of("2023-01-01T00:00:00Z");
  EXPECT_EQ(micros_of("2023-01-01T00:00:00.5Z") - base, 500'000);
  EXPECT_EQ(micros_of("2023-01-01T00:00:00.000001Z") - base, 1);
  EXPECT_EQ(micros_of("2023-01-01T00:00:00.123456789Z") - base, 123'456);
}

TEST(Timestamp, wrong_ones_are_refused_with_the_reason) {
  EXPECT_EQ(error_of("2023-02-29T00:00:00Z"), "'2023-02-29T00:00:00Z' is no timestamp: that month has no such day");
  EXPECT_NE(error_of("1900-02-29T00:00Z").find("no such day"), std::string::npos);
  EXPECT_NE(error_of("2023-13-01T00:00Z").find("month"), std::string::npos);
  EXPECT_NE(error_of("2023-01-01T24:00Z").find("hour"), std::string::npos);
  EXPECT_NE(error_of("2023-01-01T23:59:60Z").find("second"), std::string::npos);
  EXPECT_NE(error_of("0001-01-01T00:00:00+00:01").find("outside"), std::string::npos);
  EXPECT_NE(error_of("9999-12-31T23:59:00-00:01").find("outside"), std::string::npos);
  for (const char* text : {"",
                           "2023",
                           "2023-01-01",
                           "2023-1-1T00:00",
                           "2023-01-01T",
                           "2023-01-01T00:00:",
                           "2023-01-01T00:00:00.",
                           "2023-01-01T00:00:00.1234567890Z",
                           "2023-01-01T00:00Zz",
                           "2023-01-01T00:00+",
                           "2023-01-01T00:00+1",
                           "2023-01-01T00:00+1:00",
                           "2023-01-01T00:00+01:",
                           "2023-01-01T00:00+24:00",
                           "0000-01-01T00:00",
                           " 2023-01-01T00:00",
                           "2023-01-01T00:00 ",
                           "-023-01-01T00:00",
                           "2023-01-01T+1:00",
                           "2023-01-01  00:00"}) {
    EXPECT_FALSE(parse_timestamp(text).has_value()) << text;
    int64_t untouched = 42;
    EXPECT_FALSE(parse_timestamp_fast(text, untouched)) << text;
    EXPECT_EQ(untouched, 42) << text;
  }
}

TEST(Timestamp, every_day_of_four_centuries_survives_the_round_trip) {
  for (int32_t day = -135'140; day < 60'000; ++day) {
    auto parsed = parse_date(format_date(day));
    ASSERT_TRUE(parsed.has_value()) << day;
    ASSERT_EQ(*parsed, day);
  }
}

TEST(Timestamp, formatted_text_reads_back_to_the_same_micros) {
  for (int64_t micros : {int64_t{0}, int64_t{-1}, int64_t{1'675'209'599'123'456}, int64_t{-62'135'596'800'000'000}}) {
    EXPECT_EQ(micros_of(format_timestamp(micros).c_str()), micros);
  }
  EXPECT_EQ(format_timestamp(1'675'209'599'123'456), "2023-01-31T23:59:59.123456Z");
  EXPECT_EQ(day_number(-1), -1);
  EXPECT_EQ(day_number(86'399'999'999), 0);
  EXPECT_EQ(day_number(86'400'000'000), 1);
}

TEST(Duration, reads_units_and_fractions_exactly) {
  EXPECT_EQ(*parse_duration("500us"), microseconds(500));
  EXPECT_EQ(*parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(*parse_duration("30s"), seconds(30));
  EXPECT_EQ(*parse_duration("5m"), minutes(5));
  EXPECT_EQ(*parse_duration("1.5h"), minutes(90));
  EXPECT_EQ(*parse_duration("7d"), days(7));
  EXPECT_EQ(*parse_duration("2w"), days(14));
  EXPECT_EQ(*parse_duration("0s"), seconds(0));
}

TEST(Duration, refuses_what_would_be_a_guess) {
  for (const char* text : {"", "30", "s", "-5m", "1h30m", "1.5.5s", ".5s", "5 parsecs", "5M", "0.0000001s", "1e3s",
                           "99999999999999999999s", "9223372036854775807s"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
  EXPECT_EQ(parse_duration("30").error().message, "'30' is no duration: it has no unit");
}

TEST(Duration, prints_the_largest_unit_that_is_exact) {
  EXPECT_EQ(format_duration(seconds(90)), "90s");
  EXPECT_EQ(format_duration(seconds(3600)), "1h");
  EXPECT_EQ(format_duration(days(14)), "14d");
  EXPECT_EQ(format_duration(milliseconds(1500)), "1500ms");
  EXPECT_EQ(format_duration(microseconds(1)), "1us");
  EXPECT_EQ(format_duration(seconds(0)), "0s");
  EXPECT_EQ(format_duration(minutes(-5)), "-5m");
}

}  // namespace
}  // namespace weir
