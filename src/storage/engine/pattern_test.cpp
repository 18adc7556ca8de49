// What patterns write and read, against PostgreSQL 15's own answers where a line says nothing else.
#include <gtest/gtest.h>

#include "core/base/time.h"
#include "storage/engine/number_pattern.h"
#include "storage/engine/time_pattern.h"

namespace weir::engine {
namespace {

std::string shown(const Result<std::string>& text) {
  return text ? *text : "error: " + text.error().message;
}

std::string time(std::string_view at, std::string_view pattern, int32_t offset_s = 0) {
  const auto micros = parse_timestamp(at);
  const auto known = TimePattern::parse(pattern);
  if (!micros || !known) return "error: " + (micros ? known.error().message : micros.error().message);
  return shown(known->write(*micros, offset_s));
}

std::string span(const Span& given, std::string_view pattern) {
  const auto known = TimePattern::parse(pattern);
  return known ? shown(known->write(given)) : "error: " + known.error().message;
}

std::string read(std::string_view text, std::string_view pattern, bool is_strict = false) {
  const auto known = TimePattern::parse(pattern);
  if (!known) return "error: " + known.error().message;
  const auto micros = known->read(text, is_strict);
  return micros ? shown(TimePattern::parse("YYYY-MM-DD HH24:MI:SS.US BC")->write(*micros, 0))
                : "error: " + micros.error().message;
}

std::string number(std::string_view digits, std::string_view pattern) {
  const auto known = NumberPattern::parse(pattern);
  return known ? shown(known->write(digits)) : "error: " + known.error().message;
}

std::string number_read(std::string_view text, std::string_view pattern) {
  const auto known = NumberPattern::parse(pattern);
  return known ? shown(known->read(text)) : "error: " + known.error().message;
}

TEST(TimePattern, writes_what_the_manuals_say) {
  EXPECT_EQ(time("2009-12-31T23:15:59Z", "MONTH-DY-DD-YYYY HH12:MIPM"), "DECEMBER -THU-31-2009 11:15PM");
  EXPECT_EQ(time("2009-12-31T23:15:59Z", "FMMonth-Day, FMDDth \"at\" HH24"), "December-Thursday , 31st at 23");
  EXPECT_EQ(time("2001-02-16T20:38:40.123456Z", "HH12:MI:SS.MS a.m. FF3 US"), "08:38:40.123 p.m. 123 123456");
  EXPECT_EQ(time("2008-01-01T00:00:00Z", "YYYY-IYYY-IW-ID DDD WW W Q CC J"), "2008-2008-01-2 001 01 1 1 21 2454467");
  EXPECT_EQ(time("2021-01-03T05:06:07Z", "IYYY-IW IDDD D RM rm Y,YYY YY AD"), "2020-53 371 1 I    i    2,021 21 AD");
  EXPECT_EQ(time("2021-01-03T05:06:07Z", "TZ OF TZH:TZM", 19'800), "+05:30 +05:30 +05:30");
  EXPECT_EQ(time("2021-01-03T05:06:07Z", "tz OF SSSS"), "utc +00 18367");
}

TEST(TimePattern, what_is_no_word_of_patterns_is_itself) {
  EXPECT_EQ(time("2021-01-03T05:06:07Z", "YYYY\"Y\\\"\"/ü:e Dday"), "2021Y\"/ü:e 1sunday   ");
  EXPECT_EQ(time("2021-01-03T05:06:07Z", ""), "");
  EXPECT_EQ(time("2021-01-03T05:06:07Z", "DDSP"),
            "error: the suffix SP (numbers in words) of a pattern is not supported");
  EXPECT_EQ(time("2021-01-03T05:06:07Z", std::string(1001, '-')),
            "error: the pattern has 1001 bytes, allowed are 1000");
}

TEST(TimePattern, writes_spans) {
  EXPECT_EQ(span({.months = 14, .days = 3, .micros = 93'784'000'000}, "YYYY MM DD HH24:MI:SS"), "0001 02 03 26:03:04");
  EXPECT_EQ(span({.months = -1, .days = -2, .micros = -3'600'000'001}, "MM DD HH24 US"), "-01 -2 -01 -00001");
  EXPECT_EQ(span({}, "Month"), "error: Month is not for an interval, which has no place in the calendar");
}

TEST(TimePattern, reads_texts) {
  EXPECT_EQ(read("05 Dec 2000", "DD Mon YYYY"), "2000-12-05 00:00:00.000000 AD");
  EXPECT_EQ(read("20010631", "YYYYMMDD"), "2001-07-01 00:00:00.000000 AD");  // Redshift, r_TO_DATE_function
  EXPECT_EQ(read("20010631", "YYYYMMDD", true), "error: the day is 31, expected 1 to 30");
  EXPECT_EQ(read("2011-12-18 11:38:15 PM", "YYYY-MM-DD HH12:MI:SS PM"), "2011-12-18 23:38:15.000000 AD");
  EXPECT_EQ(read("  2000/JUNE", "YYYY MONTH"), "2000-06-01 00:00:00.000000 AD");
  EXPECT_EQ(read("12.5", "SS.MS"), "0001-01-01 00:00:12.500000 BC");
  EXPECT_EQ(read("2008 366", "YYYY DDD"), "2008-12-31 00:00:00.000000 AD");
  EXPECT_EQ(read("2006-42-3", "IYYY-IW-ID"), "2006-10-18 00:00:00.000000 AD");
  EXPECT_EQ(read("44 BC", "YYYY BC"), "0044-01-01 00:00:00.000000 BC");
  EXPECT_EQ(read("69-70", "YY-MM"), "error: the month is 70, expected 1 to 12");
  EXPECT_EQ(read("xii/4th", "RM/DDth"), "0001-12-04 00:00:00.000000 BC");
}

TEST(TimePattern, says_what_it_expected) {
  EXPECT_EQ(read("", "YYYY"), "error: an empty text is no time");
  EXPECT_EQ(
      read("20x1", "YYYYMM"),
      "error: the text '20x1' has '20x1' where the pattern has YYYY, expected 4 digits, as a number follows at once");
  EXPECT_EQ(read("Smarch", "MON"),
            "error: the text 'Smarch' has 'Smarch' where the pattern has MON, expected a name such as Jan");
  EXPECT_EQ(read("25:00", "HH24:MI"), "error: the hour is 25, expected 0 to 23");
  EXPECT_EQ(read("13", "HH12"), "error: the hour of a 12-hour clock is 13, expected 1 to 12");
  EXPECT_EQ(read("99999999999", "YYYY"),
            "error: the text '99999999999' has '99999999999' where the pattern has YYYY, expected a number of at most "
            "9 digits");
  EXPECT_EQ(read("10000", "YYYY"), "error: the year is 10000, expected -4712 to 9999");
  EXPECT_EQ(read("+02", "TZH"), "error: TZH of a pattern is for writing only; times are read without a zone");
  EXPECT_EQ(read("2001 12", "YYYY IW"), "error: the pattern mixes parts of the calendar and of ISO weeks");
}

TEST(NumberPattern, writes_what_the_manuals_say) {
  EXPECT_EQ(number("-125.8", "999D99S"), "125.80-");  // Redshift, r_TO_CHAR
  EXPECT_EQ(number("125.8", "999D99S"), "125.80+");
  EXPECT_EQ(number("-125.88", "$S999D99"), "$-125.88");
  EXPECT_EQ(number("-125.88", "S999D99PR"), "error: the pattern has S beside PL, MI, SG or PR");
  EXPECT_EQ(number("-125.88", "999D99PR"), "<125.88>");
  EXPECT_EQ(number("125", "RN"), "           CXXV");
  EXPECT_EQ(number("3999", "FMrn"), "mmmcmxcix");
  EXPECT_EQ(number("4000", "FMRN"), "###############");
  EXPECT_EQ(number("12", "9990999.9"), "    0012.0");
  EXPECT_EQ(number("12", "FM9990999.9"), "0012.");
  EXPECT_EQ(number("-0.1", "FM9.99"), "-.1");
  EXPECT_EQ(number("0.1", "FM90.99"), "0.1");
  EXPECT_EQ(number("485", "9 9 9"), " 4 8 5");
  EXPECT_EQ(number("1485", "9,999"), " 1,485");
  EXPECT_EQ(number("-485", "FMS999"), "-485");
  EXPECT_EQ(number("-485", "999MI"), "485-");
  EXPECT_EQ(number("485", "PL999"), "+ 485");
  EXPECT_EQ(number("-485", "SG999"), "-485");
  EXPECT_EQ(number("482", "999th"), " 482nd");
  EXPECT_EQ(number("485", "\"Good number:\"999"), "Good number: 485");
  EXPECT_EQ(number("485.8", "\"Pre:\"999\" Post:\" .999"), "Pre: 485 Post: .800");
  EXPECT_EQ(number("12.45", "99V9"), " 125");
  EXPECT_EQ(number("0.0004859", "9.99EEEE"), " 4.86e-04");
  EXPECT_EQ(number("999.995", "999.99"), " ###.##");
  EXPECT_EQ(number("0", "999"), "   0");
  EXPECT_EQ(number("99999999999999999999999999999999999999", std::string(38, '9')),
            " 99999999999999999999999999999999999999");
}

TEST(NumberPattern, says_what_does_not_go_together) {
  EXPECT_EQ(number("1", "9.9.9"), "error: the pattern has more than one point");
  EXPECT_EQ(number("1", "9V.9"), "error: the pattern has V and a point: a shifted number is whole");
  EXPECT_EQ(number("1", std::string(101, '9')), "error: the pattern has more than 100 digits");
  EXPECT_EQ(number("1", "EEEE9"), "error: the pattern has EEEE that is not its end");
}

TEST(NumberPattern, writes_doubles) {
  const auto of = [](double value, std::string_view pattern) {
    return shown(NumberPattern::parse(pattern)->write(value));
  };
  EXPECT_EQ(of(1234.567, "9,999.99"), " 1,234.57");
  EXPECT_EQ(of(std::numeric_limits<double>::infinity(), "99.9"), " ##.#");
  EXPECT_EQ(of(std::numeric_limits<double>::quiet_NaN(), "99"), " ##");
  EXPECT_EQ(of(1e300, "99"), " ##");
  EXPECT_EQ(of(-1e300, "9.9EEEE"), "-1.0e+300");
}

TEST(NumberPattern, reads_texts) {
  EXPECT_EQ(number_read("12,454.8-", "99G999D9S"), "-12454.8");  // Redshift, r_TO_NUMBER
  EXPECT_EQ(number_read("$ 12,454.88", "L 99,999.99"), "12454.88");
  EXPECT_EQ(number_read("<5>", "9PR"), "-5");
  EXPECT_EQ(number_read(" 12", "9999"), "12");
  EXPECT_EQ(number_read(".5", "9.9"), "0.5");
  EXPECT_EQ(number_read("12", "9"),
            "error: the text '12' is no number of the pattern: it has more digits than the pattern");
  EXPECT_EQ(number_read("abc", "999"), "error: the text 'abc' is no number of the pattern: a digit is expected");
  EXPECT_EQ(number_read("", "999"), "error: the text '' is no number of the pattern: it has no digit");
  EXPECT_EQ(number_read("XII", "RN"), "error: RN, EEEE and V of a pattern are for writing only");
}

}  // namespace
}  // namespace weir::engine
