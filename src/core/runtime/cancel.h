// Cancel: one handle by which anybody can ask work to stop, and the work can notice.
//
// Handles are copied freely and share one state (a shared_ptr inside: the last one to go frees it). cancel() may be
// called from any thread, any number of times; the first call's reason counts. The work either polls
// is_cancelled()/check(), or attaches a callback that interrupts what it waits for. A callback runs once, in the thread
// that cancels, or at once in the attaching thread if it is too late already; it must be quick and must not throw.
// Destroying the Attachment waits for a running callback to end, so what it refers to may be destroyed afterwards.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <utility>

#include "core/base/result.h"

namespace weir {

class Cancel {
 public:
  class Attachment {
   public:
    Attachment(std::stop_token token, std::function<void()> callback)
        : callback_(std::move(token), std::move(callback)) {}

   private:
    std::stop_callback<std::function<void()>> callback_;
  };

  Cancel();

  // `reason` is the Error that check() gives from then on; its code is usually cancelled, timed_out or unavailable.
  void cancel(Error reason = Error(Code::cancelled, "cancelled on request")) const;
  bool is_cancelled() const noexcept;  // one atomic load
  Status check() const;                // the reason, as an error

  [[nodiscard]] std::unique_ptr<Attachment> attach(std::function<void()> callback) const;
  // A handle that is cancelled with this one, and can also be cancelled alone.
  Cancel child() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weir
