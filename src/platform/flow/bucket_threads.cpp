#include "platform/flow/bucket_threads.h"

#include "core/runtime/thread.h"

namespace weir::flow {

void BucketThreads::run(const std::string& name, std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_stopping_) {
      One& one = threads_[name];
      one.waiting.push_back(std::move(work));
      one.ready.notify_one();
      if (!one.thread.joinable()) one.thread = start_thread("list-objects", [this, &one] { serve(one); });
      return;
    }
  }
  work();
}

void BucketThreads::serve(One& one) {
  std::unique_lock lock(mutex_);
  while (true) {
    one.ready.wait(lock, [&] { return is_stopping_ || !one.waiting.empty(); });
    if (one.waiting.empty()) return;
    const auto work = std::move(one.waiting.front());
    one.waiting.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

void BucketThreads::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    for (auto& [name, one] : threads_) one.ready.notify_one();
  }
  // Nothing is added to threads_ any more.
  for (auto& [name, one] : threads_) {
    if (one.thread.joinable()) one.thread.join();
  }
}

}  // namespace weir::flow
