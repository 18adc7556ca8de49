#include "surface/http/routes/cors.h"

#include "core/base/text.h"
#include "surface/http/security.h"

namespace weir::http {

Result<Headers> cross_origin_headers(const Request& request, const std::vector<std::string>& allowed,
                                     const std::string& what) {
  const std::string_view origin = request.header("origin");
  if (origin.empty() || request.peer->unix_socket) return Headers{};
  if (SitePolicy{}.allows_origin(origin, request.header("host"))) return Headers{};
  for (const std::string& one : allowed) {
    if (one == "*") return Headers{{"Access-Control-Allow-Origin", "*"}};
    if (equal_ignoring_case(one, origin)) {
      return Headers{{"Access-Control-Allow-Origin", std::string(origin)}, {"Vary", "Origin"}};
    }
  }
  return Error(Code::denied, what + " from pages of " + shown(origin),
               "name the origin under `cors:` in its declaration");
}

Response preflight_reply(Headers cross_origin, const std::string& methods, const std::string& headers) {
  Response response;
  response.status = 204;
  response.kind = HeadKind::event;
  response.headers = std::move(cross_origin);
  const bool is_cross = !response.headers.empty();
  response.headers.emplace_back("Allow", methods);
  if (is_cross) {
    response.headers.emplace_back("Access-Control-Allow-Methods", methods);
    response.headers.emplace_back("Access-Control-Allow-Headers", headers);
    response.headers.emplace_back("Access-Control-Max-Age", "86400");
  }
  return response;
}

}  // namespace weir::http
