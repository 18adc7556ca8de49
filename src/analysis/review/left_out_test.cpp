// What a target is not asked, and why: the engine, relations that it has not or does not fill, rights.
#include "analysis/review/left_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/review/judge.h"

namespace weir::review {
namespace {

using ::testing::ElementsAre;

Query query(const std::string& name, const std::vector<std::string>& needs = {}) {
  Query out;
  out.name = name;
  out.sql = "SELECT 1";
  out.needs = needs;
  out.signals.emplace_back();
  out.signals[0].name = name + " is met";
  out.signals[0].when = "n > 0";
  return out;
}

Review review() {
  Review out;
  out.name = "warehouse";
  out.queries = {query("Scans", {"stl_scan", "stl_query"}), query("Skew", {"svv_table_info"}),
                 query("Vacuum", {"pg_stat_user_tables"}), query("Always")};
  out.queries[1].not_on["weir"] = "weir has no slices: nothing can be skewed";
  out.queries[2].engines = {"postgresql"};
  return out;
}

TEST(LeftOut, only_what_the_engine_is_asked_is_looked_at) {
  EXPECT_THAT(needed_relations(review(), "weir"), ElementsAre("stl_query", "stl_scan"));
  EXPECT_THAT(needed_relations(review(), "postgresql"),
              ElementsAre("pg_stat_user_tables", "stl_query", "stl_scan", "svv_table_info"));
}

TEST(LeftOut, says_why_of_each) {
  const warehouse::Readable readable{.unreadable = {{"stl_scan", "weir does not fill stl_scan"}}, .notes = {}};
  const auto out = left_out(review(), "weir", readable);
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0].in_words(), "weir does not fill stl_scan");
  EXPECT_EQ(out[1].in_words(), "weir has no slices: nothing can be skewed");
  EXPECT_EQ(out[2].in_words(), "it is asked of postgresql only; this is weir");
  EXPECT_FALSE(is_left_out(out, "Always"));
}

TEST(LeftOut, a_missing_right_comes_with_what_mends_it) {
  const warehouse::Readable readable{
      .unreadable = {{"stl_query", "no SELECT on stl_query", "GRANT SELECT ON stl_query TO a", "a superuser"}},
      .notes = {}};
  const auto out = left_out(review(), "redshift", readable);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].in_words(), "no SELECT on stl_query; GRANT SELECT ON stl_query TO a (by a superuser) mends it");
  const auto back = left_out_from_json(to_json(out));
  ASSERT_TRUE(back);
  EXPECT_EQ((*back)[0].in_words(), out[0].in_words());
  EXPECT_TRUE(left_out_from_json(Json())->empty());
}

TEST(LeftOut, an_engine_without_sql_of_its_own_takes_the_common_one) {
  Query one = query("Tables");
  one.sql_on["redshift"] = "SELECT 2";
  EXPECT_EQ(*one.sql_for("redshift"), "SELECT 2");
  EXPECT_EQ(*one.sql_for("weir"), "SELECT 1");
  one.sql.clear();
  Review whole;
  whole.queries = {one};
  const auto out = left_out(whole, "weir", {});
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].why, "there is no SQL of it for weir");
}

// Not measured, with the reason, outside of the score; not failed either.
TEST(LeftOut, the_report_says_it) {
  const Review whole = review();
  ReportAbout about{"run", "2026-11-22T18:00:00Z", "all-serial", Json(), "weir"};
  about.left_out = left_out(whole, "weir", {.unreadable = {{"stl_scan", "weir does not fill stl_scan"}}, .notes = {}});
  about.notes = {"a note"};
  flow::QueryRecord record;
  record.name = "Always";
  record.state = flow::QueryState::finished;
  const Json report = judge_all(whole, {record}, {{"Always", Frame::of({{"n", "BIGINT"}}, {})}}, about);
  EXPECT_EQ(report["counts"]["not_measured"].as_int(), 3);
  EXPECT_EQ(report["score"].as_int(), 100);
  EXPECT_EQ(report["notes"].dump(), R"(["a note"])");
  const Json& first = report["sections"].array()[0]["queries"].array()[0];
  EXPECT_EQ(first["signals"].array()[0]["why"].as_string(), "weir does not fill stl_scan");
  EXPECT_EQ(first["left_out"]["why"].as_string(), "weir does not fill stl_scan");
  EXPECT_EQ(first["status"].as_string(), "SKIPPED");
}

}  // namespace
}  // namespace weir::review
