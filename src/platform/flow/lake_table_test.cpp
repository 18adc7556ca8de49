// Derived tables that are stored in the lake: everything that holds for tables of the engine, over files of the
// catalog.
#include <set>

#include "core/base/text.h"
#include "platform/flow/flow_fixture.h"

namespace weir::flow {
namespace {

constexpr const char* kInLake = "stored: lake\n";

class LakeTableTest : public FlowTest {
 protected:
  void SetUp() override {
    files_["traffic"].insert(4, kInLake);
    FlowTest::SetUp();
  }
  void move_to_engine(const std::string& table) {
    std::string& text = files_[table];
    text.erase(text.find(kInLake), std::string(kInLake).size());
    declare(files_);
  }
  void move_to_lake(const std::string& table) {
    files_[table].insert(4, kInLake);
    declare(files_);
  }
  // As it is committed: "dt=2026-11-19 2"
  std::string listed(const std::string& table) {
    std::string out;
    for (const auto& file : must(control_->lake_files())) {
      if (file.table != table) continue;
      out += (out.empty() ? "" : ", ") + file.partition + " " + std::to_string(file.rows);
      EXPECT_TRUE(fs::exists(root_ + "/store/" + file.path)) << file.path;
    }
    return out;
  }
  std::set<std::string> paths(const std::string& table) {
    std::set<std::string> out;
    for (const auto& file : must(control_->lake_files())) {
      if (file.table == table) out.insert(file.path);
    }
    return out;
  }
  void verify_agrees() {
    const auto verified = must(lake_->verify());
    EXPECT_TRUE(verified.problems.empty()) << verified.problems.front();
  }
  bool nothing_is_staged() {
    for (const char* folder : {"/store/.staging/derived", "/store/.staging/rewrite"}) {
      if (!fs::is_empty(root_ + folder)) return false;
    }
    return true;
  }
  // Tables of the engine with this name.
  std::string in_engine(const std::string& table) {
    return sql("SELECT count(*) FROM information_schema.tables WHERE table_catalog <> 'lake' AND table_name LIKE '" +
               table + "%'");
  }
  uint64_t version(const std::string& table, const std::string& of) {
    return lake_->derived().find(table)->second->marks.at(day(of)).version;
  }
};

TEST_F(LakeTableTest, is_computed_by_partition_and_read_by_statements_and_other_tables) {
  compute_two_days();
  EXPECT_EQ(listed("traffic"), "dt=2026-11-19 1, dt=2026-11-20 1");
  EXPECT_EQ(in_engine("traffic"), "0");
  // In the SELECT's order, the partition's column among the others.
  EXPECT_EQ(sql("SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns WHERE "
                "table_name = 'traffic'"),
            "ad day shown clicked");
  EXPECT_EQ(sql("SELECT ad FROM traffic WHERE day = DATE '2026-11-20'"), "a");
  EXPECT_TRUE(must(flow_->table("traffic")).stale.empty());
  EXPECT_TRUE(compute("totals").tasks.empty());
  verify_agrees();
  EXPECT_TRUE(nothing_is_staged());
  close();
  open();
  EXPECT_EQ(traffic(), "a,2026-11-19,1,0 | a,2026-11-20,1,1");
  EXPECT_TRUE(must(flow_->table("traffic")).stale.empty());
  EXPECT_TRUE(must(flow_->table("totals")).stale.empty());
}

TEST_F(LakeTableTest, a_click_after_midnight_corrects_yesterday_and_replaces_that_file_only) {
  impression("1", "a", "2026-11-19T23:59:58Z");
  impression("2", "b", "2026-11-18T12:00:00Z");
  compute("traffic");
  const auto before = paths("traffic");
  click("1", "a", "2026-11-20T00:00:03Z");
  EXPECT_EQ(computed(compute("traffic")), "traffic 2026-11-19, traffic 2026-11-20");
  EXPECT_EQ(traffic(), "b,2026-11-18,1,0 | a,2026-11-19,1,1");
  const auto after = paths("traffic");
  EXPECT_EQ(listed("traffic"), "dt=2026-11-18 1, dt=2026-11-19 1") << "a day without rows has no file";
  std::vector<std::string> kept;
  std::set_intersection(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(kept));
  EXPECT_EQ(kept.size(), 1u);
  EXPECT_EQ(must(control_->lake_replaced(std::nullopt)).size(), 1u) << "it stays for readers outside";
  verify_agrees();
}

TEST_F(LakeTableTest, rows_that_are_what_they_were_keep_their_file_and_make_nothing_stale) {
  files_["ads"] =
      "---\nstored: lake\npartition: day\n---\nSELECT DISTINCT ad, CAST(occurred_at AS DATE) AS day FROM impressions\n";
  files_["names"] = "---\nstored: lake\n---\nSELECT DISTINCT ad FROM ads\n";
  declare(files_);
  impression("1", "a", "2026-11-19T10:00:00Z");
  EXPECT_EQ(computed(compute("names")), "ads 2026-11-19, names all");
  EXPECT_EQ(listed("names"), " 1");
  const auto before = paths("ads");
  const uint64_t was = version("ads", "2026-11-19");
  impression("2", "a", "2026-11-19T11:00:00Z");
  EXPECT_EQ(computed(compute("names")), "ads 2026-11-19") << "names is made of the same rows";
  EXPECT_EQ(paths("ads"), before);
  EXPECT_EQ(version("ads", "2026-11-19"), was);
  RunRequest forced = of("ads");
  forced.force = true;
  EXPECT_EQ(computed(compute(forced)), "ads 2026-11-19");
  EXPECT_EQ(paths("ads"), before);
  EXPECT_TRUE(must(flow_->table("names")).stale.empty());
  impression("3", "b", "2026-11-19T11:00:00Z");
  EXPECT_EQ(computed(compute("names")), "ads 2026-11-19, names all");
  EXPECT_EQ(sql("SELECT ad FROM names ORDER BY ad"), "a | b");
  EXPECT_TRUE(nothing_is_staged());
}

TEST_F(LakeTableTest, compaction_makes_nothing_stale_and_a_damaged_file_is_found_and_made_anew) {
  impression("1", "a", "2026-11-19T10:00:00Z");
  compute("totals");
  impression("2", "b", "2026-11-19T11:00:00Z");
  compute("totals");
  const uint64_t was = version("traffic", "2026-11-19");
  must(lake_->compact({}, Cancel()));
  EXPECT_TRUE(must(flow_->table("traffic")).stale.empty());
  EXPECT_TRUE(must(flow_->table("totals")).stale.empty());
  EXPECT_EQ(must(lake_->compact({.table = "traffic", .day = std::nullopt}, Cancel())).files_before, 0u);
  const auto before = paths("traffic");
  ASSERT_EQ(before.size(), 1u);
  {
    std::fstream file(root_ + "/store/" + *before.begin(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(40);
    file.put('!');
  }
  EXPECT_NE(must(lake_->verify()).problems.size(), 0u);
  RunRequest forced = of("traffic");
  forced.force = true;
  const RunView view = compute(forced);
  EXPECT_EQ(view.run.state, "done") << view.run.error;
  EXPECT_NE(paths("traffic"), before);
  EXPECT_EQ(version("traffic", "2026-11-19"), was) << "the rows are what they were";
  EXPECT_EQ(traffic(), "a,2026-11-19,1,0 | b,2026-11-19,1,0");
  verify_agrees();
}

TEST_F(LakeTableTest, a_partition_that_fails_a_test_keeps_its_old_rows_and_what_is_made_of_it_is_left) {
  files_["traffic"] = R"(---
stored: lake
partition: day
grain: [ad, day]
columns:
  ad: {tests: [not_null, {relation: {table: ads, column: ad}}]}
tests:
  - {name: no_bad_ad, sql: "SELECT * FROM traffic WHERE ad = 'bad'"}
---
SELECT ad, CAST(occurred_at AS DATE) AS day, count(*) AS shown, 0 AS clicked FROM impressions GROUP BY ALL
)";
  files_["ads"] = "---\n---\nSELECT DISTINCT ad FROM impressions\n";
  declare(files_);
  impression("1", "a", "2026-11-19T10:00:00Z");
  compute("ads");
  EXPECT_EQ(compute("totals").run.state, "done");
  impression("2", "bad", "2026-11-19T11:00:00Z");
  impression("3", "a", "2026-11-20T11:00:00Z");
  compute("ads");
  const RunView view = compute("totals");
  EXPECT_EQ(view.run.state, "failed");
  EXPECT_NE(view.run.error.find("no_bad_ad: 1 rows"), std::string::npos) << view.run.error;
  EXPECT_EQ(traffic(), "a,2026-11-19,1,0 | a,2026-11-20,1,0");
  EXPECT_EQ(sql("SELECT shown FROM totals"), "1");
  EXPECT_EQ(must(flow_->table("traffic")).failures.size(), 1u);
  impression("4", "new", "2026-11-20T12:00:00Z");
  const RunView unrelated = compute("traffic");
  EXPECT_NE(told(unrelated).find("relation_ad_ads: 1 rows"), std::string::npos) << told(unrelated);
  EXPECT_TRUE(nothing_is_staged());
  verify_agrees();
}

TEST_F(LakeTableTest, a_changed_select_takes_the_place_of_the_old_table_whole_or_not_at_all) {
  impression("1", "a", "2026-11-19T10:00:00Z");
  impression("2", "b", "2026-11-20T10:00:00Z");
  compute("totals");
  files_["traffic"] = R"(---
stored: lake
partition: day
tests:
  - {name: few, sql: "SELECT 1 FROM traffic HAVING count(*) > 2"}
---
SELECT CAST(occurred_at AS DATE) AS day, ad, count(*) AS shown, 0::BIGINT AS clicked, 'x' AS more FROM impressions GROUP BY ALL
)";
  declare(files_);
  impression("3", "c", "2026-11-21T10:00:00Z");
  const RunView failed = compute("traffic");
  EXPECT_EQ(failed.run.state, "failed");
  EXPECT_EQ(traffic(), "a,2026-11-19,1,0 | b,2026-11-20,1,0") << "the old one stays";
  EXPECT_EQ(sql("SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'traffic%'"), "1");
  // What was computed of the new one is not computed again.
  close();
  open();
  files_["traffic"].replace(files_["traffic"].find("> 2"), 3, "> 3");
  declare(files_);
  const RunView view = compute("traffic");
  EXPECT_EQ(view.run.state, "done") << view.run.error;
  EXPECT_EQ(computed(view), "");
  EXPECT_EQ(sql("SELECT ad, more FROM traffic ORDER BY ad"), "a,x | b,x | c,x");
  EXPECT_EQ(listed("traffic"), "dt=2026-11-19 1, dt=2026-11-20 1, dt=2026-11-21 1");
  EXPECT_EQ(listed("traffic new"), "");
  EXPECT_TRUE(must(flow_->table("traffic")).stale.empty());
  EXPECT_EQ(computed(compute("totals")), "totals all");
  verify_agrees();
}

TEST_F(LakeTableTest, moves_to_the_engine_and_back_with_the_same_rows) {
  impression("1", "a", "2026-11-19T10:00:00Z");
  click("1", "a", "2026-11-19T10:00:05Z");
  impression("2", "b", "2026-11-20T10:00:00Z");
  compute("totals");
  const std::string rows = traffic();
  move_to_engine("traffic");
  EXPECT_EQ(traffic(), rows);
  EXPECT_EQ(must(flow_->table("traffic")).stale.size(), 3u) << "the click touches the day before, too";
  EXPECT_EQ(compute("totals").run.state, "done");
  EXPECT_EQ(traffic(), rows);
  EXPECT_EQ(in_engine("traffic"), "1");
  EXPECT_EQ(listed("traffic"), "");
  EXPECT_FALSE(lake_->derived().contains("traffic"));
  EXPECT_FALSE(fs::exists(root_ + "/store/lake/traffic/manifest.json"));
  impression("3", "b", "2026-11-20T10:00:00Z");
  move_to_lake("traffic");
  EXPECT_EQ(traffic(), rows);
  EXPECT_EQ(compute("totals").run.state, "done");
  EXPECT_EQ(traffic(), "a,2026-11-19,1,1 | b,2026-11-20,2,0");
  EXPECT_EQ(in_engine("traffic"), "0");
  EXPECT_EQ(listed("traffic"), "dt=2026-11-19 1, dt=2026-11-20 1");
  close();
  open();
  EXPECT_EQ(traffic(), "a,2026-11-19,1,1 | b,2026-11-20,2,0");
  EXPECT_TRUE(must(flow_->table("traffic")).stale.empty());
  EXPECT_EQ(sql("SELECT sum(shown)::BIGINT FROM totals"), "3");
  verify_agrees();
}

TEST_F(LakeTableTest, a_test_that_fails_in_a_move_leaves_the_table_where_it_was) {
  move_to_engine("traffic");
  impression("1", "a", "2026-11-19T10:00:00Z");
  compute("traffic");
  files_["traffic"].insert(4, "tests:\n  - {name: never, sql: 'SELECT * FROM traffic'}\n");
  move_to_lake("traffic");
  EXPECT_EQ(compute("traffic").run.state, "failed");
  EXPECT_EQ(in_engine("traffic"), "1");
  EXPECT_FALSE(lake_->derived().contains("traffic"));
  EXPECT_EQ(traffic(), "a,2026-11-19,1,0");
}

TEST_F(LakeTableTest, what_a_move_left_over_is_removed_by_the_next_start) {
  impression("1", "a", "2026-11-19T10:00:00Z");
  compute("traffic");
  // As a kill between the lake's commit and the engine's leaves it: both are there, and the engine's counts.
  auto session = must(engine_->connect(engine::Trust::own));
  session->read_from(no_streams());
  must(run_statement(
      *session, "CREATE TABLE main.traffic AS SELECT 'old' AS ad, DATE '2026-11-19' AS day, 7 AS shown, 0 AS clicked"));
  EXPECT_EQ(traffic(), "old,2026-11-19,7,0");
  session.reset();
  close();
  open();
  EXPECT_EQ(traffic(), "a,2026-11-19,1,0");
  EXPECT_EQ(in_engine("traffic"), "0");
}

TEST_F(LakeTableTest, a_removed_table_leaves_nothing_behind) {
  impression("1", "a", "2026-11-19T10:00:00Z");
  compute("traffic");
  impression("2", "a", "2026-11-19T10:00:00Z");
  compute("traffic");
  files_.erase("totals");
  files_.erase("traffic");
  declare(files_);
  EXPECT_EQ(traffic(), "a,2026-11-19,2,0") << "it is detached, and read as before";
  ASSERT_TRUE(flow_->drop_table("traffic"));
  EXPECT_NE(traffic().find("traffic"), std::string::npos);
  EXPECT_EQ(listed("traffic"), "");
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root_ + "/store/lake/traffic"))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 0u);
  EXPECT_TRUE(must(control_->lake_marks()).empty());
  close();
  open();
  EXPECT_FALSE(lake_->derived().contains("traffic"));
  verify_agrees();
}

