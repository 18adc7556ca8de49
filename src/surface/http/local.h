// The same routes without a socket: for a command that opens the folder itself, and for tests of routes.
//
// call_locally() runs the handler in the calling thread, as the folder's owner, and waits for its answer. Nothing of
// the connection is checked (Host, Origin, tokens): whoever can call this has the folder. Any thread that may block.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "surface/http/router.h"

namespace weir::http {

struct LocalRequest {
  std::string method = "GET";
  std::string target;  // path and query
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  Caller caller = {};  // nobody: the folder's owner
};

struct LocalResponse {
  int status = 0;
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// `take` gets a streamed body piece by piece instead of LocalResponse::body; false ends it. `cancel` reaches the
// handler.
LocalResponse call_locally(const Router& router, const LocalRequest& asked, const Cancel& cancel = {},
                           const std::function<bool(std::string_view)>& take = {});

}  // namespace weir::http
