// Stops statements: past their time limit, or because somebody cancelled them.
//
// An engine's interrupt is a flag that a statement may clear while it starts, so a stop is repeated until the statement
// has ended. One that goes on for longer than kLateAfter is logged, once, and counted: the engine can be interrupted
// nowhere in it, or not soon. One thread per engine; add(), stop() and finished() may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/metrics.h"
#include "core/base/time.h"

namespace weir::engine {

inline constexpr auto kLateAfter = std::chrono::seconds(1);

enum class Stop { none, cancelled, timed_out };

// A running statement as others see it.
class Running {
 public:
  // `interrupt` is called from any thread until finished() returned, never after it.
  // `text_id` says in the log which statement it is.
  explicit Running(std::function<void()> interrupt, std::string text_id = {})
      : interrupt_(std::move(interrupt)), text_id_(std::move(text_id)) {}
  Stop why() const { return why_.load(); }
  void stop(Stop why);  // the first reason stays
  void finished();
  bool is_finished();

 private:
  friend class Watchdog;
  void repeat();
  bool is_late();  // true once
  std::function<void()> interrupt_;
  const std::string text_id_;
  std::atomic<Stop> why_ = Stop::none;
  std::mutex mutex_;                                           // guards what follows, held while interrupt_ runs
  std::optional<std::chrono::steady_clock::time_point> told_;  // to stop
  bool is_reported_ = false;
  bool done_ = false;
};

class Watchdog {
 public:
  explicit Watchdog(Metrics* metrics);  // null: nothing is counted
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
  void report(const Running& running);
  Counter* const late_;
  std::mutex mutex_;  // guards entries_ and closing_
  std::condition_variable changed_;
  std::vector<Entry> entries_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace weir::engine
