// One client's connection: reads its requests one after another, hands each to its route, sends the answers in order.
//
// A request that arrives in one piece is handled straight from the io thread's buffer; only what is incomplete is
// copied. The next request is not looked at before the last one is answered, so pipelined answers are in order and a
// client cannot pile up work. Lives on its io thread; others reach it by letters (mailbox.h) only.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "surface/http/io_thread.h"

namespace weir::http {

// Says 503 and closes the descriptor, without ever waiting.
void refuse_connection(int socket);

class Connection {
 public:
  Connection(IoThread& io, int socket, Peer peer, uint32_t slot, uint64_t number);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  void deliver(Letter letter);
  void tick(int64_t now);
  void begin_drain();
  void close();

  uint64_t number() const { return number_; }
  bool is_idle() const { return state_ == State::reading && received_.empty() && !partial_; }
  int64_t idle_since() const { return since_; }

 private:
  enum class State : uint8_t {
    handshaking,  // of TLS
    reading,      // between requests, or a request is arriving
    handling,     // a handler has the request
    streaming,    // its answer's body is being made
    writing,      // the answer is whole, the client has not taken all of it
    lingering,    // all said; what the client still sends is thrown away so that it can read the answer
    closed,
  };
  // A request whose body did not come with its head.
  struct Partial {
    std::unique_ptr<RequestParser> parser;
    std::string head;  // its bytes
    Request request;
  };

  // connection_bytes.cpp: the socket, with or without TLS.
  bool begins_with_tls();
  void shake_hands();
  TlsStream::Step read_some(char* into, size_t size);
  TlsStream::Step write_some(std::string_view head, std::string_view body);
  bool refuse_plain(const RequestHead& head);

  void wait_readable();
  void wait_writable();
  void on_readable();
  void on_writable();
  void watch_for_hangup();
  void watch_encrypted();
  void discard();

  void receive(std::string_view bytes);
  void consume(std::string_view bytes);
  bool consume_head(std::string_view& bytes);
  bool consume_body(RequestParser& parser, std::string_view& bytes);
  void keep_partial(std::string_view head_bytes);

  // connection_checks.cpp: what is decided from the head alone. False: answered already.
  bool begin_request(const RequestHead& head, Request& request);
  bool check_site(const RequestHead& head, const Route& route);
  bool identify(const RequestHead& head, const Route& route, Caller& caller);
  bool check_caller(const RequestHead& head, const Route& route, const Caller& caller);
  bool refuse_unrouted(const Match& match, Method method);

  void dispatch(Request& request, RequestParser& parser);
  void run_here(Request& request, std::shared_ptr<Exchange> exchange);
  void run_on_lane(Request& request, std::shared_ptr<Exchange> exchange);
  bool charge_body(uint64_t bytes);
  void release_body();

  void fail(const Error& error);
  void refuse(const Refusal& refusal);
  void answer(const Response& response);
  void answer_late(LateResponse& late);
  void begin_stream(const Response& head, std::shared_ptr<StreamState> stream);
  void add_piece(std::string_view piece);
  void end_stream(bool whole);
  void send(std::string_view head, std::string_view body);
  void flush();
  void all_sent();
  void answered(int status);
  void linger();

  IoThread& io_;
  boost::asio::posix::stream_descriptor socket_;
  const Peer peer_;
  const uint32_t slot_;
  const uint64_t number_;

  State state_ = State::reading;
  std::unique_ptr<TlsStream> tls_;
  bool is_new_ = true;  // no byte of it was looked at
  bool waits_readable_ = false, waits_writable_ = false;
  bool read_wants_writable_ = false, write_wants_readable_ = false;  // TLS, in between
  bool is_consuming_ = false;
  int64_t since_ = 0;  // of the state's timeout
  int64_t draining_since_ = 0;
  std::string received_;  // not consumed: the beginning of a head, or requests behind the one under way
  std::unique_ptr<Partial> partial_;
  uint64_t charged_ = 0;  // of bodies_bytes_max

  // The request under way.
  uint64_t request_ = 0;  // counts on this connection
  uint64_t request_number_ = 0;
  const Route* route_ = nullptr;
  Method method_ = Method::other;
  bool http11_ = true, keep_alive_ = true, sees_internals_ = false;
  bool has_unread_body_ = false;
  int64_t started_ = 0;
  std::optional<Cancel> cancel_;

  std::string out_;  // to be sent; from out_at_ on
  size_t out_at_ = 0;
  std::shared_ptr<StreamState> stream_;  // with the thread that makes the body
  size_t stream_bytes_ = 0;              // of it in out_
};

}  // namespace weir::http
