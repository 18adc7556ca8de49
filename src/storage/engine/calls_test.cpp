// Calls that the engine cannot interrupt: in pieces, in a child that is a real process of this program, or refused.
#include "storage/engine/calls.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "storage/engine/engine_fixture.h"
#include "storage/engine/watchdog.h"

namespace weir::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class CallsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    own_ = connect(Trust::own);
  }
  void make(const std::string& select) {
    ask(*own_, "DROP TABLE IF EXISTS t");
    const std::string made = ask(*own_, "CREATE TABLE t AS " + select);
    ASSERT_EQ(made.find(": "), std::string::npos) << made;
  }
  double children(const char* result) {
    return metrics.read("weir_engine_child_calls_total", {{"result", result}}).value_or(0);
  }
  double running() { return metrics.read("weir_engine_child_calls").value_or(0); }
  template <class Condition>
  static void wait_until(const Condition& holds) {
    for (int i = 0; i < 6000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(holds()) << "after a minute";
  }
  // Processes that this one has started and that have not been collected.
  static std::vector<pid_t> processes() {
    std::vector<pid_t> out;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream file(entry.path() / "stat");
      std::string text((std::istreambuf_iterator<char>(file)), {});
      const size_t behind = text.rfind(')');
      if (behind == std::string::npos) continue;
      int parent = 0;
      if (std::sscanf(text.c_str() + behind + 1, " %*c %d", &parent) == 1 && parent == getpid()) {
        out.push_back(std::stoi(entry.path().filename()));
      }
    }
    return out;
  }
  // Runs the statement, does `then` when a child works for it, and gives what the statement said.
  template <class Then>
  std::string while_in_child(const std::string& sql, const Then& then, QueryLimits limits = {}) {
    std::string answer;
    std::thread client([&] {
      const Result<Rows> rows = all(*session, sql, {}, limits);
      answer = rows ? "rows" : std::string(code_name(rows.error().code)) + ": " + rows.error().text();
    });
    wait_until([&] { return running() == 1; });
    then();
    client.join();
    EXPECT_EQ(running(), 0);
    EXPECT_TRUE(processes().empty());
    return answer;
  }
  static constexpr const char* kEndless = "SELECT levenshtein(a, b) FROM t";
  void make_endless() { make("SELECT repeat('abcdefghij', 20000) AS a, repeat('bcdefghija', 20000) AS b"); }

  std::unique_ptr<Session> own_;
};

TEST_F(CallsTest, what_a_child_answers_is_what_the_engine_answers) {
  struct Case {
    const char* table;
    const char* value;
  };
  for (const auto& [table, value] : std::vector<Case>{
           {"SELECT CASE i WHEN 3 THEN NULL ELSE repeat('abcdefghij', i * 120) END AS a, repeat('bcdefghija', 900) AS "
            "b "
            "FROM range(1, 6) r(i)",
            "levenshtein(a, b)"},
           {"SELECT repeat('abcdefghij', 500) AS a, repeat('bcdefghija', i * 100) AS b FROM range(1, 5) r(i)",
            "damerau_levenshtein(a, b)"},
           {"SELECT 'abcdefghij' || i AS a, i * 3000000 AS n FROM range(3) r(i)", "hash(repeat(a, n::INT))"},
           {"SELECT i * 17000000 AS n, 'é' AS a FROM range(2) r(i)", "hash(lpad('x', n::INT, a))"},
           {"SELECT repeat('ab', 8500 * i) AS a FROM range(2) r(i)", "md5(regexp_replace(a, 'a.*c|b', a[1:3], 'g'))"},
           {"SELECT repeat('ab', 9000) AS a", "len(regexp_extract_all(a, 'a.*c|b'))"},
           {"SELECT list_transform(range(300000), lambda x: x * 7919 % 300007) AS l, 3 AS k",
            "list_reduce(l, lambda x, y: (x * k + y) % 1000003)"},
           {"SELECT list_transform(range(1000000), lambda x: x * 7919 % 1000003) AS l",
            "hash(list_sort(l)), list_sort(l, 'DESC')[1:3]::VARCHAR"},
           {"SELECT range(200000) AS l", "list_has_all(l, l), map(l, l)[77]::VARCHAR"},
           {"SELECT repeat('abc', 100000) || 'x' AS a, repeat('abc', 35000) || 'x' AS b", "contains(a, b)"},
           {"SELECT repeat('aB', 100000) AS a, '%' || repeat('ab', 3000) || 'c%' AS p", "a LIKE p, a ILIKE p"},
           {"SELECT ('[' || repeat('[1],', 9000) || '2]')::JSON AS j", "json_contains(j, j)"},
           {"SELECT [1, 2] AS l, 9000000 AS n", "hash(list_resize(l, n, 5))"},
           {"SELECT 9000000 AS n", "len(range(n))"},
       }) {
    make(table);
    const double before = children("done");
    const std::string sql = std::string("SELECT ") + value + " FROM t";
    const std::string expected = ask(*own_, sql);
    EXPECT_EQ(expected.find("error"), std::string::npos) << expected;
    EXPECT_EQ(ask(sql), expected) << sql;
    EXPECT_GT(children("done"), before) << sql;
  }
  EXPECT_EQ(children("failed"), 0);
  EXPECT_TRUE(processes().empty());
}

