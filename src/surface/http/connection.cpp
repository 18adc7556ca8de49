#include <utility>  // before any Asio header: 1.74's awaitable.hpp forgets it
//
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "surface/http/connection.h"

namespace weir::http {

namespace {

constexpr size_t kOnePieceBytes = 8 << 10;  // a body up to this size is copied behind its head: one buffer, one call
constexpr int kReadsInARow = 8;             // then the others have their turn
constexpr size_t kReadAheadBytesMax = 64 << 10;  // of requests behind the one under way, where TLS must be read
constexpr int64_t kLingerMicros = 5'000'000;
constexpr int64_t kDrainReadMicros = 3'000'000;  // how long a request that is still arriving may delay the end
constexpr int64_t kDrainLingerMicros = 1'000'000;
constexpr uint64_t kSlowBytesPerSecond = 16 << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

void fill_from_head(const RequestHead& head, Request& request) {
  request.method = head.method;
  request.http11 = head.http11;
  request.target = head.target;
  request.path = head.path;
  request.query = head.query;
  request.headers = head.all();
}

}  // namespace

void refuse_connection(int socket) {
  constexpr std::string_view kText =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  [[maybe_unused]] const ssize_t sent = ::send(socket, kText.data(), kText.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(socket);
}

Connection::Connection(IoThread& io, int socket, Peer peer, uint32_t slot, uint64_t number)
    : io_(io), socket_(io.context(), socket), peer_(std::move(peer)), slot_(slot), number_(number), since_(io.now()) {}

Connection::~Connection() {
  release_body();
}

void Connection::start() {
  wait_readable();
}

void Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  if (stream_) stream_->close();
  stream_.reset();
  if (cancel_) cancel_->cancel(Error(Code::cancelled, "the client went away"));
  cancel_.reset();
  if (tls_) tls_->say_goodbye();
  boost::system::error_code ignored;
  socket_.close(ignored);
  io_.retire(slot_);
}

// --- waiting ------------------------------------------------------------------------------------------------------

void Connection::wait_readable() {
  if (waits_readable_ || state_ == State::closed) return;
  waits_readable_ = true;
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [&io = io_, slot = slot_, number = number_](const boost::system::error_code& error) {
                       if (error) return;
                       io.with(slot, number, [](Connection& connection) {
                         connection.waits_readable_ = false;
                         connection.on_readable();
                       });
                     });
}

void Connection::wait_writable() {
  if (waits_writable_ || state_ == State::closed) return;
  waits_writable_ = true;
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                     [&io = io_, slot = slot_, number = number_](const boost::system::error_code& error) {
                       if (error) return;
                       io.with(slot, number, [](Connection& connection) {
                         connection.waits_writable_ = false;
                         connection.on_writable();
                       });
                     });
}

void Connection::on_readable() {
  if (std::exchange(write_wants_readable_, false)) flush();
  if (state_ == State::closed) return;
  if (state_ == State::handshaking || begins_with_tls()) return shake_hands();
  if (state_ == State::lingering) return discard();
  if (state_ != State::reading) return watch_for_hangup();
  std::vector<char>& scratch = io_.scratch();
  for (int reads = 0; reads < kReadsInARow && state_ == State::reading; ++reads) {
    const TlsStream::Step step = read_some(scratch.data(), scratch.size());
    if (step.outcome == TlsStream::Outcome::wants_readable) break;
    if (step.outcome == TlsStream::Outcome::wants_writable) {
      read_wants_writable_ = true;
      return wait_writable();
    }
    if (step.outcome != TlsStream::Outcome::done) return close();
    io_.shared().metrics.bytes_received.add(step.bytes);
    try {
      receive({scratch.data(), step.bytes});
    } catch (const std::bad_alloc&) {  // this client's request does not fit; the others go on
      return close();
    }
    // TLS gives a record at a time, and one is never larger than the buffer: what it holds back lies in the socket.
    if (!tls_ && step.bytes < scratch.size()) break;
  }
  if (state_ == State::reading) wait_readable();
}

