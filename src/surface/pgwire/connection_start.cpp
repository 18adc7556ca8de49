// A connection until its first ReadyForQuery: encryption, the start-up packet, and who it is.
#include <utility>  // before any Asio header: 1.74's awaitable.hpp forgets it
//
#include <sys/socket.h>

#include "core/base/text.h"
#include "surface/pgwire/connection.h"

namespace weir::pgwire {

namespace {

constexpr char kTlsRecord = 0x16;  // the first byte of a client that begins with TLS at once
constexpr size_t kPasswordBytesMax = 8 << 10;

}  // namespace

bool Connection::is_direct_tls() {
  if (tls_ || !received_.empty()) return false;
  char first = 0;
  return ::recv(socket_.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first == kTlsRecord;
}

void Connection::begin_tls() {
  tls_ = std::make_unique<TlsStream>(io_->shared().parts.tls.context(), socket_.native_handle());
  state_ = State::handshaking;
  shake_hands();
}

// True: there may be more to take.
bool Connection::take_greeting() {
  const auto bytes = startup_bytes(received_);
  if (!bytes) {
    refuse(bytes.error());
    return false;
  }
  if (!*bytes) return false;
  const auto packet = parse_startup(std::string_view(received_).substr(0, **bytes));
  received_.erase(0, **bytes);
  if (!packet) {
    refuse(packet.error());
    return false;
  }
  switch (packet->greeting) {
    case Greeting::ssl:
      // Bytes behind the request were put there by somebody who wants them to be taken for encrypted ones.
      if (tls_ || !received_.empty()) {
        refuse(protocol_error("bytes without encryption follow a request for it"));
        return false;
      }
      send("S");
      if (state_ == State::closed) return false;
      begin_tls();
      return false;
    case Greeting::gss:
      send("N");
      return true;
    case Greeting::cancel:
      if (io_->shared().cancel_keys.cancel(packet->process, packet->secret)) io_->shared().metrics.cancels.add();
      close();
      return false;
    case Greeting::startup:
      return take_startup(*packet);
  }
  return false;
}

bool Connection::take_startup(const StartupPacket& packet) {
  Shared& shared = io_->shared();
  if (!tls_ && !peer_.unix_socket && !peer_.loopback) {
    refuse(with_state(
        Error(Code::unauthenticated, "clients that are not on this machine need TLS", "connect with sslmode=require"),
        "28000"));
    return false;
  }
  // The owner comes in however many there are, to see why.
  if (shared.sessions.fetch_add(1) >= shared.options.connections_max && !peer_.owner) {
    shared.sessions.fetch_sub(1);
    shared.metrics.refused.add();
    refuse(
        with_state(Error(Code::busy,
                         "wire.connections_max connections are open: " + std::to_string(shared.options.connections_max),
                         "close some, or raise the setting"),
                   "53300"));
    return false;
  }
  is_session_ = true;
  auto wishes = wishes_of(packet, shared.options.profile);
  if (!wishes) {
    refuse(wishes.error());
    return false;
  }
  wishes_ = std::move(*wishes);
  state_ = State::signing_in;
  // Redshift's drivers ask for compression in an option, and do not know this answer.
  const bool is_negotiated = packet.minor > 0 || !packet.protocol_options.empty();
  if (is_negotiated && packet.find("driver_version").empty()) {
    std::string text;
    {
      const MessageScope scope(text, 'v');  // 3.0 it is, and no option of the protocol
      append_int32(text, 0);
      append_int32(text, static_cast<int32_t>(packet.protocol_options.size()));
      for (const std::string& option : packet.protocol_options) append_text(text, option);
    }
    send(std::move(text));
    if (state_ == State::closed) return false;
  }
  const auto is_driver = [driver = packet.find("driver_version")](std::string_view language) {
    return driver.find(language) != std::string_view::npos;
  };
  sign_in_ = std::make_unique<SignIn>(shared.parts.authenticator, shared.parts.random,
                                      Transport{peer_, tls_ != nullptr, is_driver("Python"), !is_driver("JDBC")},
                                      wishes_->user);
  sign_in_step([this] { return sign_in_->begin(); });
  return true;
}

bool Connection::take_password() {
  const auto bytes = message_bytes(received_, kPasswordBytesMax);
  if (!bytes) {
    refuse(bytes.error());
    return false;
  }
  if (!*bytes) return false;
  if (received_[0] == 'X') {
    close();
    return false;
  }
  if (received_[0] != 'p') {
    refuse(protocol_error("a message of type " + shown(received_.substr(0, 1)) + " where a password is expected"));
    return false;
  }
  std::string body = received_.substr(5, **bytes - 5);
  received_.erase(0, **bytes);
  sign_in_step([this, body = std::move(body)] { return sign_in_->answer(body); });
  return true;
}

// A step on the lane; with the last one the session is opened there too.
void Connection::sign_in_step(std::function<Result<SignIn::Step>()> step) {
  after_job_ = [this] { signed_in(); };
  work([this, step = std::move(step)] {
    step_ = step();
    if (!*step_ || !(*step_)->user) return;
    Shared& shared = io_->shared();
    warehouse::SessionOptions options;
    options.user = *(*step_)->user;
    options.database = wishes_->database;
    options.client = "wire";
    options.peer = peer_.address;
    options.profile = wishes_->profile;
    options.settings = wishes_->settings;
    auto session = warehouse::Session::open(shared.parts.warehouse, std::move(options));
    if (!session) {
      step_ = session.error();
      return;
    }
    process_ = static_cast<uint32_t>((*session)->process_id());
    idle_limit_ = (*session)->idle_limit();
    secret_ = static_cast<uint32_t>(shared.parts.random.next());
    const auto wake = [weak = weak_from_this(), io = io_] {
      io->post([weak] {
        const auto self = weak.lock();
        if (!self || self->state_ == State::closed) return;
        const bool waits = std::exchange(self->is_parked_, false) || (self->waits_for_data_ && !self->is_busy_);
        if (waits && self->state_ == State::talking) {
          self->talk({});
        } else {
          self->is_woken_ = true;
        }
      });
    };
    conversation_ =
        std::make_shared<Conversation>(Conversation::Parts{outbox_, wake, shared.statements}, std::move(*session));
    shared.cancel_keys.add(process_, secret_, conversation_);
    conversation_->greet((*step_)->reply, process_, secret_);
  });
}

void Connection::signed_in() {
  Shared& shared = io_->shared();
  const Result<SignIn::Step> step = *std::exchange(step_, std::nullopt);
  warehouse::ConnectionEvent event{.event = step ? "authenticated" : "authentication failure",
                                   .user = wishes_->user,
                                   .database = wishes_->database,
                                   .peer = peer_.address,
                                   .way = sign_in_->way(),
                                   .tls = tls_ ? tls_->version() : "",
                                   .application = wishes_->application(),
                                   .reason = {}};
  if (!step) {
    event.reason = step.error().message;
    shared.parts.warehouse.note(std::move(event));
    shared.metrics.sign_ins_failed.add();
    if (const auto skipped = shared.sign_in_log.admit(io_->now())) {
      log_event(Level::warn, "wire.sign_in_failed",
                {{"user", wishes_->user},
                 {"peer", peer_.address},
                 {"way", sign_in_->way()},
                 {"reason", step.error().message},
                 {"skipped", *skipped}});
    }
    Error error = step.error();
    if (error.sqlstate == nullptr && error.code == Code::unauthenticated) error.sqlstate = "28P01";
    return refuse(error);
  }
  send(step->reply);
  if (state_ != State::signing_in) return;
  if (conversation_) {
    event.user = step->user->name;
    event.process_id = static_cast<int32_t>(process_);
    signed_in_ = event;
    shared.parts.warehouse.note(std::move(event));
    shared.metrics.sign_ins_ok.add();
    log_event(Level::info, "wire.sign_in",
              {{"user", step->user->name},
               {"peer", peer_.address},
               {"way", sign_in_->way()},
               {"database", wishes_->database},
               {"tls", tls_ ? tls_->version() : "none"},
               {"profile", wishes_->profile == warehouse::Profile::redshift ? "redshift" : "postgres"}});
    sign_in_.reset();
    wishes_.reset();
    state_ = State::talking;
    since_ = io_->now();
    if (shared.is_draining.load()) return begin_drain();
  }
  consume();
  if (!is_busy_ && state_ != State::closed) on_readable();
}

}  // namespace weir::pgwire
