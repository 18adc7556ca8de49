// The thread of one declared channel: takes notices from its queue and delivers them, one after the other. Internal to
// platform/notify.
#pragma once

#include <condition_variable>
#include <deque>
#include <thread>

#include "platform/notify/notify.h"

namespace weir::notify {

class Courier {
 public:
  Courier(Notifier& notifier, Channel channel);
  ~Courier();

  const Channel& channel() const { return channel_; }
  void take(Notice notice);  // drops it, counted, if kQueueMax wait
  ChannelState state() const;
  void stop();  // cuts the delivery under way; returns when the thread has ended

 private:
  void run();
  void deliver(const Notice& notice);
  Status try_once(const Notice& notice, bool& again);
  Status post(const Notice& notice, std::vector<std::string>& secrets, bool& again);
  Status mail(const Notice& notice, std::vector<std::string>& secrets, bool& again);
  bool wait(Duration time);  // false: stopped meanwhile
  void note(const Status& done);

  Notifier& notifier_;
  const Channel channel_;
  Counter &delivered_, &failed_, &dropped_;
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Notice> queue_ GUARDED_BY(mutex_);
  ChannelState state_ GUARDED_BY(mutex_);
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// What is sent: {"event", "project", "environment", "finding"}.
Json notice_json(const Notice& notice, const Options& options, const std::string& url);
std::string notice_subject(const Notice& notice, const Options& options);
std::string notice_text(const Notice& notice, const std::string& url);

}  // namespace weir::notify
