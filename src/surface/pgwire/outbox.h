// Bytes on their way to a client: made on the lane, sent by the io thread. The maker is told when so much waits that it
// should stop; the sender is woken once for whatever was added since. Any thread.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "core/base/guarded.h"

namespace weir::pgwire {

inline constexpr size_t kOutboxFull = 1u << 20;   // then nothing more is made …
inline constexpr size_t kOutboxLow = 256u << 10;  // … until this is left

class Outbox {
 public:
  // `wake` is called from the thread that adds; it must be quick.
  explicit Outbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Takes the text over and leaves it empty. True: enough is waiting.
  bool add(std::string& text) {
    bool is_first = false, is_full = false;
    {
      MutexLock lock(mutex_);
      is_first = waiting_.empty();
      unsent_ += text.size();
      is_full = unsent_ >= kOutboxFull;
      if (is_first) {
        waiting_.swap(text);
      } else {
        waiting_ += text;
      }
      is_first = is_first && !waiting_.empty();
    }
    text.clear();
    if (is_first) wake_();
    return is_full;
  }
  std::string take() {
    MutexLock lock(mutex_);
    return std::exchange(waiting_, {});
  }
  // What take() gave has left. Returns what has not.
  size_t sent(size_t bytes) {
    MutexLock lock(mutex_);
    unsent_ -= bytes;
    return unsent_;
  }
  size_t unsent() {
    MutexLock lock(mutex_);
    return unsent_;
  }

 private:
  const std::function<void()> wake_;
  Mutex mutex_;
  std::string waiting_ GUARDED_BY(mutex_);
  size_t unsent_ GUARDED_BY(mutex_) = 0;  // waiting_, and what was taken and not sent
};

}  // namespace weir::pgwire
