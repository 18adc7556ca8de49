// The doors: a TCP port and the folder's Unix sockets. Opened before any thread runs, so that a bad address is an error
// of start(). Off loopback nothing is listened on without TLS.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "core/base/result.h"

namespace weir {

// The other end of a connection.
struct Peer {
  bool unix_socket = false;
  bool owner = false;     // unix socket, and the peer runs as the server's own user
  bool loopback = false;  // TCP from this machine
  std::string address;    // "127.0.0.1:40312", "unix:1000"
};

// A listening descriptor, non-blocking; closed with the object.
class ListeningSocket {
 public:
  // `has_tls`: what comes through it is encrypted, or stays on this machine; without it only loopback is taken.
  static Result<ListeningSocket> tcp(const std::string& address, uint16_t port, bool has_tls);
  // 0600 from its first moment. An older socket at the path is removed: the folder's lock says that nobody serves it.
  static Result<ListeningSocket> unix_socket(const std::string& path);
  ~ListeningSocket();
  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&& other) noexcept;

  int descriptor() const { return descriptor_; }
  uint16_t port() const { return port_; }
  int release();  // the caller closes it

 private:
  explicit ListeningSocket(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
  uint16_t port_ = 0;
};

// Takes one waiting connection (non-blocking, without delay of small packets) and says who it is. -1: none; errno says
// why.
int accept_one(int listening, bool unix_socket, Peer& peer);

}  // namespace weir
