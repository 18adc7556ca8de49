// Who may talk to us from where: the allow-list of Host names, which Origin is our own, and the fixed headers that keep
// a browser safe. Pure functions over values fixed at start; safe from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "surface/http/http.h"

namespace weir::http {

// Host names that are ours whatever the configuration says, so that a first hour on loopback needs none.
bool is_loopback_name(std::string_view host_name);

struct SitePolicy {
  std::vector<std::string> hosts;    // besides the loopback names, for example "weir.example"
  std::vector<std::string> origins;  // pages elsewhere that may use our interface, for example "https://admin.example"

  // Against DNS rebinding: a page whose name was pointed at us does not carry our name.
  bool allows_host(std::string_view host_header) const;
  // The origin is this very site (scheme://Host), or listed.
  bool allows_origin(std::string_view origin, std::string_view host_header) const;
};

// The fixed header lines of a kind of response, each ended by \r\n.
std::string_view fixed_headers(HeadKind kind);

// The content security policy of pages; `nonce` allows one style element of theirs (an editor writes its own), empty:
// none.
std::string page_policy(std::string_view nonce);

inline constexpr std::string_view kSessionCookie = "weir_session";
// The Set-Cookie value of a session, and the one that ends it.
std::string session_cookie(std::string_view session, bool secure, int64_t seconds_max);
std::string ended_session_cookie(bool secure);

}  // namespace weir::http
