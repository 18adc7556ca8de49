// From records to table rows: the columns a stream's table has in SQL and in Parquet, and the writer that fills them.
//
// A stream's table: one column per declared field in declared order (object, array and json as JSON text), `_extra`
// (JSON, with `unknown: keep`), `_id` (text, only if the stream has no key), `_seq`, `_arrived_at`; then its partition
// columns: `dt` (date), or `year` and `month` (int32). A quarantine table: `quarantine_id`, `_arrived_at`, `reason`,
// `field`, `message`, `payload`, `_seq`; partitioned by `dt` of arrival. A payload that an older revision of the
// declaration judged still fits: absent columns take the default or NULL, renamed fields are found by `was`.
//
// Threads: a RowWriter belongs to one thread (it reuses a parser); the functions are pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "storage/engine/columns.h"
#include "stream/capture/record.h"
#include "stream/capture/stream.h"

namespace weir::capture {

std::vector<engine::Column> table_columns(const Stream& stream);  // without partition columns
std::vector<engine::Column> partition_columns(const Stream& stream);
std::vector<engine::Column> quarantine_columns();
std::vector<engine::Column> quarantine_partition_columns();

// Values of the partition columns for an event time (dates as days, year and month as numbers), and their folder:
// "dt=2026-11-21", "year=2026/month=11".
std::vector<int64_t> partition_values(const Stream& stream, EventTime time);
std::string partition_folder(const std::vector<engine::Column>& columns, const std::vector<int64_t>& values);

class RowWriter {
 public:
  virtual ~RowWriter() = default;
  // For accepted records of `stream`. Rows have table_columns() followed by partition_columns().
  static std::unique_ptr<RowWriter> accepted(std::shared_ptr<const Stream> stream);
  // For quarantined records of any stream. Rows have quarantine_columns() followed by quarantine_partition_columns().
  static std::unique_ptr<RowWriter> quarantined();
  // The event's own time as it was judged, for a record whose event_time is not known (one of the archive); its arrival
  // if the payload has none. Of a quarantined record, its arrival.
  virtual Result<EventTime> event_time(const Record& record) = 0;
  // Appends one row, or nothing and an error (`corrupt`: the payload no longer reads; it was judged before, so that is
  // damage).
  virtual Status append(const Record& record, uint64_t sequence, engine::RowBlock& into) = 0;
  // The same for the record that event_time() was asked for last: what it read is not read again.
  virtual Status append_timed(const Record& record, uint64_t sequence, engine::RowBlock& into) = 0;
};

}  // namespace weir::capture
