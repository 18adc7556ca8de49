// Timers: one thread ("clock") that calls things when their time has come: deadlines of statements, schedules,
// retention.
//
// A callback runs in that thread, so it must be quick and must not block: it cancels something or submits to a lane.
// after() and every() may be called from any thread, callbacks included. A Timer is the right to be called: destroying
// it takes it back, and waits for the callback if it runs just now (unless it is the callback that destroys it). Timers
// must outlive its Timer objects. Time is the machine's steady clock.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "core/base/guarded.h"
#include "core/base/time.h"

namespace weir {

class Timers {
 public:
  class Timer {
   public:
    Timer() = default;
    ~Timer() { stop(); }
    Timer(Timer&& other) noexcept : timers_(std::exchange(other.timers_, nullptr)), id_(other.id_) {}
    Timer& operator=(Timer&& other) noexcept {
      if (this != &other) {
        stop();
        timers_ = std::exchange(other.timers_, nullptr);
        id_ = other.id_;
      }
      return *this;
    }
    void stop();

   private:
    friend class Timers;
    Timer(Timers* timers, uint64_t id) : timers_(timers), id_(id) {}
    Timers* timers_ = nullptr;
    uint64_t id_ = 0;
  };

  Timers();
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  [[nodiscard]] Timer after(Duration delay, std::function<void()> callback);
  // First after one period; a call that was late does not move the next one, calls that were missed are left out.
  [[nodiscard]] Timer every(Duration period, std::function<void()> callback);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Entry {
    std::function<void()> callback;
    std::chrono::microseconds period{0};  // 0: once
  };
  using Key = std::pair<Time, uint64_t>;

  Timer add(Duration delay, Entry entry);
  void take_back(uint64_t id);
  void run();

  Mutex mutex_;
  std::condition_variable_any changed_;   // an earlier deadline came, or the end
  std::condition_variable_any returned_;  // a callback returned
  std::map<Key, Entry> waiting_ GUARDED_BY(mutex_);
  std::map<uint64_t, Time> times_ GUARDED_BY(mutex_);
  uint64_t next_id_ GUARDED_BY(mutex_) = 1;
  uint64_t running_ GUARDED_BY(mutex_) = 0;  // the timer whose callback runs now
  bool is_running_taken_back_ GUARDED_BY(mutex_) = false;
  bool is_ending_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace weir
