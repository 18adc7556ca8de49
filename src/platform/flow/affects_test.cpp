// Goal: a late event recomputes exactly the days that hold it. Method: days by date, and for random rules that days_of
// and input_days_for are each other's inverse, also at the ends of the calendar.
#include "platform/flow/affects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "core/base/time.h"

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int32_t kFirst = -719'162, kLast = 2'932'896;  // 0001-01-01, 9999-12-31

Affects affects(const std::vector<std::string>& words) {
  auto out = affects_of(words);
  EXPECT_TRUE(out) << out.error().text();
  return out ? *out : Affects{};
}
std::vector<std::string> dates(const std::vector<int32_t>& days) {
  std::vector<std::string> out;
  for (int32_t day : days) out.push_back(format_date(day));
  return out;
}
std::vector<std::string> touched(const std::vector<std::string>& words, const std::string& date) {
  return dates(affects(words).days_of(*parse_date(date)));
}
std::vector<std::string> made_of(const std::vector<std::string>& words, const std::string& date) {
  return dates(affects(words).input_days_for(*parse_date(date)));
}
std::string mistake(const std::vector<std::string>& words) {
  auto out = affects_of(words);
  EXPECT_FALSE(out);
  return out ? "" : out.error().text();
}

TEST(Affects, by_default_a_day_touches_itself) {
  EXPECT_EQ(Affects{}, affects({"day"}));
  EXPECT_THAT(touched({"day"}, "2023-03-01"), ElementsAre("2023-03-01"));
  EXPECT_THAT(made_of({"day"}, "2023-03-01"), ElementsAre("2023-03-01"));
}

TEST(Affects, days_before_and_after) {
  EXPECT_THAT(touched({"day", "day-1"}, "2024-03-01"), ElementsAre("2024-02-29", "2024-03-01"));
  EXPECT_THAT(made_of({"day", "day-1"}, "2024-02-29"), ElementsAre("2024-02-29", "2024-03-01"));
  EXPECT_THAT(touched({"day+2"}, "2023-12-31"), ElementsAre("2024-01-02"));
  EXPECT_THAT(touched({"day-2..day+1"}, "2023-01-02"),
              ElementsAre("2022-12-31", "2023-01-01", "2023-01-02", "2023-01-03"));
  EXPECT_THAT(made_of({"day-2..day+1"}, "2023-01-02"),
              ElementsAre("2023-01-01", "2023-01-02", "2023-01-03", "2023-01-04"));
}

TEST(Affects, a_week_is_its_monday) {
  EXPECT_THAT(touched({"week"}, "2023-01-01"), ElementsAre("2022-12-26"));  // a Sunday
  EXPECT_THAT(touched({"week"}, "2023-01-02"), ElementsAre("2023-01-02"));
  EXPECT_THAT(touched({"week"}, "1969-12-31"), ElementsAre("1969-12-29"));
  EXPECT_EQ(made_of({"week"}, "2022-12-26").size(), 7u);
  EXPECT_EQ(made_of({"week"}, "2022-12-26").back(), "2023-01-01");
  EXPECT_THAT(made_of({"week"}, "2022-12-27"), IsEmpty());
}

TEST(Affects, a_month_is_its_first) {
  EXPECT_THAT(touched({"month"}, "2024-02-29"), ElementsAre("2024-02-01"));
  EXPECT_EQ(made_of({"month"}, "2024-02-01").size(), 29u);
  EXPECT_EQ(made_of({"month"}, "2023-02-01").back(), "2023-02-28");
  EXPECT_EQ(made_of({"month"}, "2023-12-01").back(), "2023-12-31");
  EXPECT_THAT(made_of({"month"}, "2023-12-02"), IsEmpty());
  EXPECT_THAT(touched({"day", "week", "month"}, "2023-05-03"), ElementsAre("2023-05-01", "2023-05-03"));
}

