// Bytes on their way to a client: made on the lane, sent by the io thread. The maker is told when so much waits that it
// should stop; the sender is woken once for whatever was added since. Any thread.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "core/base/guarded.h"

namespace weir::pgwire {

inline constexpr size_t kOutboxFull = 1u << 20;   // then nothing more is made …
inline constexpr size_t kOutboxLow = 256u << 10;  // … until this is left
inline constexpr size_t kOutboxJoined = 16u << 10;

class Outbox {
 public:
  // `wake` is called from the thread that adds; it must be quick.
  explicit Outbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Takes the text over and leaves it empty. True: enough is waiting.
  bool add(std::string& text) {
    if (text.empty()) return unsent() >= kOutboxFull;
    bool is_first = false, is_full = false;
    {
      MutexLock lock(mutex_);
      is_first = waiting_.empty();
      unsent_ += text.size();
      is_full = unsent_ >= kOutboxFull;
      // Small ones are joined, so that they leave together; large ones are not copied again.
      if (!is_first && waiting_.back().size() + text.size() <= kOutboxJoined) {
        waiting_.back() += text;
      } else {
        waiting_.push_back(std::move(text));
      }
    }
    text.clear();
    if (is_first) wake_();
    return is_full;
  }
  // The next of what waits; empty: nothing does.
  std::string take() {
    MutexLock lock(mutex_);
    if (waiting_.empty()) return {};
    std::string out = std::move(waiting_.front());
    waiting_.pop_front();
    return out;
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
  std::deque<std::string> waiting_ GUARDED_BY(mutex_);
  size_t unsent_ GUARDED_BY(mutex_) = 0;  // waiting_, and what was taken and not sent
};

}  // namespace weir::pgwire
