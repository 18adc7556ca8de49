// Rows of statements as lines, bars, numbers and tables.
#include "analysis/dashboard/answer.h"

#include <gtest/gtest.h>

#include "analysis/dashboard/queries.h"

namespace weir::dashboard {
namespace {

using Row = std::vector<engine::Cell>;

constexpr int64_t kBegin_s = 1'795'284'000;  // 2026-11-21 18:00:00
const Grid kGrid = {kBegin_s, 60, 5};
const WallTime kNow = {(kBegin_s + 5 * 60) * 1'000'000};

Row sample(int64_t series, int64_t point, const std::string& key, double value) {
  return Row{series, point, key, value};
}

Series metric(const std::string& name, Statistic statistic, const std::string& by = "") {
  Series out;
  out.name = out.label = name;
  out.metric = "weir_" + name;
  out.statistic = statistic;
  out.by = by;
  return out;
}

Panel panel_of(std::vector<Series> series) {
  Panel out;
  out.series = std::move(series);
  return out;
}

Rows rows_of(std::vector<Row> rows, int64_t first_s = kBegin_s, int64_t last_s = kBegin_s + 299) {
  Rows out;
  out.rows = std::move(rows);
  out.rows.push_back(sample(kSeenFirst, 0, "", static_cast<double>(first_s)));
  out.rows.push_back(sample(kSeenLast, 0, "", static_cast<double>(last_s)));
  return out;
}

TEST(MetricLines, what_adds_up_is_zero_between_samples_and_unknown_outside) {
  const Panel panel = panel_of({metric("a", Statistic::sum)});
  const auto lines = metric_lines(panel, kGrid, rows_of({sample(0, 2, "", 7)}, kBegin_s + 60, kBegin_s + 200), kNow);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].values, (Values{std::nullopt, 0, 7, 0, std::nullopt}));
}

TEST(MetricLines, a_gauge_is_what_it_was_until_it_changes) {
  const Panel panel = panel_of({metric("a", Statistic::last)});
  const auto lines = metric_lines(panel, kGrid, rows_of({sample(0, -1, "", 3), sample(0, 2, "", 5)}), kNow);
  EXPECT_EQ(lines[0].values, (Values{3, 3, 5, 5, 5}));
}

TEST(MetricLines, a_gauge_that_is_never_heard_of_is_zero_while_others_are_sampled) {
  const Panel panel = panel_of({metric("a", Statistic::max)});
  EXPECT_EQ(metric_lines(panel, kGrid, rows_of({}, kBegin_s + 60, kBegin_s + 200), kNow)[0].values,
            (Values{std::nullopt, 0, 0, 0, std::nullopt}));
}

TEST(MetricLines, a_percentile_is_told_only_where_something_was_observed) {
  const Panel panel = panel_of({metric("a", Statistic::p95)});
  EXPECT_EQ(metric_lines(panel, kGrid, rows_of({sample(0, 1, "", 0.2)}), kNow)[0].values,
            (Values{std::nullopt, 0.2, std::nullopt, std::nullopt, std::nullopt}));
}

TEST(MetricLines, a_rate_of_the_last_step_counts_the_seconds_that_have_passed) {
  const Panel panel = panel_of({metric("a", Statistic::rate)});
  const WallTime now = {(kBegin_s + 4 * 60 + 30) * 1'000'000};
  EXPECT_EQ(metric_lines(panel, kGrid, rows_of({sample(0, 3, "", 60), sample(0, 4, "", 60)}), now)[0].values,
            (Values{0, 0, 0, 1, 2}));
}

TEST(MetricLines, expressions_read_hidden_series_and_stand_where_they_were_declared) {
  Series ratio;
  ratio.name = ratio.label = "ratio";
  ratio.source = Source::expression;
  ratio.expression = "clicks / impressions";
  ratio.axis = AxisSide::right;
  Series clicks = metric("clicks", Statistic::sum), impressions = metric("impressions", Statistic::sum);
  clicks.hidden = true;
  const Panel panel = panel_of({clicks, impressions, ratio, metric("more", Statistic::sum)});
  const auto lines = metric_lines(panel, kGrid, rows_of({sample(0, 0, "", 3), sample(1, 0, "", 10)}), kNow);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1].name, "ratio");
  EXPECT_EQ(lines[1].axis, AxisSide::right);
  EXPECT_EQ(lines[1].values, (Values{0.3, std::nullopt, std::nullopt, std::nullopt, std::nullopt}));
}