Affects random_rule(std::mt19937& random) {
  std::vector<std::string> words;
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const auto offset = [&](int at) {
    if (at == 0) return std::string("day");
    return at < 0 ? "day" + std::to_string(at) : "day+" + std::to_string(at);
  };
  for (int n = below(4); n > 0; --n) {
    const int first = below(20) - 10;
    words.push_back(offset(first) + (below(2) == 0 ? "" : ".." + offset(first + below(40))));
  }
  if (below(3) == 0) words.push_back("week");
  if (below(3) == 0 || words.empty()) words.push_back("month");
  return affects(words);
}

// For every pair of days around `from`: one touches the other exactly if the other is made of it.
void expect_inverse(const Affects& rule, int32_t from) {
  std::set<std::pair<int32_t, int32_t>> touching, made;
  const int32_t begin = std::max(kFirst, from - 100), end = std::min(kLast, from + 100);
  for (int32_t day = begin; day <= end; ++day) {
    for (int32_t to : rule.days_of(day)) {
      if (to >= begin && to <= end) touching.emplace(day, to);
    }
    for (int32_t by : rule.input_days_for(day)) {
      if (by >= begin && by <= end) made.emplace(by, day);
    }
  }
  EXPECT_EQ(touching, made) << testing::PrintToString(words_of(rule)) << " around " << from;
  EXPECT_FALSE(touching.empty());
}

TEST(Affects, days_of_and_input_days_for_are_each_others_inverse) {
  std::mt19937 random(5);
  std::uniform_int_distribution<int32_t> any_day(kFirst, kLast);
  for (int i = 0; i < 300; ++i) {
    const Affects rule = random_rule(random);
    expect_inverse(rule, any_day(random));
    for (int32_t from : {kFirst, kLast, 0}) expect_inverse(rule, from);
  }
}

TEST(Affects, days_outside_of_the_calendar_are_left_out) {
  const Affects rule = affects({"day-2..day+2", "week", "month"});
  EXPECT_THAT(rule.days_of(INT32_MAX), IsEmpty());
  EXPECT_THAT(rule.days_of(INT32_MIN), IsEmpty());
  EXPECT_THAT(rule.input_days_for(kLast + 1), IsEmpty());
  EXPECT_EQ(affects({"day-366..day+366"}).days_of(kLast).back(), kLast);
  EXPECT_EQ(affects({"day-366..day+366"}).input_days_for(kFirst).front(), kFirst);
}

TEST(Affects, words_are_kept_in_their_shortest_form) {
  EXPECT_THAT(words_of(affects({"day", "day-1"})), ElementsAre("day-1..day"));
  EXPECT_THAT(words_of(affects({"month", "day+3", "day - 1 .. day+1", "day", "week", "day+3"})),
              ElementsAre("day-1..day+1", "day+3", "week", "month"));
  EXPECT_THAT(words_of(affects({"all"})), ElementsAre("all"));
  std::mt19937 random(6);
  for (int i = 0; i < 300; ++i) {
    const Affects rule = random_rule(random);
    EXPECT_EQ(affects(words_of(rule)), rule) << testing::PrintToString(words_of(rule));
  }
}

TEST(Affects, other_words_are_refused) {
  for (const char* word : {"", "days", "day-", "day+", "day1", "day-x", "day--1", "day-1.5", "day+-1", "Day", "week-1",
                           "day..", "..day", "day..week", "day-1...day", "day-1..day..day+1"}) {
    EXPECT_THAT(mistake({word}), HasSubstr("is no day of a table (expected day, day-1")) << word;
  }
  EXPECT_THAT(mistake({"day-367"}), HasSubstr("at most 366 days away"));
  EXPECT_THAT(mistake({"day+99999999999"}), HasSubstr("at most 366 days away"));
  EXPECT_THAT(mistake({"day+1..day-2"}), HasSubstr("ends before it begins (write day-2..day+1)"));
  EXPECT_THAT(mistake({"all", "day"}), HasSubstr("write all alone"));
  EXPECT_THAT(mistake({}), HasSubstr("no day is named"));
  EXPECT_THAT(mistake(std::vector<std::string>(17, "day")), HasSubstr("17 words, allowed are 16"));
}

TEST(AffectsDeathTest, all_has_no_days_to_name) {
  EXPECT_DEATH(static_cast<void>(affects({"all"}).days_of(0)), "no days to name");
}

}  // namespace
}  // namespace weir::flow
