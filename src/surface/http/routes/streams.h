// Streams as pages and shells look at them: declarations, counts, rates, files, newest events, quarantine, tail.
//
// A StreamDirectory reads what other rooms know and words it; its functions may be called from any thread and read the
// control database or the engine, so handlers run on the interactive lane. They read past grants and policies: what
// shows records asks first whether the caller may see all of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "platform/warehouse/warehouse.h"
#include "storage/control/control.h"
#include "storage/engine/engine.h"
#include "storage/journal/journal.h"
#include "stream/capture/capture.h"
#include "stream/lake/lake.h"
#include "surface/http/rates.h"
#include "surface/http/router.h"
#include "surface/http/routes/capture.h"
#include "surface/http/tail.h"

namespace weir::http {

struct StreamParts {
  control::Control& control;
  capture::Capture& capture;
  journal::Journal& journal;
  lake::Lake& lake;
  engine::Engine& engine;
  const EventRoutes& events;
  const Rates& rates;
  Clock& clock;
};

class StreamDirectory {
 public:
  explicit StreamDirectory(const StreamParts& parts) : parts_(parts), counted_since_(parts.clock.wall()) {}

  struct Declared {
    uint32_t number = 0;
    bool detached = false;
    capture::Stream stream;
  };
  Result<std::vector<Declared>> declared() const;  // by name, detached ones too
  Result<Declared> find(std::string_view name) const;

  Result<Json> list() const;  // {"streams":[…]}
  Result<Json> detail(std::string_view name) const;
  // What the lake holds of every table: {"version","waiting_rows","waiting_bytes","tables":[…]}.
  Result<Json> lake() const;
  // {"events":[…]} and {"records":[…]} as JSON text, newest first.
  Result<std::string> events(std::string_view name, int64_t limit, const Cancel& cancel) const;
  Result<std::string> quarantine(std::string_view name, int64_t limit, const Cancel& cancel) const;
  // Rows of each table that came from the journal's record `sequence`.
  Result<Json> rows_of(const std::string& stream, uint64_t sequence) const;

 private:
  // What the catalog lists for one table; computed once for each commit.
  struct TableFiles {
    struct Partition {
      uint64_t rows = 0, files = 0, bytes = 0;
      uint64_t version = 0;  // the newest commit that added one of its files
    };
    Json partitions_json() const;  // newest first, at most kPartitionsShownMax
    uint64_t rows = 0, parquet = 0, archive = 0, bytes = 0;
    std::map<std::string, Partition> partitions;
  };
  using Files = std::map<std::string, TableFiles, std::less<>>;
  using Row = std::vector<engine::Cell>;

  Result<std::shared_ptr<const Files>> files() const;
  Json summary(const Declared& declared, const std::vector<capture::StreamCounts>& counts, const Files& files) const;
  // `quarantined` is capture's count, which tells whether anything came since.
  Result<Json> quarantine_reasons(const Declared& declared, uint64_t quarantined) const;
  Result<Json> count_reasons(const std::string& stream) const;
  // `sql` has $1 for the lowest sequence and $2 for the number of rows; looks at the newest records first, and further
  // back only while it has not found enough.
  struct Newest {
    std::vector<engine::ResultColumn> columns;
    std::vector<Row> rows;
  };
  Result<Newest> newest(const std::string& sql, int64_t limit, const Cancel& cancel) const;

  struct Reasons {
    uint64_t quarantined = 0;
    int64_t counted_at = 0, took = 0;  // microseconds
    Json reasons;
  };

  const StreamParts parts_;
  const WallTime counted_since_;  // capture counts verdicts in memory, from the start of the program
  mutable Mutex mutex_;
  mutable uint64_t files_version_ GUARDED_BY(mutex_) = UINT64_MAX;
  mutable std::shared_ptr<const Files> files_ GUARDED_BY(mutex_);   // shared with requests under way
  mutable std::map<uint32_t, Reasons> reasons_ GUARDED_BY(mutex_);  // by the stream's number
};

// The references outlive the router.
void add_stream_routes(Router& router, const StreamDirectory& directory, TailHub& tail, warehouse::Warehouse& rights);

}  // namespace weir::http
