// What the connections of one server share: limits, numbers, and the keys by which statements are cancelled. Any
// thread. Internal to surface/pgwire.
#pragma once

#include <atomic>
#include <memory>
#include <unordered_map>
#include <utility>

#include "core/base/guarded.h"
#include "core/base/log.h"
#include "surface/pgwire/conversation.h"
#include "surface/pgwire/pgwire.h"

namespace weir::pgwire {

// The process number and secret of each session, as BackendKeyData tells them.
class CancelKeys {
 public:
  void add(uint32_t process, uint32_t secret, const std::shared_ptr<Conversation>& conversation);
  void remove(uint32_t process);
  // False: there is no such session, or its secret is another one.
  bool cancel(uint32_t process, uint32_t secret);

 private:
  struct Entry {
    uint32_t secret = 0;
    std::weak_ptr<Conversation> conversation;
  };
  Mutex mutex_;
  std::unordered_map<uint32_t, Entry> entries_ GUARDED_BY(mutex_);
};

struct WireMetrics {
  explicit WireMetrics(Metrics& metrics);
  Gauge& connections;
  Counter& accepted;
  Counter& refused;
  Counter& received_bytes;
  Counter& sent_bytes;
  Counter& sign_ins_ok;
  Counter& sign_ins_failed;
  Counter& cancels;
  Counter& protocol_errors;
};

struct Shared {
  Shared(const ServerOptions& options_in, const Server::Parts& parts_in)
      : options(options_in), parts(parts_in), metrics(parts_in.metrics), statements(parts_in.metrics) {}

  const ServerOptions options;
  const Server::Parts parts;
  WireMetrics metrics;
  StatementMetrics statements;
  CancelKeys cancel_keys;
  LogLimit sign_in_log{20};
  std::atomic<size_t> connections{0};  // open ones
  std::atomic<size_t> sessions{0};     // those that have sent a start-up packet
  std::atomic<uint64_t> buffered_bytes{0};
  std::atomic<size_t> tasks{0};  // on the lane
  std::atomic<bool> is_draining{false};
};

}  // namespace weir::pgwire
