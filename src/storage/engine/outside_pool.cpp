#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "core/base/text.h"
#include "storage/engine/outside.h"
#include "storage/engine/outside_wire.h"

namespace weir::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration kIdleMax = minutes(5);

std::chrono::microseconds chrono_of(Duration time) {
  return std::chrono::microseconds(time.micros);
}

// What is counted of one connection.
class Figures {
 public:
  Figures(const std::string& name, Metrics* metrics) : name_(name), metrics_(metrics) {
    if (metrics == nullptr) return;
    const Labels labels = {{"connection", name}};
    open_ = &metrics->gauge("weir_outside_connections", "Connections to a server elsewhere that are open.", labels);
    waits_ = &metrics->counter("weir_outside_waits_total", "Times that a free connection was waited for.", labels);
    statements_ = &metrics->counter("weir_outside_statements_total", "Statements that were sent elsewhere.", labels);
    metrics->declare(MetricKind::counter, kFailures, kFailuresHelp);
  }
  void opened() {
    if (open_ != nullptr) open_->add(1);
  }
  void closed() {
    if (open_ != nullptr) open_->add(-1);
  }
  void waited() {
    if (waits_ != nullptr) waits_->add();
  }
  void sent() {
    if (statements_ != nullptr) statements_->add();
  }
  void failed(Code code) {
    if (metrics_ == nullptr) return;
    metrics_->counter(kFailures, kFailuresHelp, {{"connection", name_}, {"reason", code_name(code)}}).add();
  }

 private:
  static constexpr const char* kFailures = "weir_outside_failures_total";
  static constexpr const char* kFailuresHelp = "Connections and statements elsewhere that failed, by reason.";
  const std::string name_;
  Metrics* const metrics_;
  Gauge* open_ = nullptr;
  Counter *waits_ = nullptr, *statements_ = nullptr;
};

// An open connection, which is counted while it is there.
class Counted {
 public:
  Counted(const OutsideOptions& options, std::shared_ptr<OutsideStops> stops, Figures& figures)
      : wire(options, std::move(stops)), figures_(figures) {
    figures_.opened();
  }
  ~Counted() { figures_.closed(); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  OutsideWire wire;

 private:
  Figures& figures_;
};

}  // namespace

struct OutsidePool::Shared {
  Shared(OutsideOptions given, Metrics* metrics) : options(std::move(given)), figures(options.name, metrics) {}

  struct Idle {
    std::unique_ptr<Counted> connection;
    Clock::time_point since;
  };
  class Lease;

  // A place among the connections, which the caller gives back; with one that lay idle, if there is one.
  Result<std::unique_ptr<Counted>> take_place(Duration within, const Cancel& cancel);
  void give_back(std::unique_ptr<Counted> connection);

  const OutsideOptions options;
  Figures figures;
  const std::shared_ptr<OutsideStops> stops = std::make_shared<OutsideStops>();  // with threads that may outlive us
  std::mutex mutex;                                                              // guards what follows
  std::condition_variable given_back;
  std::deque<Idle> idle;
  size_t in_use = 0;
};

