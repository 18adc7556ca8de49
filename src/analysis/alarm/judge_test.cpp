// M of N, on both sides of every boundary, with missing datapoints counted in each of the four ways.
#include "analysis/alarm/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::alarm {
namespace {

using ::testing::HasSubstr;

Alarm three_of_five(Missing missing = Missing::no_data) {
  Alarm out;
  out.name = "a";
  out.metric = "m";
  out.limit = 10;
  out.breaching = 3;
  out.of = 5;
  out.missing = missing;
  return out;
}

// x breaches, . is good, - is missing; oldest first.
std::deque<Datapoint> points(const std::string& text) {
  std::deque<Datapoint> out;
  for (char c : text) {
    Datapoint point;
    if (c != '-') point.value = c == 'x' ? 11 : 10;
    out.push_back(point);
  }
  return out;
}

State after(State now, const std::string& text, Missing missing = Missing::no_data) {
  return judge(three_of_five(missing), now, points(text)).state;
}

TEST(Judge, goes_off_at_m_of_the_newest_n_and_not_before) {
  EXPECT_EQ(after(State::ok, "xx..."), State::ok);
  EXPECT_EQ(after(State::ok, "xx..x"), State::alarm);
  EXPECT_EQ(after(State::ok, "xxx....."), State::ok) << "only the newest five count";
  EXPECT_EQ(after(State::ok, "xxx"), State::alarm) << "three are enough, whatever the others will be";
  EXPECT_THAT(judge(three_of_five(), State::ok, points("xx..x")).reason,
              HasSubstr("3 of the last 5 datapoints breach: avg of m is above 10 (11, 11, 11)"));
}

TEST(Judge, the_limit_itself_is_on_the_side_that_its_word_says) {
  Alarm alarm = three_of_five();
  for (const auto& [comparison, below, at, above] : {std::tuple{Comparison::above, false, false, true},
                                                     {Comparison::at_least, false, true, true},
                                                     {Comparison::below, true, false, false},
                                                     {Comparison::at_most, true, true, false}}) {
    alarm.comparison = comparison;
    EXPECT_EQ(alarm.is_breached_by(9.5), below);
    EXPECT_EQ(alarm.is_breached_by(10), at);
    EXPECT_EQ(alarm.is_breached_by(10.5), above);
  }
}

TEST(Judge, goes_back_only_when_m_cannot_be_reached_any_more) {
  EXPECT_EQ(after(State::alarm, "xx.-."), State::alarm) << "the missing one may have breached";
  EXPECT_EQ(after(State::alarm, "xx..."), State::ok);
  EXPECT_EQ(after(State::alarm, "--..."), State::ok);
  EXPECT_EQ(after(State::alarm, ".."), State::alarm) << "after a change of the declaration";
}

TEST(Judge, missing_datapoints_count_as_declared) {
  EXPECT_EQ(after(State::ok, "-----", Missing::no_data), State::no_data);
  EXPECT_EQ(after(State::alarm, "-----", Missing::no_data), State::no_data);
  EXPECT_EQ(after(State::ok, "-----", Missing::breaching), State::alarm);
  EXPECT_EQ(after(State::ok, "-x-", Missing::breaching), State::alarm);
  EXPECT_EQ(after(State::alarm, "-----", Missing::ok), State::ok);
  EXPECT_EQ(after(State::ok, "-xx--", Missing::ok), State::ok);
  for (State state : {State::ok, State::alarm, State::no_data}) {
    EXPECT_EQ(after(state, "-----", Missing::ignore), state);
  }
  EXPECT_EQ(after(State::alarm, "xx---", Missing::no_data), State::alarm);
  EXPECT_EQ(after(State::ok, "----", Missing::no_data), State::ok) << "not yet all of them";
}

TEST(Judge, data_after_silence_is_ok_again_once_one_is_good) {
  EXPECT_EQ(after(State::no_data, "-----"), State::no_data);
  EXPECT_EQ(after(State::no_data, "----x"), State::no_data);
  EXPECT_EQ(after(State::no_data, "---x."), State::ok);
  EXPECT_EQ(after(State::no_data, "--xxx"), State::alarm);
}

TEST(Judge, one_of_one_follows_each_datapoint) {
  Alarm alarm = three_of_five();
  alarm.breaching = alarm.of = 1;
  EXPECT_EQ(judge(alarm, State::ok, points("x")).state, State::alarm);
  EXPECT_EQ(judge(alarm, State::alarm, points("x.")).state, State::ok);
  EXPECT_EQ(judge(alarm, State::ok, points("-")).state, State::no_data);
}

}  // namespace
}  // namespace weir::alarm
