// HttpClient: blocking HTTP requests, over TCP, TLS or the server's own Unix socket, for commands and outgoing calls.
//
// Certificates are checked always; redirects are not followed; proxies of the environment are used, except for loopback
// and Unix sockets. A URL's path is sent as it is written, because a signature may cover it. Connections stay open
// between requests of one client. One client belongs to one thread at a time; only the cancel flag may be set from
// others. Any HTTP status is a response, not an Error. Errors: invalid (the
// request), unavailable (nobody answers there), timed_out, cancelled, too_large (the response), denied (the
// certificate), io.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/guarded.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace weir {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// Every member has a default, so that a call names only what it needs: send({.method = "POST", .url = …, .body = …}).
struct HttpRequest {
  std::string method = "GET";
  std::string url{};  // http:// or https://; over a Unix socket the host is only the Host header
  HttpHeaders headers{};
  std::string_view body{};    // must stay until the call returns
  std::string unix_socket{};  // a path of any length; empty for TCP
  // For the whole request; 0 is no limit, for streams without end (the connection must stand within 10 s all the same).
  Duration time_limit = seconds(30);
  uint64_t response_bytes_max = 64ull << 20;     // of the body, as it comes over the wire
  const std::atomic<bool>* cancelled = nullptr;  // noticed within 100 ms
  std::string ca_file{};                         // trust these certificates instead of the system's; empty for those
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers{};  // names in lower case, in the order they came
  std::string body{};     // empty if it was streamed

  // The first header of that (lower case) name, or empty.
  std::string_view header(std::string_view name) const;
};

// Gets each piece of the body as it comes; the response so far has status and headers. An error ends the request with
// it.
using TakeBody = std::function<Status(const HttpResponse& head, std::string_view piece)>;

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Result<HttpResponse> send(const HttpRequest& request);
  // For results that are large or never end (server-sent events). response_bytes_max counts here too.
  Result<HttpResponse> stream(const HttpRequest& request, const TakeBody& take);
  // All at once, each over a connection of its own; the results are in the order of the requests. The caller bounds
  // their number and their bodies.
  std::vector<Result<HttpResponse>> send_all(const std::vector<HttpRequest>& requests);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Clients for threads that come and go: who takes one has it alone, and gives it back with its open connections. Any
// thread. Outlives what was taken.
class HttpClientPool {
 public:
  // Gives the client back when it goes.
  class Lease {
   public:
    Lease(HttpClientPool& pool, std::unique_ptr<HttpClient> client) : pool_(&pool), client_(std::move(client)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    HttpClient* operator->() const { return client_.get(); }

   private:
    HttpClientPool* pool_;
    std::unique_ptr<HttpClient> client_;
  };
  Lease take();

 private:
  Mutex mutex_;
  std::vector<std::unique_ptr<HttpClient>> idle_ GUARDED_BY(mutex_);
};

// "Sun, 22 Nov 2026 08:09:10 GMT" as micros since 1970; nothing if it is no such time.
std::optional<int64_t> parse_http_time(const std::string& text);

}  // namespace weir
