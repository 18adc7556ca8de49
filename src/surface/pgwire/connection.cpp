#include <utility>  // before any Asio header: 1.74's awaitable.hpp forgets it
//
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "core/base/text.h"
#include "surface/errors/errors.h"
#include "surface/pgwire/connection.h"
#include "surface/pgwire/idle.h"

namespace weir::pgwire {

namespace {

constexpr int kReadsInARow = 8;  // then the others have their turn
constexpr int64_t kLeaveMicros = 2'000'000;
constexpr uint64_t kSlowBytesPerSecond = 16 << 10;
constexpr size_t kBatchBytesMax = 1 << 20;  // answered in pieces beyond
constexpr size_t kFreeBytes = 64 << 10;     // of a connection's messages, before they are charged

// A client that has sent this waits for an answer.
bool ends_batch(char type) {
  return type == 'Q' || type == 'S' || type == 'H' || type == 'F' || type == 'X' || type == 'c' || type == 'f';
}

}  // namespace

Connection::Connection(std::shared_ptr<Io> io, int socket, Peer peer)
    : io_(std::move(io)),
      socket_(io_->context(), socket),
      peer_(std::move(peer)),
      began_(io_->now()),
      since_(began_),
      outbox_([this] {
        io_->post([weak = weak_from_this()] {
          if (const auto self = weak.lock()) self->flush();
        });
      }) {}

Connection::~Connection() = default;

void Connection::start() {
  wait_readable();
}

void Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  if (process_ != 0) io_->shared().cancel_keys.remove(process_);
  if (is_session_) io_->shared().sessions.fetch_sub(1);
  if (signed_in_.process_id != 0) {
    signed_in_.event = "disconnecting session";
    signed_in_.duration = microseconds(io_->now() - began_);
    io_->shared().parts.warehouse.note(std::move(signed_in_));
  }
  received_.clear();
  batch_.clear();
  batch_bytes_ = 0;
  charge();
  if (tls_) tls_->say_goodbye();
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (conversation_ && is_busy_) conversation_->cancel();
  const bool is_on_lane = is_busy_ && !is_parked_ && !waits_for_room_ && !is_job_refused_;
  if (!is_on_lane) bury();
  io_->retire(shared_from_this());
}

// The session may have to roll back, which blocks.
void Connection::bury() {
  is_busy_ = false;
  job_ = nullptr;
  after_job_ = nullptr;
  if (!conversation_) return;
  Shared& shared = io_->shared();
  shared.tasks.fetch_add(1);
  std::shared_ptr<void> counted(nullptr, [&shared](void*) { shared.tasks.fetch_sub(1); });
  // Where the lane takes nothing any more it ends here.
  (void)shared.parts.lanes.submit(Lane::interactive,
                                  [io = io_, counted, conversation = std::exchange(conversation_, {})]() mutable {
                                    conversation.reset();
                                    counted.reset();
                                  });
}

// --- waiting -------------------------------------------------------------------------------------------------------

void Connection::wait_readable() {
  if (waits_readable_ || state_ == State::closed) return;
  waits_readable_ = true;
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](const boost::system::error_code& error) {
                       const auto self = weak.lock();
                       if (error || !self) return;
                       self->waits_readable_ = false;
                       self->on_readable();
                     });
}

void Connection::wait_writable() {
  if (waits_writable_ || state_ == State::closed) return;
  waits_writable_ = true;
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                     [weak = weak_from_this()](const boost::system::error_code& error) {
                       const auto self = weak.lock();
                       if (error || !self) return;
                       self->waits_writable_ = false;
                       if (std::exchange(self->read_wants_writable_, false)) self->on_readable();
                       self->flush();
                     });
}

TlsStream::Step Connection::read_some(char* into, size_t size) {
  if (tls_) return tls_->read(into, size);
  return read_plain(socket_.native_handle(), into, size);
}

TlsStream::Step Connection::write_some(const char* from, size_t size) {
  if (tls_) return tls_->write(from, size);
  return write_plain(socket_.native_handle(), {from, size});
}

void Connection::on_readable() {
  if (std::exchange(write_wants_readable_, false)) flush();
  if (state_ == State::closed) return;
  if (state_ == State::handshaking) return shake_hands();
  if (is_busy_) return watch_for_hangup();
  if (state_ == State::greeting && is_direct_tls()) return begin_tls();
  std::vector<char>& scratch = io_->scratch();
  for (int reads = 0; reads < kReadsInARow && state_ != State::closed && !is_busy_; ++reads) {
    const TlsStream::Step step = read_some(scratch.data(), scratch.size());
    switch (step.outcome) {
      case TlsStream::Outcome::done:
        break;
      case TlsStream::Outcome::wants_readable:
        return wait_readable();
      case TlsStream::Outcome::wants_writable:
        read_wants_writable_ = true;
        return wait_writable();
      case TlsStream::Outcome::ended:
      case TlsStream::Outcome::failed:
        return close();
    }
    io_->shared().metrics.received_bytes.add(step.bytes);
    if (state_ == State::leaving) continue;
    try {
      received_.append(scratch.data(), step.bytes);
      consume();
    } catch (const std::bad_alloc&) {  // this client's message does not fit; the others go on
      return close();
    }
    if (state_ == State::handshaking) return;
  }
  if (is_busy_) return watch_for_hangup();
  // More may lie in TLS's own buffer, which the socket knows nothing of: the next turn reads on.
  if (state_ != State::closed) {
    io_->post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->on_readable();
    });
  }
}

