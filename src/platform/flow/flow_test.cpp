// Derived tables over the real lake, engine and control database, on a folder of the machine's disk: what a run
// computes, what makes a partition stale, what a failing test leaves, and that a run goes on after a kill.
#include "platform/flow/flow_fixture.h"

namespace weir::flow {
namespace {

TEST_F(FlowTest, computes_a_table_and_what_it_is_made_of_inputs_first) {
  compute_two_days();
}

TEST_F(FlowTest, a_failing_test_is_told_with_its_count_until_it_passes) {
  files_["traffic"] = std::string(kTraffic);
  files_["traffic"].insert(4, "tests:\n  - {name: quiet, sql: 'SELECT * FROM traffic WHERE clicked > 0'}\n");
  declare(files_);
  impression("1", "a", "2026-11-20T10:00:00Z");
  EXPECT_EQ(compute("traffic").run.state, "done");
  EXPECT_TRUE(must(flow_->table("traffic")).failures.empty());
  click("1", "a", "2026-11-20T10:00:05Z");
  EXPECT_EQ(compute("traffic").run.state, "failed");
  close();
  open();
  const TableState state = must(flow_->table("traffic"));
  ASSERT_EQ(state.failures.size(), 1u);
  const Json told = state.to_json(false)["failures"].array().at(0);
  EXPECT_EQ(told["partition"].as_string(), "2026-11-20");
  EXPECT_EQ(told["tests"].array().at(0)["test"].as_string(), "quiet");
  EXPECT_EQ(told["tests"].array().at(0)["rows"].as_int(), 1);
  EXPECT_EQ(traffic(), "a,2026-11-20,1,0") << "the old content stays";
  files_["traffic"].replace(files_["traffic"].find("clicked > 0"), 11, "clicked > 9");
  declare(files_);
  EXPECT_EQ(compute("traffic").run.state, "done");
  EXPECT_TRUE(must(flow_->table("traffic")).failures.empty());
}

TEST_F(FlowTest, running_again_computes_nothing_and_changes_nothing) {
  impression("1", "a", "2026-11-19T10:00:00Z");
  compute("totals");
  const std::string before = traffic();
  const RunView again = compute("totals");
  EXPECT_EQ(again.run.state, "done");
  EXPECT_TRUE(again.tasks.empty());
  EXPECT_EQ(traffic(), before);
}

TEST_F(FlowTest, a_click_after_midnight_belongs_to_the_impression_of_yesterday) {
  impression("1", "a", "2026-11-19T23:59:58Z");
  compute("traffic");
  EXPECT_EQ(traffic(), "a,2026-11-19,1,0");
  click("1", "a", "2026-11-20T00:00:03Z");
  const RunView view = compute("traffic");
  EXPECT_EQ(computed(view), "traffic 2026-11-19, traffic 2026-11-20");
  EXPECT_EQ(traffic(), "a,2026-11-19,1,1");
}

TEST_F(FlowTest, a_late_event_makes_its_own_day_stale_and_no_other) {
  for (const char* day : {"17", "18", "19"}) impression(day, "a", std::string("2026-11-") + day + "T10:00:00Z");
  compute("traffic");
  impression("late", "b", "2026-11-18T09:00:00Z");
  ASSERT_TRUE(lake_->drain(seconds(10)));
  EXPECT_EQ(must(flow_->table("traffic")).stale.size(), 1u);
  EXPECT_EQ(computed(compute("traffic")), "traffic 2026-11-18");
  EXPECT_EQ(traffic(), "a,2026-11-17,1,0 | a,2026-11-18,1,0 | b,2026-11-18,1,0 | a,2026-11-19,1,0");
  EXPECT_TRUE(must(flow_->table("traffic")).stale.empty());
}

TEST_F(FlowTest, only_the_days_that_were_asked_for_are_computed) {
  for (const char* day : {"17", "18", "19"}) impression(day, "a", std::string("2026-11-") + day + "T10:00:00Z");
  const int32_t from = *parse_date("2026-11-18"), to = *parse_date("2026-11-19");
  RunRequest request = of("traffic");
  request.from = from;
  request.to = to;
  EXPECT_EQ(computed(compute(request)), "traffic 2026-11-18");
  EXPECT_EQ(must(flow_->table("traffic")).stale.size(), 2u);
  request.force = true;
  EXPECT_EQ(computed(compute(request)), "traffic 2026-11-18");
  request.table = "totals";
  const auto refused = flow_->start(request);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("no partition"), std::string::npos);
}

TEST_F(FlowTest, a_partition_that_fails_a_test_keeps_its_old_rows_and_what_is_made_of_it_is_left) {
  files_["traffic"] = kTrafficWithTest;
  declare(files_);
  impression("1", "a", "2026-11-19T10:00:00Z");
  compute("totals");
  impression("2", "bad", "2026-11-19T11:00:00Z");
  impression("3", "a", "2026-11-20T11:00:00Z");
  const RunView view = compute("totals");
  EXPECT_EQ(view.run.state, "failed");
  EXPECT_NE(view.run.error.find("no_bad_ad: 1 rows"), std::string::npos) << view.run.error;
  EXPECT_EQ(traffic(), "a,2026-11-19,1,0 | a,2026-11-20,1,0");  // the good day was published
  EXPECT_EQ(sql("SELECT shown FROM totals"), "1");
}

TEST_F(FlowTest, a_change_of_the_columns_replaces_the_table_once_all_of_the_new_one_is_there) {
  impression("1", "a", "2026-11-19T10:00:00Z");
  impression("2", "b", "2026-11-20T10:00:00Z");
  compute("traffic");
  files_["traffic"] = R"(---
partition: day
---
SELECT CAST(occurred_at AS DATE) AS day, ad, count(*) AS shown, 0::BIGINT AS clicked, 'x' AS more FROM impressions GROUP BY ALL
)";
  declare(files_);
  EXPECT_EQ(must(flow_->table("traffic")).stale.size(), 2u);
  EXPECT_EQ(sql("SELECT count(*) FROM traffic"), "2");
  const RunView view = compute("traffic");
  EXPECT_EQ(view.run.state, "done") << view.run.error;
  EXPECT_EQ(sql("SELECT ad, more FROM traffic ORDER BY ad"), "a,x | b,x");
  EXPECT_TRUE(must(flow_->table("traffic")).stale.empty());
  EXPECT_EQ(sql("SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'traffic%'"), "1");
}

