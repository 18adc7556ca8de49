// HTTP as the rest of the house sees it: a request, a response, and the right to answer later. No socket and no library
// type in here.
//
// A route's handler gets a Request and a Responder. It may answer before it returns or later, from any thread, exactly
// once; a Responder whose last copy is destroyed without an answer answers 500, so no client waits forever. On an io
// thread (Runs::on_io) the request's texts are valid only until the handler returns, and the handler must not block; on
// the interactive lane (Runs::on_lane) they live as long as the Request, and `cancel` says that the client went away.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "core/runtime/lanes.h"
#include "core/runtime/listener.h"
#include "surface/http/caller.h"

namespace weir::http {

enum class Method : uint8_t { get, head, post, put, patch, erase, options, other };
const char* method_name(Method method);  // "DELETE"

struct Header {
  std::string_view name, value;
};

class Request {
 public:
  Request() = default;
  Request(Request&&) = default;
  Request& operator=(Request&&) = default;
  Request(const Request&) = delete;  // owned() is the copy that keeps its texts
  Request& operator=(const Request&) = delete;

  Method method = Method::other;
  bool http11 = true;
  std::string_view target;          // as sent: path and query
  std::string_view path, query;     // parts of the target, still percent-encoded
  std::span<const Header> headers;  // in the order received
  std::string_view body;
  const Peer* peer = nullptr;
  bool is_encrypted = false;  // came by TLS
  Caller caller;
  uint64_t number = 0;           // of this request in this process; request_id() is its text
  std::optional<Cancel> cancel;  // Runs::on_lane only

  // The first header of that name (any case), or empty.
  std::string_view header(std::string_view name) const;
  // The decoded value of {name} in the route's pattern, or empty.
  std::string_view parameter(std::string_view name) const;
  // The decoded first value of ?name=, if there is one; malformed escapes are kept as they are written.
  std::optional<std::string> query_value(std::string_view name) const;

  // A copy that owns every text, for a handler that goes on after it returned.
  Request owned() const;

  struct PathValue {
    std::string_view name;  // points into the route's pattern
    std::string value;
  };
  static constexpr size_t kPathValuesMax = 3;
  std::array<PathValue, kPathValuesMax> path_values;
  size_t path_value_count = 0;

 private:
  std::shared_ptr<const std::string> storage_;  // the texts of an owned() copy; shared because views point inside
  std::vector<Header> headers_storage_;
  std::shared_ptr<const Peer> peer_storage_;

  friend class RequestOwner;
};

// Which fixed headers a response carries (security.h has their text).
enum class HeadKind : uint8_t {
  event,  // replies to senders of events: short
  api,    // JSON for pages and programs
  page,   // HTML: the strict content security policy
  asset,  // files of the pages; the handler sets Cache-Control
  open,   // answers of declared endpoints: other sites may read them; the handler sets Cache-Control
};

using Headers = std::vector<std::pair<std::string, std::string>>;  // of a response, in order

struct Response {
  int status = 200;
  std::string_view content_type = "application/json";  // text that lives as long as the program
  std::string body;
  std::string_view fixed_body;  // instead of `body`: bytes that live as long as the program
  Headers headers;
  HeadKind kind = HeadKind::api;
  bool close = false;                       // the connection ends after this response
  std::optional<uint64_t> body_bytes = {};  // of an answer to HEAD: what a GET would send
};

// An answer that is written by the io thread which sends it, so that the thread that completes many requests (the
// journal's) does not.
class LateResponse {
 public:
  virtual ~LateResponse() = default;
  virtual Response make() = 0;
};

// A response body that is sent while it is made.
class BodyStream {
 public:
  virtual ~BodyStream() =
      default;  // without finish(): the connection is cut, so that the client sees that something is missing
  // Waits until the client has taken enough of what came before. `cancelled` once the client is gone or too slow.
  virtual Status write(std::string_view bytes) = 0;
  // Never waits: false if there is no room now or the client is gone.
  virtual bool offer(std::string_view bytes) = 0;
  virtual void finish() = 0;
  virtual bool is_closed() const = 0;
};

struct StreamOptions {
  bool endless = false;                  // has no end of its own (a tail): closed when the server drains
  size_t waiting_bytes_max = 256 << 10;  // made and not yet sent
  std::optional<uint64_t> bytes = {};    // of the whole body, where it is known: exactly so many are written
};

// One request under way. The implementation is the server's.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void send(Response response) = 0;
  virtual void send(std::unique_ptr<LateResponse> response) = 0;
  virtual void fail(const Error& error, Headers headers) = 0;
  virtual std::shared_ptr<BodyStream> stream(Response head, StreamOptions options) = 0;
};

// Copies share one right to answer; the first answer counts, later ones are dropped.
class Responder {
 public:
  explicit Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  void send(Response response) const { exchange_->send(std::move(response)); }
  void send(std::unique_ptr<LateResponse> response) const { exchange_->send(std::move(response)); }
  // The error in the route's own shape, with the status of surface/errors; internals only for who may see them.
  void fail(const Error& error, Headers headers = {}) const { exchange_->fail(error, std::move(headers)); }
  // Sends the head (its body is ignored) and hands out the way to write the rest.
  std::shared_ptr<BodyStream> stream(Response head, StreamOptions options = {}) const {
    return exchange_->stream(std::move(head), options);
  }

 private:
  std::shared_ptr<Exchange> exchange_;
};

Response json_response(std::string body, int status = 200);

// --- routes -------------------------------------------------------------------------------------------------------

enum class Access : uint8_t {
  anyone,
  operations,  // from this machine without a token; from elsewhere, or through a proxy, like `reader`
  events,      // the handler asks the stream who may write
  endpoint,    // the handler asks the endpoint who may read
  reader,      // role read or admin
  admin,
  owner,  // only over the Unix socket
};

enum class Runs : uint8_t { on_io, on_lane };

enum class ErrorShape : uint8_t {
  object,  // {"error":{"code","message","hint"}}
  text,    // {"error":"message"}, as the beacon endpoints of the seed answered
};

using Handler = std::function<void(Request& request, const Responder& responder)>;

struct Route {
  Method method = Method::get;  // a GET route answers HEAD too
  std::string pattern;          // "/v1/streams/{name}/events"
  Access access = Access::reader;
  Runs runs = Runs::on_lane;
  Lane lane = Lane::interactive;
  std::string summary;  // one sentence for the reference
  Handler handler;
  size_t body_bytes_max = 1 << 20;
  size_t io_encoded_bytes_max = SIZE_MAX;  // the same for a body with Content-Encoding
  size_t io_body_bytes_max = SIZE_MAX;     // on_io: a larger body sends the request to the lane
  bool cross_origin = false;               // the handler judges the Origin header by itself
  ErrorShape errors = ErrorShape::object;
  size_t index = 0;  // in Router::routes(); set by the router
};

// Wraps a function that answers at once.
Handler answers(std::function<Result<Response>(Request&)> function);

}  // namespace weir::http