void Connection::on_writable() {
  if (std::exchange(read_wants_writable_, false)) return on_readable();
  flush();
}

// While a handler or a stream has the request, a readable socket means more requests, which wait, or the end of the
// client.
void Connection::watch_for_hangup() {
  if (tls_) return watch_encrypted();
  char byte = 0;
  const ssize_t count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (count > 0) return;
  if (count < 0 && (would_block(errno) || errno == EINTR)) return wait_readable();
  if (state_ == State::handling && !cancel_) return;  // a capture under way: its answer is still worth a try
  close();
}

// The client's farewell is encrypted too: it is read, and with it perhaps the beginning of the next request.
void Connection::watch_encrypted() {
  if (received_.size() >= kReadAheadBytesMax) return;
  std::vector<char>& scratch = io_.scratch();
  const TlsStream::Step step = tls_->read(scratch.data(), scratch.size());
  switch (step.outcome) {
    case TlsStream::Outcome::done:
      received_.append(scratch.data(), step.bytes);
      return wait_readable();
    case TlsStream::Outcome::wants_readable:
      return wait_readable();
    case TlsStream::Outcome::wants_writable:
      return;
    case TlsStream::Outcome::ended:
    case TlsStream::Outcome::failed:
      if (state_ == State::handling && !cancel_) return;
      return close();
  }
}

void Connection::discard() {
  std::vector<char>& scratch = io_.scratch();
  for (int reads = 0; reads < kReadsInARow; ++reads) {
    const ssize_t count = ::recv(socket_.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (count > 0) continue;
    if (count < 0 && (would_block(errno) || errno == EINTR)) break;
    return close();
  }
  wait_readable();
}

void Connection::tick(int64_t now) {
  const ServerOptions& options = io_.shared().options;
  const int64_t waited = now - since_;
  switch (state_) {
    case State::handshaking:
      if (draining_since_ != 0 || waited > options.head_max.micros) close();
      break;
    case State::reading:
      if (draining_since_ != 0 && now - draining_since_ > kDrainReadMicros) {
        refuse({503, "the server is stopping and the request did not arrive in time"});
      } else if (partial_) {
        const auto earned = static_cast<int64_t>(partial_->parser->collected_bytes() / kSlowBytesPerSecond) * 1'000'000;
        if (waited > options.body_max.micros + earned) refuse({408, "the request's body took too long"});
      } else if (started_ != 0) {
        if (now - started_ > options.head_max.micros) refuse({408, "the request's head took too long"});
      } else if (waited > options.idle_max.micros) {
        close();
      }
      break;
    case State::streaming:
    case State::writing:
      if (out_.size() > out_at_ && waited > options.write_max.micros) close();
      break;
    case State::lingering:
      if (waited > (draining_since_ != 0 ? kDrainLingerMicros : kLingerMicros)) close();
      break;
    case State::handling:
    case State::closed:
      break;
  }
}

void Connection::begin_drain() {
  if (is_idle()) return close();
  draining_since_ = io_.now();
  if (state_ == State::streaming && stream_->endless()) {
    keep_alive_ = false;
    end_stream(true);
  }
}

// --- reading ------------------------------------------------------------------------------------------------------

void Connection::receive(std::string_view bytes) {
  if (received_.empty()) return consume(bytes);
  std::string all = std::exchange(received_, {});
  all.append(bytes);
  consume(all);
}

void Connection::consume(std::string_view bytes) {
  is_consuming_ = true;
  while (state_ == State::reading && !bytes.empty()) {
    const bool goes_on = partial_ ? consume_body(*partial_->parser, bytes) : consume_head(bytes);
    if (!goes_on) break;
  }
  is_consuming_ = false;
  if (state_ == State::closed || state_ == State::lingering) return;
  received_.assign(bytes);
}

bool Connection::consume_head(std::string_view& bytes) {
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);  // RFC 9112 §2.2: some clients send one after a body
  if (bytes.empty()) return false;
  if (started_ == 0) started_ = since_ = io_.now();
  RequestParser& parser = *io_.parser();
  parser.reset();
  size_t used = 0;
  switch (parser.read_head(bytes, used)) {
    case RequestParser::Progress::more:
      return false;
    case RequestParser::Progress::refused:
      has_unread_body_ = true;  // where the next request would begin is unknown
      refuse(parser.refusal());
      return false;
    case RequestParser::Progress::done:
      break;
  }
  const std::string_view head_bytes = bytes.substr(0, used);
  bytes.remove_prefix(used);
  const RequestHead& head = parser.head();
  has_unread_body_ = head.has_body();
  Request request;
  if (!begin_request(head, request)) return state_ == State::reading;
  if (!head.has_body()) {
    dispatch(request, parser);
    return true;
  }
  parser.set_body_bytes_max(route_->body_bytes_max);
  const RequestParser::Progress progress =
      bytes.empty() ? RequestParser::Progress::more : parser.read_body(bytes, used = 0);
  if (!bytes.empty()) bytes.remove_prefix(used);
  if (progress == RequestParser::Progress::refused) {
    refuse(parser.refusal());
    return false;
  }
  if (progress == RequestParser::Progress::done) {
    has_unread_body_ = false;
    dispatch(request, parser);
    return true;
  }
  partial_ = std::make_unique<Partial>();
  partial_->request = std::move(request);
  keep_partial(head_bytes);
  return false;
}