TEST_F(FlowTest, a_table_of_another_declaration_is_never_mixed_with_the_old_one) {
  impression("1", "a", "2026-11-19T10:00:00Z");
  impression("2", "b", "2026-11-20T10:00:00Z");
  compute("totals");
  // Another partition: the rows that the old one had on days that the new one does not know go with it.
  files_["traffic"] =
      "---\npartition: day\n---\nSELECT ad, CAST('2026-11-19' AS DATE) AS day, count(*) AS shown, "
      "0::BIGINT AS clicked FROM impressions WHERE ad = 'a' GROUP BY ALL\n";
  declare(files_);
  compute("traffic");
  EXPECT_EQ(traffic(), "a,2026-11-19,1,0");
  files_["traffic"] =
      "---\n---\nSELECT ad, CAST('2026-11-18' AS DATE) AS day, count(*) AS shown, 0::BIGINT AS clicked "
      "FROM impressions GROUP BY ALL\n";
  declare(files_);
  compute("totals");
  EXPECT_EQ(traffic(), "a,2026-11-18,1,0 | b,2026-11-18,1,0");
  EXPECT_EQ(must(flow_->table("traffic")).marks.size(), 1u);
  EXPECT_TRUE(must(flow_->table("totals")).stale.empty());
}

TEST_F(FlowTest, marks_and_rows_outlive_a_restart_and_a_run_under_way_goes_on) {
  impression("1", "a", "2026-11-19T10:00:00Z");
  compute("traffic");
  impression("2", "a", "2026-11-20T10:00:00Z");
  ASSERT_TRUE(lake_->drain(seconds(10)));
  // As a kill leaves it: begun, one partition to go.
  control::Run run;
  run.id = "00000000-0000-7000-8000-000000000001";
  run.kind = "table";
  run.name = "traffic";
  run.parameters = Json(Json::Object{{"force", false}, {"upstream", true}});
  run.state = "running";
  run.queued_at = clock_.wall();
  ASSERT_TRUE(control_->put_run(run));
  control::RunTask task;
  task.number = 1;
  task.step = "traffic";
  task.what = "2026-11-20";
  task.state = "running";
  task.attempts = 1;
  ASSERT_TRUE(control_->put_tasks(run.id, {task}));
  close();
  open();
  EXPECT_EQ(must(flow_->table("traffic")).stale.size(), 1u);
  ASSERT_TRUE(flow_->resume());
  const RunView view = wait(run.id);
  EXPECT_EQ(view.run.state, "done") << view.run.error;
  ASSERT_EQ(view.tasks.size(), 1u);
  EXPECT_EQ(view.tasks[0].state, "done");
  EXPECT_EQ(view.tasks[0].attempts, 2u);
  EXPECT_EQ(traffic(), "a,2026-11-19,1,0 | a,2026-11-20,1,0");
}

