#include "stream/history/history.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "core/base/json.h"
#include "stream/capture/record.h"

namespace weir::history {
namespace {

using capture::FieldType;

// What moves because a sample was written, or by itself. A sample with nothing else in it can wait.
constexpr std::array<std::string_view, 24> kOwnNoise = {
    "process_open_fds",
    "process_resident_memory_bytes",
    "weir_disk_free_bytes",
    "weir_history_rows_total",
    "weir_http_connections",
    "weir_journal_disk_bytes",
    "weir_journal_group_records",
    "weir_journal_groups_total",
    "weir_journal_queued_bytes",
    "weir_journal_records_total",
    "weir_journal_segments",
    "weir_journal_sync_seconds",
    "weir_journal_written_bytes_total",
    "weir_lake_commits_total",
    "weir_lake_lag_records",
    "weir_lake_merged_bytes_total",
    "weir_lake_merged_files_total",
    "weir_lake_oldest_waiting_timestamp_seconds",
    "weir_lake_replaced_files_removed_total",
    "weir_lake_tail_bytes",
    "weir_live_checkpoints_total",
    "weir_live_lag_records",
    "weir_live_records_total",
    "weir_history_series_left_out",
};

bool is_own_noise(std::string_view name) {
  return std::find(kOwnNoise.begin(), kOwnNoise.end(), name) != kOwnNoise.end();
}

capture::Field field(const char* name, FieldType type, const char* description) {
  capture::Field out;
  out.name = name;
  out.type = type;
  out.nullable = true;
  out.description = description;
  return out;
}

Json labels_json(const Labels& labels) {
  Json::Object out;
  for (const auto& [name, value] : labels) out.emplace_back(name, value);
  return Json(std::move(out));
}

void set_finite(Json& row, const char* name, double value) {
  if (std::isfinite(value)) row.set(name, value);
}

bool is_same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

}  // namespace

capture::Stream metrics_stream(Duration retention) {
  capture::Stream out;
  out.name = kMetricsStream;
  out.description = "the program's own metrics over time: a row for each series that changed";
  out.fields = {
      field("sampled_at", FieldType::timestamp, "when the sample was taken"),
      field("name", FieldType::string, "of the metric, as on /metrics"),
      field("labels", FieldType::json, "of the series"),
      field("kind", FieldType::string, "counter, gauge or histogram"),
      field("value", FieldType::number, "a counter's increase since its last row; a gauge's value"),
      field("total", FieldType::integer, "a counter's value since the program started; a histogram's observations"),
      field("count", FieldType::integer, "a histogram's observations since its last row"),
      field("sum", FieldType::number, "of those observations"),
      field("p50", FieldType::number, "median of those observations, estimated from buckets"),
      field("p95", FieldType::number, "as p50"),
      field("p99", FieldType::number, "as p50"),
      field("seconds", FieldType::number, "since the sample before: what increases are divided by for a rate"),
  };
  out.time_field = "sampled_at";
  out.unknown = capture::UnknownFields::drop;
  out.retention = retention;
  return out;
}

History::History(Metrics& metrics, journal::Journal& journal, Clock& clock, const capture::AppliedStream& stream,
                 Options options)
    : metrics_(metrics),
      journal_(journal),
      clock_(clock),
      stream_(stream),
      options_(options),
      written_at_(clock.wall()),
      rows_(metrics.counter("weir_history_rows_total", "Rows of weir_metrics that were written.")),
      failures_(metrics.counter("weir_history_failures_total",
                                "Samples of the metrics that could not be written; the next one covers them.")),
      left_out_(metrics.gauge("weir_history_series_left_out",
                              "Series that have no history, because metrics.series_max were there before.")) {}

bool History::settle() {
  if (pending_ == nullptr) return true;
  {
    MutexLock lock(pending_->mutex);
    if (!pending_->written) return false;
    if (*pending_->written) {
      baseline_ = std::move(pending_->baseline);
      written_at_ = pending_->at;
      if (pending_->is_whole) whole_at_ = pending_->at;
      rows_.add(pending_->rows);
    } else {
      failures_.add();
    }
  }
  pending_.reset();
  return true;
}

std::string History::row(const MetricSample& series, const Seen& before, WallTime at) const {
  Json out{Json::Object{}};
  out.set("sampled_at", format_timestamp(at.micros));
  out.set("name", series.name);
  out.set("labels", labels_json(series.labels));
  out.set("kind", metric_kind_name(series.kind));
  switch (series.kind) {
    case MetricKind::counter:
      out.set("value", series.total - before.total);
      out.set("total", series.total);
      break;
    case MetricKind::gauge:
      set_finite(out, "value", series.value);
      break;
    case MetricKind::histogram: {
      std::vector<uint64_t> counts = series.buckets;
      for (size_t i = 0; i < before.buckets.size(); ++i) counts[i] -= before.buckets[i];
      out.set("total", series.total);
      out.set("count", series.total - before.total);
      set_finite(out, "sum", series.value - before.value);
      if (series.total != before.total) {
        out.set("p50", percentile_of(*series.bounds, counts, 0.5));
        out.set("p95", percentile_of(*series.bounds, counts, 0.95));
        out.set("p99", percentile_of(*series.bounds, counts, 0.99));
      }
      break;
    }
  }
  out.set("seconds", static_cast<double>(std::max<int64_t>(0, at.micros - written_at_.micros)) / 1e6);
  return out.dump();
}

Status History::sample() {
  MutexLock lock(mutex_);
  return sample_locked(false);
}

Status History::sample_locked(bool even_if_quiet) {
  if (!settle()) return {};  // the disk is slow: the next sample covers this one
  const WallTime at = clock_.wall();
  const bool is_whole = std::abs(at.micros - whole_at_.micros) >= kWholeEvery.micros;
  auto pending = std::make_shared<Pending>();
  pending->at = at;
  pending->is_whole = is_whole;
  journal::Batch batch;
  bool is_quiet = !is_whole && !even_if_quiet;
  const size_t room = options_.series_max - std::min(options_.series_max, baseline_.size());
  size_t new_ones = 0, left_out = 0;
  capture::Record record;
  record.stream = stream_.number;
  record.revision = stream_.revision;
  record.arrived_at = {at.micros};
  record.event_time = {at.micros};
  const std::string id_begin = std::to_string(at.micros) + ".";
  for (MetricSample& series : metrics_.samples()) {
    const auto known = baseline_.find(series.key);
    const bool is_new = known == baseline_.end();
    if (is_new && new_ones++ >= room) {
      ++left_out;
      continue;
    }
    const Seen before = is_new ? Seen{} : known->second;
    const bool changed = series.total != before.total || !is_same(series.value, before.value);
    if (changed && !is_own_noise(series.name)) is_quiet = false;
    const bool is_zero = series.total == 0 && series.value == 0;
    if (changed || (is_whole && !is_zero)) {
      const std::string payload = row(series, before, at);
      const std::string id = id_begin + std::to_string(batch.count());
      record.id = id;
      record.payload = payload;
      capture::encode(record, batch.open_record());
      batch.close_record();
    }
    pending->baseline.emplace(std::move(series.key), Seen{series.total, series.value, std::move(series.buckets)});
  }
  left_out_.set(static_cast<double>(left_out));
  if (is_quiet || batch.empty()) return {};
  pending->rows = batch.count();
  auto appended = journal_.append(std::move(batch), [pending](const Status& status) {
    MutexLock lock(pending->mutex);
    pending->written = status.has_value();
    pending->done.notify_all();
  });
  if (!appended) {
    failures_.add();
    return appended.error();
  }
  pending_ = std::move(pending);
  return {};
}

Status History::wait_until_settled(Duration limit) {
  if (pending_ == nullptr) return {};
  {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(limit.micros);
    MutexLock lock(pending_->mutex);
    while (!pending_->written) {
      if (pending_->done.wait_until(pending_->mutex, deadline) == std::cv_status::timeout) {
        return Error(Code::timed_out, "the journal did not take the metrics within " + format_duration(limit));
      }
    }
  }
  settle();
  return {};
}

Status History::finish(Duration limit) {
  MutexLock lock(mutex_);
  TRY(wait_until_settled(limit));
  TRY(sample_locked(true));
  return wait_until_settled(limit);
}

}  // namespace weir::history
