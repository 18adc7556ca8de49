// The grid of points, and the statements of panels.
#include "analysis/dashboard/queries.h"

#include <gtest/gtest.h>

namespace weir::dashboard {
namespace {

constexpr int64_t kNow_s = 1'795'284'000;  // 2026-11-21 18:00:00

Range last(int64_t seconds_back, std::optional<Duration> step = std::nullopt) {
  return {{(kNow_s - seconds_back) * 1'000'000}, {kNow_s * 1'000'000}, step};
}

TEST(Grid, has_whole_steps_that_cover_the_range) {
  const auto grid = make_grid({{(kNow_s - 3'601) * 1'000'000}, {(kNow_s + 1) * 1'000'000}, seconds(60)}, std::nullopt);
  ASSERT_TRUE(grid);
  EXPECT_EQ(grid->from_s, kNow_s - 3'660);
  EXPECT_EQ(grid->to_s(), kNow_s + 60);
  EXPECT_EQ(grid->place(kNow_s), grid->points - 1);
  EXPECT_EQ(grid->place(kNow_s + 60), std::nullopt);
  EXPECT_EQ(grid->place(grid->from_s - 1), std::nullopt);
  EXPECT_EQ(grid->place(grid->from_s), 0u);
}

TEST(Grid, chooses_a_step_and_never_has_too_many_points) {
  EXPECT_EQ(make_grid(last(900), std::nullopt)->step_s, 5);
  EXPECT_EQ(make_grid(last(900), seconds(60))->step_s, 60);
  EXPECT_EQ(make_grid(last(86'400 * 30), seconds(60))->step_s, 7'200);
  for (const int64_t length : {1, 59, 61, 3'600, 86'400, 86'400 * 30, 86'400 * 400}) {
    for (const int64_t step : {1, 60, 3'600}) {
      const auto grid = make_grid(last(length, seconds(step)), std::nullopt);
      ASSERT_TRUE(grid) << length;
      EXPECT_LE(grid->points, kPointsMax) << length << " " << step;
      EXPECT_GE(grid->points, 1u);
    }
  }
}

TEST(Grid, refuses_a_range_that_is_none) {
  EXPECT_EQ(make_grid({{kNow_s * 1'000'000}, {kNow_s * 1'000'000}, {}}, std::nullopt).error().code, Code::invalid);
  EXPECT_EQ(make_grid(last(-60), std::nullopt).error().code, Code::invalid);
  EXPECT_EQ(make_grid(last(86'400 * 401), std::nullopt).error().code, Code::invalid);
}

TEST(RangeQuery, puts_the_range_into_the_select_as_parameters) {
  const Grid grid = *make_grid(last(3'600, seconds(60)), std::nullopt);
  const Query query =
      range_query("SELECT time_bucket($step, at) FROM t WHERE at >= $from AND at < $to AND b >= $from", grid);
  EXPECT_EQ(query.sql,
            "SELECT time_bucket(to_seconds(CAST($1 AS BIGINT)), at) FROM t WHERE at >= CAST($2 AS TIMESTAMP) AND at < "
            "CAST($3 AS TIMESTAMP) AND b >= CAST($2 AS TIMESTAMP)");
  ASSERT_EQ(query.parameters.size(), 3u);
  EXPECT_EQ(query.parameters[0].as_int(), 60);
  EXPECT_EQ(query.parameters[1].as_string(), "2026-11-21T17:00:00.000000Z");
  EXPECT_TRUE(range_query("SELECT 1", grid).parameters.empty());
}

TEST(RangeQuery, leaves_texts_and_comments_alone) {
  const Grid grid = *make_grid(last(60), std::nullopt);
  for (const char* text :
       {"SELECT '$from'", "SELECT \"$to\"", "SELECT 1 -- $step\n", "SELECT /* $from /* $to */ $step */ 1",
        "SELECT $a$ $from $a$", "SELECT $$ $from $$", "SELECT E'\\' $from'", "SELECT 'it''s $from'",
        "SELECT $from_here", "SELECT '$from", "SELECT /* $from"}) {
    EXPECT_EQ(range_query(text, grid).sql, text);
    EXPECT_TRUE(range_query(text, grid).parameters.empty()) << text;
  }
  EXPECT_EQ(range_query("'a' $to 'b'", grid).sql, "'a' CAST($1 AS TIMESTAMP) 'b'");
}

TEST(MetricQuery, names_no_value_in_its_text) {
  Panel panel;
  Series series;
  series.name = "a";
  series.metric = "weir_x'; DROP TABLE t; --";
  series.labels = {{"stream", "it's"}};
  series.by = "route";
  panel.series = {series};
  const Query query = metric_query(panel, *make_grid(last(60), std::nullopt));
  EXPECT_EQ(query.sql.find("DROP"), std::string::npos);
  EXPECT_EQ(query.sql.find("it's"), std::string::npos);
  EXPECT_EQ(query.sql.find("route"), std::string::npos);
  EXPECT_EQ(query.parameters.size(), 9u);
}

}  // namespace
}  // namespace weir::dashboard