TEST_F(FlowTest, says_what_is_wrong_with_a_declaration) {
  const auto problem = [&](const std::string& text) {
    ParsedTable parsed = parse_table(text, "tables/x.sql", "x");
    auto reads = flow_->examine(parsed.table);
    return reads ? std::string() : reads.error().text();
  };
  EXPECT_NE(problem("SELECT * FROM x").find("reads the table itself"), std::string::npos);
  EXPECT_NE(problem("SELECT * FROM read_csv('/etc/passwd')").find("read_csv"), std::string::npos);
  EXPECT_NE(problem("SELECT 1 +").find("1:"), std::string::npos);
  EXPECT_EQ(
      must(flow_->examine(parse_table("WITH a AS (SELECT * FROM clicks), b AS (FROM a JOIN impressions USING (id)) "
                                      "SELECT * FROM b, a",
                                      "tables/x.sql", "x")
                              .table)),
      (std::vector<std::string>{"clicks", "impressions"}));
  files_["odd"] = "---\npartition: day\n---\nSELECT ad, occurred_at AS day FROM impressions";
  declare(files_);
  impression("1", "a", "2026-11-19T10:00:00Z");
  const RunView view = compute("odd");
  EXPECT_EQ(view.run.state, "failed");
  EXPECT_NE(view.run.error.find("is a TIMESTAMP, expected a DATE"), std::string::npos) << view.run.error;
}

// Flows over a clock that the test moves.
class FlowsTest : public FlowTest {
 protected:
  void SetUp() override {
    FlowTest::SetUp();
    begin_flows();
  }
  void TearDown() override {
    flows_.reset();
    starts_.reset();
    FlowTest::TearDown();
  }
  // As at the program's start.
  void begin_flows(warehouse::Buckets* buckets = nullptr) {
    flows_.reset();
    starts_ = std::make_unique<Starts>(Starts::Parts{*flow_, *lake_, *control_, manual_, buckets});
    flows_ = std::make_unique<Flows>(Flows::Parts{*flow_, *starts_});
  }
  void declare_flow(const std::string& text) {
    ParsedFlow parsed = parse_flow(text, "flows/daily.yaml", "daily", start_checks());
    for (const auto& error : parsed.errors) ADD_FAILURE() << error.text();
    const Status set = flows_->set_flows({std::move(parsed.flow)});
    ASSERT_TRUE(set) << set.error().text();
  }
  // Ticks once and waits for what that started; how often the flow has run then.
  size_t runs_after_tick() {
    starts_->tick();
    const auto open = must(flow_->runs("daily", true, 10));
    for (const auto& run : open) wait(run.id);
    return must(flow_->runs("daily", false, 100)).size();
  }
  void move_to(const std::string& time) { manual_.advance(Duration{*parse_timestamp(time) - manual_.wall().micros}); }

