// The HTTP server: listens on TCP and on the folder's Unix socket, reads requests under limits, and answers each
// connection's in order.
//
// Promises: a request is answered exactly once or its connection ends; every size, count and wait has a limit
// (ServerOptions); memory for bodies is bounded over all connections; stop() lets requests under way finish. With
// `tls` the port speaks TLS to who begins with it; clients of other machines must, and without it only loopback is
// listened on. Threads: `threads` io threads, each with its own io_context and connections; handlers of Runs::on_io run
// there. start() and stop() from one thread; port() from any. Everything handed to start() outlives the server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/runtime/lanes.h"
#include "core/runtime/tls.h"
#include "surface/http/http.h"
#include "surface/http/router.h"
#include "surface/http/security.h"

namespace weir::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 8480;  // 0: any free one
  bool listens_on_tcp = true;
  std::string socket_path;  // ".weir/weir.sock"; empty: none
  int threads = 2;
  SitePolicy site;
  TlsCredentials* tls = nullptr;

  size_t connections_max = 8192;
  uint64_t bodies_bytes_max = 128ull << 20;  // of all requests under way that did not arrive in one piece
  Duration idle_max = seconds(75);
  Duration head_max = seconds(10);   // from a request's first byte to the end of its head
  Duration body_max = seconds(20);   // plus a second for each 16 KiB received
  Duration write_max = seconds(30);  // without the client taking a byte
};

// Makes the names of a server's metrics known before it starts.
void declare_server_metrics(Metrics& metrics);

class Server {
 public:
  virtual ~Server() = default;  // stops with no time to drain if stop() was not called
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, const Router& router, Gate& gate,
                                               Clock& clock, Metrics& metrics, Lanes& lanes);
  virtual uint16_t port() const = 0;
  // Accepts nothing more, closes what is idle, lets requests under way finish for at most `limit`, then ends the rest.
  // A request that is still arriving has three seconds to be whole.
  virtual Status stop(Duration limit) = 0;
};

}  // namespace weir::http
