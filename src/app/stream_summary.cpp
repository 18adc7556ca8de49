#include "app/stream_summary.h"

#include <algorithm>

#include "stream/capture/example.h"

namespace weir::app {

std::string stream_summary(const std::vector<capture::AppliedStream>& streams, const std::vector<std::string>& mounts,
                           const std::string& url, WallTime now) {
  if (streams.empty()) return "no streams yet: `weir init` writes a first one\n";
  std::string out;
  for (const auto& applied : streams) {
    const auto& stream = *applied.stream;
    out += "stream " + stream.name + ": POST " + url + "/v1/streams/" + stream.name;
    if (stream.beacon) {
      for (const std::string& mount : mounts) out += ", " + mount + stream.beacon->path;
    }
    out += !stream.enabled                              ? " (disabled)\n"
           : stream.write == capture::WhoWrites::anyone ? " (anybody on this machine)\n"
                                                        : " (with a write key)\n";
  }
  // Somebody without a key can send only to a public one.
  const auto open = std::find_if(streams.begin(), streams.end(), [](const auto& applied) {
    return applied.stream->enabled && applied.stream->write == capture::WhoWrites::anyone;
  });
  const capture::Stream& first = *(open == streams.end() ? streams.front() : *open).stream;
  const bool is_open = first.write == capture::WhoWrites::anyone;
  return out + "send one: curl" + (is_open ? "" : " -H 'Authorization: Bearer KEY'") + " -d '" +
         capture::example_event(first, now) + "' " + url + "/v1/streams/" + first.name +
         (is_open ? "\n" : "   (KEY: weir token create --write " + first.name + ")\n");
}

}  // namespace weir::app
