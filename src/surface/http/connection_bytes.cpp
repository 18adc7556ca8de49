// A connection's bytes: from and to the socket, through TLS where the client began with it.
#include <utility>  // before any Asio header: 1.74's awaitable.hpp forgets it
//
#include <sys/socket.h>

#include "surface/http/connection.h"

namespace weir::http {

namespace {

constexpr char kTlsRecord = 0x16;  // the first byte of a client's hello: RFC 8446 §5.1; no method begins with it

}  // namespace

bool Connection::begins_with_tls() {
  if (!std::exchange(is_new_, false) || io_.shared().options.tls == nullptr || peer_.unix_socket) return false;
  char first = 0;
  const ssize_t count = ::recv(socket_.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (count < 0) is_new_ = true;  // woken for nothing
  if (count != 1 || first != kTlsRecord) return false;
  tls_ = std::make_unique<TlsStream>(io_.shared().options.tls->context(), socket_.native_handle());
  state_ = State::handshaking;
  since_ = io_.now();
  return true;
}

void Connection::shake_hands() {
  switch (tls_->handshake().outcome) {
    case TlsStream::Outcome::done:
      state_ = State::reading;
      since_ = io_.now();
      return on_readable();
    case TlsStream::Outcome::wants_readable:
      return wait_readable();
    case TlsStream::Outcome::wants_writable:
      read_wants_writable_ = true;
      return wait_writable();
    case TlsStream::Outcome::ended:
    case TlsStream::Outcome::failed:
      return close();
  }
}

TlsStream::Step Connection::read_some(char* into, size_t size) {
  if (tls_) return tls_->read(into, size);
  return read_plain(socket_.native_handle(), into, size);
}

TlsStream::Step Connection::write_some(std::string_view head, std::string_view body) {
  if (!tls_) return write_plain(socket_.native_handle(), head, body);
  return head.empty() ? tls_->write(body.data(), body.size()) : tls_->write(head.data(), head.size());
}

// What left another machine unencrypted was readable on its way; a page that somebody typed the address of is told
// where it is.
bool Connection::refuse_plain(const RequestHead& head) {
  if (tls_ || peer_.unix_socket || peer_.loopback) return false;
  const bool is_page =
      (head.method == Method::get || head.method == Method::head) && head.authorization.empty() && head.cookie.empty();
  Response response = error_response(Error(Code::invalid, "clients that are not on this machine need TLS",
                                           "the same address takes it: begin with https://"),
                                     {});
  response.close = true;
  if (is_page) {
    response.status = 308;
    response.headers.emplace_back("Location", "https://" + std::string(head.host) + std::string(head.target));
  }
  answer(response);
  return true;
}

}  // namespace weir::http
