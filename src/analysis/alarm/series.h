// One period's value of a metric: fed with samples of the registry, asked when the period is over. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analysis/alarm/declaration.h"

namespace weir::alarm {

// The matching series of a metric, added together: what stands on the registry at one moment.
struct Reading {
  bool exists = false;  // at least one series matches
  MetricKind kind = MetricKind::counter;
  uint64_t total = 0;
  double value = 0;
  std::vector<uint64_t> buckets;
  const std::vector<double>* bounds = nullptr;
};
Reading read(const Metrics& metrics, const std::string& name, const std::map<std::string, std::string>& labels);

class Series {
 public:
  // At each tick; `steady_micros` of the same clock.
  void take(Reading reading, int64_t steady_micros);
  // The statistic of what was taken since the last restart(), from the last sample before it; nothing without data.
  std::optional<double> value(Statistic statistic) const;
  // A new period begins with the newest sample.
  void restart();
  // A period that did not begin with a restart() of ours is not whole.
  bool is_whole() const { return is_whole_; }

 private:
  std::optional<double> of_counter(Statistic statistic) const;
  std::optional<double> of_gauge(Statistic statistic) const;
  std::optional<double> of_histogram(Statistic statistic) const;
  double seconds() const { return static_cast<double>(last_at_ - first_at_) * 1e-6; }

  Reading first_, last_;
  int64_t first_at_ = 0, last_at_ = 0;
  bool is_whole_ = false, has_any_ = false;
  // Of the samples after the first: a counter's increase per second, a gauge's value.
  double smallest_ = 0, largest_ = 0, sum_ = 0;
  uint64_t samples_ = 0;
};

}  // namespace weir::alarm
