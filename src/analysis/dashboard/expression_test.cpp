#include "analysis/dashboard/expression.h"

#include <gtest/gtest.h>

#include "core/base/result.h"

namespace weir::dashboard {
namespace {

std::optional<double> worth(const std::string& text, const std::map<std::string, Values>& series = {}) {
  const auto parsed = Expression::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text << ": " << (parsed ? "" : parsed.error().text());
  return parsed ? parsed->evaluate(series, 1)[0] : std::nullopt;
}

TEST(Expression, follows_the_rules_of_arithmetic) {
  EXPECT_EQ(worth("1 + 2 * 3"), 7);
  EXPECT_EQ(worth("(1 + 2) * 3"), 9);
  EXPECT_EQ(worth("8 / 4 / 2"), 1);
  EXPECT_EQ(worth("7 - 2 - 1"), 4);
  EXPECT_EQ(worth("-2 * -3"), 6);
  EXPECT_EQ(worth("- (1 - .5)"), -0.5);
  EXPECT_EQ(worth("1e3"), 1000);
}

TEST(Expression, is_null_where_a_part_is_or_where_nothing_can_be_told) {
  const std::map<std::string, Values> series = {{"clicks", {3, std::nullopt, 1, 0}}, {"impressions", {10, 10, 0, 0}}};
  const auto ratio = Expression::parse("clicks / impressions");
  ASSERT_TRUE(ratio);
  EXPECT_EQ(ratio->names(), (std::vector<std::string>{"clicks", "impressions"}));
  EXPECT_EQ(ratio->evaluate(series, 4), (Values{0.3, std::nullopt, std::nullopt, std::nullopt}));
  EXPECT_EQ(worth("1e308 * 10"), std::nullopt);
}

TEST(Expression, tells_what_is_wrong_and_where) {
  const std::vector<std::pair<std::string, int>> wrong = {{"", 1},       {"clicks /", 9}, {"clicks impressions", 8},
                                                          {"(a + b", 7}, {"a ** b", 4},   {"a + ;", 5},
                                                          {"Clicks", 1}, {"1 +", 4},      {"a)", 2},
                                                          {"sum(a)", 4}};
  for (const auto& [text, column] : wrong) {
    const auto parsed = Expression::parse(text);
    ASSERT_FALSE(parsed) << text;
    ASSERT_TRUE(parsed.error().position) << text;
    EXPECT_EQ(parsed.error().position->column, column) << text << ": " << parsed.error().message;
  }
}

TEST(Expression, is_bounded_in_length_and_depth) {
  EXPECT_FALSE(Expression::parse(std::string(501, '1')));
  EXPECT_TRUE(Expression::parse(std::string(30, '(') + "1" + std::string(30, ')')));
  EXPECT_FALSE(Expression::parse(std::string(100, '(') + "1" + std::string(100, ')')));
  EXPECT_FALSE(Expression::parse(std::string(200, '-') + "1"));
}

}  // namespace
}  // namespace weir::dashboard