// The head's bytes move out of the shared buffer together with the parser that reads on.
void Connection::keep_partial(std::string_view head_bytes) {
  partial_->parser = std::exchange(io_.parser(), std::make_unique<RequestParser>(io_.parser_limits()));
  partial_->head = head_bytes;
  partial_->parser->move_head(head_bytes.data(), partial_->head.data());
  fill_from_head(partial_->parser->head(), partial_->request);
  since_ = io_.now();
  if (partial_->parser->head().expects_continue && partial_->parser->body().empty()) {
    out_ += kContinue;
    flush();
  }
  if (state_ == State::reading && !charge_body(partial_->parser->collected_bytes())) {
    fail(Error(Code::unavailable, "too many bytes of bodies are under way; try again in a moment"));
  }
}

bool Connection::consume_body(RequestParser& parser, std::string_view& bytes) {
  size_t used = 0;
  const RequestParser::Progress progress = parser.read_body(bytes, used);
  bytes.remove_prefix(used);
  if (progress == RequestParser::Progress::refused) {
    refuse(parser.refusal());
    return false;
  }
  if (!charge_body(parser.collected_bytes())) {
    fail(Error(Code::unavailable, "too many bytes of bodies are under way; try again in a moment"));
    return false;
  }
  if (progress == RequestParser::Progress::more) return false;
  has_unread_body_ = false;
  const std::unique_ptr<Partial> whole = std::move(partial_);
  dispatch(whole->request, parser);
  return true;
}

bool Connection::charge_body(uint64_t bytes) {
  if (bytes <= charged_) return true;
  std::atomic<uint64_t>& all = io_.shared().bodies_bytes;
  const uint64_t more = bytes - charged_;
  if (all.fetch_add(more) + more > io_.shared().options.bodies_bytes_max) {
    all.fetch_sub(more);
    return false;
  }
  charged_ = bytes;
  return true;
}

void Connection::release_body() {
  if (charged_ > 0) io_.shared().bodies_bytes.fetch_sub(std::exchange(charged_, 0));
}

// --- handling -----------------------------------------------------------------------------------------------------

void Connection::dispatch(Request& request, RequestParser& parser) {
  request.body = parser.body();
  state_ = State::handling;
  ExchangeContext context;
  context.address = {slot_, number_, request_};
  context.sees_internals = sees_internals_;
  context.errors = route_->errors;
  context.number = request_number_;
  context.route = route_;
  std::shared_ptr<Exchange> exchange = make_exchange(io_.mailbox(), context);
  const size_t here_max =
      request.header("content-encoding").empty() ? route_->io_body_bytes_max : route_->io_encoded_bytes_max;
  if (route_->runs == Runs::on_io && request.body.size() <= here_max) {
    run_here(request, std::move(exchange));
  } else {
    run_on_lane(request, std::move(exchange));
  }
}

