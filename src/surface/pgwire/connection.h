// One client's connection: its socket with or without TLS, the packets before anybody is known, and the messages
// afterwards, which are answered by its Conversation on the lane. While something is answered nothing more is read, so
// a client cannot pile up work.
//
// Lives on its io thread; the lane reaches it by Io::post() only. Internal to surface/pgwire.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "surface/pgwire/conversation.h"
#include "surface/pgwire/greeting.h"
#include "surface/pgwire/io.h"
#include "surface/pgwire/sign_in.h"

namespace weir::pgwire {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Io> io, int socket, Peer peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  void tick(int64_t now);
  void begin_drain();
  void cancel();  // what is being answered
  void close();
  bool is_busy() const { return is_busy_; }

 private:
  enum class State : uint8_t {
    greeting,     // before the start-up packet
    handshaking,  // TLS
    signing_in,   // until the first ReadyForQuery
    talking,
    leaving,  // all said; what the client still sends is thrown away so that it can read the answer
    closed,
  };

  // connection.cpp: bytes
  void wait_readable();
  void wait_writable();
  void on_readable();
  TlsStream::Step read_some(char* into, size_t size);
  TlsStream::Step write_some(const char* from, size_t size);
  void watch_for_hangup();
  void shake_hands();
  void send(std::string text);
  void flush();
  void all_sent();
  void leave();
  void consume();
  bool charge();

  // greeting.cpp's wishes, and who it is: connection_start.cpp
  bool is_direct_tls();
  void begin_tls();
  bool take_greeting();
  bool take_startup(const StartupPacket& packet);
  bool take_password();
  void sign_in_step(std::function<Result<SignIn::Step>()> step);
  void signed_in();

  bool take_messages();
  void refuse(const Error& error);  // FATAL, and the end
  void work(std::function<void()> job);
  void submit_job();
  void job_done();
  void talk(std::vector<Message> messages);
  void talked();
  void bury();

  const std::shared_ptr<Io> io_;
  boost::asio::posix::stream_descriptor socket_;
  const Peer peer_;
  std::unique_ptr<TlsStream> tls_;
  State state_ = State::greeting;
  bool waits_readable_ = false, waits_writable_ = false;
  bool read_wants_writable_ = false, write_wants_readable_ = false;  // TLS, in between
  int64_t began_ = 0, since_ = 0, progress_ = 0;
  int64_t message_began_ = 0;  // 0: none is arriving
  bool is_session_ = false;    // counted in Shared::sessions

  std::string received_;
  std::vector<Message> batch_;  // up to the next Sync, Flush or Query
  size_t batch_bytes_ = 0;
  uint64_t charged_ = 0;
  Outbox outbox_;
  std::string out_;
  size_t out_at_ = 0;

  // On the lane, or waiting for it. The lane writes what comes of a job before it posts job_done().
  bool is_busy_ = false, is_job_refused_ = false;
  std::function<void()> job_;
  std::function<void()> after_job_;
  bool is_parked_ = false, is_woken_ = false, waits_for_room_ = false;
  bool waits_for_data_ = false;  // of COPY FROM STDIN; also woken
  std::optional<Wishes> wishes_;
  std::unique_ptr<SignIn> sign_in_;
  std::optional<Result<SignIn::Step>> step_;
  uint32_t process_ = 0, secret_ = 0;
  std::optional<Duration> idle_limit_;          // of the user, beside wire.idle_max
  warehouse::ConnectionEvent signed_in_;        // as it was told to the warehouse
  std::shared_ptr<Conversation> conversation_;  // also reached by cancel requests
  Conversation::Next next_ = Conversation::Next::idle;
};

}  // namespace weir::pgwire
