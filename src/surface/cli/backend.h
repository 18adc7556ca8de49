// What a command talks to: the server that owns the folder, or the folder itself when no server runs.
//
// Both speak the HTTP interface's words (docs/reference/http.md), so a command, a page and a program see the same state
// in the same form. One thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace weir::cli {

struct ApiRequest {
  std::string method = "GET";
  std::string path = {};  // with query, for example /v1/streams/impressions/events?limit=5
  std::string body = {};
  std::string content_type = "application/json";
  std::string accept = "application/json";
  Duration time_limit = minutes(10);
};

struct ApiResponse {
  int status = 0;
  std::string content_type;
  std::string body = {};
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Result<ApiResponse> call(const ApiRequest& request) = 0;
  // The body arrives piece by piece, an error's whole in the response; returning false ends the request. Only a running
  // server streams without end
  // (`stream tail`).
  virtual Result<ApiResponse> stream(const ApiRequest& request, const std::function<bool(std::string_view)>& take) = 0;
  virtual bool is_server() const = 0;
  // Another way to the same one, for another thread while this one waits for its answer; this one outlives it.
  virtual std::unique_ptr<Backend> beside() const = 0;
};

// call() whose body is JSON; a status of 400 or more becomes the Error that the body describes.
Result<Json> call_json(Backend& backend, const ApiRequest& request);
Error error_of(const ApiResponse& response);
Error error_of_json(const Json& said);  // {"code","message","hint"?,"position"?}

// Percent-encodes everything but unreserved characters (RFC 3986 §2.3), for path segments and query values.
std::string url_encode(std::string_view text);

// How a command was started: the options every command shares.
struct Common {
  std::string folder = ".";
  std::string environment;    // --env
  std::string server, token;  // --server URL --token TOKEN: a server elsewhere
  std::string token_file;     // wins over token; read when the server is called
  bool json = false;
  bool colour = false;  // set from the terminal
  // Told the mistakes of a folder beside the one that a failure returns.
  std::function<void(const Error&)> report_error = {};
};

// What `app` hands in, because only it may build the rooms.
struct Wiring {
  // The server on <folder>/.weir/weir.sock, the one named by --server, or the folder itself.
  std::function<Result<std::unique_ptr<Backend>>(const Common&)> open;
  // Serves until a signal; returns the exit code.
  std::function<int(const Common&, const std::string& listen, bool quiet)> serve;
  // `weir worker KIND`, started by the server: one piece of its work; returns the exit code.
  std::function<int(const std::string& kind)> work;
  // Serves on a free loopback port until the returned object is destroyed.
  struct Running {
    virtual ~Running() = default;
    virtual std::string url() const = 0;
    virtual std::string token() const = 0;  // of an administrator
    virtual Backend& backend() = 0;
  };
  std::function<Result<std::unique_ptr<Running>>(const Common&, int port)> start;
  // The folder itself, not applied yet, with nothing of it outside and a wall clock that begins at `now`: for its
  // tests.
  std::function<Result<std::unique_ptr<Backend>>(const Common&, std::optional<WallTime> now)> rehearse;
  std::function<Result<std::string>(bool markdown)> schema;  // JSON Schema of all declarations, or their reference
  std::function<std::string()> versions;                     // of weir and what it stands on, a line each
  std::function<Result<std::string>(const std::string& text, const std::string& stream)> infer_stream;
  // Rows and distinct values of `column` in Parquet files, counted by an engine that knows nothing of weir.
  std::function<Result<std::pair<uint64_t, uint64_t>>(const std::vector<std::string>& paths, const std::string& column)>
      count_parquet;
};

}  // namespace weir::cli