void Connection::run_here(Request& request, std::shared_ptr<Exchange> exchange) {
  Mailbox& mailbox = *io_.mailbox();
  mailbox.enter();
  try {
    const Responder responder(exchange);
    route_->handler(request, responder);
  } catch (const std::exception& error) {
    exchange->fail(Error(Code::internal, error.what()), {});
  }
  exchange.reset();
  for (Letter& letter : mailbox.leave()) {
    if (letter.to.slot == slot_ && letter.to.connection == number_) {
      deliver(std::move(letter));
    } else {
      mailbox.post(std::move(letter));
    }
  }
}

void Connection::run_on_lane(Request& request, std::shared_ptr<Exchange> exchange) {
  if (!charge_body(request.body.size())) {
    return fail(Error(Code::unavailable, "too many bytes of bodies are under way; try again in a moment"));
  }
  cancel_.emplace();
  request.cancel = *cancel_;
  const Status submitted = io_.shared().lanes.submit(
      route_->lane, [handler = &route_->handler, request = request.owned(), exchange]() mutable {
        try {
          (*handler)(request, Responder(exchange));
        } catch (const std::exception& error) {
          exchange->fail(Error(Code::internal, error.what()), {});
        }
        exchange.reset();
      });
  if (!submitted) {
    exchange->fail(submitted.error(), {});
    return;
  }
  wait_readable();
}

void Connection::deliver(Letter letter) {
  const bool is_late = letter.to.request != request_ || state_ == State::closed;
  switch (letter.kind) {
    case Letter::Kind::answer:
      if (!is_late && state_ == State::handling) answer(letter.response);
      break;
    case Letter::Kind::late_answer:
      if (!is_late && state_ == State::handling) answer_late(*letter.late);
      break;
    case Letter::Kind::stream_head:
      if (!is_late && state_ == State::handling) {
        begin_stream(letter.response, std::move(letter.stream));
      } else {
        letter.stream->close();
      }
      break;
    case Letter::Kind::stream_piece:
      if (!is_late && state_ == State::streaming) add_piece(letter.piece);
      break;
    case Letter::Kind::stream_end:
    case Letter::Kind::stream_cut:
      if (!is_late && state_ == State::streaming) end_stream(letter.kind == Letter::Kind::stream_end);
      break;
  }
}

void Connection::answer_late(LateResponse& late) {
  try {
    answer(late.make());
  } catch (const std::exception&) {  // bad_alloc: this client's answer is lost, the others' are not
    close();
  }
}

// --- answering ----------------------------------------------------------------------------------------------------

void Connection::fail(const Error& error) {
  const std::string id = request_id(io_.shared().process, request_number_);
  answer(error_response(error, {sees_internals_, route_ ? route_->errors : ErrorShape::object, id}));
}

void Connection::refuse(const Refusal& refusal) {
  Response response = error_response(Error(Code::invalid, refusal.message), {});
  response.status = refusal.status;
  response.close = true;
  if (request_number_ == 0) request_number_ = io_.next_request_number();
  answer(response);
}

void Connection::answer(const Response& response) {
  keep_alive_ =
      keep_alive_ && !response.close && !has_unread_body_ && !io_.shared().draining.load(std::memory_order_relaxed);
  partial_.reset();
  std::string_view body = response.fixed_body.empty() ? std::string_view(response.body) : response.fixed_body;
  std::string& head = io_.head_text();
  head.clear();
  append_head(head, response, {io_.date(), io_.shared().process, request_number_, keep_alive_, http11_},
              method_ == Method::head && response.body_bytes ? *response.body_bytes : body.size());
  if (method_ == Method::head || response.status == 204 || response.status == 304) body = {};
  answered(response.status);
  send(head, body);
}