class OutsidePool::Shared::Lease final : public OutsideConnection {
 public:
  Lease(std::shared_ptr<Shared> shared, std::unique_ptr<Counted> connection)
      : shared_(std::move(shared)), connection_(std::move(connection)) {}
  ~Lease() override { shared_->give_back(std::move(connection_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Result<OutsideResult> run(std::string_view sql, const OutsideLimits& limits, const Cancel& cancel) override {
    shared_->figures.sent();
    auto out = connection_->wire.run(sql, limits, cancel);
    if (!out) shared_->figures.failed(out.error().code);
    return out;
  }
  std::string server_version() const override { return server().version; }
  OutsideServer server() const override { return connection_->wire.server(); }
  const OutsideOptions& options() const override { return shared_->options; }

  // Makes it ready for who takes it: one that lay idle as new, else a new one.
  Status make_ready(const Cancel& cancel) {
    if (connection_ && connection_->wire.renew()) return {};
    connection_ = std::make_unique<Counted>(shared_->options, shared_->stops, shared_->figures);
    Status opened = connection_->wire.open(cancel);
    if (!opened) shared_->figures.failed(opened.error().code);
    return opened;
  }

 private:
  const std::shared_ptr<Shared> shared_;  // a lease may outlive its pool
  std::unique_ptr<Counted> connection_;
};

Result<std::unique_ptr<Counted>> OutsidePool::Shared::take_place(Duration within, const Cancel& cancel) {
  const auto until = Clock::now() + chrono_of(within);
  std::unique_lock lock(mutex);
  if (in_use >= options.connections_max) figures.waited();
  const auto is_over = [&] { return in_use < options.connections_max || cancel.is_cancelled(); };
  if (!given_back.wait_until(lock, until, is_over)) {
    figures.failed(Code::busy);
    return Error(Code::busy,
                 "all " + std::to_string(options.connections_max) + " connections to " + options.name +
                     " are in use, and none came free within " + format_duration(within),
                 "raise connections." + options.name + ".max, or try again later");
  }
  TRY(cancel.check());
  ++in_use;
  if (idle.empty()) return std::unique_ptr<Counted>();
  auto found = std::move(idle.back().connection);
  idle.pop_back();
  return found;
}

void OutsidePool::Shared::give_back(std::unique_ptr<Counted> connection) {
  // Temporary tables of a session in Redshift are seen by who has it next.
  const bool leaves_traces = options.kind == OutsideKind::redshift && !options.read_only;
  const bool is_reusable = connection != nullptr && !connection->wire.is_broken() && !leaves_traces;
  {
    const std::lock_guard lock(mutex);
    --in_use;
    if (is_reusable) idle.push_back({std::move(connection), Clock::now()});
  }
  // Those who were cancelled wait here too: one of them may not take the place.
  given_back.notify_all();
}

OutsidePool::OutsidePool(OutsideOptions options, Metrics* metrics)
    : shared_(std::make_shared<Shared>(std::move(options), metrics)) {}

// Connections that are still out come back to nobody.
OutsidePool::~OutsidePool() {
  close_idle({});
}

const OutsideOptions& OutsidePool::options() const {
  return shared_->options;
}

OutsidePool::Counts OutsidePool::counts() const {
  const std::lock_guard lock(shared_->mutex);
  return {.in_use = shared_->in_use, .idle = shared_->idle.size()};
}

void OutsidePool::close_idle(Duration longer_than) {
  const auto before = Clock::now() - chrono_of(longer_than);
  std::deque<Shared::Idle> closed;  // and told to their servers without the lock
  const std::lock_guard lock(shared_->mutex);
  while (!shared_->idle.empty() && shared_->idle.front().since <= before) {
    closed.push_back(std::move(shared_->idle.front()));
    shared_->idle.pop_front();
  }
}

Result<std::unique_ptr<OutsideConnection>> OutsidePool::take(Duration within, const Cancel& cancel) {
  // A cancel wakes all who wait here; each looks at its own.
  const auto attachment = cancel.attach([kept = shared_] {
    const std::lock_guard lock(kept->mutex);
    kept->given_back.notify_all();
  });
  TRY_ASSIGN(auto found, shared_->take_place(within, cancel));
  // From here on the lease gives the place back.
  auto lease = std::make_unique<Shared::Lease>(shared_, std::move(found));
  TRY(lease->make_ready(cancel));
  return std::unique_ptr<OutsideConnection>(std::move(lease));
}

namespace {

class Listener final : public OutsideListener {
 public:
  Listener(std::shared_ptr<void> shared, std::unique_ptr<Counted> connection)
      : shared_(std::move(shared)), connection_(std::move(connection)) {}
  Result<bool> wait(Duration within, const Cancel& cancel) override { return connection_->wire.heard(within, cancel); }

 private:
  const std::shared_ptr<void> shared_;  // the options and figures that the connection refers to
  const std::unique_ptr<Counted> connection_;
};

}  // namespace

Result<std::unique_ptr<OutsideListener>> OutsidePool::listen(const std::string& channel, const Cancel& cancel) {
  if (options().kind == OutsideKind::redshift) {
    return Error(Code::unsupported, "connection " + options().name + " leads to Redshift, which has no NOTIFY");
  }
  auto connection = std::make_unique<Counted>(shared_->options, shared_->stops, shared_->figures);
  TRY(connection->wire.open(cancel));
  TRY(connection->wire.listen(channel, cancel));
  return std::unique_ptr<OutsideListener>(std::make_unique<Listener>(shared_, std::move(connection)));
}

// --- pools ----------------------------------------------------------------------------------------------------------

OutsidePools::OutsidePools(std::vector<OutsideOptions> declared, Metrics* metrics, std::optional<Error> refusal)
    : refusal_(std::move(refusal)) {
  for (OutsideOptions& one : declared) {
    const std::string name = one.name;
    pools_.emplace(name, std::make_unique<OutsidePool>(std::move(one), metrics));
  }
}

Result<OutsidePool*> OutsidePools::find(std::string_view name) const {
  const auto found = pools_.find(name);
  if (found == pools_.end()) {
    std::vector<std::string> names;
    for (const auto& [declared, pool] : pools_) names.push_back(declared);
    return Error(Code::not_found, "there is no connection " + shown(name),
                 names.empty() ? "none is declared: `connections:` of weir.yaml" : did_you_mean(name, names));
  }
  if (refusal_) return *refusal_;
  return found->second.get();
}

std::vector<const OutsidePool*> OutsidePools::all() const {
  std::vector<const OutsidePool*> out;
  for (const auto& [name, pool] : pools_) out.push_back(pool.get());
  return out;
}

void OutsidePools::close_idle() {
  for (const auto& [name, pool] : pools_) pool->close_idle(kIdleMax);
}

}  // namespace weir::engine
