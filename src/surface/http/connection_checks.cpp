// What is decided about a request from its head alone, before a byte of its body is kept: which route, from which site,
// by whom.
#include <utility>  // before any Asio header: 1.74's awaitable.hpp forgets it
//
#include "core/base/text.h"
#include "surface/http/connection.h"
#include "surface/http/url.h"

namespace weir::http {

namespace {

bool changes_something(Method method) {
  return method != Method::get && method != Method::head && method != Method::options;
}

std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization.size() <= kScheme.size() || !equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme))
    return {};
  return trim(authorization.substr(kScheme.size()));
}

// A proxy on this machine speaks for clients elsewhere.
bool was_forwarded(const RequestHead& head) {
  for (const Header& header : head.all()) {
    if (equal_ignoring_case(header.name, "X-Forwarded-For") || equal_ignoring_case(header.name, "Forwarded"))
      return true;
  }
  return false;
}

std::string list_of(const std::vector<Method>& methods) {
  std::string out;
  for (const Method method : methods) {
    if (!out.empty()) out += ", ";
    out += method_name(method);
  }
  return out;
}

}  // namespace

bool Connection::begin_request(const RequestHead& head, Request& request) {
  request_number_ = io_.next_request_number();
  method_ = head.method;
  http11_ = head.http11;
  keep_alive_ = head.keep_alive;
  sees_internals_ = false;
  route_ = nullptr;
  request.method = head.method;
  request.http11 = head.http11;
  request.target = head.target;
  request.path = head.path;
  request.query = head.query;
  request.headers = head.all();
  request.peer = &peer_;
  request.is_encrypted = tls_ != nullptr;
  request.number = request_number_;
  if (!peer_.unix_socket && !io_.shared().options.site.allows_host(head.host)) {
    fail(Error(Code::denied, "the host " + shown(head.host) + " is not one of this server's names",
               "a name besides localhost is declared in weir.yaml"));
    return false;
  }
  if (refuse_plain(head)) return false;
  const Match match = io_.shared().router.match(request);
  if (!match.route) return refuse_unrouted(match, head.method);
  route_ = match.route;
  if (!check_site(head, *route_) || !identify(head, *route_, request.caller) ||
      !check_caller(head, *route_, request.caller)) {
    return false;
  }
  sees_internals_ = request.caller.may_administer();
  if (head.content_length.value_or(0) > route_->body_bytes_max) {
    fail(Error(Code::too_large, "the request's body has " + std::to_string(*head.content_length) +
                                    " bytes, allowed are " + std::to_string(route_->body_bytes_max)));
    return false;
  }
  return true;
}

bool Connection::refuse_unrouted(const Match& match, Method method) {
  if (match.bad_escape) {
    fail(Error(Code::invalid, "the request's path has an escape that is not UTF-8 text"));
  } else if (!match.allowed.empty()) {
    Response response;
    if (method == Method::options) {
      response.status = 204;
    } else {
      response = error_response(Error(Code::invalid, "this path does not take that method"), {});
      response.status = 405;
    }
    response.headers.emplace_back("Allow", list_of(match.allowed));
    answer(response);
  } else {
    fail(Error(Code::not_found, "there is nothing at this path"));
  }
  return false;
}

bool Connection::check_site(const RequestHead& head, const Route& route) {
  if (head.origin.empty() || route.cross_origin || peer_.unix_socket) return true;
  if (io_.shared().options.site.allows_origin(head.origin, head.host)) return true;
  fail(Error(Code::denied, "requests from pages of " + shown(head.origin) + " are not taken here"));
  return false;
}

bool Connection::identify(const RequestHead& head, const Route& route, Caller& caller) {
  if (peer_.owner) {
    caller.identity = io_.local_administrator();
    caller.via = Via::unix_socket;
    return true;
  }
  const std::string_view bearer = bearer_of(head.authorization);
  // Browsers send the cookie with what other sites make them post, so events never count on it.
  const std::string_view session =
      route.access == Access::events ? std::string_view{} : cookie_value(head.cookie, kSessionCookie);
  if (bearer.empty() && session.empty()) return true;
  Gate& gate = io_.shared().gate;
  Result<access::IdentityPtr> known = bearer.empty() ? gate.by_session(session) : gate.by_token(bearer);
  if (known) {
    caller.identity = std::move(*known);
    caller.via = bearer.empty() ? Via::cookie : Via::token;
    return true;
  }
  // An ended session must not keep anybody from the door itself; a wrong token is always worth saying.
  if (bearer.empty() || route.access == Access::anyone) return true;
  fail(known.error());
  return false;
}

bool Connection::check_caller(const RequestHead& head, const Route& route, const Caller& caller) {
  bool allowed = false;
  switch (route.access) {
    case Access::anyone:
    case Access::events:
    case Access::endpoint:
      allowed = true;
      break;
    case Access::operations:
      allowed = (peer_.loopback && !was_forwarded(head)) || caller.may_read();
      break;
    case Access::reader:
      allowed = caller.may_read();
      break;
    case Access::admin:
      allowed = caller.may_administer();
      break;
    case Access::owner:
      if (!peer_.owner) {
        fail(Error(Code::denied, "this is done over the folder's Unix socket, by the server's own user"));
        return false;
      }
      allowed = true;
      break;
  }
  if (!allowed && !caller.is_known()) {
    fail(Error(Code::unauthenticated, "a token is needed here",
               "send `Authorization: Bearer TOKEN`; `weir token create` makes one"));
    return false;
  }
  if (!allowed) {
    fail(Error(Code::denied,
               (caller.identity->id == "user" ? "the user " : "the token ") + caller.name() + " may not do this"));
    return false;
  }
  // A page elsewhere can make a browser send the cookie, but neither this header nor our own Origin.
  if (caller.via == Via::cookie && changes_something(head.method)) {
    bool has_mark = false;
    for (const Header& header : head.all())
      has_mark = has_mark || (equal_ignoring_case(header.name, "X-Weir") && header.value == "1");
    if (!has_mark || head.origin.empty() || !io_.shared().options.site.allows_origin(head.origin, head.host)) {
      fail(Error(Code::denied,
                 "a signed-in page must send the header X-Weir: 1 and its own Origin with what changes something"));
      return false;
    }
  }
  return true;
}

}  // namespace weir::http
