#include "surface/http/security.h"

#include <algorithm>

#include "core/base/text.h"
#include "surface/http/url.h"

namespace weir::http {

bool is_loopback_name(std::string_view name) {
  return equal_ignoring_case(name, "localhost") || name == "127.0.0.1" || name == "[::1]";
}

bool SitePolicy::allows_host(std::string_view host_header) const {
  const std::string_view name = host_name(host_header);
  if (name.empty()) return false;
  if (is_loopback_name(name)) return true;
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const std::string& host) { return equal_ignoring_case(host, name); });
}

bool SitePolicy::allows_origin(std::string_view origin, std::string_view host_header) const {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && equal_ignoring_case(origin.substr(scheme.size()), host_header)) return true;
  }
  return std::any_of(origins.begin(), origins.end(),
                     [&](const std::string& allowed) { return equal_ignoring_case(allowed, origin); });
}

std::string_view fixed_headers(HeadKind kind) {
  switch (kind) {
    case HeadKind::event:
      return "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n";
    case HeadKind::api:
      return "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
             "X-Frame-Options: DENY\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
             "Cross-Origin-Resource-Policy: same-origin\r\n";
    case HeadKind::page:  // its policy and Cache-Control come with the page
      return "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"
             "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n"
             "Permissions-Policy: camera=(), microphone=(), geolocation=()\r\n";
    case HeadKind::open:
      return "X-Content-Type-Options: nosniff\r\n";
    case HeadKind::asset:
      return "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: "
             "same-origin\r\n";
  }
  return {};
}

std::string page_policy(std::string_view nonce) {
  std::string styles = "'self'";
  if (!nonce.empty()) styles += " 'nonce-" + std::string(nonce) + "'";
  return "default-src 'self'; script-src 'self'; style-src " + styles +
         "; img-src 'self' data:; connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; form-action "
         "'self'; "
         "frame-ancestors 'none'";
}

std::string session_cookie(std::string_view session, bool secure, int64_t seconds_max) {
  std::string out(kSessionCookie);
  out += '=';
  out += session;
  out += "; HttpOnly; SameSite=Strict; Path=/; Max-Age=" + std::to_string(seconds_max);
  if (secure) out += "; Secure";
  return out;
}

std::string ended_session_cookie(bool secure) {
  return session_cookie("", secure, 0);
}

}  // namespace weir::http
