// Lanes under pressure: full queues, stops with and without patience, tasks that are dropped.
#include "core/runtime/lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>

#include "core/runtime/thread.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

void wait_for(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("it did not come true in 10 s");
    std::this_thread::yield();
  }
}

// Occupies one thread of a lane until it is opened.
class Gate {
 public:
  void wait() {
    entered_.fetch_add(1);
    opened_.wait();
  }
  void open() { promise_.set_value(); }
  void wait_until_entered(int count = 1) {
    wait_for([&] { return entered_.load() >= count; });
  }

 private:
  std::promise<void> promise_;
  std::shared_future<void> opened_ = promise_.get_future().share();
  std::atomic<int> entered_{0};
};

TEST(Lanes, run_tasks_on_threads_named_after_the_lane) {
  Lanes lanes({});
  std::promise<std::string> name;
  std::promise<int> priority;
  auto run = [&name, &priority] {
    char text[16] = {};
    pthread_getname_np(pthread_self(), text, sizeof text);
    name.set_value(text);
    priority.set_value(::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid))));
  };
  ASSERT_TRUE(lanes.submit(Lane::background, run));
  EXPECT_EQ(name.get_future().get(), "background-0");
  EXPECT_GE(priority.get_future().get(), 10);
}

TEST(Lanes, take_tasks_that_cannot_be_copied) {
  Lanes lanes({});
  auto value = std::make_unique<int>(7);
  std::promise<int> result;
  auto future = result.get_future();
  ASSERT_TRUE(lanes.submit(Lane::interactive, [value = std::move(value), result = std::move(result)]() mutable {
    result.set_value(*value);
  }));
  EXPECT_EQ(future.get(), 7);
}

TEST(Lanes, a_full_queue_is_busy_and_leaves_the_other_lanes_alone) {
  Lanes lanes({.interactive = {.threads = 1, .queue_max = 2}});
  Gate gate;
  ASSERT_TRUE(lanes.submit(Lane::interactive, [&] { gate.wait(); }));
  gate.wait_until_entered();
  std::atomic<int> ran{0};
  EXPECT_TRUE(lanes.submit(Lane::interactive, [&] { ++ran; }));
  EXPECT_TRUE(lanes.submit(Lane::interactive, [&] { ++ran; }));
  const Status refused = lanes.submit(Lane::interactive, [&] { ++ran; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::busy);
  EXPECT_THAT(refused.error().message, HasSubstr("interactive has 2 tasks waiting"));
  EXPECT_EQ(lanes.state(Lane::interactive).waiting, 2u);
  EXPECT_EQ(lanes.state(Lane::interactive).running, 1u);
  EXPECT_EQ(lanes.state(Lane::interactive).refused, 1u);
  std::promise<void> other;
  EXPECT_TRUE(lanes.submit(Lane::follow, [&] { other.set_value(); }));
  other.get_future().wait();
  gate.open();
  wait_for([&] { return lanes.state(Lane::interactive).done == 3; });
  EXPECT_EQ(ran, 2);
}

TEST(Lanes, a_stop_with_patience_runs_everything_that_waits) {
  Lanes lanes({});
  std::atomic<int> ran{0};
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(lanes.submit(Lane::background, [&] { ++ran; }));
  }
  EXPECT_TRUE(lanes.stop(seconds(10), seconds(1)));
  EXPECT_EQ(ran, 200);
  EXPECT_EQ(lanes.submit(Lane::background, [] {}).error().code, Code::unavailable);
  EXPECT_FALSE(lanes.stopping().is_cancelled());
}

TEST(Lanes, a_stop_out_of_patience_drops_what_waits_and_cancels_what_runs) {
  Lanes lanes({});
  std::promise<void> cancelled;
  auto attachment = lanes.stopping().attach([&] { cancelled.set_value(); });
  std::atomic<bool> entered{false};
  ASSERT_TRUE(lanes.submit(Lane::background, [&] {
    entered = true;
    cancelled.get_future().wait();
  }));
  wait_for([&] { return entered.load(); });
  std::atomic<int> ran{0};
  auto dropped = std::make_shared<int>(0);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(lanes.submit(Lane::background, [&ran, dropped] { ++ran; }));
  }
  const Status stopped = lanes.stop(milliseconds(5), seconds(10));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::timed_out);
  EXPECT_THAT(stopped.error().message, HasSubstr("3 waiting tasks of background dropped"));
  EXPECT_THAT(stopped.error().message, ::testing::Not(HasSubstr("still running")));
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(dropped.use_count(), 1);  // who waits for a dropped task learns it from the destructor
}

TEST(Lanes, a_task_that_does_not_listen_is_named) {
  Gate gate;
  {
    Lanes lanes({});
    ASSERT_TRUE(lanes.submit(Lane::follow, [&] { gate.wait(); }));
    gate.wait_until_entered();
    const Status stopped = lanes.stop(milliseconds(1), milliseconds(1));
    ASSERT_FALSE(stopped);
    EXPECT_THAT(stopped.error().message, HasSubstr("1 tasks of follow still running"));
    gate.open();
  }
}

TEST(Lanes, many_threads_may_submit_at_once) {
  Lanes lanes({.interactive = {.threads = 4, .queue_max = 10'000}});
  std::atomic<int> ran{0};
  std::vector<std::thread> submitters;
  for (int i = 0; i < 4; ++i) {
    submitters.push_back(start_thread("submitter", [&] {
      for (int k = 0; k < 500; ++k) {
        EXPECT_TRUE(lanes.submit(Lane::interactive, [&] { ++ran; }));
      }
    }));
  }
  for (std::thread& thread : submitters) thread.join();
  EXPECT_TRUE(lanes.stop(seconds(10), seconds(1)));
  EXPECT_EQ(ran, 2000);
}

TEST(LanesDeathTest, a_task_that_throws_is_our_mistake) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        Lanes lanes({});
        static_cast<void>(lanes.submit(Lane::follow, [] { throw std::runtime_error("thrown by a task"); }));
        static_cast<void>(lanes.stop(seconds(10), seconds(1)));
      },
      "thrown by a task");
}

}  // namespace
}  // namespace weir
