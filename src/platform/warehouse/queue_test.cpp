// Queueing, cancelling and time limits, with an engine that does what the test says. What a statement really does in
// DuckDB is in warehouse_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>

#include "core/runtime/lanes.h"
#include "core/runtime/system_clock.h"
#include "platform/warehouse/gate.h"
#include "platform/warehouse/scripted_engine.h"
#include "platform/warehouse/warehouse.h"

namespace weir::warehouse {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void wait_for(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("it did not come true in 10 s");
    std::this_thread::yield();
  }
}

const User kAda{.name = "ada", .may_read = true};
const User kBob{.name = "bob", .may_read = true};
const User kAdmin{.name = "root", .may_administer = true};
constexpr const char* kId = "0192f0c1-2345-7abc-8def-0123456789ab";

class Queue : public ::testing::Test {
 protected:
  Warehouse& open(const Limits& limits = {}) {
    warehouse_.emplace(
        Warehouse::Parts{.engine = engine_, .log = log_, .timers = timers_, .clock = clock_, .random = random_},
        limits);
    return *warehouse_;
  }
  // Runs to the end in a thread of its own.
  std::thread runs(Statement statement, Result<JsonResult>& into, User user = kAda, const Cancel& cancel = {}) {
    return std::thread(
        [this, statement, &into, user, cancel] { into = warehouse_->run_to_json(user, statement, cancel); });
  }
  size_t count(StatementState state) {
    size_t found = 0;
    for (const StatementInfo& info : warehouse_->running()) found += info.state == state ? 1 : 0;
    return found;
  }
  void wait_until(StatementState state, size_t number) {
    wait_for([&] { return count(state) == number; });
  }
  double total(const char* state) {
    return metrics_.read("weir_sql_statements_total", {{"state", state}}).value_or(-1);
  }

  SystemClock clock_;
  SystemRandom random_;
  Metrics metrics_;
  Timers timers_;
  StatementLog log_{clock_, metrics_};
  ScriptedEngine engine_;
  std::optional<Warehouse> warehouse_;
};

Result<JsonResult> nothing() {
  return Error(Code::internal, "it did not end");
}

TEST_F(Queue, runs_a_statement_and_remembers_it) {
  open();
  const auto result = warehouse_->run_to_json(kAda, {.sql = "rows 3", .client = "test"});
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_EQ(result->rows, "[[1],[2],[3]]");
  EXPECT_EQ(result->row_count, 3u);
  EXPECT_FALSE(result->truncated);
  const auto parsed = Json::parse(result->text());
  ASSERT_TRUE(parsed) << result->text();
  EXPECT_EQ((*parsed)["columns"].dump(), R"([{"name":"n","type":"BIGINT"}])");
  EXPECT_EQ((*parsed)["statement_id"].as_string(), result->statement_id);
  EXPECT_EQ((*parsed)["row_count"].as_int(), 3);

  EXPECT_TRUE(warehouse_->running().empty());
  const auto finished = log_.finished();
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].state, StatementState::done);
  EXPECT_EQ(finished[0].rows, 3u);
  EXPECT_EQ(finished[0].user, "ada");
  EXPECT_EQ(finished[0].client, "test");
  EXPECT_EQ(total("done"), 1);
  EXPECT_EQ(metrics_.read("weir_sql_statement_seconds"), 1);
  EXPECT_EQ(metrics_.read("weir_sql_running"), 0);
}

TEST_F(Queue, fifty_threads_run_two_at_a_time_and_all_get_through) {
  open({.concurrent = 2, .queue = 64});
  std::vector<Result<JsonResult>> results(50, nothing());
  std::vector<std::thread> threads;
  for (auto& result : results) threads.push_back(runs({.sql = "rows 20"}, result));
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) {
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->row_count, 20u);
  }
  EXPECT_LE(engine_.inside_most, 2);
  EXPECT_LE(engine_.connects, 2);  // sessions are used again
  EXPECT_EQ(total("done"), 50);
  EXPECT_EQ(metrics_.read("weir_sql_waiting"), 0);
  EXPECT_EQ(metrics_.read("weir_sql_running"), 0);
}

