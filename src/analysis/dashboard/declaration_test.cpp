// Reading dashboards/<name>.yaml, keeping it and comparing it.
#include <gtest/gtest.h>

#include "analysis/dashboard/dashboard.h"

namespace weir::dashboard {
namespace {

constexpr const char* kGood = R"(title: Advertising
range: 6h
refresh: 5s
tags: {team: advertising}
panels:
  - title: Clicks and impressions
    name: traffic
    width: 12
    step: 60s
    left: {label: events, min: 0}
    right: {unit: ratio, min: 0, max: 1}
    sql: |
      SELECT time_bucket($step, at) AS at, a, b FROM t
    series:
      - {column: a, label: A}
      - {column: b}
      - {name: ratio, expression: a / b, axis: right}
  - {title: Records, kind: number, reduce: sum, series: [{metric: weir_capture_records_total, labels: {outcome: accepted}}]}
  - {title: Worst, kind: table, sql: SELECT 1 AS one}
  - {kind: text, text: Some words.}
)";

std::vector<std::string> mistakes(const std::string& text) {
  std::vector<std::string> out;
  for (const Error& error : parse_dashboard(text, "dashboards/x.yaml", "x").errors) out.push_back(error.text());
  return out;
}

std::string only_mistake(const std::string& text) {
  const auto all = mistakes(text);
  EXPECT_EQ(all.size(), 1u) << text << (all.size() > 1 ? all[1] : "");
  return all.empty() ? "" : all[0];
}

TEST(DashboardDeclaration, is_read_with_its_defaults) {
  const ParsedDashboard parsed = parse_dashboard(kGood, "dashboards/advertising.yaml", "advertising");
  ASSERT_TRUE(parsed.errors.empty()) << parsed.errors[0].text();
  const Dashboard& made = parsed.dashboard;
  EXPECT_EQ(made.name, "advertising");
  EXPECT_EQ(made.range, hours(6));
  ASSERT_EQ(made.panels.size(), 4u);
  EXPECT_EQ(made.panels[0].step, seconds(60));
  EXPECT_EQ(made.panels[0].series[1].name, "b");
  EXPECT_EQ(made.panels[0].series[1].label, "b");
  EXPECT_EQ(made.panels[0].series[2].axis, AxisSide::right);
  EXPECT_EQ(made.panels[0].right.max, 1);
  EXPECT_EQ(made.panels[1].name, "number_2");
  EXPECT_EQ(made.panels[1].width, 3);
  EXPECT_EQ(made.panels[1].series[0].statistic, Statistic::sum);
  EXPECT_EQ(made.panels[3].width, 12);
}

TEST(DashboardDeclaration, is_kept_as_it_was_read) {
  const Dashboard made = parse_dashboard(kGood, "f", "advertising").dashboard;
  const auto back = dashboard_from_json(*Json::parse(to_json(made).dump()));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, made);
  EXPECT_EQ(to_json(*back), to_json(made));
  Json newer = to_json(made);
  newer.set("format", 2);
  EXPECT_EQ(dashboard_from_json(newer).error().code, Code::unsupported);
  Json broken = to_json(made);
  broken.set("refresh", "soon");
  EXPECT_EQ(dashboard_from_json(broken).error().code, Code::corrupt);
}

TEST(DashboardDeclaration, tells_every_mistake_with_its_place) {
  const auto found = mistakes(R"(range: 10s
panels:
  - title: A
    knd: bar
    width: 13
    step: 7s
    series:
      - {metric: x, column: y}
      - {expression: a + b}
      - {metric: x, statistic: p96}
)");
  const std::vector<std::string> expected = {
      "dashboards/x.yaml:1:8: range",
      "dashboards/x.yaml:4:5: ",
      "dashboards/x.yaml:5:12: width",
      "dashboards/x.yaml:6:11: step",
      "dashboards/x.yaml:8:9: a series is one of metric, column, expression; this is metric and column",
      "dashboards/x.yaml:9:22: expression: no series above this one is named",
      "dashboards/x.yaml:9:22: expression: no series above",
      "dashboards/x.yaml:10:32: statistic"};
  ASSERT_EQ(found.size(), expected.size()) << testing::PrintToString(found);
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].substr(0, expected[i].size()), expected[i]);
}

TEST(DashboardDeclaration, a_mistake_in_an_expression_has_its_column) {
  EXPECT_EQ(
      only_mistake("panels:\n  - title: A\n    series:\n      - {name: a, metric: x}\n      - expression: a / / 2\n")
          .substr(0, 42),
      "dashboards/x.yaml:5:25: expression: expect");
}

TEST(DashboardDeclaration, a_panel_has_what_it_draws_and_only_that) {
  const auto says = [](const std::string& panel, const std::string& part) {
    const std::string said = only_mistake("panels:\n  - " + panel + "\n");
    EXPECT_NE(said.find(part), std::string::npos) << said;
  };
  says("{title: A}", "neither sql nor series");
  says("{title: A, series: [{column: a}]}", "the panel has no sql");
  says("{title: A, sql: SELECT 1, series: [{metric: a}]}", "not both");
  says("{title: A, kind: table, sql: SELECT 1, series: [{column: a}]}", "no series");
  says("{kind: text, text: words, sql: SELECT 1}", "sql");
  says("{title: A, sql: DELETE FROM t}", "sql");
  says("{series: [{metric: a}]}", "title");
  says("{title: A, series: [{name: a, metric: x}, {name: a, metric: y}]}", "two series named");
  says("{title: A, series: [{name: a, metric: x, by: stream}, {expression: a * 2}]}", "many series");
  says("{title: A, sql: SELECT 1, series: [{column: a, by: stream}]}", "belongs to metric");
  says("{title: A, series: [{metric: a, by: 'x\"y'}]}", "no label");
  EXPECT_NE(only_mistake("title: A\n").find("no panels"), std::string::npos);
  EXPECT_NE(only_mistake("panels:\n  - {title: A, name: a, sql: SELECT 1}\n  - {title: A, name: a, sql: SELECT 1}\n")
                .find("two panels named"),
            std::string::npos);
}

TEST(DashboardDeclaration, says_what_changes) {
  const Dashboard before = parse_dashboard(kGood, "f", "advertising").dashboard;
  EXPECT_TRUE(compare(before, before).empty());
  Dashboard after = before;
  after.range = hours(1);
  after.panels[0].width = 6;
  after.panels[1].name = "records";
  std::vector<std::string> said;
  for (const auto& one : compare(before, after)) {
    EXPECT_TRUE(one.compatible);
    said.push_back(one.detail);
  }
  EXPECT_EQ(said, (std::vector<std::string>{"range changes from 6h to 1h", "panel traffic: changes",
                                            "panel records: added", "panel number_2: removed"}));
  after = before;
  std::swap(after.panels[2], after.panels[3]);
  ASSERT_EQ(compare(before, after).size(), 1u);
}

TEST(DashboardDeclaration, the_built_in_one_is_good_and_the_schema_is_json) {
  EXPECT_GT(ops_dashboard().panels.size(), 10u);
  EXPECT_TRUE(dashboard_schema()["properties"]["panels"].is_object());
  EXPECT_TRUE(dashboard_schema()["properties"]["enabled"].is_object());
}

}  // namespace
}  // namespace weir::dashboard
