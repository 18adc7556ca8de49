// A request as it arrives in pieces of any size, then routed. The first byte chooses how the rest is cut.
#include <cstdint>
#include <string>

#include "surface/http/request_parser.h"
#include "surface/http/router.h"

using namespace weir;

namespace {

http::Router make_router() {
  http::Router router;
  for (const char* pattern :
       {"/v1/streams", "/v1/streams/{name}", "/v1/streams/{name}/events", "/v1/events/{id}", "/health/live"}) {
    http::Route route;
    route.pattern = pattern;
    route.handler = http::answers([](http::Request&) -> Result<http::Response> { return http::Response{}; });
    route.summary = "fuzzed";
    router.add(std::move(route));
  }
  return router;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const http::Router router = make_router();
  if (size == 0) return 0;
  const size_t piece = data[0] + 1u;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::RequestParser parser({});
  size_t head_bytes = 0;
  auto progress = http::RequestParser::Progress::more;
  for (size_t given = 0; given < bytes.size() && progress == http::RequestParser::Progress::more;) {
    given = std::min(bytes.size(), given + piece);
    progress = parser.read_head(std::string_view(bytes).substr(0, given), head_bytes);
  }
  if (progress != http::RequestParser::Progress::done) return 0;
  http::Request request;
  request.method = parser.head().method;
  request.path = parser.head().path;
  request.query = parser.head().query;
  (void)router.match(request);
  (void)request.query_value("limit");
  parser.set_body_bytes_max(1 << 16);
  for (size_t at = head_bytes; at < bytes.size();) {
    size_t used = 0;
    progress = parser.read_body(std::string_view(bytes).substr(at, piece), used);
    if (progress != http::RequestParser::Progress::more) break;
    if (used == 0) break;
    at += used;
  }
  return 0;
}