TEST(MetricLines, one_for_each_value_of_a_label_the_greatest_of_them_and_the_rest_together) {
  const Panel panel = panel_of({metric("a", Statistic::sum, "route")});
  std::vector<Row> rows;
  for (int i = 0; i < 15; ++i) rows.push_back(sample(0, 1, "r" + std::to_string(100 + i), i + 1));
  const auto lines = metric_lines(panel, kGrid, rows_of(rows), kNow);
  ASSERT_EQ(lines.size(), kSplitMax + 1);
  EXPECT_EQ(lines[0].label, "r103");
  EXPECT_EQ(lines.back().label, "3 others");
  EXPECT_EQ(lines.back().values[1], 1 + 2 + 3);
}

TEST(MetricLines, nothing_at_all_is_no_line_of_zeros) {
  Rows none;
  const auto lines = metric_lines(panel_of({metric("a", Statistic::sum)}), kGrid, none, kNow);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].values, Values(5));
}

Rows selected(std::vector<engine::ResultColumn> columns, std::vector<Row> rows) {
  Rows out;
  out.columns = std::move(columns);
  out.rows = std::move(rows);
  return out;
}

TEST(SelectLines, columns_become_lines_on_the_grid) {
  const Rows rows = selected({{"at", "TIMESTAMP"}, {"n", "BIGINT"}, {"share", "DECIMAL(18,3)"}, {"word", "VARCHAR"}},
                             {{"2026-11-21 18:01:30", int64_t{4}, "0.250", "x"},
                              {"2026-11-21 17:59:59", int64_t{9}, "9", "x"},
                              {"2026-11-21 18:04:00", nullptr, "1", "x"}});
  const auto lines = select_lines(Panel{}, kGrid, rows);
  ASSERT_TRUE(lines) << lines.error().text();
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].values, (Values{std::nullopt, 4, std::nullopt, std::nullopt, std::nullopt}));
  EXPECT_EQ((*lines)[1].values, (Values{std::nullopt, 0.25, std::nullopt, std::nullopt, 1}));
}

TEST(SelectLines, time_name_and_number_make_a_line_for_each_name) {
  const Rows rows = selected({{"day", "DATE"}, {"route", "VARCHAR"}, {"n", "HUGEINT"}},
                             {{"2026-11-21", "b", int64_t{1}}, {"2026-11-21", "a", int64_t{2}}});
  const Grid days = {1'795'219'200, 86'400, 1};
  const auto lines = select_lines(Panel{}, days, rows);
  ASSERT_TRUE(lines) << lines.error().text();
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].label, "a");
  EXPECT_EQ((*lines)[0].values, (Values{2}));
}

TEST(SelectLines, says_what_the_select_lacks) {
  EXPECT_EQ(select_lines(Panel{}, kGrid, selected({{"n", "BIGINT"}}, {})).error().code, Code::invalid);
  Panel panel;
  Series series;
  series.name = "a";
  series.source = Source::column;
  series.column = "cliks";
  panel.series = {series};
  const auto lines = select_lines(panel, kGrid, selected({{"at", "TIMESTAMP"}, {"clicks", "BIGINT"}}, {}));
  ASSERT_FALSE(lines);
  EXPECT_NE(lines.error().text().find("clicks"), std::string::npos);
}

TEST(Numbers, are_made_of_a_series_in_the_declared_way) {
  const Values values = {std::nullopt, 4, 1, std::nullopt, 7, std::nullopt};
  EXPECT_EQ(reduced(Reduce::last, values), 7);
  EXPECT_EQ(reduced(Reduce::sum, values), 12);
  EXPECT_EQ(reduced(Reduce::average, values), 4);
  EXPECT_EQ(reduced(Reduce::min, values), 1);
  EXPECT_EQ(reduced(Reduce::max, values), 7);
  EXPECT_EQ(reduced(Reduce::sum, Values(3)), std::nullopt);
  EXPECT_EQ((*number_of_rows(selected({{"a", "VARCHAR"}, {"n", "BIGINT"}}, {{"x", int64_t{5}}})))["value"].as_double(),
            5);
  EXPECT_TRUE((*number_of_rows(selected({{"n", "BIGINT"}}, {})))["value"].is_null());
  EXPECT_FALSE(number_of_rows(selected({{"a", "VARCHAR"}}, {{"x"}})));
}

TEST(Bars, have_a_label_and_a_length) {
  const auto bars =
      bars_of_rows(selected({{"reason", "VARCHAR"}, {"n", "BIGINT"}}, {{"late", int64_t{3}}, {nullptr, int64_t{1}}}));
  ASSERT_TRUE(bars);
  EXPECT_EQ(bars->dump(), R"({"bars":[{"label":"late","value":3.0},{"label":"","value":1.0}],"truncated":false})");
  EXPECT_FALSE(bars_of_rows(selected({{"n", "BIGINT"}}, {})));
}

}  // namespace
}  // namespace weir::dashboard
