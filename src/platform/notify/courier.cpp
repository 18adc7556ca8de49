#include "platform/notify/courier.h"

#include <chrono>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/mail.h"
#include "core/runtime/thread.h"

namespace weir::notify {
namespace {

constexpr uint64_t kAnswerBytesMax = 64u << 10;

constexpr const char* kCountHelp = "Notices of findings by channel and outcome.";

Counter& counter(Metrics& metrics, const std::string& channel, const char* outcome) {
  return metrics.counter("weir_notify_notices_total", kCountHelp, {{"channel", channel}, {"outcome", outcome}});
}

std::string without_secrets(std::string text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3)) {
      text.replace(at, secret.size(), "***");
    }
  }
  return text;
}

// What may be better in a while; a wrong address or a refusal will not.
bool is_worth_another_try(Code code) {
  return code == Code::unavailable || code == Code::timed_out || code == Code::io || code == Code::busy;
}

}  // namespace

Json notice_json(const Notice& notice, const Options& options, const std::string& url) {
  Json out{Json::Object{}};
  out.set("event", notice.event);
  out.set("project", options.project);
  out.set("environment", options.environment.empty() ? "default" : options.environment);
  Json finding = notice.finding.to_json();
  if (!url.empty()) finding.set("url", url + notice.finding.finding.link);
  out.set("finding", std::move(finding));
  return out;
}

std::string notice_subject(const Notice& notice, const Options& options) {
  const Finding& finding = notice.finding.finding;
  const std::string how = notice.event == "opened" ? severity_word(finding.severity) : notice.event;
  return "[" + options.project + "] " + how + ": " + finding.what;
}

std::string notice_text(const Notice& notice, const std::string& url) {
  const Finding& finding = notice.finding.finding;
  std::string out = finding.what + "\n\n";
  const auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) out += std::string(name) + ": " + value + "\n";
  };
  line("where", finding.where);
  line("since", shown_time(finding.since.micros));
  line("severity", severity_word(finding.severity));
  line("why", finding.why);
  line("what to do", finding.todo);
  if (notice.event == "closed") line("closed", notice.finding.closed_because);
  if (!url.empty()) line("page", url + finding.link);
  return out;
}

Courier::Courier(Notifier& notifier, Channel channel)
    : notifier_(notifier),
      channel_(std::move(channel)),
      delivered_(counter(notifier.parts_.metrics, channel_.name, "delivered")),
      failed_(counter(notifier.parts_.metrics, channel_.name, "failed")),
      dropped_(counter(notifier.parts_.metrics, channel_.name, "dropped")) {
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
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Courier::take(Notice notice) {
  {
    MutexLock lock(mutex_);
    if (queue_.size() < kQueueMax) {
      queue_.push_back(std::move(notice));
      changed_.notify_all();
      return;
    }
  }
  dropped_.add();
  const Error error(Code::busy, std::to_string(kQueueMax) + " notices wait already, the newest was dropped");
  note(error);
  notifier_.channel_failed(channel_.name, error);
}

ChannelState Courier::state() const {
  MutexLock lock(mutex_);
  ChannelState out = state_;
  out.waiting = queue_.size();
  out.delivered = delivered_.value();
  out.failed = failed_.value() + dropped_.value();
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

void Courier::run() {
  while (true) {
    Notice notice;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) changed_.wait(mutex_);
      if (stopping_) return;
      notice = std::move(queue_.front());
      queue_.pop_front();
    }
    deliver(notice);
  }
}

void Courier::deliver(const Notice& notice) {
  Duration pause = notifier_.options_.wait;
  for (int attempt = 1;; ++attempt) {
    bool again = false;
    const Status done = try_once(notice, again);
    if (stopping_) return;
    note(done);
    if (done) {
      delivered_.add();
      notifier_.channel_works(channel_.name);
      return;
    }
    if (!again || attempt >= notifier_.options_.attempts) {
      failed_.add();
      notifier_.channel_failed(channel_.name, done.error());
      return;
    }
    if (!wait(pause)) return;
    pause.micros *= 2;
  }
}

Status Courier::try_once(const Notice& notice, bool& again) {
  std::vector<std::string> secrets;
  Status done = channel_.kind == ChannelKind::webhook ? post(notice, secrets, again) : mail(notice, secrets, again);
  if (done) return done;
  Error error = std::move(done).error();
  error.message = without_secrets(std::move(error.message), secrets);
  return error;
}

Status Courier::post(const Notice& notice, std::vector<std::string>& secrets, bool& again) {
  const auto& secret = notifier_.parts_.secret;
  HttpRequest request;
  request.method = "POST";
  TRY_ASSIGN(request.url, fill_in(channel_.url, secret, secrets));
  request.headers = {{"Content-Type", "application/json"},
                     {"User-Agent", "weir"},
                     {"Idempotency-Key", notice.finding.id + "-" + notice.event}};
  for (const auto& [name, words] : channel_.headers) {
    TRY_ASSIGN(std::string value, fill_in(words, secret, secrets));
    request.headers.emplace_back(name, std::move(value));
  }
  const std::string body = notice_json(notice, notifier_.options_, notifier_.url()).dump();
  request.body = body;
  request.time_limit = channel_.time_limit;
  request.response_bytes_max = kAnswerBytesMax;
  request.cancelled = &stopping_;
  request.ca_file = channel_.ca_file;
  HttpClient client;
  const auto answer = client.send(request);
  if (!answer) {
    again = is_worth_another_try(answer.error().code);
    return answer.error();
  }
  if (answer->status >= 200 && answer->status < 300) return {};
  again = answer->status == 408 || answer->status == 429 || answer->status >= 500;
  const bool is_redirect = answer->status >= 300 && answer->status < 400;
  return Error(Code::io, "the receiver answered " + std::to_string(answer->status) +
                             (is_redirect ? ": redirects are not followed" : ""));
}

Status Courier::mail(const Notice& notice, std::vector<std::string>& secrets, bool& again) {
  const auto& secret = notifier_.parts_.secret;
  MailServer server;
  server.url = channel_.server;
  server.tls = channel_.tls;
  server.ca_file = channel_.ca_file;
  server.time_limit = channel_.time_limit;
  server.cancelled = &stopping_;
  TRY_ASSIGN(server.user, fill_in(channel_.user, secret, secrets));
  TRY_ASSIGN(server.password, fill_in(channel_.password, secret, secrets));
  Mail mail;
  mail.from = channel_.from;
  mail.to = channel_.to;
  mail.subject = notice_subject(notice, notifier_.options_);
  mail.text = notice_text(notice, notifier_.url());
  mail.at = notifier_.parts_.clock.wall();
  mail.id = notice.finding.id + "-" + notice.event;
  const Status sent = send_mail(server, mail);
  if (!sent) again = is_worth_another_try(sent.error().code);
  return sent;
}

}  // namespace weir::notify