TEST_F(LakeTableTest, columns_of_every_kind_come_back_as_they_were_and_others_are_refused) {
  const char* select =
      "SELECT id, sum(1) AS big, CAST(170141183460469231731 AS HUGEINT) AS huge, [1, 2, NULL] AS list, "
      "{'a': 1.5, 'b': 'x'} AS pair, CAST(1.23 AS DECIMAL(38, 10)) AS wide, CAST(2.5 AS DECIMAL(9, 2)) AS narrow, "
      "TIMESTAMPTZ '2026-11-20 10:00:00+00' AS zoned, TIME '10:11:12.123456' AS clock, '\\xAA'::BLOB AS bytes, "
      "1::TINYINT AS tiny, 2::UBIGINT AS unsigned, 1.5::FLOAT AS single, "
      "CAST('0b6e4c36-1c5c-4f02-a2f7-0b0c7d8e9f10' AS UUID) AS uid, '{\"a\": 1}'::JSON AS doc, "
      "MAP {'k': 1} AS pairs, true AS flag, 'o''clock' AS text FROM impressions GROUP BY id";
  files_["inside"] = std::string("---\n---\n") + select;
  files_["outside"] = std::string("---\nstored: lake\n---\n") + select;
  files_["span"] = "---\nstored: lake\n---\nSELECT INTERVAL 1 DAY AS d, id FROM impressions";
  files_["twice"] = "---\nstored: lake\n---\nSELECT id, ad AS ID FROM impressions";
  declare(files_);
  impression("1", "a", "2026-11-19T10:00:00Z");
  impression("2", "b", "2026-11-19T10:00:00Z");
  ASSERT_EQ(compute("inside").run.state, "done");
  const RunView view = compute("outside");
  ASSERT_EQ(view.run.state, "done") << view.run.error;
  EXPECT_EQ(sql("SELECT count(*) FROM (FROM inside EXCEPT ALL FROM outside)"), "0");
  EXPECT_EQ(sql("SELECT count(*) FROM (FROM outside EXCEPT ALL FROM inside)"), "0");
  const auto types = [&](const std::string& table) {
    return sql(
        "SELECT string_agg(data_type, ' ' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name "
        "= '" +
        table + "'");
  };
  EXPECT_EQ(types("outside"), types("inside"));
  EXPECT_NE(compute("span").run.error.find("column d is of type INTERVAL"), std::string::npos);
  EXPECT_NE(compute("twice").run.error.find("two columns are called"), std::string::npos);
  verify_agrees();
}

