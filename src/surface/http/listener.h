// The doors: a TCP port and the folder's Unix socket. Opened before any thread runs, so that a bad address is an error
// of start().
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "core/base/result.h"
#include "surface/http/http.h"

namespace weir::http {

// A listening descriptor, non-blocking; closed with the object.
class ListeningSocket {
 public:
  static Result<ListeningSocket> tcp(const std::string& address, uint16_t port);
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

}  // namespace weir::http
