// Threads on which buckets are listed, one for each name that is used: what is slow in one bucket delays no other, and
// nobody who holds a lock. They live until stop().
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace weir::flow {

class BucketThreads {
 public:
  BucketThreads() = default;
  ~BucketThreads() { stop(); }
  BucketThreads(const BucketThreads&) = delete;
  BucketThreads& operator=(const BucketThreads&) = delete;

  // On the thread of `name`, after what that was given before; in the calling thread once stop() has begun. `work` must
  // not throw, and must not take long any more once its caller has cancelled it. Any thread.
  void run(const std::string& name, std::function<void()> work);
  // Runs what waits, and waits for it: whoever calls this has cancelled it before. Any thread.
  void stop();

 private:
  struct One {
    std::deque<std::function<void()>> waiting;
    std::condition_variable ready;
    std::thread thread;
  };
  void serve(One& one);

  std::mutex mutex_;  // guards the rest
  std::map<std::string, One> threads_;
  bool is_stopping_ = false;
};

}  // namespace weir::flow
