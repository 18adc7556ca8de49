// A load client for benchmarks: many keep-alive connections on one thread, epoll, no allocation per request, so that it
// takes as little as it can of the cores it shares with the server. The same client drives weir and its peers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::bench {

struct LoadResult {
  uint64_t requests = 0;  // answered
  uint64_t errors = 0;    // broken connections, answers that `judge` refused
  double seconds = 0;
  std::vector<float> latencies_ms;
  std::string first_error;
  double per_second() const { return seconds > 0 ? static_cast<double>(requests) / seconds : 0; }
  double percentile(double share);
};

struct LoadPlan {
  uint16_t port = 0;
  int connections = 1;
  double seconds = 1;                  // ends when the time is over …
  uint64_t requests_max = UINT64_MAX;  // … or so many were sent
  double requests_per_s = 0;  // 0: each connection sends as soon as it has its answer; else paced over all of them
  // Fills `request` with the whole HTTP request; the number counts over all connections.
  std::function<void(uint64_t number, std::string& request)> make;
  // The answer to request `number`; returns an empty string or what is wrong with it.
  std::function<std::string(uint64_t number, int status, std::string_view body)> judge;
};

LoadResult run_load(const LoadPlan& plan);

}  // namespace weir::bench
