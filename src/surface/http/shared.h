// What the io threads of one server share, and its numbers. Inside the http room only.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "surface/http/server.h"

namespace weir::http {

// Requests by route and status, latency by route, connections, bytes. Any thread.
class ServerMetrics {
 public:
  ServerMetrics(Metrics& metrics, const Router& router);
  // `route` may be null: refused before a route was known.
  void answered(const Route* route, int status, int64_t micros);

  Counter& bytes_received;
  Counter& bytes_sent;
  Counter& connections_accepted;
  Counter& connections_refused;
  Gauge& connections;

 private:
  static constexpr size_t kStatusMax = 600;
  struct OfRoute {
    std::string method, pattern;
    Histogram* latency = nullptr;
    // Asked for when a status first occurs; the counters are the registry's.
    std::array<std::atomic<Counter*>, kStatusMax> by_status{};
  };
  Metrics& metrics_;
  std::vector<std::unique_ptr<OfRoute>> routes_;  // the last one: no route
};

struct Shared {
  Shared(const ServerOptions& options_in, const Router& router_in, Gate& gate_in, Clock& clock_in, Metrics& metrics_in,
         Lanes& lanes_in)
      : options(options_in),
        router(router_in),
        gate(gate_in),
        clock(clock_in),
        lanes(lanes_in),
        metrics(metrics_in, router_in) {}

  const ServerOptions options;
  const Router& router;
  Gate& gate;
  Clock& clock;
  Lanes& lanes;
  ServerMetrics metrics;
  std::string process;  // first part of every request id
  std::atomic<size_t> connections{0};
  std::atomic<uint64_t> bodies_bytes{0};
  std::atomic<bool> draining{false};
};

}  // namespace weir::http