TEST_F(Queue, fifty_threads_that_cancel_leave_and_time_out_leave_nothing_behind) {
  open({.concurrent = 2, .queue = 64});
  std::vector<std::thread> threads;
  for (int i = 0; i < 50; ++i) {
    threads.emplace_back([this, i] {
      const Cancel cancel;
      if (i % 5 == 0) cancel.cancel();
      auto execution = warehouse_->execute(
          kAda, {.sql = i % 3 == 0 ? "endless" : "rows 5", .time = milliseconds(i % 2 == 0 ? 30'000 : 1 + i)}, cancel);
      for (int reads = 0; execution && reads < i; ++reads) {
        if (i % 7 == 0 && reads == 3) cancel.cancel();
        const auto rows = (*execution)->next();
        if (!rows || rows->empty()) break;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(warehouse_->running().empty());
  EXPECT_EQ(log_.finished().size(), 50u);
  EXPECT_EQ(engine_.inside, 0);
  EXPECT_LE(engine_.inside_most, 2);
  const auto after = warehouse_->run_to_json(kAda, {.sql = "rows 1"});  // both slots are free again
  EXPECT_TRUE(after);
}

TEST_F(Queue, takes_turns_in_order_of_arrival) {
  open({.concurrent = 1, .queue = 10});
  auto first = warehouse_->execute(kAda, {.sql = "rows 1"});
  ASSERT_TRUE(first);
  std::vector<Result<JsonResult>> results(4, nothing());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < results.size(); ++i) {
    threads.push_back(runs({.sql = "rows " + std::to_string(10 + i)}, results[i]));
    wait_until(StatementState::waiting, i + 1);
  }
  first->reset();
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(engine_.order, ElementsAre("rows 1", "rows 10", "rows 11", "rows 12", "rows 13"));
}

TEST_F(Queue, refuses_more_than_may_wait) {
  open({.concurrent = 1, .queue = 1});
  const auto runs_now = warehouse_->admit(kAda, {.sql = "rows 1"});
  const auto waits = warehouse_->admit(kAda, {.sql = "rows 1"});
  ASSERT_TRUE(runs_now && waits);
  const auto refused = warehouse_->admit(kAda, {.sql = "rows 1"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::busy);
  EXPECT_THAT(refused.error().text(), HasSubstr("1 statements run and 1 wait"));
  EXPECT_EQ(total("refused"), 1);
}

TEST_F(Queue, a_waiting_statement_can_be_cancelled_by_its_owner_alone_or_an_administrator) {
  open({.concurrent = 1});
  auto first = warehouse_->execute(kBob, {.sql = "rows 1"});
  ASSERT_TRUE(first);
  auto result = nothing();
  std::thread waiting = runs({.sql = "rows 2", .id = "0192F0C1-2345-7ABC-8DEF-0123456789AB"}, result);
  wait_until(StatementState::waiting, 1);
  EXPECT_EQ(warehouse_->cancel(kId, kBob).error().code, Code::denied);
  EXPECT_EQ(warehouse_->cancel("unknown", kAda).error().code, Code::not_found);
  EXPECT_TRUE(warehouse_->cancel("0192F0C1-2345-7ABC-8DEF-0123456789AB", kAdmin));
  waiting.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::cancelled);
  EXPECT_THAT(result.error().message, HasSubstr("by root"));
  EXPECT_THAT(engine_.order, ElementsAre("rows 1"));
  const auto again = warehouse_->cancel(kId, kAda);
  EXPECT_EQ(again.error().code, Code::not_found);
  EXPECT_THAT(again.error().message, HasSubstr("has ended: cancelled"));
}

TEST_F(Queue, a_running_statement_can_be_cancelled_even_if_the_engine_misses_the_first_ones) {
  open();
  engine_.cancels_ignored = 3;
  auto result = nothing();
  std::thread running = runs({.sql = "hold", .id = kId}, result);
  wait_for([&] { return engine_.holding == 1; });
  const auto seen = warehouse_->running();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].state, StatementState::running);
  EXPECT_EQ(seen[0].progress, 0.5);
  EXPECT_EQ(seen[0].id, kId);
  EXPECT_TRUE(warehouse_->cancel(kId, kAda));
  running.join();
  EXPECT_EQ(result.error().code, Code::cancelled);
  EXPECT_EQ(log_.finished().at(0).state, StatementState::cancelled);
  EXPECT_EQ(total("cancelled"), 1);
}

TEST_F(Queue, the_callers_own_cancel_ends_a_statement_with_its_reason) {
  open();
  const Cancel cancel;
  auto result = nothing();
  std::thread running = runs({.sql = "hold rows"}, result, kAda, cancel);
  wait_for([&] { return engine_.holding == 1; });
  cancel.cancel(Error(Code::cancelled, "the client went away"));
  running.join();
  EXPECT_EQ(result.error().message, "the client went away");
}

TEST_F(Queue, the_time_limit_holds_while_waiting) {
  open({.concurrent = 1});
  auto first = warehouse_->execute(kAda, {.sql = "rows 1"});
  const auto late = warehouse_->execute(kAda, {.sql = "rows 2", .time = milliseconds(20)});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::timed_out);
  EXPECT_THAT(late.error().message, HasSubstr("20ms"));
  EXPECT_EQ(total("timed_out"), 1);
}

TEST_F(Queue, the_time_limit_holds_while_running) {
  open();
  for (const char* sql : {"hold", "hold rows"}) {
    const auto late = warehouse_->run_to_json(kAda, {.sql = sql, .time = milliseconds(20)});
    ASSERT_FALSE(late) << sql;
    EXPECT_EQ(late.error().code, Code::timed_out) << sql;
  }
}

TEST_F(Queue, the_time_limit_holds_while_rows_are_read) {
  open({.time = milliseconds(30)});
  auto execution = warehouse_->execute(kAda, {.sql = "endless"});
  ASSERT_TRUE(execution);
  Result<Rows> rows = (*execution)->next();
  while (rows) {
    ASSERT_FALSE(rows->empty());
    rows = (*execution)->next();
  }
  EXPECT_EQ(rows.error().code, Code::timed_out);
  EXPECT_EQ((*execution)->next().error().code, Code::timed_out);  // and stays so
}

TEST_F(Queue, a_reader_that_has_gone_quiet_loses_its_slot_at_the_time_limit) {
  open({.concurrent = 1});
  auto quiet = warehouse_->execute(kAda, {.sql = "endless", .time = milliseconds(30)});
  ASSERT_TRUE(quiet);
  const auto next = warehouse_->run_to_json(kAda, {.sql = "rows 1"});  // waits until the slot is free
  EXPECT_TRUE(next);
  EXPECT_EQ(engine_.inside, 0);
  EXPECT_EQ((*quiet)->next().error().code, Code::timed_out);
  EXPECT_EQ((*quiet)->columns().size(), 1u);
}

TEST_F(Queue, a_statement_dropped_half_way_gives_its_slot_back) {
  open({.concurrent = 1});
  {
    const auto execution = warehouse_->execute(kAda, {.sql = "endless"});
    ASSERT_TRUE((*execution)->next());
  }
  EXPECT_EQ(log_.finished().at(0).state, StatementState::cancelled);
  EXPECT_EQ(log_.finished().at(0).rows, 1u);
  { const auto admission = warehouse_->admit(kAda, {.sql = "rows 1"}); }
  EXPECT_TRUE(warehouse_->run_to_json(kAda, {.sql = "rows 1"}));
  EXPECT_EQ(engine_.inside, 0);
}

TEST_F(Queue, rows_beyond_the_limit_are_left_out_and_said_so) {
  open();
  const auto run = [&](const char* sql, uint64_t rows_max) {
    return warehouse_->run_to_json(kAda, {.sql = sql, .rows_max = rows_max}).value();
  };
  EXPECT_EQ(run("rows 3", 2).rows, "[[1],[2]]");
  EXPECT_TRUE(run("rows 3", 2).truncated);
  EXPECT_FALSE(run("rows 3", 3).truncated);
  EXPECT_EQ(run("rows 3", 0).rows, "[]");
  EXPECT_TRUE(run("rows 3", 0).truncated);
  EXPECT_FALSE(run("rows 0", 0).truncated);
  EXPECT_EQ(run("endless", 5).row_count, 5u);
  for (const StatementInfo& info : log_.finished()) EXPECT_EQ(info.state, StatementState::done);
}

TEST_F(Queue, json_ends_at_its_own_limits) {
  open({.json_rows_max = 100, .json_bytes_max = 50});
  const auto result = warehouse_->run_to_json(kAda, {.sql = "endless"});
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->truncated);
  EXPECT_LE(result->rows.size(), 51u);
  EXPECT_TRUE(Json::parse(result->text()));
  EXPECT_EQ(log_.finished().at(0).state, StatementState::done);
  EXPECT_TRUE(log_.finished().at(0).truncated);
}

TEST_F(Queue, what_cannot_be_a_statement_is_refused_before_it_costs_anything) {
  open({.statement_bytes_max = 100, .parameters_max = 2});
  const auto refusal = [&](const User& user, Statement statement) {
    auto admission = warehouse_->admit(user, std::move(statement));
    return admission ? "accepted" : code_name(admission.error().code);
  };
  EXPECT_STREQ(refusal({.name = "writer"}, {.sql = "rows 1"}), "denied");
  EXPECT_STREQ(refusal(kAda, {.sql = std::string(101, 'x')}), "too_large");
  EXPECT_STREQ(refusal(kAda, {.sql = std::string(100, 'x')}), "accepted");
  EXPECT_STREQ(refusal(kAda, {.sql = "rows 1", .parameters = {1, 2, 3}}), "too_large");
  EXPECT_STREQ(refusal(kAda, {.sql = "rows 1", .id = "not-a-uuid"}), "invalid");
  EXPECT_STREQ(refusal(kAda, {.sql = "rows 1", .time = seconds(0)}), "invalid");
  EXPECT_STREQ(refusal(kAda, {.sql = "rows 1", .time = hours(25)}), "invalid");
  EXPECT_STREQ(refusal(kAdmin, {.sql = "rows 1"}), "accepted");
  EXPECT_EQ(total("refused"), 6);
}

TEST_F(Queue, an_id_names_one_statement_at_a_time) {
  open();
  {
    const auto first = warehouse_->execute(kAda, {.sql = "endless", .id = kId});
    ASSERT_TRUE(first);
    const auto second = warehouse_->execute(kAda, {.sql = "rows 1", .id = kId});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::conflict);
  }
  EXPECT_TRUE(warehouse_->run_to_json(kAda, {.sql = "rows 1", .id = kId}));
}

TEST_F(Queue, errors_of_the_engine_arrive_as_they_are_and_only_clean_sessions_are_used_again) {
  open();
  const auto wrong = warehouse_->execute(kAda, {.sql = "fail invalid"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().position->column, 8);
  EXPECT_TRUE(warehouse_->run_to_json(kAda, {.sql = "rows 1"}));
  EXPECT_EQ(engine_.connects, 1);  // a statement that was refused leaves nothing in its session
  EXPECT_EQ(warehouse_->execute(kAda, {.sql = "fail io"}).error().code, Code::io);
  EXPECT_TRUE(warehouse_->run_to_json(kAda, {.sql = "rows 1"}));
  EXPECT_EQ(engine_.connects, 2);
  EXPECT_EQ(warehouse_->run_to_json(kAda, {.sql = "fail rows"}).error().message, "the disk went away");
  EXPECT_EQ(total("failed"), 3);
  EXPECT_EQ(log_.finished().at(0).error->code, Code::io);
}

TEST_F(Queue, waiting_takes_no_thread_of_a_lane) {
  open({.concurrent = 1});
  Lanes lanes({.interactive = {.threads = 1}});
  auto first = warehouse_->execute(kAda, {.sql = "endless"});
  std::atomic<int> started{0}, timed_out{0};
  for (int i = 0; i < 5; ++i) {
    auto admission = warehouse_->admit(kAda, {.sql = "rows 1", .time = i == 2 ? milliseconds(20) : seconds(30)});
    ASSERT_TRUE(admission);
    const auto shared = std::make_shared<std::unique_ptr<Admission>>(std::move(*admission));
    (*shared)->when_ready([&, shared] {
      ASSERT_TRUE(lanes.submit(Lane::interactive, [&, shared] {
        auto execution = (*shared)->start();
        (execution ? started : timed_out).fetch_add(1);
      }));
    });
  }
  wait_for([&] { return timed_out == 1; });  // its limit reached it while it waited
  std::promise<void> free;
  ASSERT_TRUE(lanes.submit(Lane::interactive, [&] { free.set_value(); }));
  EXPECT_EQ(free.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(started, 0);
  first->reset();
  wait_for([&] { return started == 4; });
}

TEST_F(Queue, an_admission_may_be_dropped_by_the_call_that_says_it_is_ready) {
  open({.concurrent = 1});
  auto first = warehouse_->execute(kAda, {.sql = "endless"});
  int called = 0;
  for (const bool is_cancelled : {false, true}) {
    const Cancel cancel;
    auto admission = warehouse_->admit(kAda, {.sql = "rows 1"}, cancel);
    ASSERT_TRUE(admission);
    const auto shared = std::make_shared<std::unique_ptr<Admission>>(std::move(*admission));
    (*shared)->when_ready([&called, shared] {
      ++called;
      shared->reset();
    });
    if (is_cancelled) {
      cancel.cancel();
    } else {
      first->reset();
    }
    EXPECT_EQ(called, is_cancelled ? 2 : 1);
    if (!is_cancelled) first = warehouse_->execute(kAda, {.sql = "endless"});
  }
}

TEST_F(Queue, stopping_ends_what_runs_and_takes_nothing_more) {
  open({.concurrent = 1});
  auto running = nothing(), waiting = nothing();
  std::thread one = runs({.sql = "hold"}, running);
  wait_for([&] { return engine_.holding == 1; });
  std::thread two = runs({.sql = "rows 1"}, waiting);
  wait_until(StatementState::waiting, 1);
  warehouse_->stop();
  one.join();
  two.join();
  EXPECT_EQ(running.error().code, Code::unavailable);
  EXPECT_EQ(waiting.error().code, Code::unavailable);
  EXPECT_EQ(warehouse_->run_to_json(kAda, {.sql = "rows 1"}).error().code, Code::unavailable);
}

TEST_F(Queue, keeps_the_last_thousand_and_cuts_long_texts) {
  open();
  for (int i = 0; i < 1'005; ++i) {
    ASSERT_TRUE(warehouse_->run_to_json(kAda, {.sql = "rows 0", .client = std::to_string(i)}));
  }
  std::string text(9'999, 'x');
  for (int i = 0; i < 100; ++i) text += "ä";
  ASSERT_TRUE(warehouse_->run_to_json(kAda, {.sql = text}));
  const auto finished = log_.finished();
  ASSERT_EQ(finished.size(), 1'000u);
  EXPECT_EQ(finished[0].sql, std::string(9'999, 'x') + "…");  // no torn character
  EXPECT_EQ(finished[1].client, "1004");
  EXPECT_EQ(finished.back().client, "6");
}

}  // namespace
}  // namespace weir::warehouse
