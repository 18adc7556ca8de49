// GET, POST, DELETE /v1/session: how a browser signs in with a token, or a user's name and password, once, and then
// carries a cookie.
#include "surface/http/routes/audit.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"
#include "surface/http/security.h"
#include "surface/http/url.h"

namespace weir::http {

namespace {

constexpr int64_t kCookieSeconds = 30 * 24 * 3600;  // the session itself ends earlier, when it is not used

Json described(const access::IdentityPtr& identity, const SiteFacts& facts) {
  Json out{Json::Object{}};
  out.set("signed_in", identity != nullptr);
  out.set("version", facts.version);
  if (identity) {
    out.set("role", access::role_name(identity->role));
    out.set("user", identity->user.empty() ? Json() : Json(identity->user));
    out.set("name", identity->label.empty() ? identity->id : identity->label);
    out.set("project", facts.project);
    out.set("environment", facts.environment.empty() ? "default" : facts.environment);
  }
  return out;
}

// With TLS, ours or a proxy's, the cookie must not travel without it.
bool is_secure(const Request& request) {
  return request.is_encrypted || request.header("x-forwarded-proto") == "https";
}

Response with_cookie(const access::Access::Session& session, const SiteFacts& facts, const Request& request) {
  Response response = json_reply(described(session.identity, facts));
  response.headers.emplace_back("Set-Cookie", session_cookie(session.cookie, is_secure(request), kCookieSeconds));
  return response;
}

Result<access::Access::Session> session_of(access::Access& access, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"token", "user", "password"}));
  const std::string peer = address_without_port(*request.peer);
  if (body.find("user") == nullptr) {
    TRY_ASSIGN(const std::string token, body.text("token"));
    return access.sign_in(token, peer);
  }
  if (body.find("token") != nullptr) return Error(Code::invalid, "'token' and 'user' exclude each other");
  TRY_ASSIGN(const std::string user, body.text("user"));
  TRY_ASSIGN(const std::string password, body.text("password"));
  return access.sign_in_user({user, password, peer});
}

// For stl_connection_log.
void note(warehouse::Warehouse& audit, const Request& request, const Result<access::Access::Session>& session) {
  warehouse::ConnectionEvent event{.event = session ? "authenticated" : "authentication failure",
                                   .peer = address_without_port(*request.peer),
                                   .way = "page"};
  if (session) {
    event.user = session->identity->user.empty() ? session->identity->id : session->identity->user;
  } else {
    const Result<JsonBody> body = JsonBody::parse(request, {"token", "user", "password"});
    if (body && body->find("user") != nullptr) event.user = body->text("user").value_or("");
    event.reason = session.error().message;
  }
  audit.note(std::move(event));
}

Result<Response> sign_in(access::Access& access, const SiteFacts& facts, warehouse::Warehouse& audit,
                         const Request& request) {
  Result<access::Access::Session> signed_in = session_of(access, request);
  note(audit, request, signed_in);
  TRY_ASSIGN(const access::Access::Session session, std::move(signed_in));
  if (!access::may_read(*session.identity)) {
    TRY(access.sign_out(session.cookie));
    const bool writes = session.identity->role == access::Role::write;
    return Error(Code::denied, std::string(writes ? "a write" : "an endpoint's") + " key cannot look at pages",
                 "sign in with a token of role read or admin");
  }
  return with_cookie(session, facts, request);
}

Result<Response> change_password(access::Access& access, const SiteFacts& facts, const Request& request) {
  const access::Identity& caller = *request.caller.identity;
  if (caller.user.empty())
    return Error(Code::denied, "a token that is nobody's has no password", "sign in with a user's name");
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"now", "next"}));
  TRY_ASSIGN(const std::string now, body.text("now"));
  TRY_ASSIGN(const std::string next, body.text("next"));
  const std::string peer = address_without_port(*request.peer);
  auto session = access.change_password({caller.user, now, next, peer});
  // Who is signed in mistyped: that ends no session.
  if (!session && session.error().code == Code::unauthenticated)
    return Error(Code::denied, "the present password is wrong, or not valid any more");
  TRY_ASSIGN(const access::Access::Session renewed, std::move(session));
  return with_cookie(renewed, facts, request);
}

}  // namespace

void add_session_routes(Router& router, access::Access& access, const SiteFacts& facts, warehouse::Warehouse& audit) {
  Route route;
  route.pattern = "/v1/session";
  route.access = Access::anyone;
  route.runs = Runs::on_io;
  route.body_bytes_max = 4096;
  route.summary = "Who the caller is.";
  route.handler = answers([&facts](Request& request) -> Result<Response> {
    return json_reply(described(request.caller.may_read() ? request.caller.identity : nullptr, facts));
  });
  router.add(route);
  route.method = Method::post;
  route.runs = Runs::on_lane;
  route.summary = "Signs in with a token, or a user's name and password, and sets the session's cookie.";
  route.handler =
      answers([&access, &facts, &audit](Request& request) { return sign_in(access, facts, audit, request); });
  router.add(route);
  Route password = route;
  password.method = Method::put;
  password.pattern = "/v1/session/password";
  password.access = Access::reader;
  password.summary = "Changes the caller's own password; the user's other sessions end.";
  password.handler = answers([&access, &facts](Request& request) { return change_password(access, facts, request); });
  route.method = Method::erase;
  route.summary = "Signs out.";
  route.handler = answers([&access](Request& request) -> Result<Response> {
    const std::string_view cookie = cookie_value(request.header("cookie"), kSessionCookie);
    if (!cookie.empty()) {
      TRY(access.sign_out(cookie));
    }
    Response response;
    response.status = 204;
    response.headers.emplace_back("Set-Cookie", ended_session_cookie(is_secure(request)));
    return response;
  });
  router.add(route);
  router.add(std::move(password));
}

}  // namespace weir::http
