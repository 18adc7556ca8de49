// Clock, chance, threads, cancelling, timers and signals. Waiting is always for a condition with a deadline.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <set>
#include <stdexcept>

#include "core/runtime/cancel.h"
#include "core/runtime/signals.h"
#include "core/runtime/system_clock.h"
#include "core/runtime/thread.h"
#include "core/runtime/timers.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

template <class T>
T within(std::future<T> future, std::chrono::milliseconds limit = 10s) {
  if (future.wait_for(limit) != std::future_status::ready) throw std::runtime_error("it did not come in time");
  return future.get();
}

TEST(SystemClock, is_in_this_century_and_never_goes_back) {
  const SystemClock clock;
  EXPECT_GT(clock.wall().micros, 1'600'000'000'000'000);
  int64_t last = clock.steady_micros();
  for (int i = 0; i < 1000; ++i) {
    const int64_t now = clock.steady_micros();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(SystemRandom, does_not_repeat_over_many_pools_and_threads) {
  SystemRandom random;
  std::array<std::vector<uint64_t>, 4> drawn;
  std::vector<std::thread> threads;
  for (auto& numbers : drawn) {
    threads.push_back(start_thread("drawer", [&] {
      for (int i = 0; i < 1000; ++i) numbers.push_back(random.next());
    }));
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> distinct;
  for (const auto& numbers : drawn) distinct.insert(numbers.begin(), numbers.end());
  EXPECT_EQ(distinct.size(), 4000u);
}

TEST(Thread, carries_its_name) {
  char name[16] = {};
  start_thread("interactive-123", [&] { pthread_getname_np(pthread_self(), name, sizeof name); }).join();
  EXPECT_STREQ(name, "interactive-123");
}

TEST(ThreadDeathTest, an_exception_at_the_entry_aborts_with_its_words) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(start_thread("thrower", [] { throw std::runtime_error("what was wrong"); }).join(), "what was wrong");
}

TEST(ThreadDeathTest, a_name_that_the_kernel_would_refuse_is_our_mistake) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(start_thread("sixteen bytes...", [] {}).join(), "1 to 15 bytes");
}

TEST(Thread, lowers_only_its_own_priority) {
  const auto priority = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid))); };
  const int before = priority();
  int lowered = 0;
  start_thread("low", [&] {
    ASSERT_TRUE(lower_thread_priority(7));
    lowered = priority();
  }).join();
  EXPECT_EQ(lowered, std::min(before + 7, 19));
  EXPECT_EQ(priority(), before);
}

TEST(Cancel, is_seen_by_every_handle_with_the_first_reason) {
  const Cancel cancel;
  const Cancel copy = cancel;
  EXPECT_TRUE(copy.check());
  cancel.cancel(Error(Code::timed_out, "the limit of 30s passed"));
  cancel.cancel();
  EXPECT_TRUE(copy.is_cancelled());
  EXPECT_EQ(copy.check().error().code, Code::timed_out);
  EXPECT_EQ(copy.check().error().message, "the limit of 30s passed");
}

TEST(Cancel, calls_what_is_attached_once_and_what_comes_late_at_once) {
  const Cancel cancel;
  int before = 0, detached = 0, after = 0;
  const auto kept = cancel.attach([&] { ++before; });
  auto dropped = cancel.attach([&] { ++detached; });
  dropped.reset();
  cancel.cancel();
  cancel.cancel();
  const auto late = cancel.attach([&] { ++after; });
  EXPECT_EQ(before, 1);
  EXPECT_EQ(detached, 0);
  EXPECT_EQ(after, 1);
}

TEST(Cancel, a_child_follows_its_parent_but_not_the_other_way) {
  const Cancel parent;
  const Cancel first = parent.child();
  const Cancel second = parent.child();
  first.cancel();
  EXPECT_TRUE(first.is_cancelled());
  EXPECT_FALSE(parent.is_cancelled());
  EXPECT_FALSE(second.is_cancelled());
  parent.cancel(Error(Code::unavailable, "stopping"));
  EXPECT_EQ(second.check().error().code, Code::unavailable);
  EXPECT_EQ(first.check().error().code, Code::cancelled);
  EXPECT_EQ(parent.child().check().error().code, Code::unavailable);
}