TEST_F(LakeTableTest, what_retention_made_past_is_kept_and_taken_over_by_a_changed_table_and_by_a_move) {
  auto short_lived = stream("impressions");
  short_lived->retention = days(30);
  ASSERT_TRUE(lake_->set_streams({{7, 1, short_lived}, {8, 1, stream("clicks")}}));
  const auto ago = [&](int days_ago) { return format_date(day_number(clock_.wall().micros) - days_ago); };
  files_["traffic"] =
      "---\nstored: lake\npartition: day\n---\nSELECT ad, CAST(occurred_at AS DATE) AS day, count(*) AS shown, "
      "0::BIGINT AS clicked FROM impressions GROUP BY ALL\n";
  declare(files_);
  impression("1", "a", ago(40) + "T10:00:00Z");
  impression("2", "b", ago(2) + "T10:00:00Z");
  compute("traffic");
  const std::string rows = "a," + ago(40) + ",1,0 | b," + ago(2) + ",1,0";
  EXPECT_EQ(traffic(), rows);
  must(lake_->retain({}, Cancel()));
  EXPECT_EQ(sql("SELECT count(*) FROM impressions"), "1");
  EXPECT_EQ(must(flow_->table("traffic")).past.size(), 1u);
  for (const char* change : {"2::BIGINT - 2::BIGINT AS clicked", "3::BIGINT - 3::BIGINT AS clicked, 'x' AS more"}) {
    const size_t at = files_["traffic"].find(" AS shown, ") + 11;
    files_["traffic"].replace(at, files_["traffic"].find(" FROM") - at, change);
    declare(files_);
    const RunView view = compute("traffic");
    ASSERT_EQ(view.run.state, "done") << view.run.error;
    EXPECT_EQ(traffic(), rows);
  }
  EXPECT_EQ(sql("SELECT coalesce(more, 'none') FROM traffic ORDER BY day"), "none | x");
  move_to_engine("traffic");
  ASSERT_EQ(compute("traffic").run.state, "done");
  EXPECT_EQ(traffic(), rows);
  EXPECT_EQ(listed("traffic"), "");
  move_to_lake("traffic");
  ASSERT_EQ(compute("traffic").run.state, "done");
  EXPECT_EQ(traffic(), rows);
  EXPECT_EQ(in_engine("traffic"), "0");
  EXPECT_EQ(must(flow_->table("traffic")).past.size(), 1u);
  verify_agrees();
}

TEST_F(LakeTableTest, a_step_reads_it_as_it_is_and_none_changes_its_rows) {
  impression("1", "a", "2026-11-20T10:00:00Z");
  const RunView view = run_flow(
      "steps:\n  - {name: make, tables: [traffic]}\n"
      "  - {name: copy, after: [make], sql: 'CREATE TABLE public.copied AS SELECT * FROM traffic'}\n");
  EXPECT_EQ(view.run.state, "done") << told(view);
  EXPECT_EQ(sql("SELECT count(*) FROM public.copied"), "1");
  for (const char* statement : {"DELETE FROM traffic", "INSERT INTO traffic VALUES (1)", "UPDATE traffic SET ad = 1"}) {
    const RunView refused = run_flow(std::string("steps:\n  - {name: bad, sql: '") + statement + "'}\n");
    EXPECT_EQ(refused.run.state, "failed") << statement;
    EXPECT_NE(refused.run.error.find("derived table"), std::string::npos) << refused.run.error;
  }
  EXPECT_EQ(traffic(), "a,2026-11-20,1,0");
}

}  // namespace
}  // namespace weir::flow
