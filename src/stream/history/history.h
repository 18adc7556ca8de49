// History: the program's own metrics over time, as a stream that SQL and charts read like any other (`weir_metrics`),
// and as lines of CloudWatch's embedded metric format for whoever collects logs.
//
// A sample reads the whole registry (core/base/metrics.h) and appends a row for each series that changed since its last
// row: a counter's increase and total, a gauge's value, a histogram's observations of the time between. Every
// kWholeEvery all series that are not zero get a row, so that whoever looks for a gauge need not look back further.
//
// Promises
//   - The increases of a series, added up over its rows, are its total: a sample that could not be written is part of
//     the next one. What happened after the last sample before a crash is lost.
//   - A sample in which nothing moved but what sampling itself moves (kOwnNoise) is put off until the next whole one:
//   an
//     idle server writes little.
//   - At most `series_max` series, whichever came first; the others are counted in weir_history_series_left_out.
//
// The rows are encoded as capture's records and appended to the journal directly: they are made here and need neither
// judging nor deduplication, and a stream that captured itself would never be still. From the journal on they go the
// way of every record. Nobody else may write them: capture refuses the name.
//
// Threads: History from any; completions come on the journal's. EmfWriter::tick() by one at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "storage/journal/journal.h"
#include "stream/capture/capture.h"

namespace weir::history {

inline constexpr const char* kMetricsStream = "weir_metrics";
inline constexpr Duration kWholeEvery = minutes(5);

// The declaration of `weir_metrics`, as the program applies it: sampled_at, name, labels (JSON), kind, value, total,
// count, sum, p50, p95, p99, seconds.
capture::Stream metrics_stream(Duration retention);

struct Options {
  size_t series_max = 5'000;
};

class History {
 public:
  // Increases count from now. `stream` is metrics_stream() as it is applied.
  History(Metrics& metrics, journal::Journal& journal, Clock& clock, const capture::AppliedStream& stream,
          Options options);

  // Takes one sample and hands it to the journal; does not wait for the disk. A refusal (`busy`, `no_space`) is
  // counted and returned; the next sample covers it.
  Status sample();
  // A last sample, also if it would be put off, and waits at most `limit` until it is on disk.
  Status finish(Duration limit);

 private:
  // What the last row of a series said.
  struct Seen {
    uint64_t total = 0;
    double value = 0;
    std::vector<uint64_t> buckets;
  };
  using Baseline = std::map<std::string, Seen>;
  // A sample that the journal has and has not answered yet.
  struct Pending {
    Mutex mutex;
    std::condition_variable_any done;
    std::optional<bool> written GUARDED_BY(mutex);
    WallTime at;
    bool is_whole = false;
    size_t rows = 0;
    Baseline baseline;
  };

  Status sample_locked(bool even_if_quiet) REQUIRES(mutex_);
  bool settle() REQUIRES(mutex_);  // false: the journal has not answered yet
  Status wait_until_settled(Duration limit) REQUIRES(mutex_);
  std::string row(const MetricSample& series, const Seen& before, WallTime at) const REQUIRES(mutex_);

  Metrics& metrics_;
  journal::Journal& journal_;
  Clock& clock_;
  const capture::AppliedStream stream_;
  const Options options_;
  Mutex mutex_;  // one sample at a time
  Baseline baseline_ GUARDED_BY(mutex_);
  WallTime written_at_ GUARDED_BY(mutex_), whole_at_ GUARDED_BY(mutex_);
  std::shared_ptr<Pending> pending_ GUARDED_BY(mutex_);  // shared with the completion
  Counter& rows_;
  Counter& failures_;
  Gauge& left_out_;
};

// CloudWatch's embedded metric format from the same registry, a line a stream and minute, with the seed's names:
// namespace Warehouse/<Project>, Impressions or Clicks (a stream's name) for what was accepted, and by stream
// IncomingRecords, IncomingBytes and PutRecordBatch.Requests.
class EmfWriter {
 public:
  // `write` gets a line without its end. Increases count from now.
  EmfWriter(Metrics& metrics, Clock& clock, const std::string& project, std::function<void(std::string_view)> write);
  // Often enough; writes once a minute of the clock, what happened since the last time. Streams without traffic are
  // left out.
  void tick();

 private:
  struct Counts {
    uint64_t accepted = 0, records = 0, bytes = 0, requests = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
  };
  std::map<std::string, Counts> read() const;

  Metrics& metrics_;
  Clock& clock_;
  const std::string namespace_;
  const std::function<void(std::string_view)> write_;
  int64_t minute_;
  std::map<std::string, Counts> before_;
};

}  // namespace weir::history