TEST_F(CallsTest, rows_in_pieces_are_what_the_engine_answers) {
  make(
      "SELECT CASE WHEN i % 7 = 0 THEN NULL ELSE repeat('abcde', (i % 50)::INT) END AS a, "
      "       repeat('xyz', (i % 97)::INT) AS b, range(i % 300) AS l, i FROM range(1200) r(i)");
  for (const char* value : {"sum(levenshtein(a || b || b, b || a || a))", "sum(length(repeat(a, 700)))",
                            "md5(string_agg(rpad(a, 9000, b), '' ORDER BY i))",
                            "sum(list_sum(list_sort(list_concat(l, range(2000)), 'DESC')))",
                            "md5(string_agg(regexp_replace(b || b || a, 'x.*a|z', a, 'g'), '' ORDER BY i))",
                            "sum(len(list_filter(range(20000), lambda x: x % (i + 1) = 0)))",
                            "sum(len(list_transform(l, lambda x: repeat(coalesce(a, ''), 30))))"}) {
    const std::string sql = std::string("SELECT ") + value + " FROM t";
    EXPECT_EQ(ask(sql), ask(*own_, sql)) << sql;
  }
  EXPECT_EQ(children("done"), 0) << "no row alone is too large";
}

TEST_F(CallsTest, beyond_any_use_is_an_error_that_says_what) {
  make("SELECT 'x' AS a, 2000000000 AS n, repeat('ab', 500000) AS big, [1] AS l");
  for (const auto& [value, said] : std::vector<std::pair<const char*, const char*>>{
           {"repeat(a, n)", "repeat() builds or needs a value of 2000000000 bytes, allowed up to 1000000000"},
           {"lpad(a, n, 'y')", "lpad() builds or needs a value of"},
           {"len(range(n))", "range() builds or needs a value of"},
           {"list_resize(l, n)", "list_resize() builds or needs a value of"},
           {"format('{:>{}}', a, n)", "format() builds or needs a value of"},
           {"printf('%*d', n, 5)", "printf() builds or needs a value of"},
           {"levenshtein(big, big)", "levenshtein() takes about 10000 s for one row, allowed up to 600"},
           {"damerau_levenshtein(big, big)", "damerau_levenshtein() builds or needs"}}) {
    const Result<Rows> rows = all(*session, std::string("SELECT ") + value + " FROM t");
    ASSERT_FALSE(rows) << value;
    EXPECT_EQ(rows.error().code, Code::too_large) << rows.error().text();
    EXPECT_THAT(rows.error().text(), HasSubstr(said));
    EXPECT_STREQ(rows.error().sqlstate, "54000");
  }
  EXPECT_EQ(ask("SELECT n FROM t"), "2000000000;");
}

TEST_F(CallsTest, what_rows_build_together_counts_against_the_memory_limit) {
  make("SELECT 'abcdefgh' || i AS a, 100000 AS n FROM range(2000) r(i)");  // a vector would be 2 GB
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  const Result<Rows> rows = all(*session, "SELECT sum(length(repeat(a, n))) FROM t");
  ASSERT_FALSE(rows);
  EXPECT_STREQ(rows.error().sqlstate, "53200") << rows.error().text();
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT((after.ru_maxrss - before.ru_maxrss) / 1024, 700) << "MiB";
  EXPECT_EQ(ask("SELECT sum(length(repeat(a, 1000))) FROM t"),
            ask(*own_, "SELECT sum(length(repeat(a, 1000))) FROM t"));
}

// The engine's functions work on a constant as often as there are rows beside it, and keep all of them.
TEST_F(CallsTest, a_constant_beside_many_rows_is_worked_on_once) {
  make("SELECT range(1000000) AS l");
  ask(*own_, "CREATE OR REPLACE TABLE many AS SELECT 1000 AS n FROM range(4096)");
  EXPECT_EQ(ask("SELECT sum(len(list_concat(l, [7]))) FROM t, many"), "4096004096;");
  EXPECT_EQ(ask("SELECT sum(len(list_reverse(l))), max(list_reverse(l)[1]) FROM t, many"), "4096000000|999999;");
  EXPECT_EQ(ask("SELECT sum(len(l[1:10:3])) FROM t, many"), "16384;");
}

