#include "core/runtime/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "core/base/text.h"
#include "core/io/socket_path.h"

namespace weir {

namespace {

constexpr int kBacklog = 4096;

Error system_error(const std::string& what) {
  const int code = errno;
  return Error(code == EADDRINUSE ? Code::conflict : Code::io, what + ": " + std::generic_category().message(code));
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  bool loopback = false;
};

bool is_loopback(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

Result<Address> parse_address(const std::string& text, uint16_t port) {
  Address address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  const std::string name = text == "localhost" ? "127.0.0.1" : text;
  if (inet_pton(AF_INET, name.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.size = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, name.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.size = sizeof(sockaddr_in6);
  } else {
    return Error(Code::invalid,
                 "the address to listen on is " + shown(text) + ", expected an IP address, for example 127.0.0.1");
  }
  address.loopback = is_loopback(address.storage);
  return address;
}

std::string address_text(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

}  // namespace

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}
ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), port_(other.port_) {}
ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  port_ = other.port_;
  return *this;
}
int ListeningSocket::release() {
  return std::exchange(descriptor_, -1);
}

Result<ListeningSocket> ListeningSocket::tcp(const std::string& text, uint16_t port, bool has_tls) {
  TRY_ASSIGN(Address address, parse_address(text, port));
  if (!address.loopback && !has_tls) {
    return Error(Code::unsupported, "listening on " + text + " needs TLS",
                 "listen on 127.0.0.1 and put a proxy that speaks TLS in front");
  }
  const std::string place = text + ":" + std::to_string(port);
  ListeningSocket listening(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (listening.descriptor_ < 0) return system_error("socket for " + place);
  const int on = 1;
  ::setsockopt(listening.descriptor_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(listening.descriptor_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 ||
      ::listen(listening.descriptor_, kBacklog) != 0) {
    return system_error("listen on " + place);
  }
  Address bound;
  bound.size = sizeof(bound.storage);
  if (::getsockname(listening.descriptor_, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) {
    return system_error("name of the socket on " + place);
  }
  listening.port_ =
      ntohs(reinterpret_cast<const sockaddr_in&>(bound.storage).sin_port);  // at the same place in both families
  return listening;
}

Result<ListeningSocket> ListeningSocket::unix_socket(const std::string& path) {
  TRY_ASSIGN(const SocketPath name, SocketPath::of(path));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.text().size() >= sizeof(address.sun_path))
    return Error(Code::too_large, "the socket's path is too long: " + path);
  std::memcpy(address.sun_path, name.text().data(), name.text().size());
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) return Error(Code::conflict, path + " is there and is no socket", "move it away");
    if (::unlink(path.c_str()) != 0) return system_error("remove the old " + path);
  }
  ListeningSocket listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (listening.descriptor_ < 0) return system_error("socket for " + path);
  if (::bind(listening.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return system_error("bind " + path);
  }
  // Nobody can connect before listen(), so the mode holds from the first connection on.
  if (::chmod(path.c_str(), 0600) != 0) return system_error("set the mode of " + path);
  if (::listen(listening.descriptor_, kBacklog) != 0) return system_error("listen on " + path);
  return listening;
}

int accept_one(int listening, bool unix_socket, Peer& peer) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  const int descriptor =
      ::accept4(listening, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return -1;
  if (unix_socket) {
    ucred credentials{};
    socklen_t credentials_size = sizeof(credentials);
    peer.unix_socket = true;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &credentials_size) == 0) {
      peer.owner = credentials.uid == ::geteuid();
      peer.address = "unix:" + std::to_string(credentials.uid);
    }
    return descriptor;
  }
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  peer.loopback = is_loopback(storage);
  peer.address = address_text(storage);
  return descriptor;
}

}  // namespace weir
