// What `weir serve` says of the streams when it is ready: where each is written to, and a first command to try.
#pragma once

#include <string>
#include <vector>

#include "core/base/time.h"
#include "stream/capture/capture.h"

namespace weir::app {

// Lines, each with its end. `mounts`: prefixes of the beacons' paths.
std::string stream_summary(const std::vector<capture::AppliedStream>& streams, const std::vector<std::string>& mounts,
                           const std::string& url, WallTime now);

}  // namespace weir::app
