#include "core/base/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/check.h"

namespace weir {

struct Metrics::Series {
  Labels labels;  // sorted by name
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
  std::unique_ptr<Histogram> histogram;
  std::function<double()> callback;
  uint64_t callback_id = 0;

  double value() const {
    if (callback) return callback();
    if (counter) return static_cast<double>(counter->value());
    if (gauge) return gauge->value();
    return histogram ? static_cast<double>(histogram->count()) : 0;
  }
};

struct Metrics::Family {
  MetricKind kind = MetricKind::counter;
  std::string help;
  std::map<std::string, Series> series;  // by rendered labels
};

namespace {

bool is_name(std::string_view name, bool colon_allowed) {
  auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon_allowed && c == ':');
  };
  auto other = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), other);
}

std::string escaped(std::string_view text, bool quotes_too) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes_too) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

// name="value",name="value" without braces; the empty text for no labels.
std::string rendered(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out += name + "=\"" + escaped(value, true) + '"';
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[40];
  // Whole numbers are printed as such: 12000000, not 1.2e+07.
  auto end = std::abs(value) < 1e15 && value == std::floor(value)
                 ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<int64_t>(value)).ptr
                 : std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

void sample(std::string& out, const std::string& name, const std::string& labels, const std::string& value) {
  out += name;
  if (!labels.empty()) out += '{' + labels + '}';
  out += ' ' + value + '\n';
}

void histogram_samples(std::string& out, const std::string& name, const std::string& labels, const Histogram& of) {
  std::vector<uint64_t> buckets = of.buckets();
  uint64_t cumulated = 0;
  const std::string opening = labels + (labels.empty() ? "le=\"" : ",le=\"");
  for (size_t i = 0; i < buckets.size(); ++i) {
    cumulated += buckets[i];
    std::string end = (i < of.bounds().size() ? number(of.bounds()[i]) : "+Inf") + '"';
    sample(out, name + "_bucket", opening + end, std::to_string(cumulated));
  }
  sample(out, name + "_sum", labels, number(of.sum()));
  sample(out, name + "_count", labels, std::to_string(cumulated));
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), buckets_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {
  CHECK(!bounds_.empty() && std::is_sorted(bounds_.begin(), bounds_.end()), "a histogram needs ascending bounds");
}

void Histogram::observe(double value) noexcept {
  if (std::isnan(value)) return;
  size_t at = static_cast<size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
  buckets_[at].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<uint64_t> Histogram::buckets() const {
  std::vector<uint64_t> out(bounds_.size() + 1);
  for (size_t i = 0; i < out.size(); ++i) out[i] = buckets_[i].load(std::memory_order_relaxed);
  return out;
}

uint64_t Histogram::count() const noexcept {
  uint64_t total = 0;
  for (size_t i = 0; i <= bounds_.size(); ++i) total += buckets_[i].load(std::memory_order_relaxed);
  return total;
}

double Histogram::percentile(double fraction) const {
  return percentile_of(bounds_, buckets(), fraction);
}

double percentile_of(const std::vector<double>& bounds, const std::vector<uint64_t>& counts, double fraction) {
  uint64_t total = 0;
  for (uint64_t count : counts) total += count;
  if (total == 0) return 0;
  double rank = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(total);
  double before = 0;
  for (size_t i = 0; i < bounds.size(); ++i) {
    double inside = static_cast<double>(counts[i]);
    if (inside > 0 && before + inside >= rank) {
      double start = i > 0 ? bounds[i - 1] : std::min(0.0, bounds[0]);
      return start + (bounds[i] - start) * (rank - before) / inside;
    }
    before += inside;
  }
  return bounds.back();
}

const char* metric_kind_name(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::histogram:
      return "histogram";
  }
  return "";
}

const std::vector<double>& latency_bounds() {
  static const std::vector<double> kBounds = [] {
    std::vector<double> bounds;
    for (double decade : {0.0001, 0.001, 0.01, 0.1, 1.0, 10.0}) {
      for (double step : {1.0, 1.5, 2.0, 3.0, 4.5, 7.0}) {
        if (decade * step <= 60) bounds.push_back(decade * step);
      }
    }
    bounds.push_back(60);
    return bounds;
  }();
  return kBounds;
}

std::vector<double> doubling_bounds(double first, double largest) {
  CHECK(first > 0 && largest >= first, "bounds double from a positive number up");
  std::vector<double> bounds;
  // NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter): doubling is exact, nothing is rounded.
  for (double bound = first; bound <= largest; bound *= 2) bounds.push_back(bound);
  return bounds;
}

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Family& Metrics::family_of(MetricKind kind, const std::string& name, const std::string& help) {
  CHECK(is_name(name, true), "a metric's name has letters, digits, _ and :");
  auto [found, is_new] = families_.try_emplace(name);
  if (is_new) {
    found->second.kind = kind;
    found->second.help = help;
  }
  CHECK(found->second.kind == kind, "one metric name is used as two kinds");
  return found->second;
}

