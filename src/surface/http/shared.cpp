#include "surface/http/shared.h"

namespace weir::http {
namespace {

constexpr const char* kRequestsTotal = "weir_http_requests_total";
constexpr const char* kRequestsHelp = "Requests answered.";

}  // namespace

ServerMetrics::ServerMetrics(Metrics& metrics, const Router& router)
    : bytes_received(metrics.counter("weir_http_received_bytes_total", "Bytes read from HTTP clients.")),
      bytes_sent(metrics.counter("weir_http_sent_bytes_total", "Bytes written to HTTP clients.")),
      connections_accepted(metrics.counter("weir_http_connections_accepted_total", "Connections taken.")),
      connections_refused(metrics.counter("weir_http_connections_refused_total",
                                          "Connections closed because connections_max was reached.")),
      connections(metrics.gauge("weir_http_connections", "Open connections.")),
      metrics_(metrics) {
  metrics.declare(MetricKind::counter, kRequestsTotal, kRequestsHelp);
  for (size_t index = 0; index <= router.routes().size(); ++index) {
    auto entry = std::make_unique<OfRoute>();
    const bool is_route = index < router.routes().size();
    entry->method = is_route ? method_name(router.routes()[index]->method) : "";
    entry->pattern = is_route ? router.routes()[index]->pattern : "none";
    entry->latency = &metrics.histogram("weir_http_request_seconds", "From a request's first byte to its answer.",
                                        {{"method", entry->method}, {"route", entry->pattern}});
    routes_.push_back(std::move(entry));
  }
}

void ServerMetrics::answered(const Route* route, int status, int64_t micros) {
  OfRoute& entry = route ? *routes_[route->index] : *routes_.back();
  const size_t index = status > 0 && static_cast<size_t>(status) < kStatusMax ? static_cast<size_t>(status) : 0;
  Counter* counter = entry.by_status[index].load(std::memory_order_acquire);
  if (!counter) {
    counter =
        &metrics_.counter(kRequestsTotal, kRequestsHelp,
                          {{"method", entry.method}, {"route", entry.pattern}, {"status", std::to_string(status)}});
    entry.by_status[index].store(counter, std::memory_order_release);
  }
  counter->add();
  entry.latency->observe(static_cast<double>(micros) / 1e6);
}

void declare_server_metrics(Metrics& metrics) {
  (void)ServerMetrics(metrics, Router());
}

}  // namespace weir::http
