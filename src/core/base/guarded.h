// Says which lock guards which member, so that clang's -Wthread-safety proves it and a reader sees it; other compilers
// read nothing. Mutex is std::mutex with that knowledge; std::condition_variable_any waits on it.
//
//   Mutex mutex_;
//   std::deque<Job> waiting_ GUARDED_BY(mutex_);
//   void drop_oldest() REQUIRES(mutex_);
#pragma once

#include <mutex>

#if defined(__clang__)
#define WEIR_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define WEIR_THREAD_ATTRIBUTE(x)
#endif

#define GUARDED_BY(lock) WEIR_THREAD_ATTRIBUTE(guarded_by(lock))
#define REQUIRES(...) WEIR_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) WEIR_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace weir {

class WEIR_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() WEIR_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() WEIR_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  bool try_lock() WEIR_THREAD_ATTRIBUTE(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

class WEIR_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) WEIR_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() WEIR_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace weir
