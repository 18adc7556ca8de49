// Ctrl-C and SIGTERM as a question a command can ask: was it asked to stop? Make it before any thread is started.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "core/runtime/signals.h"

namespace weir::cli {

class Interrupt {
 public:
  Interrupt() {
    auto signals = Signals::start([this](int) {
      std::lock_guard lock(mutex_);
      asked_.store(true);
      changed_.notify_all();
    });
    if (signals) signals_ = std::move(*signals);
  }
  bool asked() const { return asked_.load(); }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return asked_.load(); });
  }

 private:
  std::atomic<bool> asked_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Signals> signals_;
};

}  // namespace weir::cli
