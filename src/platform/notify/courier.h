// The thread of one declared channel: takes what is due from the outbox and delivers it, one after the other. What
// became of one is recorded before the next begins, in the transaction that claims that. Internal to platform/notify.
#pragma once

#include <condition_variable>
#include <optional>
#include <thread>

#include "platform/notify/notify.h"
#include "platform/notify/sender.h"

namespace weir::notify {

class Courier {
 public:
  Courier(Notifier& notifier, Channel channel);
  ~Courier();

  const Channel& channel() const { return channel_; }
  void wake();  // something may be due
  ChannelState state() const;
  void stop();  // cuts the delivery under way; returns when the thread has ended

 private:
  void run();
  // The delivery with what became of it; nothing if it was cut, and so is not known.
  std::optional<control::Delivery> deliver(control::Delivery delivery);
  control::Delivery failed(control::Delivery delivery, const Error& error, bool again);
  bool wait(Duration time);  // false: stopped meanwhile
  void sleep_until_due();
  void record(const control::Delivery& delivery);  // tries until it is written, or the channel stops
  void note(const Status& done);

  Notifier& notifier_;
  const Channel channel_;
  Sender sender_;
  Counter &delivered_, &failed_, &retried_;
  Duration pause_{};  // before the next attempt of anything, after failures
  int failures_in_a_row_ = 0;
  bool is_known_to_work_ = false;
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  bool is_woken_ GUARDED_BY(mutex_) = true;
  ChannelState state_ GUARDED_BY(mutex_);
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace weir::notify
