// What changed between two reports, and which run a run is compared with.
#include "analysis/review/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::review {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Found {
  const char* query;
  const char* signal;
  const char* colour;
  int count = 0;
};

Json report(const std::string& run, const std::vector<Found>& found) {
  Json queries{Json::Array{}};
  std::vector<std::string> names;
  for (const Found& one : found) {
    if (names.empty() || names.back() != one.query) {
      names.emplace_back(one.query);
      queries.push(Json::Object{{"query", one.query}, {"title", one.query}, {"signals", Json::Array{}}});
    }
    Json& query = queries.array().back();
    Json signals = query["signals"];
    signals.push(Json::Object{{"signal", one.signal}, {"colour", one.colour}, {"count", one.count}});
    query.set("signals", std::move(signals));
  }
  return Json::Object{{"run", run},
                      {"started_at", "2026-11-22T18:00:00Z"},
                      {"verdict", "red"},
                      {"score", 50},
                      {"sections", Json::Array{Json::Object{{"name", "all"}, {"queries", std::move(queries)}}}}};
}

std::vector<std::string> said(const Json& list) {
  std::vector<std::string> out;
  for (const Json& one : list.array()) {
    out.push_back(one["signal"].as_string() + " " + one["from"].as_string() + ">" + one["to"].as_string() + " " +
                  one["count_from"].dump() + ">" + one["count_to"].dump() + " " + one["colour"].as_string());
  }
  return out;
}

TEST(Compare, says_what_is_new_worse_better_resolved_and_no_longer_measured) {
  const Json then = report("a", {{"T", "came", "green"},
                                 {"T", "was blind", "not measured"},
                                 {"T", "graver", "yellow", 9},
                                 {"T", "more", "red", 2},
                                 {"T", "milder", "red", 2},
                                 {"T", "fewer", "red", 2},
                                 {"T", "same", "red", 2},
                                 {"T", "went", "yellow", 4},
                                 {"T", "is blind", "green"},
                                 {"T", "undeclared", "red", 1},
                                 {"T", "blind twice", "not measured"}});
  const Json now = report("b", {{"T", "came", "yellow", 1},
                                {"T", "was blind", "red", 3},
                                {"T", "graver", "red", 1},
                                {"T", "more", "red", 3},
                                {"T", "milder", "yellow", 5},
                                {"T", "fewer", "red", 1},
                                {"T", "same", "red", 2},
                                {"T", "went", "green"},
                                {"T", "is blind", "not measured"},
                                {"T", "blind twice", "not measured"},
                                {"T", "first time", "yellow", 1}});
  const Json out = compare_reports(then, now);
  EXPECT_THAT(said(out["new"]), ElementsAre("was blind not measured>red 0>3 red", "came green>yellow 0>1 yellow",
                                            "first time >yellow 0>1 yellow"));
  EXPECT_THAT(said(out["worse"]), ElementsAre("graver yellow>red 9>1 red", "more red>red 2>3 red"));
  EXPECT_THAT(said(out["better"]), ElementsAre("fewer red>red 2>1 red", "milder red>yellow 2>5 yellow"));
  EXPECT_THAT(said(out["resolved"]), ElementsAre("went yellow>green 4>0 yellow"));
  EXPECT_THAT(said(out["not_measured_any_more"]),
              ElementsAre("undeclared red> 1>0 red", "is blind green>not measured 0>0 green"));
  EXPECT_EQ(out["from"]["run"].as_string(), "a");
  EXPECT_EQ(out["to"]["run"].as_string(), "b");
  const Json since = since_json(out);
  EXPECT_EQ(since["run"].as_string(), "a");
  EXPECT_EQ(since["new"], out["new"]);
}

TEST(Compare, nothing_changed_between_equal_reports_whatever_their_names) {
  const Json one = report("a", {{"T", "twice", "red", 1}, {"T", "twice", "red", 2}, {"U", "twice", "yellow", 3}});
  const Json out = compare_reports(one, one);
  for (const char* list : {"new", "worse", "better", "resolved", "not_measured_any_more"}) {
    EXPECT_THAT(out[list].array(), IsEmpty()) << list;
  }
}

TEST(Compare, a_signal_of_another_query_is_another_signal) {
  const Json out = compare_reports(report("a", {{"T", "s", "red", 1}}), report("b", {{"U", "s", "red", 1}}));
  EXPECT_THAT(said(out["new"]), ElementsAre("s >red 0>1 red"));
  EXPECT_THAT(said(out["not_measured_any_more"]), ElementsAre("s red> 1>0 red"));
}

control::Run run(const std::string& id, const std::string& target, Json result) {
  control::Run out;
  out.id = id;
  out.kind = "review";
  out.parameters = Json::Object{{"target", target}, {"prefix", "r/" + id}};
  out.result = std::move(result);
  return out;
}

Json result(const char* verdict) {
  const bool is_judged = std::string_view(verdict) != "not measured";
  return Json::Object{{"started_at", 0},
                      {"verdict", verdict},
                      {"score", is_judged ? Json(40) : Json()},
                      {"counts", Json::Object{{"red", 1}, {"yellow", 0}, {"green", 2}, {"not_measured", 0}}},
                      {"met", Json::Object{{"T", 1}}}};
}

TEST(Compare, a_run_is_compared_with_the_last_of_its_target_that_judged_something) {
  const Json before =
      runs_before({run("under way", "prod", Json(Json::Object{{"started_at", 0}})),
                   run("elsewhere", "test", result("red")), run("blind", "prod", result("not measured")),
                   run("good", "prod", result("red")), run("old", "prod", result("green"))},
                  "prod");
  EXPECT_EQ(before["since"]["run"].as_string(), "good");
  EXPECT_EQ(before["since"]["prefix"].as_string(), "r/good");
  std::vector<std::string> trend;
  for (const Json& point : before["trend"].array()) trend.push_back(point["run"].as_string());
  EXPECT_THAT(trend, ElementsAre("old", "good", "blind"));
  EXPECT_EQ(before["trend"].array().front()["met"]["T"].as_int(), 1);
  EXPECT_TRUE(runs_before({}, "prod")["since"].is_null());
}

TEST(Compare, the_trend_is_of_the_last_runs) {
  std::vector<control::Run> runs;
  for (int i = 100; i-- > 0;) runs.push_back(run(std::to_string(i), "prod", result("red")));
  const Json before = runs_before(runs, "prod");
  ASSERT_EQ(before["trend"].array().size(), kTrendRunsMax - 1);
  EXPECT_EQ(before["trend"].array().back()["run"].as_string(), "99");
}

}  // namespace
}  // namespace weir::review
