#include "analysis/alarm/series.h"

#include <algorithm>

namespace weir::alarm {
namespace {

bool matches(const Labels& labels, const std::map<std::string, std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
    return std::find(labels.begin(), labels.end(), std::pair(one.first, one.second)) != labels.end();
  });
}

}  // namespace

Reading read(const Metrics& metrics, const std::string& name, const std::map<std::string, std::string>& labels) {
  Reading out;
  for (const MetricSample& series : metrics.samples(name)) {
    if (!matches(series.labels, labels)) continue;
    out.kind = series.kind;
    out.total += series.total;
    out.value += series.value;
    // One name has one set of bounds; a series with others would not add up.
    if (series.bounds != nullptr && (out.bounds == nullptr || *out.bounds == *series.bounds)) {
      out.bounds = series.bounds;
      out.buckets.resize(series.buckets.size());
      for (size_t i = 0; i < series.buckets.size(); ++i) out.buckets[i] += series.buckets[i];
    }
    out.exists = true;
  }
  return out;
}

void Series::take(Reading reading, int64_t steady_micros) {
  const bool has_before = has_any_;
  const Reading before = std::exchange(last_, std::move(reading));
  const int64_t before_at = std::exchange(last_at_, steady_micros);
  has_any_ = true;
  if (!has_before) {
    first_ = last_;
    first_at_ = last_at_;
    return;
  }
  if (!last_.exists) return;
  double sample = last_.value;
  if (last_.kind == MetricKind::counter) {
    const double passed = static_cast<double>(last_at_ - before_at) * 1e-6;
    // Series that went away and came back begin at 0: a counter never goes back otherwise.
    const uint64_t increase = last_.total >= before.total ? last_.total - before.total : last_.total;
    sample = passed > 0 ? static_cast<double>(increase) / passed : 0;
  }
  smallest_ = samples_ == 0 ? sample : std::min(smallest_, sample);
  largest_ = samples_ == 0 ? sample : std::max(largest_, sample);
  sum_ += sample;
  ++samples_;
}

void Series::restart() {
  first_ = last_;
  first_at_ = last_at_;
  smallest_ = largest_ = sum_ = 0;
  samples_ = 0;
  is_whole_ = has_any_;
}

std::optional<double> Series::value(Statistic statistic) const {
  if (!last_.exists || samples_ == 0) return std::nullopt;
  switch (last_.kind) {
    case MetricKind::counter:
      return of_counter(statistic);
    case MetricKind::gauge:
      return of_gauge(statistic);
    case MetricKind::histogram:
      return of_histogram(statistic);
  }
  return std::nullopt;
}

std::optional<double> Series::of_counter(Statistic statistic) const {
  const double increase = static_cast<double>(last_.total >= first_.total ? last_.total - first_.total : last_.total);
  switch (statistic) {
    case Statistic::sum:
    case Statistic::count:
      return increase;
    case Statistic::avg:
    case Statistic::rate:
      return seconds() > 0 ? std::optional(increase / seconds()) : std::nullopt;
    case Statistic::min:
      return smallest_;
    case Statistic::max:
      return largest_;
    case Statistic::p50:
    case Statistic::p95:
    case Statistic::p99:
      return std::nullopt;  // refused when declared
  }
  return std::nullopt;
}

std::optional<double> Series::of_gauge(Statistic statistic) const {
  switch (statistic) {
    case Statistic::sum:
      return sum_;
    case Statistic::avg:
      return sum_ / static_cast<double>(samples_);
    case Statistic::min:
      return smallest_;
    case Statistic::max:
      return largest_;
    case Statistic::count:
      return static_cast<double>(samples_);
    case Statistic::rate:
      return seconds() > 0 ? std::optional((last_.value - first_.value) / seconds()) : std::nullopt;
    case Statistic::p50:
    case Statistic::p95:
    case Statistic::p99:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> Series::of_histogram(Statistic statistic) const {
  const bool is_fresh = last_.total < first_.total || last_.buckets.size() != first_.buckets.size();
  const uint64_t count = is_fresh ? last_.total : last_.total - first_.total;
  const double sum = is_fresh ? last_.value : last_.value - first_.value;
  std::vector<uint64_t> buckets = last_.buckets;
  for (size_t i = 0; !is_fresh && i < buckets.size(); ++i) buckets[i] -= first_.buckets[i];
  const auto percentile = [&](double fraction) -> std::optional<double> {
    if (count == 0) return std::nullopt;
    return percentile_of(*last_.bounds, buckets, fraction);
  };
  switch (statistic) {
    case Statistic::sum:
      return sum;
    case Statistic::count:
      return static_cast<double>(count);
    case Statistic::avg:
      return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
    case Statistic::rate:
      return seconds() > 0 ? std::optional(static_cast<double>(count) / seconds()) : std::nullopt;
    case Statistic::p50:
      return percentile(0.5);
    case Statistic::p95:
      return percentile(0.95);
    case Statistic::p99:
      return percentile(0.99);
    case Statistic::min:
    case Statistic::max:
      return std::nullopt;  // refused when declared
  }
  return std::nullopt;
}

}  // namespace weir::alarm
