#include "surface/http/mailbox.h"

#include <chrono>

#include "core/base/check.h"
#include "surface/errors/errors.h"

namespace weir::http {

namespace {

thread_local Mailbox* mailbox_here = nullptr;  // of the io thread that is calling a handler

}  // namespace

bool StreamState::reserve(size_t bytes) {
  MutexLock lock(mutex_);
  if (is_closed_ || (waiting_ > 0 && waiting_ + bytes > options_.waiting_bytes_max)) return false;
  waiting_ += bytes;
  return true;
}

bool StreamState::wait_reserve(size_t bytes) {
  MutexLock lock(mutex_);
  while (!is_closed_ && waiting_ > 0 && waiting_ + bytes > options_.waiting_bytes_max) changed_.wait(mutex_);
  if (is_closed_) return false;
  waiting_ += bytes;
  return true;
}

void StreamState::sent(size_t bytes) {
  MutexLock lock(mutex_);
  waiting_ -= bytes;
  changed_.notify_all();
}

void StreamState::close() {
  MutexLock lock(mutex_);
  is_closed_ = true;
  changed_.notify_all();
}

bool StreamState::is_closed() const {
  MutexLock lock(mutex_);
  return is_closed_;
}

void Mailbox::post(Letter letter) {
  if (mailbox_here == this) {
    here_.push_back(std::move(letter));
    return;
  }
  MutexLock lock(mutex_);
  if (!wake_) return;
  letters_.push_back(std::move(letter));
  if (is_woken_) return;
  is_woken_ = true;
  wake_();
}

std::vector<Letter> Mailbox::take() {
  std::vector<Letter> taken;
  MutexLock lock(mutex_);
  taken.swap(letters_);
  letters_.reserve(taken.capacity() < 4096 ? taken.capacity() : 4096);
  is_woken_ = false;
  return taken;
}

bool Mailbox::is_open() {
  MutexLock lock(mutex_);
  return wake_ != nullptr;
}

bool Mailbox::may_log_failure() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return failures_.admit(std::chrono::duration_cast<std::chrono::microseconds>(now).count()).has_value();
}

void Mailbox::close() {
  std::vector<Letter> dropped;
  MutexLock lock(mutex_);
  wake_ = nullptr;
  dropped.swap(letters_);
}

void Mailbox::enter() {
  CHECK(mailbox_here == nullptr, "a handler is not called from inside another");
  mailbox_here = this;
}

std::vector<Letter> Mailbox::leave() {
  mailbox_here = nullptr;
  return std::exchange(here_, {});
}

namespace {

class Stream final : public BodyStream {
 public:
  Stream(std::shared_ptr<Mailbox> mailbox, RequestAddress address, std::shared_ptr<StreamState> state)
      : mailbox_(std::move(mailbox)), address_(address), state_(std::move(state)) {}
  ~Stream() override {
    if (!is_finished_) post(Letter::Kind::stream_cut, {});
  }

  Status write(std::string_view bytes) override {
    if (bytes.empty()) return {};
    if (!state_->wait_reserve(bytes.size())) return Error(Code::cancelled, "the client went away");
    post(Letter::Kind::stream_piece, bytes);
    return {};
  }
  bool offer(std::string_view bytes) override {
    if (bytes.empty()) return !state_->is_closed();
    if (!state_->reserve(bytes.size())) return false;
    post(Letter::Kind::stream_piece, bytes);
    return true;
  }
  void finish() override {
    is_finished_ = true;
    post(Letter::Kind::stream_end, {});
  }
  bool is_closed() const override { return state_->is_closed(); }

 private:
  void post(Letter::Kind kind, std::string_view piece) {
    Letter letter;
    letter.to = address_;
    letter.kind = kind;
    letter.piece = piece;
    mailbox_->post(std::move(letter));
  }

  const std::shared_ptr<Mailbox> mailbox_;
  const RequestAddress address_;
  const std::shared_ptr<StreamState> state_;  // shared with the connection
  bool is_finished_ = false;
};

class ServerExchange final : public Exchange {
 public:
  ServerExchange(std::shared_ptr<Mailbox> mailbox, const ExchangeContext& context)
      : mailbox_(std::move(mailbox)), context_(context) {}
  ~ServerExchange() override {
    if (!is_answered_) fail(Error(Code::internal, "the request was dropped without an answer"), {});
  }

  void send(Response response) override {
    if (is_answered_.exchange(true)) return;
    Letter letter = to_here(Letter::Kind::answer);
    letter.response = std::move(response);
    mailbox_->post(std::move(letter));
  }
  void send(std::unique_ptr<LateResponse> response) override {
    if (is_answered_.exchange(true)) return;
    Letter letter = to_here(Letter::Kind::late_answer);
    letter.late = std::move(response);
    mailbox_->post(std::move(letter));
  }
  void fail(const Error& error, Headers headers) override {
    if (!mailbox_->is_open()) {
      is_answered_ = true;
      return;
    }
    const std::string id = request_id(mailbox_->process(), context_.number);
    if (errors::is_internal(error.code) && mailbox_->may_log_failure()) {
      log_event(Level::warn, "http.request_failed",
                {{"request", id},
                 {"method", method_name(context_.route->method)},
                 {"route", context_.route->pattern},
                 {"code", code_name(error.code)},
                 {"reason", error.text()}});
    }
    Response response = error_response(error, {context_.sees_internals, context_.errors, id});
    for (auto& header : headers) response.headers.push_back(std::move(header));
    send(std::move(response));
  }
  std::shared_ptr<BodyStream> stream(Response head, StreamOptions options) override {
    auto state = std::make_shared<StreamState>(options);
    if (is_answered_.exchange(true)) {
      state->close();
    } else {
      Letter letter = to_here(Letter::Kind::stream_head);
      letter.response = std::move(head);
      letter.stream = state;
      mailbox_->post(std::move(letter));
    }
    return std::make_shared<Stream>(mailbox_, context_.address, std::move(state));
  }

 private:
  Letter to_here(Letter::Kind kind) const {
    Letter letter;
    letter.to = context_.address;
    letter.kind = kind;
    return letter;
  }

  const std::shared_ptr<Mailbox> mailbox_;  // outlives the server if a handler answers late
  const ExchangeContext context_;
  std::atomic<bool> is_answered_{false};
};

}  // namespace

std::shared_ptr<Exchange> make_exchange(std::shared_ptr<Mailbox> mailbox, const ExchangeContext& context) {
  return std::make_shared<ServerExchange>(std::move(mailbox), context);
}

}  // namespace weir::http