// What is made by chance is measured like everything else.
TEST_F(CallsTest, what_chance_makes_large_is_counted_too) {
  make("SELECT range(1000000) AS l");
  ask(*own_, "CREATE OR REPLACE TABLE many AS SELECT 1000 AS n FROM range(4096)");
  const Result<Rows> rows = all(*session, "SELECT sum(len(list_concat(l, [n + random()::BIGINT]))) FROM t, many");
  ASSERT_FALSE(rows);
  EXPECT_STREQ(rows.error().sqlstate, "53200") << rows.error().text();
}

TEST_F(CallsTest, cancel_kills_the_child_and_the_session_goes_on) {
  make_endless();
  EXPECT_THAT(while_in_child(kEndless, [&] { session->cancel(); }), StartsWith("cancelled"));
  EXPECT_EQ(children("stopped"), 1);
  EXPECT_EQ(ask("SELECT length(a) FROM t"), "200000;");
}

TEST_F(CallsTest, a_time_limit_kills_the_child) {
  make_endless();
  QueryLimits limits;
  limits.time = seconds(2);
  EXPECT_THAT(while_in_child(
                  kEndless, [] {}, limits),
              StartsWith("timed_out"));
}

TEST_F(CallsTest, a_child_that_is_killed_from_outside_is_an_error_of_the_statement) {
  make_endless();
  const std::string answer = while_in_child(kEndless, [] {
    for (const pid_t child : processes()) kill(child, SIGKILL);
  });
  EXPECT_THAT(answer, HasSubstr("levenshtein() ran in a process of its own, which ended: killed by signal 9"));
  EXPECT_EQ(children("failed"), 1);
  EXPECT_EQ(ask("SELECT length(a) FROM t"), "200000;");
}

TEST_F(CallsTest, what_a_child_has_no_memory_for_is_too_large) {
  make("SELECT repeat('ab', 20000) AS a, repeat('x', 90000) AS b");  // 2 GB, if every letter is replaced
  const Result<Rows> rows = all(*session, "SELECT length(replace(replace(a, 'a', b), 'b', b)) FROM t");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, Code::too_large) << rows.error().text();
  EXPECT_EQ(ask("SELECT length(replace(a, 'c', b)) FROM t"), "40000;") << "which looks as large, and is not";
}

TEST_F(CallsTest, a_cancel_is_seen_between_rows_and_inside_of_lambdas) {
  make(
      "SELECT repeat('abcdefghij', 100) AS a, repeat('bcdefghija', 100) AS b, "
      "CASE WHEN i = 0 THEN range(100000) END AS l FROM range(100000) r(i)");
  for (const char* sql : {"SELECT sum(levenshtein(a, b)) FROM t",
                          "SELECT length(list_reduce(list_transform(l, lambda x: 'abcdefghijklmnop' || x), "
                          "                          lambda x, y: x || y)) FROM t",
                          "SELECT len(list_transform(l, lambda x: len(list_filter(l, lambda y: y < x)))) FROM t",
                          "SELECT len(list_intersect(l, l)) FROM t"}) {
    std::atomic<bool> has_ended = false;
    Code code{};
    std::thread client([&] {
      const auto rows = all(*session, sql);
      code = rows ? Code::internal : rows.error().code;
      has_ended = true;
    });
    wait_until([&] {
      session->cancel();  // nothing, until it runs
      return has_ended.load();
    });
    client.join();
    EXPECT_EQ(code, Code::cancelled) << sql;
  }
  EXPECT_EQ(metrics.read("weir_engine_late_stops_total"), 0);
}

TEST_F(CallsTest, without_a_program_of_ours_a_call_for_a_child_is_refused) {
  program.clear();
  open({});
  own_ = connect(Trust::own);
  make_endless();
  const Result<Rows> rows = all(*session, kEndless);
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error().text(), HasSubstr("levenshtein() is too large for this process"));
}

TEST_F(CallsTest, constant_arguments_and_parameters_are_measured_too) {
  const std::string sql = "SELECT levenshtein(repeat('abcdefghij', 1000), repeat('bcdefghija', 1000))";
  EXPECT_EQ(ask(sql), ask(*own_, sql));
  EXPECT_EQ(children("done"), 1);
  EXPECT_EQ(ask("SELECT levenshtein($1, $2)", {std::string(9000, 'a'), std::string(9000, 'b')}), "9000;");
  EXPECT_EQ(children("done"), 2);
}

TEST(Watch, a_statement_that_outlasts_its_stop_is_counted_once) {
  Metrics metrics;
  Watchdog watchdog(&metrics);
  const auto deaf = std::make_shared<Running>([] {}, "00");
  watchdog.stop(deaf, Stop::cancelled);
  const auto late = [&] { return metrics.read("weir_engine_late_stops_total").value_or(0); };
  for (int i = 0; i < 6000 && late() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(late(), 1);
  deaf->finished();
}

}  // namespace
}  // namespace weir::engine

// This program is also the child that its engines start.
int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "worker" && std::string(argv[2]) == weir::engine::kCallsKind) {
    return weir::engine::answer_call();
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