void Connection::send(std::string_view head, std::string_view body) {
  state_ = State::writing;
  since_ = io_.now();
  if (!out_.empty() || body.size() <= kOnePieceBytes) {
    if (out_.empty() && body.empty()) {
      // straight from the head's buffer
    } else if (out_.empty()) {
      io_.head_text().append(body);
      head = io_.head_text();
      body = {};
    } else {
      out_.append(head).append(body);
      return flush();
    }
  }
  const TlsStream::Step step = write_some(head, body);
  if (step.outcome == TlsStream::Outcome::failed) return close();
  const size_t sent = step.bytes;
  io_.shared().metrics.bytes_sent.add(sent);
  if (sent == head.size() + body.size()) return all_sent();
  if (sent < head.size()) out_.assign(head.substr(sent));
  out_.append(body.substr(sent > head.size() ? sent - head.size() : 0));
  if (tls_) return flush();  // a record at a time
  wait_writable();
}

void Connection::flush() {
  while (out_at_ < out_.size()) {
    const TlsStream::Step step = write_some(std::string_view(out_).substr(out_at_), {});
    if (step.outcome == TlsStream::Outcome::wants_writable) return wait_writable();
    if (step.outcome == TlsStream::Outcome::wants_readable) {
      write_wants_readable_ = true;
      return wait_readable();
    }
    if (step.outcome != TlsStream::Outcome::done) return close();
    io_.shared().metrics.bytes_sent.add(step.bytes);
    out_at_ += step.bytes;
    since_ = io_.now();
  }
  out_.clear();
  if (out_.capacity() > kOnePieceBytes) out_.shrink_to_fit();
  out_at_ = 0;
  if (state_ == State::streaming) stream_->sent(std::exchange(stream_bytes_, 0));
  if (state_ == State::writing) all_sent();
}

void Connection::begin_stream(const Response& head, std::shared_ptr<StreamState> stream) {
  keep_alive_ = keep_alive_ && http11_ && !io_.shared().draining.load(std::memory_order_relaxed);
  append_head(out_, head, {io_.date(), io_.shared().process, request_number_, keep_alive_, http11_}, stream->bytes());
  answered(head.status);
  since_ = io_.now();
  if (method_ == Method::head) {
    stream->close();
    state_ = State::writing;
    return flush();
  }
  stream_ = std::move(stream);
  state_ = State::streaming;
  wait_readable();
  flush();
}

void Connection::add_piece(std::string_view piece) {
  if (out_.empty()) since_ = io_.now();
  if (http11_ && !stream_->bytes()) {
    append_chunk(out_, piece);
  } else {
    out_.append(piece);
  }
  stream_bytes_ += piece.size();
  if (!waits_writable_) flush();
}

void Connection::end_stream(bool whole) {
  if (!whole) return close();
  if (http11_ && !stream_->bytes()) out_ += kLastChunk;
  stream_->close();
  stream_.reset();
  stream_bytes_ = 0;
  state_ = State::writing;
  if (!waits_writable_) flush();
}

void Connection::all_sent() {
  ++request_;
  request_number_ = 0;
  cancel_.reset();
  release_body();
  route_ = nullptr;
  started_ = 0;
  since_ = io_.now();
  if (!keep_alive_) return linger();
  state_ = State::reading;
  if (is_consuming_) return;  // consume() goes on with what it has
  if (!received_.empty()) {
    const std::string bytes = std::exchange(received_, {});
    consume(bytes);
  }
  if (state_ == State::reading) wait_readable();
}

void Connection::linger() {
  if (!has_unread_body_ && received_.empty() && !is_consuming_) return close();
  received_.clear();
  if (tls_) tls_->say_goodbye();
  ::shutdown(socket_.native_handle(), SHUT_WR);
  state_ = State::lingering;
  wait_readable();
}

void Connection::answered(int status) {
  const int64_t took = started_ == 0 ? 0 : io_.now() - started_;
  io_.shared().metrics.answered(route_, status, took);
  if (!log_enabled(Level::debug)) return;
  log_event(Level::debug, "http.request",
            {{"request", request_id(io_.shared().process, request_number_)},
             {"method", method_name(method_)},
             {"route", route_ ? route_->pattern : std::string("none")},
             {"status", status},
             {"took_us", took},
             {"peer", peer_.address}});
}

}  // namespace weir::http
