#include "platform/flow/in_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace weir::flow {
namespace {

TEST(InOrder, with_one_thread_the_numbers_decide) {
  std::vector<size_t> done;
  in_order({{2}, {}, {}, {0}}, 1, [&](size_t i) { done.push_back(i); });
  EXPECT_EQ(done, (std::vector<size_t>{1, 2, 0, 3}));
  in_order({}, 4, [](size_t) { FAIL(); });
}

TEST(InOrder, what_does_not_depend_on_each_other_is_done_at_the_same_time) {
  std::mutex mutex;
  std::condition_variable changed;
  int there = 0;
  in_order({{}, {}, {}}, 3, [&](size_t) {  // each waits for the other two
    std::unique_lock lock(mutex);
    ++there;
    changed.notify_all();
    changed.wait_for(lock, std::chrono::seconds(20), [&] { return there == 3; });
  });
  EXPECT_EQ(there, 3);
}

TEST(InOrder, each_is_done_once_and_after_all_before_it_whatever_the_graph) {
  uint64_t state = 20'261'121;
  const auto chance = [&state](size_t below) {
    state = state * 6'364'136'223'846'793'005ull + 1;
    return static_cast<size_t>(state >> 33) % below;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<size_t>> before(chance(30) + 1);
    for (size_t i = 1; i < before.size(); ++i) {
      for (size_t n = chance(4); n > 0; --n) {
        const size_t other = chance(i);
        if (std::find(before[i].begin(), before[i].end(), other) == before[i].end()) before[i].push_back(other);
      }
    }
    std::mutex mutex;
    std::vector<int> done(before.size(), 0);
    in_order(before, 1 + chance(5), [&](size_t i) {
      const std::lock_guard lock(mutex);
      for (const size_t other : before[i]) EXPECT_EQ(done[other], 1) << "round " << round;
      ++done[i];
    });
    EXPECT_EQ(std::count(done.begin(), done.end(), 1), static_cast<long>(before.size())) << "round " << round;
  }
}

}  // namespace
}  // namespace weir::flow
