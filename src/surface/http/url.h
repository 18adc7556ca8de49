// The small languages inside a request: percent escapes, query strings, cookies, lists of tokens. Pure functions over
// hostile bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {

// Nothing if an escape is malformed, or the result has a NUL byte or is not UTF-8. `plus_is_space` is for query
// strings.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// "a=1&b=2": decoded pairs in order; what cannot be decoded stays as it is written. At most `pairs_max` pairs, the rest
// is ignored.
std::vector<std::pair<std::string, std::string>> query_pairs(std::string_view query, size_t pairs_max = 256);

// The value of one cookie in a Cookie header, or empty.
std::string_view cookie_value(std::string_view cookie_header, std::string_view name);

// Whether a comma-separated header value ("gzip, br;q=0.5") names the token with a weight above zero. Any case.
bool names_token(std::string_view header_value, std::string_view token);

// "localhost:8480" → "localhost", "[::1]:8480" → "[::1]". Empty if it is no host.
std::string_view host_name(std::string_view host_header);

}  // namespace weir::http
