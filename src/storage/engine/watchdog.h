// Stops statements: past their time limit, or because somebody cancelled them.
//
// An engine's interrupt is a flag that a statement may clear while it starts, so a stop is repeated until the statement
// has ended. One thread per engine; add(), stop() and finished() may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/time.h"

namespace weir::engine {

enum class Stop { none, cancelled, timed_out };

// A running statement as others see it.
class Running {
 public:
  // `interrupt` is called from any thread until finished() returned, never after it.
  explicit Running(std::function<void()> interrupt) : interrupt_(std::move(interrupt)) {}
  Stop why() const { return why_.load(); }
  void stop(Stop why);  // the first reason stays
  void finished();
  bool is_finished();

 private:
  friend class Watchdog;
  void repeat();
  std::function<void()> interrupt_;
  std::atomic<Stop> why_ = Stop::none;
  std::mutex mutex_;  // guards done_, held while interrupt_ runs
  bool done_ = false;
};

class Watchdog {
 public:
  Watchdog();
  ~Watchdog();
  void add(std::shared_ptr<Running> running, std::optional<Duration> limit);
  // Ends the statement; repeats until it has.
  void stop(const std::shared_ptr<Running>& running, Stop why);

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Entry {
    std::weak_ptr<Running> running;
    Instant due;
  };
  void watch();
  std::mutex mutex_;  // guards entries_ and closing_
  std::condition_variable changed_;
  std::vector<Entry> entries_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace weir::engine
