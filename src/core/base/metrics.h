// Numbers about ourselves: counters, gauges and histograms, asked for once at start and updated without a lock.
//
// One Metrics object is built by app and handed to every room; there is no global one. Asking again for the same name
// and labels gives the same object, which lives as long as the Metrics. Updates may come from any thread at any rate;
// asking, scraping and removing take a lock. Names follow Prometheus: weir_<room>_<what>_<unit>, counters end in
// _total, time is in seconds, sizes in bytes. A name used as two kinds, or a malformed one, is our own mistake and
// aborts.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/guarded.h"
#include "core/base/json.h"

namespace weir {

using Labels = std::vector<std::pair<std::string, std::string>>;

class alignas(64) Counter {  // a cache line of its own: neighbours do not slow each other
 public:
  void add(uint64_t count = 1) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }
  uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class alignas(64) Gauge {
 public:
  void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(double difference) noexcept { value_.fetch_add(difference, std::memory_order_relaxed); }
  double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  // `bounds` are the buckets' upper ends, ascending, ends included; everything above the last one has a bucket too.
  explicit Histogram(std::vector<double> bounds);

  void observe(double value) noexcept;  // NaN is ignored
  uint64_t count() const noexcept;
  double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }
  // Estimate for `fraction` in 0..1, linear inside its bucket and never beyond the last bound; 0 if nothing was
  // observed.
  double percentile(double fraction) const;

  const std::vector<double>& bounds() const { return bounds_; }
  std::vector<uint64_t> buckets() const;  // one more than bounds; not cumulative

 private:
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> buckets_;
  std::atomic<double> sum_{0};
};

// As Histogram::percentile(), of counts by bucket that somebody subtracted or added up.
double percentile_of(const std::vector<double>& bounds, const std::vector<uint64_t>& counts, double fraction);

// 100 µs to 60 s, about six buckets a decade: fine enough that a p99 is right within a quarter.
const std::vector<double>& latency_bounds();
// 1, 2, 4 … up to `largest`: sizes of batches, bytes.
std::vector<double> doubling_bounds(double first, double largest);

// Takes its callback gauge out again when it is destroyed, and waits for a scrape that is calling it.
class CallbackGauge {
 public:
  CallbackGauge() = default;
  explicit CallbackGauge(std::function<void()> remove) : remove_(std::move(remove)) {}
  ~CallbackGauge() { reset(); }
  CallbackGauge(CallbackGauge&& other) noexcept : remove_(std::exchange(other.remove_, nullptr)) {}
  CallbackGauge& operator=(CallbackGauge&& other) noexcept {
    if (this != &other) {
      reset();
      remove_ = std::exchange(other.remove_, nullptr);
    }
    return *this;
  }
  void reset() {
    if (auto remove = std::exchange(remove_, nullptr)) remove();
  }

 private:
  std::function<void()> remove_;
};

enum class MetricKind { counter, gauge, histogram };
const char* metric_kind_name(MetricKind kind);

// One series as it stands now.
struct MetricSample {
  std::string name;
  std::string key;  // name and labels, as Prometheus writes them: one text for each series
  Labels labels;    // sorted by name
  MetricKind kind = MetricKind::counter;
  uint64_t total = 0;                           // of a counter; a histogram's observations
  double value = 0;                             // of a gauge; a histogram's sum
  std::vector<uint64_t> buckets = {};           // of a histogram, as Histogram::buckets()
  const std::vector<double>* bounds = nullptr;  // of a histogram; lives as long as the Metrics
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // At most kSeriesMax label sets a name: later ones share one series whose label values are all "_other".
  static constexpr size_t kSeriesMax = 2000;
  Counter& counter(const std::string& name, const std::string& help, Labels labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, Labels labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, Labels labels = {},
                       const std::vector<double>& bounds = latency_bounds());
  // `read` is called at each scrape, under the registry's lock: it must be quick and must not use this Metrics.
  [[nodiscard]] CallbackGauge callback_gauge(const std::string& name, const std::string& help,
                                             std::function<double()> read, Labels labels = {});

  // A name whose series come later, with their first labels: so that kinds() knows it from the start.
  void declare(MetricKind kind, const std::string& name, const std::string& help);

  // All series by name and labels; only those of `name` if it is not empty.
  std::vector<MetricSample> samples(std::string_view name = {}) const;
  // Every name, also of metrics that have no series yet.
  std::map<std::string, MetricKind> kinds() const;

  // Prometheus text format 0.0.4 (`Content-Type: text/plain; version=0.0.4`), sorted by name.
  std::string prometheus() const;
  // {"name": [{"labels": {…}, "value": 3}], "histogram": [{"labels": {…}, "count", "sum", "p50", "p90", "p99"}]}
  Json json() const;
  // The value of one series (a histogram's count), or nothing if there is none: for pages, status and tests.
  std::optional<double> read(const std::string& name, Labels labels = {}) const;

 private:
  struct Series;
  struct Family;

  Family& family_of(MetricKind kind, const std::string& name, const std::string& help) REQUIRES(mutex_);
  Series& series(MetricKind kind, const std::string& name, const std::string& help, Labels labels) REQUIRES(mutex_);
  void remove_callback(const std::string& name, const std::string& key, uint64_t id);

  mutable Mutex mutex_;
  std::map<std::string, Family> families_ GUARDED_BY(mutex_);
  uint64_t last_callback_ GUARDED_BY(mutex_) = 0;
};

}  // namespace weir
