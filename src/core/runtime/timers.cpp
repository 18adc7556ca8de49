#include "core/runtime/timers.h"

#include "core/base/check.h"
#include "core/runtime/thread.h"

namespace weir {

Timers::Timers() : thread_(start_thread("clock", [this] { run(); })) {}

Timers::~Timers() {
  {
    const MutexLock lock(mutex_);
    is_ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Timers::Timer::stop() {
  if (Timers* const timers = std::exchange(timers_, nullptr)) timers->take_back(id_);
}

Timers::Timer Timers::after(Duration delay, std::function<void()> callback) {
  return add(delay, {.callback = std::move(callback)});
}

Timers::Timer Timers::every(Duration period, std::function<void()> callback) {
  CHECK(period.micros > 0, "a period is longer than nothing");
  return add(period, {.callback = std::move(callback), .period = std::chrono::microseconds(period.micros)});
}

Timers::Timer Timers::add(Duration delay, Entry entry) {
  const MutexLock lock(mutex_);
  const uint64_t id = next_id_++;
  const Time time = std::chrono::steady_clock::now() + std::chrono::microseconds(delay.micros);
  times_.emplace(id, time);
  waiting_.emplace(Key{time, id}, std::move(entry));
  changed_.notify_all();
  return Timer(this, id);
}

void Timers::take_back(uint64_t id) {
  std::map<Key, Entry>::node_type taken;  // destroyed without the lock: a callback may hold anything
  const MutexLock lock(mutex_);
  if (running_ == id) {
    is_running_taken_back_ = true;
    if (std::this_thread::get_id() == thread_.get_id()) return;
    while (running_ == id) returned_.wait(mutex_);
    return;
  }
  const auto time = times_.find(id);
  if (time == times_.end()) return;  // called already
  taken = waiting_.extract(Key{time->second, id});
  times_.erase(time);
}

void Timers::run() {
  mutex_.lock();
  while (!is_ending_) {
    if (waiting_.empty()) {
      changed_.wait(mutex_);
      continue;
    }
    const Time due = waiting_.begin()->first.first;
    if (std::chrono::steady_clock::now() < due) {
      changed_.wait_until(mutex_, due);
      continue;
    }
    auto node = waiting_.extract(waiting_.begin());
    const uint64_t id = node.key().second;
    times_.erase(id);
    running_ = id;
    is_running_taken_back_ = false;
    mutex_.unlock();
    node.mapped().callback();
    const auto period = node.mapped().period;
    const bool is_once = period.count() == 0;
    if (is_once) node.mapped().callback = nullptr;  // what it holds goes before whoever waits for it goes on
    mutex_.lock();
    if (!is_once && !is_running_taken_back_) {
      Time next = due + period;
      const Time now = std::chrono::steady_clock::now();
      if (next <= now) next += period * ((now - next) / period + 1);
      node.key() = Key{next, id};
      times_.emplace(id, next);
      waiting_.insert(std::move(node));
    } else if (!is_once) {
      mutex_.unlock();
      node = {};
      mutex_.lock();
    }
    running_ = 0;
    returned_.notify_all();
  }
  mutex_.unlock();
}

}  // namespace weir
