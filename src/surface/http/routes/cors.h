// Cross-origin requests to routes whose declarations name the origins. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "surface/http/http.h"

namespace weir::http {

// What lets the page that sent the request read the answer; nothing for pages of this very site and for programs.
// `denied` for pages that are not among `allowed`; `what` begins the sentence: "stream clicks takes no events".
Result<Headers> cross_origin_headers(const Request& request, const std::vector<std::string>& allowed,
                                     const std::string& what);
// The answer to a preflight whose origin was taken.
Response preflight_reply(Headers cross_origin, const std::string& methods, const std::string& headers);

}  // namespace weir::http
