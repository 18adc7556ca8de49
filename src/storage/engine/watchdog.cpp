#include "storage/engine/watchdog.h"

#include <algorithm>
#include <utility>

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
  if (!done_) interrupt_();
}

void Running::finished() {
  const std::lock_guard lock(mutex_);
  done_ = true;
}

bool Running::is_finished() {
  const std::lock_guard lock(mutex_);
  return done_;
}

Watchdog::Watchdog() : thread_(start_thread("engine-watchdog", [this] { watch(); })) {}

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
    for (const auto& running : due) running->stop(Stop::timed_out);  // keeps `cancelled` if that came first
    due.clear();
    lock.lock();
    if (!closing_) changed_.wait_until(lock, next);
  }
}

}  // namespace weir::engine
