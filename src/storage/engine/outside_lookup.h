// What a host's name stands for. getaddrinfo() cannot be stopped, so it has a thread that is left behind when nobody
// waits for it any longer; the system's own limit ends it after some ten seconds.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/runtime/cancel.h"

namespace weir::engine {

// Addresses as numbers, each once, at most eight. `unavailable`: there are none, or the deadline passed. Blocks.
Result<std::vector<std::string>> addresses_of(const std::string& host, std::chrono::steady_clock::time_point deadline,
                                              const Cancel& cancel);

}  // namespace weir::engine
