// One connection of libpq's, spoken to without blocking, so that a stop and a time limit reach whatever it does: the
// lookup of the host's name, the handshake, a statement. Internal to the room: others take an OutsideConnection from a
// pool. One thread at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "storage/engine/outside.h"

struct pg_conn;
struct pg_result;

namespace weir::engine {

// Stops on their way to servers: libpq sends each over a connection of its own and waits for the server to close it,
// which a server that hangs never does. So each has a thread, and few may hang at once. Shared by those threads, which
// may outlive the pool.
struct OutsideStops {
  static constexpr int kUnderWayMax = 16;
  std::atomic<int> under_way{0};
};

class OutsideWire {
 public:
  // `options` outlives it.
  OutsideWire(const OutsideOptions& options, std::shared_ptr<OutsideStops> stops);
  ~OutsideWire();
  OutsideWire(const OutsideWire&) = delete;
  OutsideWire& operator=(const OutsideWire&) = delete;

  Status open(const Cancel& cancel);  // once
  Result<OutsideResult> run(std::string_view sql, const OutsideLimits& limits, const Cancel& cancel);
  // For a connection that does nothing else: from then on heard() tells of notices.
  Status listen(const std::string& channel, const Cancel& cancel);
  Result<bool> heard(Duration within, const Cancel& cancel);
  // Nothing of whoever had it before is left in the session. False: it is of no more use.
  bool renew();
  bool is_broken() const { return is_broken_; }
  OutsideServer server() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct FreeResult {
    void operator()(pg_result* result) const;
  };
  using ServerResult = std::unique_ptr<pg_result, FreeResult>;
  enum class Protocol {
    extended,  // one statement
    simple,    // several, without results
  };
  class Waking;
  class Stop;
  struct Taking;

  Status connect(const Cancel& cancel);
  Result<OutsideResult> ask(const std::string& sql, Protocol protocol, const OutsideLimits& limits,
                            const Cancel& cancel);
  Result<bool> take_next(const std::string& sql, const OutsideLimits& limits, const Cancel& cancel, Taking& taking);
  Result<ServerResult> next(const Cancel& cancel);
  Status pass_on_stop(const Cancel& cancel);
  void tell_to_stop(Error why);
  Status order(const std::string& sql, Protocol protocol, const Cancel& cancel);
  // A statement of ours behind one of others': under a limit of its own, and never told to stop.
  Status order_alone(const std::string& sql, Protocol protocol);
  void settle();
  bool take_notices();
  bool wait(short events);  // false: the socket is not ready, and something else may be
  Error lost();
  Error not_reached() const;

  const OutsideOptions& options_;
  const std::shared_ptr<OutsideStops> stops_;
  const int wake_;
  pg_conn* connection_ = nullptr;
  Clock::time_point deadline_ = Clock::time_point::max();
  std::optional<Error> stopped_;  // why the server was told to stop
  std::shared_ptr<Stop> stop_;    // the newest that was sent; shared with its thread
  bool is_broken_ = true;         // of no more use; until it is open, too
};

}  // namespace weir::engine