Metrics::Series& Metrics::series(MetricKind kind, const std::string& name, const std::string& help, Labels labels) {
  for (const auto& label : labels)
    CHECK(is_name(label.first, false) && label.first != "le", "a label's name is malformed");
  std::sort(labels.begin(), labels.end());
  Family& family = family_of(kind, name, help);
  std::string key = rendered(labels);
  if (!family.series.contains(key) && family.series.size() >= kSeriesMax) {
    for (auto& label : labels) label.second = "_other";
    key = rendered(labels);
  }
  Series& out = family.series[key];
  out.labels = std::move(labels);
  return out;
}

Counter& Metrics::counter(const std::string& name, const std::string& help, Labels labels) {
  MutexLock lock(mutex_);
  Series& found = series(MetricKind::counter, name, help, std::move(labels));
  if (!found.counter) found.counter = std::make_unique<Counter>();
  return *found.counter;
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, Labels labels) {
  MutexLock lock(mutex_);
  Series& found = series(MetricKind::gauge, name, help, std::move(labels));
  if (!found.gauge) found.gauge = std::make_unique<Gauge>();
  return *found.gauge;
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help, Labels labels,
                              const std::vector<double>& bounds) {
  MutexLock lock(mutex_);
  Series& found = series(MetricKind::histogram, name, help, std::move(labels));
  if (!found.histogram) found.histogram = std::make_unique<Histogram>(bounds);
  return *found.histogram;
}

CallbackGauge Metrics::callback_gauge(const std::string& name, const std::string& help, std::function<double()> read,
                                      Labels labels) {
  MutexLock lock(mutex_);
  Series& found = series(MetricKind::gauge, name, help, std::move(labels));
  found.callback = std::move(read);
  found.callback_id = ++last_callback_;
  return CallbackGauge(
      [this, name, key = rendered(found.labels), id = found.callback_id] { remove_callback(name, key, id); });
}

void Metrics::remove_callback(const std::string& name, const std::string& key, uint64_t id) {
  MutexLock lock(mutex_);
  auto family = families_.find(name);
  if (family == families_.end()) return;
  auto found = family->second.series.find(key);
  // A later owner may have taken the name over: its callback stays.
  if (found == family->second.series.end() || found->second.callback_id != id) return;
  found->second.callback = nullptr;
  if (!found->second.gauge) family->second.series.erase(found);
}

void Metrics::declare(MetricKind kind, const std::string& name, const std::string& help) {
  MutexLock lock(mutex_);
  (void)family_of(kind, name, help);
}

std::vector<MetricSample> Metrics::samples(std::string_view name) const {
  MutexLock lock(mutex_);
  std::vector<MetricSample> out;
  for (const auto& [family_name, family] : families_) {
    if (!name.empty() && family_name != name) continue;
    for (const auto& [key, one] : family.series) {
      MetricSample& made = out.emplace_back();
      made.name = family_name;
      made.key = key.empty() ? family_name : family_name + '{' + key + '}';
      made.labels = one.labels;
      made.kind = family.kind;
      if (one.histogram) {
        made.buckets = one.histogram->buckets();
        for (uint64_t count : made.buckets) made.total += count;
        made.value = one.histogram->sum();
        made.bounds = &one.histogram->bounds();
      } else if (one.counter) {
        made.total = one.counter->value();
      } else {
        made.value = one.value();
      }
    }
  }
  return out;
}

std::map<std::string, MetricKind> Metrics::kinds() const {
  MutexLock lock(mutex_);
  std::map<std::string, MetricKind> out;
  for (const auto& [name, family] : families_) out.emplace(name, family.kind);
  return out;
}

std::string Metrics::prometheus() const {
  MutexLock lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    if (family.series.empty()) continue;
    out += "# HELP " + name + ' ' + escaped(family.help, false) + '\n';
    out += "# TYPE " + name + ' ' + metric_kind_name(family.kind) + '\n';
    for (const auto& [labels, one] : family.series) {
      if (one.histogram) {
        histogram_samples(out, name, labels, *one.histogram);
      } else if (one.counter) {
        sample(out, name, labels, std::to_string(one.counter->value()));
      } else {
        sample(out, name, labels, number(one.value()));
      }
    }
  }
  return out;
}

Json Metrics::json() const {
  MutexLock lock(mutex_);
  Json out = Json::Object{};
  for (const auto& [name, family] : families_) {
    Json::Array all;
    for (const auto& [key, one] : family.series) {
      Json::Object labels;
      for (const auto& label : one.labels) labels.emplace_back(label.first, label.second);
      Json entry;
      entry.set("labels", std::move(labels));
      if (one.histogram) {
        entry.set("count", one.histogram->count());
        entry.set("sum", one.histogram->sum());
        entry.set("p50", one.histogram->percentile(0.5));
        entry.set("p90", one.histogram->percentile(0.9));
        entry.set("p99", one.histogram->percentile(0.99));
      } else if (one.counter) {
        entry.set("value", one.counter->value());
      } else {
        entry.set("value", one.value());
      }
      all.push_back(std::move(entry));
    }
    if (!all.empty()) out.set(name, std::move(all));
  }
  return out;
}

std::optional<double> Metrics::read(const std::string& name, Labels labels) const {
  std::sort(labels.begin(), labels.end());
  MutexLock lock(mutex_);
  auto family = families_.find(name);
  if (family == families_.end()) return std::nullopt;
  auto found = family->second.series.find(rendered(labels));
  if (found == family->second.series.end()) return std::nullopt;
  return found->second.value();
}

}  // namespace weir
