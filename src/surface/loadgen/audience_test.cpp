#include "surface/loadgen/audience.h"

#include <gtest/gtest.h>

#include "core/io/simulated_clock.h"

namespace weir::loadgen {
namespace {

AudienceOptions small() {
  AudienceOptions out;
  out.users = 50;
  out.ads = 10;
  return out;
}

TEST(Audience, acts_in_time_order_and_clicks_what_was_shown) {
  SeededRandom random(7);
  Audience audience(small(), random);
  std::map<Uuid, Uuid> shown;
  Duration last;
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(audience.has_next());
    Action action = audience.take();
    EXPECT_GE(action.at, last);
    last = action.at;
    if (action.kind == Action::Kind::impression) {
      shown[action.id] = action.ad;
    } else {
      ASSERT_TRUE(shown.contains(action.impression));
      EXPECT_EQ(shown[action.impression], action.ad);
    }
  }
}

TEST(Audience, clicks_with_the_probability_and_pace_that_was_asked) {
  SeededRandom random(8);
  Audience audience(small(), random);
  double views = 0, clicks = 0;
  Action action;
  for (int i = 0; i < 100'000; ++i) {
    action = audience.take();
    ++(action.kind == Action::Kind::click ? clicks : views);
  }
  EXPECT_NEAR(clicks / views, 0.3, 0.01);
  // A user's cycle is 5 s until the next view and 1 s of consideration.
  EXPECT_NEAR(views / (static_cast<double>(action.at.micros) / 1e6), 50 / 6.0, 0.3);
}

TEST(Audience, varies_waiting_times_within_the_variance) {
  SeededRandom random(9);
  AudienceOptions one = small();
  one.users = 1;
  one.click_probability = 1;
  one.consider_variance = 0.5;
  Audience audience(one, random);
  int64_t shortest = INT64_MAX, longest = 0;
  for (int i = 0; i < 2'000; ++i) {
    Action view = audience.take();
    Action click = audience.take();
    ASSERT_EQ(click.kind, Action::Kind::click);
    shortest = std::min(shortest, click.at.micros - view.at.micros);
    longest = std::max(longest, click.at.micros - view.at.micros);
  }
  EXPECT_GE(shortest, 500'000);
  EXPECT_LT(shortest, 550'000);
  EXPECT_LE(longest, 1'500'000);
  EXPECT_GT(longest, 1'450'000);
}

TEST(Audience, gives_out_pending_clicks_after_stop_and_nothing_else) {
  SeededRandom random(10);
  Audience audience(small(), random);
  for (int i = 0; i < 1'000; ++i) (void)audience.take();
  audience.stop();
  int clicks = 0;
  while (audience.has_next()) {
    EXPECT_EQ(audience.take().kind, Action::Kind::click);
    ++clicks;
  }
  EXPECT_GT(clicks, 0);
  EXPECT_LE(clicks, 50);
}

TEST(Audience, repeats_itself_from_the_same_seed) {
  SeededRandom random_a(11), random_b(11);
  Audience a(small(), random_a), b(small(), random_b);
  for (int i = 0; i < 1'000; ++i) {
    Action x = a.take(), y = b.take();
    ASSERT_EQ(x.id, y.id);
    ASSERT_EQ(x.at, y.at);
  }
}

}  // namespace
}  // namespace weir::loadgen