// While something is answered a readable socket means more messages, which wait, or that the client has gone.
void Connection::watch_for_hangup() {
  if (state_ == State::closed) return;
  char byte = 0;
  const ssize_t count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (count > 0) return;
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return wait_readable();
  close();
}

void Connection::shake_hands() {
  switch (tls_->handshake().outcome) {
    case TlsStream::Outcome::done:
      state_ = State::greeting;
      return on_readable();
    case TlsStream::Outcome::wants_readable:
      return wait_readable();
    case TlsStream::Outcome::wants_writable:
      read_wants_writable_ = true;
      return wait_writable();
    case TlsStream::Outcome::ended:
    case TlsStream::Outcome::failed:
      io_->shared().metrics.protocol_errors.add();
      return close();
  }
}

// --- sending -------------------------------------------------------------------------------------------------------

void Connection::send(std::string text) {
  outbox_.add(text);
  flush();
}

void Connection::flush() {
  if (state_ == State::closed || waits_writable_) return;
  for (;;) {
    if (out_at_ == out_.size()) {
      out_ = outbox_.take();
      out_at_ = 0;
      if (out_.empty()) return all_sent();
      progress_ = io_->now();
    }
    const TlsStream::Step step = write_some(out_.data() + out_at_, out_.size() - out_at_);
    switch (step.outcome) {
      case TlsStream::Outcome::done:
        break;
      case TlsStream::Outcome::wants_writable:
        return wait_writable();
      case TlsStream::Outcome::wants_readable:
        write_wants_readable_ = true;
        return wait_readable();
      case TlsStream::Outcome::ended:
      case TlsStream::Outcome::failed:
        return close();
    }
    out_at_ += step.bytes;
    progress_ = io_->now();
    io_->shared().metrics.sent_bytes.add(step.bytes);
    if (outbox_.sent(step.bytes) <= kOutboxLow && std::exchange(waits_for_room_, false)) talk({});
  }
}

void Connection::all_sent() {
  out_ = std::string();  // an idle connection keeps no buffer
  progress_ = io_->now();
  if (state_ != State::leaving) return;
  if (tls_) tls_->say_goodbye();
  ::shutdown(socket_.native_handle(), SHUT_WR);
}

void Connection::leave() {
  if (state_ == State::closed || state_ == State::leaving) return;
  state_ = State::leaving;
  since_ = io_->now();
  received_ = std::string();
  batch_.clear();
  batch_bytes_ = 0;
  charge();
  if (!is_busy_) bury();
  flush();
  if (state_ != State::closed) on_readable();
}

void Connection::refuse(const Error& error) {
  if (error.code == Code::invalid || error.code == Code::too_large) io_->shared().metrics.protocol_errors.add();
  std::string text;
  append_error(text, {.severity = "FATAL",
                      .sqlstate = errors::sqlstate(error),
                      .message = errors::is_internal(error.code) ? "an internal error; the server's log says which"
                                                                 : error.message,
                      .detail = {},
                      .hint = error.hint});
  outbox_.add(text);
  leave();
}

// --- what has arrived ----------------------------------------------------------------------------------------------

void Connection::consume() {
  if (!charge()) return;
  bool has_more = true;
  while (has_more && !is_busy_ && !received_.empty()) {
    switch (state_) {
      case State::greeting:
        has_more = take_greeting();
        break;
      case State::signing_in:
        has_more = take_password();
        break;
      case State::talking:
        has_more = take_messages();
        break;
      case State::handshaking:
      case State::leaving:
      case State::closed:
        return;
    }
  }
  if (received_.empty() && !is_busy_) received_ = std::string();
  const bool is_arriving = !received_.empty() && !is_busy_;
  message_began_ = !is_arriving ? 0 : message_began_ != 0 ? message_began_ : io_->now();
}

// False: all connections together hold too much, and this one was ended.
bool Connection::charge() {
  Shared& shared = io_->shared();
  const uint64_t holds = received_.size() + batch_bytes_;
  const uint64_t wanted = holds > kFreeBytes ? holds : 0;
  const uint64_t all = shared.buffered_bytes.fetch_add(wanted - charged_) + (wanted - charged_);
  const bool grows = wanted > charged_;
  charged_ = wanted;
  if (!grows || all <= shared.options.buffered_bytes_max) return true;
  refuse(with_state(Error(Code::busy, "too many large messages are on their way", "try again"), "53200"));
  return false;
}