  ManualClock manual_{WallTime{1'795'219'200'000'000}};  // 2026-11-21T00:00:00Z
  std::unique_ptr<Starts> starts_;
  std::unique_ptr<Flows> flows_;
};

TEST_F(FlowsTest, a_schedule_fires_once_a_time_and_computes_what_is_stale) {
  declare_flow("schedule: '5 0 * * *'\nsteps:\n  - tables: [totals]\n");
  impression("1", "a", "2026-11-20T10:00:00Z");
  EXPECT_EQ(runs_after_tick(), 0u);
  EXPECT_EQ(format_timestamp(must(flows_->flows())[0].start.next->micros), "2026-11-21T00:05:00.000000Z");
  move_to("2026-11-21T00:05:00Z");
  EXPECT_EQ(runs_after_tick(), 1u);
  EXPECT_EQ(runs_after_tick(), 1u);
  EXPECT_EQ(sql("SELECT shown FROM totals"), "1");
  EXPECT_EQ(must(flow_->runs("daily", false, 1))[0].cause["by"].as_string(), "schedule");
}

TEST_F(FlowsTest, times_that_passed_while_nobody_was_there_start_one_run) {
  const char* text = "schedule: '5 0 * * *'\nsteps:\n  - tables: [traffic]\n";
  declare_flow(text);
  begin_flows();
  move_to("2026-11-24T12:00:00Z");
  declare_flow(text);
  EXPECT_EQ(runs_after_tick(), 1u);
  EXPECT_EQ(runs_after_tick(), 1u);
  EXPECT_EQ(format_timestamp(must(flows_->flows())[0].start.next->micros), "2026-11-25T00:05:00.000000Z");
}

TEST_F(FlowsTest, an_arrival_starts_a_run_once_the_stream_is_quiet) {
  declare_flow("triggers:\n  - {arrival: impressions, quiet: 10s}\nsteps:\n  - tables: [traffic]\n");
  EXPECT_EQ(runs_after_tick(), 0u);
  impression("1", "a", "2026-11-20T10:00:00Z");
  ASSERT_TRUE(lake_->drain(seconds(10)));
  EXPECT_EQ(runs_after_tick(), 0u);
  manual_.advance(seconds(9));
  EXPECT_EQ(runs_after_tick(), 0u);
  manual_.advance(seconds(1));
  EXPECT_EQ(runs_after_tick(), 1u);
  EXPECT_EQ(traffic(), "a,2026-11-20,1,0");
  manual_.advance(seconds(60));
  EXPECT_EQ(runs_after_tick(), 1u);
}

class ObjectsTest : public FlowsTest {
 protected:
  void SetUp() override {
    FlowsTest::SetUp();
    begin();
  }
  // As at the program's start.
  void begin() {
    buckets_.emplace(real_files(), root_ + "/s3");
    begin_flows(&*buckets_);
  }
  void put(const std::string& key, const std::string& bytes) {
    const Status done = must(buckets_->open("data"))->put(key, bytes);
    ASSERT_TRUE(done) << done.error().text();
  }
  void pass(int64_t count) { manual_.advance(seconds(count)); }
  static constexpr const char* kText =
      "triggers:\n  - {object: 's3://data/in/', quiet: 5s}\nsteps:\n  - tables: [traffic]\n";
  std::optional<warehouse::Buckets> buckets_;
};

TEST_F(ObjectsTest, an_object_starts_a_run_once_nothing_more_is_written) {
  put("in/before", "x");
  declare_flow(kText);
  EXPECT_EQ(runs_after_tick(), 0u);
  put("elsewhere/a", "x");
  pass(10);
  EXPECT_EQ(runs_after_tick(), 0u);
  put("in/params.json", "{}");
  pass(1);
  EXPECT_EQ(runs_after_tick(), 0u);
  pass(4);
  put("in/more", "y");
  EXPECT_EQ(runs_after_tick(), 0u);
  pass(5);
  EXPECT_EQ(runs_after_tick(), 1u);
  const Json cause = must(flow_->runs("daily", false, 1))[0].cause;
  EXPECT_EQ(cause["by"].as_string(), "object");
  EXPECT_EQ(cause["object"].as_string(), "s3://data/in/more");
  pass(60);
  EXPECT_EQ(runs_after_tick(), 1u);
  // The same key again is written again; one that goes is nothing.
  put("in/params.json", "{\"a\":1}");
  pass(1);
  runs_after_tick();
  pass(5);
  EXPECT_EQ(runs_after_tick(), 2u);
  ASSERT_TRUE(must(buckets_->open("data"))->remove("in/more"));
  pass(1);
  runs_after_tick();
  pass(60);
  EXPECT_EQ(runs_after_tick(), 2u);
  begin();
  declare_flow(kText);
  pass(60);
  EXPECT_EQ(runs_after_tick(), 2u);
}

TEST_F(ObjectsTest, what_was_written_while_nobody_was_there_starts_one_run) {
  declare_flow(kText);
  EXPECT_EQ(runs_after_tick(), 0u);
  flows_.reset();
  put("in/a", "x");
  put("in/b", "x");
  begin();
  declare_flow(kText);
  runs_after_tick();
  pass(5);
  EXPECT_EQ(runs_after_tick(), 1u);
  pass(60);
  EXPECT_EQ(runs_after_tick(), 1u);
  // Seen, and then the program ended before the run began.
  put("in/c", "x");
  pass(1);
  EXPECT_EQ(runs_after_tick(), 1u);
  begin();
  declare_flow(kText);
  runs_after_tick();
  pass(5);
  EXPECT_EQ(runs_after_tick(), 2u);
}

TEST_F(FlowsTest, a_stale_table_starts_a_run_and_what_a_run_leaves_stale_starts_no_other) {
  files_["traffic"] = kTrafficWithTest;
  declare(files_);
  declare_flow("triggers:\n  - {stale: traffic}\nsteps:\n  - tables: [traffic]\n");
  EXPECT_EQ(runs_after_tick(), 0u);
  impression("1", "bad", "2026-11-20T10:00:00Z");
  ASSERT_TRUE(lake_->drain(seconds(10)));
  EXPECT_EQ(runs_after_tick(), 1u);
  EXPECT_EQ(must(flow_->runs("daily", false, 1))[0].state, "failed");
  EXPECT_EQ(runs_after_tick(), 1u);
  impression("2", "good", "2026-11-20T10:00:00Z");
  ASSERT_TRUE(lake_->drain(seconds(10)));
  EXPECT_EQ(runs_after_tick(), 2u);
}

TEST_F(FlowsTest, a_step_behind_a_failed_one_is_skipped_unless_it_goes_on) {
  files_["broken"] = "---\n---\nSELECT CAST(ad AS INTEGER) AS x FROM impressions";
  declare(files_);
  impression("1", "a", "2026-11-20T10:00:00Z");
  declare_flow("steps:\n  - {name: first, tables: [broken]}\n  - {name: second, tables: [traffic]}\n");
  RunView view = wait(must(flows_->start("daily", {})));
  EXPECT_EQ(view.run.state, "failed");
  EXPECT_NE(view.run.error.find("step first: table broken"), std::string::npos) << view.run.error;
  ASSERT_EQ(view.tasks.size(), 2u);
  EXPECT_EQ(view.tasks[1].state, "skipped");
  EXPECT_EQ(view.tasks[1].message, "step first failed");
  declare_flow(
      "steps:\n  - {name: first, tables: [broken], on_failure: continue, retries: {times: 1, wait: 1s}}\n"
      "  - {name: second, tables: [traffic]}\n");
  view = wait(must(flows_->start("daily", {})));
  EXPECT_EQ(view.run.state, "failed");
  EXPECT_EQ(view.tasks[0].attempts, 2u);
  EXPECT_EQ(traffic(), "a,2026-11-20,1,0");
}

}  // namespace
}  // namespace weir::flow
