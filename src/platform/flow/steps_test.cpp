// Steps of flows over the real engine: what they do, that they do it once, and what they are refused.
#include <gmock/gmock.h>

#include "platform/flow/flow_fixture.h"

namespace weir::flow {
namespace {

using ::testing::HasSubstr;

constexpr const char* kMake = "CREATE TABLE IF NOT EXISTS public.shown(id VARCHAR, seen TIMESTAMP);";

class StepsTest : public FlowTest {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(folder() + "/" + name).parent_path());
    std::ofstream(folder() + "/" + name) << text;
    return name;
  }
  std::string read(const std::string& name) {
    std::ifstream in(folder() + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string refused(const std::string& steps) {
    const auto errors = flow_->examine_flow(parsed("steps:\n" + steps), {"impressions", "clicks", "traffic", "totals"});
    return errors.empty() ? "" : errors.front().text();
  }
  // Closes and opens again as soon as the run's second step was tried.
  void stop_in_second_step(const std::string& id) {
    const auto is_there = [&] {
      const RunView view = must(flow_->run(id));
      return view.tasks.size() == 2 && view.tasks[1].attempts > 0;
    };
    for (int i = 0; i < 3'000 && !is_there(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(is_there());
    close();
    open();
  }
  std::string shown() { return sql("SELECT id, CAST(seen AS VARCHAR) FROM public.shown ORDER BY ALL"); }
};

TEST_F(StepsTest, sql_is_one_transaction_and_its_days_are_half_open) {
  impression("before", "a", "2026-11-19T23:59:59.999Z");
  impression("first", "a", "2026-11-20T00:00:00Z");
  impression("last", "a", "2026-11-20T23:59:59.999Z");
  impression("after", "a", "2026-11-21T00:00:00Z");
  const std::string flow = std::string("steps:\n  - sql: |\n      ") + kMake + R"(
      DELETE FROM public.shown WHERE seen >= $start AND seen < $end;
      INSERT INTO public.shown SELECT id, occurred_at FROM impressions WHERE occurred_at >= $start AND occurred_at < $end;
      UPDATE public.shown SET id = id || '/' || $day || '/' || ($end - $start) WHERE id = 'first';
)";
  const RunView view = run_flow(flow);
  ASSERT_EQ(view.run.state, "done") << view.run.error;
  EXPECT_EQ(told(view), "sql_1 done 3");
  EXPECT_EQ(shown(), "first/2026-11-20/1,2026-11-20 00:00:00 | last,2026-11-20 23:59:59.999");
  EXPECT_EQ(run_flow(flow).run.state, "done");
  EXPECT_EQ(sql("SELECT count(*) FROM public.shown"), "2") << "twice is once";
}

TEST_F(StepsTest, a_script_that_fails_leaves_nothing) {
  const RunView view = run_flow(std::string("steps:\n  - sql: |\n      ") + kMake + R"(
      INSERT INTO public.shown VALUES ('a', '2026-11-20');
      INSERT INTO public.shown SELECT error_column FROM public.shown;
)");
  EXPECT_EQ(view.run.state, "failed");
  EXPECT_THAT(view.run.error, HasSubstr("step sql_1: "));
  EXPECT_THAT(view.run.error, HasSubstr("error_column"));
  EXPECT_THAT(shown(), HasSubstr("shown")) << "not even the table is there";
  EXPECT_EQ(failures_, std::vector<std::string>{view.run.id});
}

TEST_F(StepsTest, what_steps_may_not_say_is_refused_before_anything_runs) {
  EXPECT_EQ(refused("  - sql: CREATE TABLE x AS SELECT * FROM impressions\n"), "");
  EXPECT_THAT(refused("  - sql: INSERT INTO impressions VALUES (1)\n"),
              HasSubstr("impressions is a stream or a derived table"));
  EXPECT_THAT(refused("  - sql: CREATE TABLE Clicks (a INT)\n"), HasSubstr("clicks is a stream"));
  EXPECT_THAT(refused("  - sql: DELETE FROM main.traffic\n"), HasSubstr("traffic is a stream or a derived table"));
  EXPECT_THAT(refused("  - sql: TRUNCATE weir.partitions\n"),
              HasSubstr("\"weir.partitions\" is not for steps to change"));
  EXPECT_THAT(refused("  - sql: DROP TABLE lake.main.impressions\n"), HasSubstr("not for steps to change"));
  EXPECT_THAT(refused("  - sql: CREATE TABLE weir_x (a INT)\n"), HasSubstr("weir's own"));
  EXPECT_THAT(refused("  - sql: BEGIN; SELECT 1; COMMIT\n"), HasSubstr("a step is one transaction by itself"));
  EXPECT_THAT(refused("  - sql: CREATE VIEW v AS SELECT 1\n"), HasSubstr("is not for a step"));
  EXPECT_THAT(refused("  - sql: COPY public.x TO '/tmp/x'\n"), HasSubstr("COPY … TO a file"));
  EXPECT_THAT(refused("  - sql: GRANT SELECT ON x TO ann\n"), HasSubstr("GRANT is not for a step"));
  EXPECT_THAT(refused("  - sql: COPY impressions FROM 's3://data/x' IAM_ROLE default CSV\n"), HasSubstr("is a stream"));
  EXPECT_THAT(refused("  - sql: CREATE TEMP TABLE x (a INT)\n"), HasSubstr("no temporary tables"));
  EXPECT_THAT(refused("  - sql: SET memory_limit = '1TB'\n"), HasSubstr("is not for a step"));
  EXPECT_THAT(refused("  - sql: ATTACH '/tmp/x'\n"), HasSubstr("expected RLS POLICY"));
  EXPECT_THAT(refused("  - sql: INSERT INTO x SELECT * FROM read_csv('/etc/passwd')\n"), HasSubstr("read_csv"));
  EXPECT_THAT(refused("  - sql: DELETE FROM x WHERE a IN (SELECT content FROM read_text('/etc/passwd'))\n"),
              HasSubstr("read_text"));
  EXPECT_THAT(refused("  - sql: UPDATE x SET a = getenv('HOME')\n"), HasSubstr("getenv"));
  EXPECT_THAT(refused("  - sql: INSERT INTO x SELECT $strat\n"), HasSubstr("known are $start, $end, $day, $run"));
  EXPECT_THAT(refused("  - sql: VACUUM; SELECT 1\n"), HasSubstr("a step of their own"));
  EXPECT_THAT(refused("  - unload: {select: \"SELECT getenv('HOME')\", to: a.csv}\n"), HasSubstr("getenv"));
  EXPECT_THAT(refused("  - load: {file: a.csv, table: impressions}\n"), HasSubstr("is a stream"));
  EXPECT_THAT(refused("  - command: [sh, -c, id]\n"), HasSubstr("flows: {commands: [sh]}"));
}

// The Spectrum and the CSV way of the advertising seed, in Redshift's words.
TEST_F(StepsTest, sql_is_redshifts_with_files_of_the_store_and_external_tables) {
  impression("1", "a", "2026-11-20T10:00:00Z");
  impression("2", "b", "2026-11-20T11:00:00Z");
  const std::string flow = R"(steps:
  - name: stage
    sql: |
      UNLOAD ('SELECT id, occurred_at FROM impressions WHERE occurred_at >= $start AND occurred_at < $end ORDER BY id')
        TO 's3://data/staging/{start}/' IAM_ROLE default CSV;
  - name: load
    sql: |
      CREATE TABLE IF NOT EXISTS public.copied (id VARCHAR(20), seen TIMESTAMP) DISTSTYLE KEY DISTKEY (id);
      DELETE FROM public.copied WHERE seen >= $start AND seen < $end;
      COPY public.copied FROM 's3://data/staging/{start}/' IAM_ROLE default CSV;
  - name: spectrum
    sql: |
      CREATE EXTERNAL SCHEMA IF NOT EXISTS spectrum FROM DATA CATALOG DATABASE 'lake' IAM_ROLE default;
      CREATE TABLE IF NOT EXISTS public.queried (id VARCHAR(20), seen TIMESTAMP);
      DELETE FROM public.queried WHERE seen >= $start AND seen < $end;
      INSERT INTO public.queried SELECT id, occurred_at FROM spectrum.impressions
        WHERE occurred_at >= $start AND occurred_at < $end AND DATEDIFF(day, occurred_at, $end) = 1;
  - name: equal
    check: SELECT * FROM public.copied EXCEPT SELECT * FROM public.queried
)";
  for (int time = 0; time < 2; ++time) {
    const RunView view = run_flow(flow);
    ASSERT_EQ(view.run.state, "done") << view.run.error;
    EXPECT_EQ(sql("SELECT id FROM public.copied ORDER BY id"), "1 | 2");
    EXPECT_EQ(sql("SELECT id FROM public.queried ORDER BY id"), "1 | 2");
  }
  EXPECT_EQ(must(must(store_->open("data"))->list("staging/2026-11-20/")).size(), 1u);
}

TEST_F(StepsTest, a_failing_copy_takes_what_was_changed_before_it_back) {
  const RunView view = run_flow(std::string("steps:\n  - sql: |\n      ") + kMake + R"(
      INSERT INTO public.shown VALUES ('a', '2026-11-20');
      COPY public.shown FROM 's3://data/nothing/' IAM_ROLE default CSV;
)");
  EXPECT_EQ(view.run.state, "failed");
  EXPECT_THAT(view.run.error, HasSubstr("there is no bucket"));
  EXPECT_THAT(shown(), HasSubstr("shown")) << "not even the table is there";
}

TEST_F(StepsTest, vacuum_runs_outside_of_a_transaction) {
  EXPECT_EQ(told(run_flow("steps:\n  - sql: VACUUM\n")), "sql_1 done");
}

TEST_F(StepsTest, an_unload_replaces_its_file_whole_and_a_load_takes_it_back) {
  impression("1", "a", "2026-11-20T10:00:00Z");
  impression("2", "a, \"b\"", "2026-11-20T11:00:00Z");
  for (const std::string format : {"csv", "json", "parquet"}) {
    const RunView view =
        run_flow("steps:\n  - unload: {select: \"SELECT id, ad FROM impressions ORDER BY id\", to: 'out/{day}." +
                 format + "'}\n  - load: {file: 'out/{start}." + format + "', table: back, mode: replace}\n");
    ASSERT_EQ(told(view), "unload_1 done 2, load_2 done 2") << format << view.run.error;
    EXPECT_EQ(sql("SELECT id::VARCHAR, ad FROM back ORDER BY id"), "1,a | 2,a, \"b\"") << format;
  }
  EXPECT_EQ(read("out/2026-11-20.csv"), "id,ad\r\n1,a\r\n2,\"a, \"\"b\"\"\"\r\n");
  for (const auto& entry : fs::directory_iterator(folder() + "/out"))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
}

TEST_F(StepsTest, a_load_by_days_replaces_the_windows_rows_and_refuses_others) {
  const std::string make = std::string("  - sql: ") + kMake + "\n";
  const std::string flow = "steps:\n" + make + "  - load: {file: 'in_{start}.csv', table: public.shown, by: seen}\n";
  write("in_2026-11-20.csv", "id,seen\na,2026-11-20 00:00:00\nb,2026-11-20 23:59:59\n");
  write("in_2026-11-21.csv", "id,seen\nc,2026-11-21 00:00:00\n");
  EXPECT_EQ(run_flow(flow).run.error, "");
  EXPECT_EQ(run_flow(flow, day("2026-11-21"), day("2026-11-22")).run.error, "");
  EXPECT_EQ(run_flow(flow).run.error, "");
  EXPECT_EQ(sql("SELECT id FROM public.shown ORDER BY id"), "a | b | c") << "midnight belongs to one day";
  write("in_2026-11-20.csv", "id,seen\na,2026-11-20 00:00:00\nx,2026-11-21 00:00:00\n");
  EXPECT_THAT(run_flow(flow).run.error,
              HasSubstr("1 of the file's 2 rows have a seen outside of 2026-11-20 to 2026-11-21"));
  EXPECT_EQ(sql("SELECT id FROM public.shown ORDER BY id"), "a | b | c");
}

TEST_F(StepsTest, a_file_is_appended_once_whatever_its_name_is_and_whoever_runs_it_again) {
  write("a.csv", "n\n1\n2\n");
  const std::string flow = "steps:\n  - load: {file: a.csv, table: numbers}\n";
  EXPECT_EQ(told(run_flow(flow)), "load_1 done 2");
  EXPECT_THAT(told(run_flow(flow)), HasSubstr("load_1 done 0: a file of this content was loaded before, by run "));
  write("a.csv", "n\n3\n");
  EXPECT_EQ(told(run_flow(flow)), "load_1 done 1");
  EXPECT_EQ(sql("SELECT n FROM numbers ORDER BY n"), "1 | 2 | 3");
}

TEST_F(StepsTest, paths_stay_in_the_project) {
  const auto unload = [&](const std::string& to) {
    return run_flow("steps:\n  - unload: {select: SELECT 1 AS a, to: '" + to + "'}\n").run.error;
  };
  fs::create_directory_symlink(root_, folder() + "/link");
  std::ofstream(root_ + "/secret.csv") << "a\n1\n";
  EXPECT_THAT(unload(root_ + "/x.csv"), HasSubstr("outside of the project's folder"));
  EXPECT_THAT(unload("link/x.csv"), HasSubstr("outside of the project's folder"));
  EXPECT_THAT(unload(".weir/x.csv"), HasSubstr("hidden folder"));
  EXPECT_THAT(unload("tables/x.csv"), HasSubstr("among the project's declarations"));
  EXPECT_EQ(unload("deep/er/x.csv"), "");
  const auto load = [&](const std::string& file) {
    return run_flow("steps:\n  - load: {file: '" + file + "', table: x, mode: replace}\n").run.error;
  };
  EXPECT_THAT(load("link/secret.csv"), HasSubstr("outside of the project's folder"));
  EXPECT_THAT(load(root_ + "/secret.csv"), HasSubstr("outside of the project's folder"));
  EXPECT_THAT(load("none.csv"), HasSubstr("there is no file"));
  std::ofstream(root_ + "/store/in.csv") << "a\n1\n";
  EXPECT_EQ(load(root_ + "/store/in.csv"), "");
}

TEST_F(StepsTest, a_check_tells_the_first_rows_that_should_not_be) {
  EXPECT_EQ(told(run_flow("steps:\n  - check: SELECT 1 WHERE false\n")), "check_1 done 0");
  const RunView view =
      run_flow("steps:\n  - {name: none, check: 'SELECT range AS n, $day AS d FROM range(7)'}\n  - check: SELECT 1\n");
  EXPECT_EQ(view.run.state, "failed");
  EXPECT_THAT(view.run.error, HasSubstr("step none: 7 rows that should not be:\n{\"n\":0,\"d\":\"2026-11-20\"}\n"));
  EXPECT_THAT(told(view), HasSubstr("check_2 skipped: step none failed"));
}

TEST_F(StepsTest, what_is_made_of_a_table_is_stale_once_a_step_or_a_person_has_changed_it) {
  files_["priced"] = "---\n---\nSELECT sum(price) AS price FROM prices\n";
  declare(files_);
  write("p.csv", "item,price\na,1\n");
  const auto stale = [&] { return must(flow_->table("priced")).stale.size(); };
  EXPECT_EQ(must(flow_->load(folder() + "/p.csv", "csv", "Prices")), 1u);
  EXPECT_EQ(compute("priced").run.state, "done");
  EXPECT_EQ(stale(), 0u);
  EXPECT_EQ(must(flow_->load(folder() + "/p.csv", "csv", "prices")), 1u);
  EXPECT_EQ(stale(), 1u);
  EXPECT_EQ(compute("priced").run.state, "done");
  EXPECT_EQ(sql("SELECT price::VARCHAR FROM priced"), "2");
  EXPECT_EQ(run_flow("steps:\n  - sql: UPDATE prices SET price = 5\n").run.error, "");
  close();
  open();
  EXPECT_EQ(stale(), 1u) << "also after a restart";
  EXPECT_EQ(flow_->load(folder() + "/p.csv", "csv", "priced").error().code, Code::conflict);
}

TEST_F(StepsTest, what_is_late_is_done_again_also_over_a_month) {
  impression("1", "a", "2026-11-20T10:00:00Z");
  impression("2", "a", "2026-10-31T23:00:00Z");
  const std::string flow =
      std::string("window: {late: traffic}\nsteps:\n  - tables: [traffic]\n  - sql: ") + kMake +
      " DELETE FROM public.shown WHERE seen >= $start AND seen < $end; INSERT INTO public.shown SELECT id, "
      "occurred_at FROM impressions WHERE occurred_at >= $start AND occurred_at < $end\n";
  const RunView first = run_flow(flow);
  EXPECT_EQ(first.run.error, "");
  EXPECT_EQ(first.run.parameters["from"].as_string(), "2026-10-31") << "the first run does all that there is";
  EXPECT_EQ(run_flow(flow).run.parameters["from"].as_string(), "2026-11-20");
  impression("late", "a", "2026-10-31T22:00:00Z");
  EXPECT_EQ(compute("traffic").run.state, "done");  // somebody else computes the table meanwhile
  EXPECT_EQ(run_flow(flow).run.parameters["from"].as_string(), "2026-10-31");
  EXPECT_EQ(sql("SELECT id FROM public.shown ORDER BY id"), "1 | 2 | late");
  EXPECT_EQ(run_flow(flow).run.parameters["from"].as_string(), "2026-11-20");
}

TEST_F(StepsTest, a_step_is_tried_again_and_not_for_longer_than_it_may) {
  const RunView view = run_flow("steps:\n  - {check: SELECT 1, retries: {times: 2, wait: 0s}}\n");
  EXPECT_EQ(view.tasks.at(0).attempts, 3u);
  const RunView slow = run_flow(
      "steps:\n  - {sql: \"SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = 7\", "
      "time_limit: 1s}\n");
  EXPECT_EQ(slow.run.state, "failed");
  EXPECT_THAT(slow.run.error, HasSubstr("time limit"));
}

TEST_F(StepsTest, a_run_that_was_stopped_between_two_steps_goes_on_with_the_second) {
  const std::string flow =
      std::string("steps:\n  - sql: ") + kMake + " INSERT INTO public.shown VALUES ($run, now())\n" +
      "  - {check: SELECT 1 FROM impressions HAVING count(*) = 0, retries: {times: 100, wait: 10ms, factor: 1}}\n";
  const std::string id =
      must(flow_->start_flow(parsed(flow), {day("2026-11-20"), day("2026-11-21"), true, Json(Json::Object{})}));
  stop_in_second_step(id);
  impression("1", "a", "2026-11-20T10:00:00Z");
  ASSERT_TRUE(flow_->resume());
  EXPECT_EQ(wait(id).run.state, "done");
  EXPECT_EQ(sql("SELECT count(*), count(DISTINCT id) FROM public.shown"), "1,1");
}

// Symptom: a flow that was killed between two steps, while events came in, failed the check that compares them.
TEST_F(StepsTest, a_run_whose_steps_before_a_kill_have_read_something_else_begins_again) {
  impression("1", "a", "2026-11-20T10:00:00Z");
  const std::string flow =
      std::string("retries: {times: 100, wait: 20ms, factor: 1}\nsteps:\n  - sql: ") + kMake +
      " DELETE FROM public.shown; INSERT INTO public.shown SELECT id, occurred_at FROM impressions\n" +
      "  - {name: hold, check: SELECT 1 FROM impressions HAVING count(*) < 2}\n"
      "  - {name: equal, check: SELECT 1 WHERE (SELECT count(*) FROM public.shown) <> (SELECT count(*) FROM "
      "impressions)}\n";
  const std::string id =
      must(flow_->start_flow(parsed(flow), {day("2026-11-20"), day("2026-11-21"), true, Json(Json::Object{})}));
  stop_in_second_step(id);
  impression("2", "a", "2026-11-20T11:00:00Z");
  ASSERT_TRUE(flow_->resume());
  const RunView view = wait(id);
  EXPECT_EQ(view.run.state, "done") << view.run.error;
  EXPECT_EQ(view.run.parameters["begun"].as_uint(), 1u);
  EXPECT_EQ(sql("SELECT id FROM public.shown ORDER BY id"), "1 | 2");
}

TEST_F(StepsTest, steps_without_order_run_at_the_same_time) {
  // Each waits, try after try, for a table that only the other one makes.
  const RunView view = run_flow(R"(order: parallel
retries: {times: 100, wait: 20ms, factor: 1}
steps:
  - {name: a, sql: CREATE TABLE IF NOT EXISTS public.a (n INT)}
  - {name: b, sql: CREATE TABLE public.b AS SELECT * FROM public.c}
  - {name: c, sql: CREATE TABLE public.c AS SELECT * FROM public.a}
  - {name: end, after: [b], sql: INSERT INTO public.b VALUES (1)}
)");
  EXPECT_EQ(view.run.error, "");
  EXPECT_EQ(sql("SELECT n FROM public.b"), "1");
}

}  // namespace
}  // namespace weir::flow
