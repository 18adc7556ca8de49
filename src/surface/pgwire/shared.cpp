#include "surface/pgwire/shared.h"

#include <string_view>

#include "core/base/text.h"

namespace weir::pgwire {

void CancelKeys::add(uint32_t process, uint32_t secret, const std::shared_ptr<Conversation>& conversation) {
  MutexLock lock(mutex_);
  entries_[process] = {secret, conversation};
}

void CancelKeys::remove(uint32_t process) {
  MutexLock lock(mutex_);
  entries_.erase(process);
}

bool CancelKeys::cancel(uint32_t process, uint32_t secret) {
  std::shared_ptr<Conversation> conversation;
  {
    MutexLock lock(mutex_);
    const auto found = entries_.find(process);
    const uint32_t wanted = found == entries_.end() ? ~secret : found->second.secret;
    const auto bytes = [](const uint32_t& word) {
      return std::string_view(reinterpret_cast<const char*>(&word), sizeof(word));
    };
    if (!constant_time_equal(bytes(wanted), bytes(secret))) return false;
    conversation = found->second.conversation.lock();
  }
  if (!conversation) return false;
  conversation->cancel();
  return true;
}

WireMetrics::WireMetrics(Metrics& metrics)
    : connections(metrics.gauge("weir_wire_connections", "Open connections of the PostgreSQL wire.")),
      accepted(metrics.counter("weir_wire_connections_accepted_total", "Connections of the wire that were taken.")),
      refused(metrics.counter("weir_wire_connections_refused_total",
                              "Connections of the wire refused because wire.connections_max was reached.")),
      received_bytes(metrics.counter("weir_wire_received_bytes_total", "Bytes read from clients of the wire.")),
      sent_bytes(metrics.counter("weir_wire_sent_bytes_total", "Bytes written to clients of the wire.")),
      sign_ins_ok(metrics.counter("weir_wire_sign_ins_total", "Sign-ins on the wire.", {{"outcome", "ok"}})),
      sign_ins_failed(metrics.counter("weir_wire_sign_ins_total", "Sign-ins on the wire.", {{"outcome", "failed"}})),
      cancels(metrics.counter("weir_wire_cancels_total", "Cancel requests with the right key.")),
      protocol_errors(metrics.counter("weir_wire_protocol_errors_total",
                                      "Connections ended because what they sent made no sense, or came too slowly.")) {}

void declare_metrics(Metrics& metrics) {
  (void)WireMetrics(metrics);
  (void)StatementMetrics(metrics);
}

}  // namespace weir::pgwire