bool Connection::take_messages() {
  size_t at = 0;
  bool is_whole = false;
  while (!is_whole) {
    const std::string_view left = std::string_view(received_).substr(at);
    const auto bytes = message_bytes(left, io_->shared().options.message_bytes_max);
    if (!bytes) {
      refuse(bytes.error());
      return false;
    }
    if (!*bytes) break;
    batch_.push_back({left[0], std::string(left.substr(5, **bytes - 5))});
    batch_bytes_ += **bytes;
    at += **bytes;
    is_whole = ends_batch(left[0]) || batch_bytes_ > kBatchBytesMax;
  }
  received_.erase(0, at);
  if (!is_whole) return false;
  batch_bytes_ = 0;
  talk(std::exchange(batch_, {}));
  return true;
}

// --- the lane ------------------------------------------------------------------------------------------------------

void Connection::work(std::function<void()> job) {
  is_busy_ = true;
  job_ = std::move(job);
  submit_job();
}

void Connection::submit_job() {
  Shared& shared = io_->shared();
  shared.tasks.fetch_add(1);
  std::shared_ptr<void> counted(nullptr, [&shared](void*) { shared.tasks.fetch_sub(1); });
  // The count goes down last: the server waits for it before what the job uses goes away.
  const Status taken =
      shared.parts.lanes.submit(Lane::interactive, [self = shared_from_this(), io = io_, counted]() mutable {
        std::exchange(self->job_, nullptr)();
        io->post([self] { self->job_done(); });
        self.reset();
        counted.reset();
      });
  // The lane's queue is full: tick() tries again. It takes nothing any more: the server is stopping.
  is_job_refused_ = !taken;
}

void Connection::job_done() {
  is_busy_ = false;
  if (state_ == State::closed) return bury();
  if (after_job_) std::exchange(after_job_, nullptr)();
}

void Connection::talk(std::vector<Message> messages) {
  after_job_ = [this] { talked(); };
  work([this, messages = std::move(messages)]() mutable { next_ = conversation_->proceed(std::move(messages)); });
}

void Connection::talked() {
  flush();
  if (state_ == State::closed) return bury();
  waits_for_data_ = next_ == Conversation::Next::data;
  switch (next_) {
    case Conversation::Next::turn:
      is_busy_ = true;
      is_parked_ = !std::exchange(is_woken_, false);
      if (!is_parked_) talk({});
      return;
    case Conversation::Next::room:
      is_busy_ = true;
      waits_for_room_ = outbox_.unsent() > kOutboxLow;
      if (!waits_for_room_) talk({});
      return;
    case Conversation::Next::end:
      return leave();
    case Conversation::Next::data:
      if (std::exchange(is_woken_, false)) return talk({});
      break;
    case Conversation::Next::idle:
      break;
  }
  if (state_ == State::leaving) return bury();
  since_ = io_->now();
  if (io_->shared().is_draining.load()) return begin_drain();
  consume();
  if (!is_busy_ && state_ == State::talking) on_readable();
}

void Connection::cancel() {
  if (conversation_ && is_busy_) conversation_->cancel();
}

void Connection::begin_drain() {
  if (state_ == State::closed || state_ == State::leaving) return;
  if (state_ != State::talking) return close();
  if (is_busy_) return;
  refuse(with_state(Error(Code::unavailable, "the server is stopping"), "57P01"));
}

void Connection::tick(int64_t now) {
  const ServerOptions& options = io_->shared().options;
  if (is_job_refused_) submit_job();
  if (outbox_.unsent() > 0 && now - progress_ > options.write_max.micros) return close();
  switch (state_) {
    case State::greeting:
    case State::handshaking:
    case State::signing_in:
      if (now - began_ > options.sign_in_max.micros) close();
      return;
    case State::leaving:
      if (now - since_ > kLeaveMicros) close();
      return;
    case State::closed:
      return;
    case State::talking:
      break;
  }
  if (is_busy_) return;
  if (message_began_ != 0) {
    const auto earned = static_cast<int64_t>(received_.size() / kSlowBytesPerSecond) * 1'000'000;
    if (now - message_began_ > options.message_max.micros + earned) refuse(protocol_error("a message took too long"));
    return;
  }
  const IdleLimits limits{options.idle_max, options.idle_transaction_max, idle_limit_};
  const bool is_open = conversation_->state() != warehouse::TransactionState::none;
  if (const auto why = idle_too_long(limits, Duration{now - since_}, is_open)) refuse(*why);
}

}  // namespace weir::pgwire