TEST(Cancel, a_child_may_outlive_its_parent_and_the_reverse) {
  auto parent = std::make_unique<Cancel>();
  const Cancel child = parent->child();
  { const Cancel gone = parent->child(); }
  parent->cancel();
  parent.reset();
  EXPECT_TRUE(child.is_cancelled());
}

TEST(Cancel, may_come_from_another_thread_while_callbacks_come_and_go) {
  for (int round = 0; round < 50; ++round) {
    const Cancel cancel;
    std::atomic<int> called{0};
    std::thread attacher = start_thread("attacher", [&] {
      while (!cancel.is_cancelled()) {
        int mine = 0;
        const auto attachment = cancel.child().attach([&] { ++mine; });
        const auto other = cancel.attach([&] { called.fetch_add(1); });
      }
    });
    cancel.cancel();
    attacher.join();
    EXPECT_LE(called.load(), 1);
  }
}

TEST(Timers, call_in_the_order_of_their_times) {
  Timers timers;
  std::promise<void> done;
  std::vector<int> order;  // written by the one clock thread
  const auto third = timers.after(milliseconds(30), [&] {
    order.push_back(3);
    done.set_value();
  });
  const auto first = timers.after(milliseconds(1), [&] { order.push_back(1); });
  const auto second = timers.after(milliseconds(15), [&] { order.push_back(2); });
  within(done.get_future());
  EXPECT_THAT(order, ::testing::ElementsAre(1, 2, 3));
}

TEST(Timers, one_that_was_taken_back_is_not_called) {
  Timers timers;
  std::promise<void> done;
  bool called = false;
  auto taken_back = timers.after(milliseconds(5), [&] { called = true; });
  taken_back.stop();
  auto replaced = timers.after(milliseconds(5), [&] { called = true; });
  replaced = timers.after(milliseconds(10), [&] { done.set_value(); });
  within(done.get_future());
  EXPECT_FALSE(called);
}

TEST(Timers, taking_back_waits_for_a_running_callback) {
  Timers timers;
  std::promise<void> started, go_on;
  std::atomic<bool> returned{false};
  auto timer = timers.after(Duration{0}, [&] {
    started.set_value();
    go_on.get_future().wait();
    returned = true;
  });
  within(started.get_future());
  std::thread releaser = start_thread("releaser", [&] { go_on.set_value(); });
  timer.stop();
  EXPECT_TRUE(returned);
  releaser.join();
}

TEST(Timers, repeat_until_their_own_callback_takes_them_back) {
  Timers timers;
  std::promise<void> done;
  int calls = 0;
  Timers::Timer timer;
  std::promise<void> assigned;
  auto is_assigned = assigned.get_future();
  timer = timers.every(milliseconds(1), [&] {
    if (calls == 0) is_assigned.wait();
    if (++calls == 5) {
      timer.stop();
      done.set_value();
    }
  });
  assigned.set_value();
  within(done.get_future());
  std::promise<void> later;
  const auto end = timers.after(milliseconds(10), [&] { later.set_value(); });
  within(later.get_future());
  EXPECT_EQ(calls, 5);
}

TEST(Timers, end_at_once_with_timers_waiting) {
  auto timers = std::make_unique<Timers>();
  auto timer = timers->after(hours(1), [] {});
  timer.stop();
  timer = timers->after(hours(1), [] {});
  { const auto moved = std::move(timer); }
  timers.reset();
}

TEST(Timers, a_deadline_cancels_what_it_was_set_for) {
  Timers timers;
  const Cancel cancel;
  std::promise<void> interrupted;
  const auto attachment = cancel.attach([&] { interrupted.set_value(); });
  const auto deadline = timers.after(milliseconds(2), [&] { cancel.cancel(Error(Code::timed_out, "too slow")); });
  within(interrupted.get_future());
  EXPECT_EQ(cancel.check().error().code, Code::timed_out);
}

TEST(Signals, arrive_as_calls_in_order_and_the_old_state_comes_back) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  std::promise<void> both;
  std::vector<int> seen;
  {
    auto signals = Signals::start([&](int signal) {
      seen.push_back(signal);
      if (seen.size() == 2) both.set_value();
    });
    ASSERT_TRUE(signals) << signals.error().text();
    ASSERT_EQ(::kill(::getpid(), SIGINT), 0);
    ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
    within(both.get_future());
  }
  EXPECT_THAT(seen, ::testing::UnorderedElementsAre(SIGINT, SIGTERM));
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

}  // namespace
}  // namespace weir
