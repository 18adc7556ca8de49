// Server-sent events as a command reads them: told apart by empty lines, whatever the pieces that arrive. One thread.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "surface/cli/backend.h"

namespace weir::cli {

class EventStream {
 public:
  // `show` is given each event's name ("record") and data; of events whose data is no JSON nobody is told. With
  // `as_json` the data is printed as it is, a line each, and nothing else.
  using Show = std::function<void(std::string_view name, const Json& data)>;
  EventStream(bool as_json, Show show) : as_json_(as_json), show_(std::move(show)) {}

  // Until the server ends it or nobody reads our output any more.
  Result<ApiResponse> follow(Backend& backend, const std::string& path) {
    const ApiRequest request{.path = path, .accept = "text/event-stream", .time_limit = days(365)};
    return backend.stream(request, [this](std::string_view piece) { return take(piece); });
  }

 private:
  bool take(std::string_view piece) {
    pending_ += piece;
    for (size_t end = pending_.find("\n\n"); end != std::string::npos; end = pending_.find("\n\n")) {
      one(pending_.substr(0, end));
      pending_.erase(0, end + 2);
    }
    std::fflush(stdout);
    return std::ferror(stdout) == 0;
  }

  static std::string_view line_of(std::string_view event, std::string_view key) {
    for (size_t at = 0; at < event.size();) {
      const size_t end = std::min(event.find('\n', at), event.size());
      const std::string_view line = event.substr(at, end - at);
      if (line.starts_with(key)) return line.substr(key.size());
      at = end + 1;
    }
    return {};
  }

  void one(const std::string& event) {
    const std::string_view data = line_of(event, "data: ");
    if (data.empty()) return;  // a heartbeat
    if (as_json_) {
      std::printf("%.*s\n", static_cast<int>(data.size()), data.data());
    } else if (const auto message = Json::parse(data)) {
      show_(line_of(event, "event: "), *message);
    }
  }

  const bool as_json_;
  const Show show_;
  std::string pending_;
};

}  // namespace weir::cli
