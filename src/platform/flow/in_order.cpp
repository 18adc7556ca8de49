#include "platform/flow/in_order.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "core/base/check.h"
#include "core/runtime/thread.h"

namespace weir::flow {
namespace {

class Crew {
 public:
  Crew(const std::vector<std::vector<size_t>>& before, const std::function<void(size_t)>& work)
      : work_(work), missing_(before.size()), behind_(before.size()), left_(before.size()) {
    for (size_t i = 0; i < before.size(); ++i) {
      missing_[i] = before[i].size();
      for (const size_t other : before[i]) behind_[other].push_back(i);
      if (before[i].empty()) ready_.insert(i);
    }
  }

  void take_part() {
    std::unique_lock lock(mutex_);
    while (left_ > 0) {
      if (ready_.empty()) {
        CHECK(running_ > 0, "what depends on each other has no circle");
        changed_.wait(lock);
        continue;
      }
      const size_t next = *ready_.begin();
      ready_.erase(ready_.begin());
      --left_;
      ++running_;
      lock.unlock();
      work_(next);
      lock.lock();
      --running_;
      for (const size_t one : behind_[next]) {
        if (--missing_[one] == 0) ready_.insert(one);
      }
      changed_.notify_all();
    }
  }

 private:
  const std::function<void(size_t)>& work_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<size_t> missing_;
  std::vector<std::vector<size_t>> behind_;
  std::set<size_t> ready_;
  size_t left_;  // that nobody has begun
  size_t running_ = 0;
};

}  // namespace

void in_order(const std::vector<std::vector<size_t>>& before, size_t threads, const std::function<void(size_t)>& work) {
  Crew crew(before, work);
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min(threads, before.size()); ++i) {
    others.push_back(start_thread("flow-step", [&crew] { crew.take_part(); }));
  }
  crew.take_part();
  for (std::thread& other : others) other.join();
}

}  // namespace weir::flow
