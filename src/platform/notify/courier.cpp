#include "platform/notify/courier.h"

#include <algorithm>
#include <chrono>

#include "core/base/log.h"
#include "core/runtime/thread.h"
#include "platform/notify/subscribers.h"

namespace weir::notify {
namespace {

constexpr Duration kPauseMax = seconds(30);    // of a channel whose receiver is away
constexpr Duration kOutboxPause = seconds(1);  // when the control database does not answer
constexpr Duration kSleepMax = minutes(1);
constexpr uint32_t kDoublingsMax = 30;

constexpr const char* kCountHelp =
    "Notices by channel and outcome: delivered, failed (given up), retried (an attempt that failed).";

Counter& counter(Metrics& metrics, const std::string& channel, const char* outcome) {
  return metrics.counter("weir_notify_notices_total", kCountHelp, {{"channel", channel}, {"outcome", outcome}});
}

// Half of it to all of it, so that those who failed together do not come again together.
Duration with_jitter(Duration time, Random& random) {
  const auto half = static_cast<uint64_t>(time.micros / 2);
  return {time.micros - static_cast<int64_t>(half == 0 ? 0 : random.next() % half)};
}

Duration back_off(const Channel& channel, uint32_t attempts) {
  const uint32_t doublings = std::min(attempts - 1, kDoublingsMax);
  const int64_t most = channel.retry_wait_max.micros;
  int64_t out = channel.retry_wait.micros;
  for (uint32_t i = 0; i < doublings && out < most; ++i) out *= 2;
  return {std::min(out, most)};
}

}  // namespace

Courier::Courier(Notifier& notifier, Channel channel)
    : notifier_(notifier),
      channel_(std::move(channel)),
      sender_({notifier.parts_.secret, notifier.parts_.clock, notifier.options_.folder, notifier.options_.commands,
               [&notifier](std::string_view id) { return notifier.subscribers().url(LinkKind::confirm, id); },
               [&notifier](std::string_view id) { return notifier.subscribers().url(LinkKind::unsubscribe, id); }},
              channel_),
      delivered_(counter(notifier.parts_.metrics, channel_.name, "delivered")),
      failed_(counter(notifier.parts_.metrics, channel_.name, "failed")),
      retried_(counter(notifier.parts_.metrics, channel_.name, "retried")) {
  state_.channel = channel_;
  thread_ = start_thread("notify", [this] { run(); });
}

Courier::~Courier() {
  stop();
}

void Courier::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  sender_.cancel();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Courier::wake() {
  {
    MutexLock lock(mutex_);
    is_woken_ = true;
  }
  changed_.notify_all();
}

ChannelState Courier::state() const {
  MutexLock lock(mutex_);
  ChannelState out = state_;
  out.delivered = delivered_.value();
  out.failed = failed_.value();
  return out;
}

void Courier::note(const Status& done) {
  MutexLock lock(mutex_);
  state_.error = done ? std::string() : done.error().message;
  state_.error_at = done ? std::nullopt : std::optional(notifier_.parts_.clock.wall());
}

bool Courier::wait(Duration time) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(time.micros);
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (changed_.wait_until(mutex_, until) == std::cv_status::timeout) return !stopping_;
  }
  return false;
}

// Until something is due, or may be.
void Courier::sleep_until_due() {
  Duration time = kSleepMax;
  if (const auto due = notifier_.parts_.control.next_due(channel_.name); due && *due) {
    time = std::clamp(Duration{(*due)->micros - notifier_.parts_.clock.wall().micros}, Duration{0}, kSleepMax);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(time.micros);
  MutexLock lock(mutex_);
  while (!stopping_ && !is_woken_) {
    if (changed_.wait_until(mutex_, until) == std::cv_status::timeout) return;
  }
}

void Courier::run() {
  control::Control& control = notifier_.parts_.control;
  std::optional<control::Delivery> ended;
  while (!stopping_) {
    {
      MutexLock lock(mutex_);
      is_woken_ = false;
    }
    auto next = control.next_delivery(channel_.name, notifier_.parts_.clock.wall(), ended);
    if (!next) {
      // Nothing is sent while what was sent cannot be recorded.
      log_event(Level::error, "notify.outbox_failed", {{"channel", channel_.name}, {"error", next.error().text()}});
      if (!wait(kOutboxPause)) break;
      continue;
    }
    if (ended) notifier_.outbox_changed_ = true;
    ended.reset();
    if (!*next) {
      sleep_until_due();
      continue;
    }
    ended = deliver(std::move(**next));
    if (!ended) return;
    if (ended->state == "delivered") continue;
    record(*ended);
    ended.reset();
    if (pause_.micros > 0 && !wait(pause_)) return;
  }
  if (ended) record(*ended);
}

void Courier::record(const control::Delivery& delivery) {
  while (true) {
    const Status done = notifier_.parts_.control.put_delivery(delivery, "sending");
    notifier_.outbox_changed_ = true;
    if (done || done.error().code == Code::not_found || done.error().code == Code::conflict) return;
    log_event(Level::error, "notify.outbox_failed", {{"channel", channel_.name}, {"error", done.error().text()}});
    if (!wait(kOutboxPause)) return;
  }
}

std::optional<control::Delivery> Courier::deliver(control::Delivery delivery) {
  const std::string& subscription = delivery.body["subscription"].as_string();
  if (!subscription.empty() && !notifier_.subscribers().may_get(subscription, delivery)) {
    delivery.state = "discarded";
    delivery.error = "nobody is subscribed there any more";
    delivery.ended_at = notifier_.parts_.clock.wall();
    return delivery;
  }
  const Site site{notifier_.options_.project, notifier_.options_.environment, notifier_.url()};
  bool again = false;
  const Status done = sender_.send(delivery, site, again);
  if (!done && stopping_) return std::nullopt;
  note(done);
  if (!done) return failed(std::move(delivery), done.error(), again);
  delivery.state = "delivered";
  delivery.error.clear();
  delivery.ended_at = notifier_.parts_.clock.wall();
  delivered_.add();
  log_event(Level::debug, "notify.delivered",
            {{"channel", channel_.name}, {"id", delivery.id}, {"attempt", delivery.attempts}});
  pause_ = {};
  failures_in_a_row_ = 0;
  if (!is_known_to_work_) notifier_.channel_works(channel_.name);
  is_known_to_work_ = true;
  return delivery;
}

control::Delivery Courier::failed(control::Delivery delivery, const Error& error, bool again) {
  const WallTime now = notifier_.parts_.clock.wall();
  const Duration back = with_jitter(back_off(channel_, delivery.attempts), notifier_.parts_.random);
  delivery.error = error.message;
  delivery.due_at = {now.micros + back.micros};
  const bool is_over = !again || delivery.due_at >= delivery.give_up_at;
  if (is_over) {
    delivery.state = "given_up";
    delivery.ended_at = now;
    failed_.add();
  } else {
    delivery.state = "waiting";
    retried_.add();
  }
  log_event(
      Level::warn, is_over ? "notify.given_up" : "notify.retried",
      {{"channel", channel_.name}, {"id", delivery.id}, {"attempt", delivery.attempts}, {"error", error.message}});
  // Of a receiver that is away not every delivery asks on its own; a refusal says nothing about the next one.
  ++failures_in_a_row_;
  pause_ = again ? std::min(back_off(channel_, static_cast<uint32_t>(failures_in_a_row_)), kPauseMax) : Duration{};
  if (is_over || failures_in_a_row_ >= notifier_.options_.attempts) {
    notifier_.channel_failed(channel_.name, error);
    is_known_to_work_ = false;
  }
  return delivery;
}

}  // namespace weir::notify
