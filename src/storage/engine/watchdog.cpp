#include "storage/engine/watchdog.h"

#include <algorithm>
#include <utility>

#include "core/base/log.h"
#include "core/runtime/thread.h"

namespace weir::engine {
namespace {
constexpr auto kRepeat = std::chrono::milliseconds(20);
}

void Running::stop(Stop why) {
  Stop expected = Stop::none;
  why_.compare_exchange_strong(expected, why);
  repeat();
}

void Running::repeat() {
  const std::lock_guard lock(mutex_);
  if (!told_) told_ = std::chrono::steady_clock::now();
  if (!done_) interrupt_();
}

bool Running::is_late() {
  const std::lock_guard lock(mutex_);
  if (done_ || is_reported_ || !told_ || std::chrono::steady_clock::now() - *told_ < kLateAfter) return false;
  is_reported_ = true;
  return true;
}

void Running::finished() {
  const std::lock_guard lock(mutex_);
  done_ = true;
}

bool Running::is_finished() {
  const std::lock_guard lock(mutex_);
  return done_;
}

Watchdog::Watchdog(Metrics* metrics)
    : late_(metrics == nullptr ? nullptr
                               : &metrics->counter("weir_engine_late_stops_total",
                                                   "Statements that went on for a second after they were stopped")),
      thread_(start_thread("engine-watchdog", [this] { watch(); })) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watchdog::add(std::shared_ptr<Running> running, std::optional<Duration> limit) {
  if (!limit) return;
  const auto due = std::chrono::steady_clock::now() + std::chrono::microseconds(limit->micros);
  {
    const std::lock_guard lock(mutex_);
    entries_.push_back({std::move(running), due});
  }
  changed_.notify_all();
}

void Watchdog::stop(const std::shared_ptr<Running>& running, Stop why) {
  running->stop(why);
  {
    const std::lock_guard lock(mutex_);
    entries_.push_back({running, std::chrono::steady_clock::now() + kRepeat});
  }
  changed_.notify_all();
}

void Watchdog::report(const Running& running) {
  log_event(Level::warn, "engine.statement_outlasts_its_stop",
            {{"text", running.text_id_}, {"why", running.why() == Stop::cancelled ? "cancelled" : "timed_out"}});
  if (late_ != nullptr) late_->add();
}

void Watchdog::watch() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    const Instant now = std::chrono::steady_clock::now();
    Instant next = now + std::chrono::hours(1);
    std::vector<std::shared_ptr<Running>> due;
    std::erase_if(entries_, [&](Entry& entry) {
      const std::shared_ptr<Running> running = entry.running.lock();
      if (!running || running->is_finished()) return true;
      if (entry.due <= now) {
        due.push_back(running);
        entry.due = now + kRepeat;
      }
      next = std::min(next, entry.due);
      return false;
    });
    lock.unlock();
    for (const auto& running : due) {
      running->stop(Stop::timed_out);  // keeps `cancelled` if that came first
      if (running->is_late()) report(*running);
    }
    due.clear();
    lock.lock();
    if (!closing_) changed_.wait_until(lock, next);
  }
}

}  // namespace weir::engine
