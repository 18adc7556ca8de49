// The lake: what becomes of captured events. A follower reads the journal in order, keeps the newest rows in memory for
// SQL, and moves them into files: an archive of gzipped NDJSON by hour of arrival, and Parquet by the event's day. One
// commit in the control database records the files and the journal range together, so a record is in the lake exactly
// once whatever crashes in between.
//
// Promises
//   - take() (engine::TableSource) sees every record that was acknowledged before the call: committed files plus the
//   tail in memory.
//   - Files appear under their final names only whole and synced, and count only once the catalog lists them; staging
//   lies in
//     <store>/.staging, outside every table. What a crash left behind is removed at the next open.
//   - Damage in the journal stops nothing silently: the follower reports it (status().error, log, metric) and goes on
//   behind it.
//
// Threads: pump() and commit() are called by one follower (Lake::run on the `follow` lane, or a test); take(), status()
// and the readers from any. compact(), retain(), rebuild(), forget(), drop() and maintain() from any: they wait for
// each other, never for long for the follower, and the follower only for a commit of theirs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/io/files.h"
#include "core/runtime/cancel.h"
#include "storage/control/control.h"
#include "storage/engine/engine.h"
#include "storage/journal/journal.h"
#include "stream/capture/capture.h"
#include "stream/capture/subject.h"
#include "stream/lake/derived.h"

namespace weir::lake {

struct Options {
  std::string store_root;                  // .weir/store
  Duration commit_interval = seconds(10);  // a row waits at most this long for its file
  uint64_t commit_bytes = 32ull << 20;     // or until so much waits
  // Rows of system streams go along with other rows, and alone only after so long: an idle server makes few files.
  Duration system_commit_interval = minutes(10);
  uint64_t tail_bytes_max = 256ull << 20;  // pump() stops here until a commit made room
  size_t partitions_max = 64;              // of one commit
  int gzip_level = 1;                      // of ISA-L; 3 takes twice as long and saves 2 %
  size_t compact_files = 16;              // maintain() merges as soon as so many small files lie side by side; 0: never
  uint64_t compact_bytes = 128ull << 20;  // of a file that is not merged any further; an archive file: a quarter
  uint64_t rebuild_memory = 64ull << 20;  // of rows that a rebuild holds, about
  Duration replaced_keep = hours(24);     // so long a replaced file stays for readers outside
};

struct LakeStatus {
  journal::Sequence cursor;    // first sequence that no committed file holds
  journal::Sequence followed;  // first sequence that is not in the tail either
  uint64_t version = 0;        // of the catalog
  uint64_t tail_rows = 0, tail_bytes = 0;
  uint64_t files = 0, bytes = 0;
  std::optional<ArrivalTime> oldest_waiting;  // arrival of the oldest row that is only in journal and tail
  // Records that no committed file holds. Neither of the two counts rows of system streams that were followed.
  uint64_t lag_records = 0;
  std::optional<WallTime> last_commit_at;
  std::string error;  // what stopped the last commit, or damage met; empty: fine
};

// Merging of small files: the rows stay what they are, so nothing becomes stale.
struct CompactRequest {
  std::string table;           // empty: all
  std::optional<int32_t> day;  // Parquet with events of that day, archive of what arrived on it; nothing: all
};
struct Compaction {
  uint64_t files_before = 0, files_after = 0;  // of those that were merged
  uint64_t bytes_before = 0, bytes_after = 0;
  uint64_t rows = 0;
  uint64_t left_alone = 0;  // small files of older programs, whose columns the catalog does not know: rebuild them
  Json to_json() const;
};

// Removal of what a stream's `retention` no longer keeps, by the day of the events.
struct RetainRequest {
  std::string stream;    // empty: all that declare a retention
  bool dry_run = false;  // only tells what would go
};
struct RetiredFile {
  std::string table, path;
  uint64_t bytes = 0, rows = 0;
  int32_t last_day = 0;  // of its events
};
struct Retention {
  std::vector<RetiredFile> files;
  Json to_json(bool dry_run) const;  // {"dry_run","count","bytes","files":[{"table","path","last_day","rows","bytes"}]}
};

// A stream's Parquet, made anew from its archive.
struct Rebuilt {
  uint64_t archive_files = 0, records = 0;
  uint64_t past =
      0;  // records that retention has removed from Parquet, and that archive files hold beside younger ones
  uint64_t forgotten = 0;                           // tombstones, which stay what they are
  uint64_t partitions = 0, partitions_changed = 0;  // those that read otherwise, were damaged, or had older columns
  uint64_t damaged_files = 0;                       // of the old ones
  uint64_t files_before = 0, files_after = 0;       // of the partitions that were changed
  uint64_t rows = 0;
  std::vector<std::string> problems;  // records that cannot be read, the first hundred
  Json to_json(std::string_view stream) const;
};

// Records whose field of a person has one of some values, and what becomes of them: tombstones in the archive, which
// keep their sequences, and no rows in Parquet.
struct ForgetRequest {
  std::string stream;
  capture::Subject* subject = nullptr;
  uint64_t through = 0;      // records below
  WallTime at;               // when it was asked for: stands in the tombstones
  bool keeps_ids = true;     // false where the event's id is the value
  bool only_counts = false;  // nothing is changed
};
struct Forgotten {
  struct Place {
    uint64_t files = 0, records = 0;
    uint64_t bytes_before = 0, bytes_after = 0;
  };
  uint64_t events = 0, quarantined = 0, notes = 0;  // in the archive; notes of requeues are in <stream>_intake
  Place archive, parquet;
  std::vector<uint64_t> sequences;  // of all of them, ascending
  std::vector<control::LakeDay> touched;
};

// How far long work is, told from its thread.
struct Progress {
  uint64_t done_bytes = 0, total_bytes = 0;
  std::string what;  // "impressions dt=2026-11-21"
};
using OnProgress = std::function<void(const Progress&)>;

// What verify() compared; `problems` empty means that journal, archive, Parquet and catalog agree.
struct Verification {
  uint64_t archive_files = 0, parquet_files = 0;
  uint64_t archive_records = 0, parquet_rows = 0, journal_records = 0;
  uint64_t forgotten = 0;  // tombstones among the archive's lines
  std::vector<std::string> problems;
};

// Where one event is, for `weir explain`.
struct Place {
  std::string stream;
  std::string verdict;                 // "accepted", "quarantined", "forgotten"
  std::string reason, field, message;  // quarantined
  ArrivalTime arrived_at;
  std::optional<WallTime> forgotten_at = {};
  std::optional<EventTime> event_time;
  journal::Sequence sequence;
  std::string segment;                  // empty once released
  std::string archive_file, lake_file;  // empty while only in journal and tail
};

// Writes sealed rows as one Parquet file at a path of the operating system; the engine in the real program.
using ParquetWriter =
    std::function<Result<engine::ParquetFile>(const std::vector<std::shared_ptr<const engine::SealedChunk>>&,
                                              const std::vector<engine::Column>&, const std::string& path)>;

// Writes the rows of Parquet files of one layout as one file, all paths of the operating system.
using ParquetMerger = std::function<Result<engine::ParquetFile>(const std::vector<std::string>& from,
                                                                const std::string& path, const Cancel& cancel)>;

// Of each day of a table's files: how many rows, and sums over their content that do not depend on their order. All
// files are of the partition of `day`; without it the column `time` of a row says its day, and where it has none
// _arrived_at.
using RowDigest = std::function<Result<std::map<int32_t, std::string>>(
    const engine::TableVersion& rows, std::optional<int32_t> day, const std::string& time, const Cancel& cancel)>;

// Everything that is committed and nothing else, as one version: what derived tables are computed from.
struct CommittedTables {
  using Days = std::map<int32_t, uint64_t>;        // data version by day since 1970; see control::LakeDay
  std::shared_ptr<const engine::Snapshot> tables;  // files only, no tail; holding it keeps them
  uint64_t version = 0;
  std::map<std::string, std::shared_ptr<const Days>, std::less<>> days;  // by table
  std::map<std::string, int32_t, std::less<>> retained_from;  // by table: events of earlier days were removed
  std::map<std::string, std::shared_ptr<const Derived>, std::less<>> derived;  // shadows too; they have no `days`
};

class Lake : public engine::TableSource, public DerivedTables {
 public:
  // Reads the catalog, removes leftovers, and readies the follower at the stored cursor. Call set_engine() before
  // pump().
  static Result<std::unique_ptr<Lake>> open(Files& files, Clock& clock, Metrics& metrics, journal::Journal& journal,
                                            control::Control& control, Options options);

  // The engine opens after the lake (it needs a TableSource), so it is handed in once, before anything is followed.
  // `writer`, `merger` and `digest` stand in for the engine's where the files do not lie on the machine's own disk
  // (tests/sim).
  virtual void set_engine(engine::Engine& engine, ParquetWriter writer = {}, ParquetMerger merger = {},
                          RowDigest digest = {}) = 0;
  // Streams whose records are followed, detached ones too. Called at start and after each apply.
  virtual Status set_streams(std::vector<capture::AppliedStream> streams) = 0;

  // Moves journal records into the tail up to the durable end or the tail's limit; returns the number of records.
  virtual Result<uint64_t> pump() = 0;
  // Writes what is in the tail to files and commits. Nothing to do is a success.
  virtual Status commit() = 0;
  // Follows until `stop` returns true: pumps, commits by interval and size, releases journal segments whose records are
  // all committed here and lie below `sealed()` (what capture no longer needs).
  virtual void run(const std::function<bool()>& stop, const std::function<journal::Sequence()>& sealed) = 0;
  // Removes a stream's table and its quarantine with all their files, for good. The stream takes no more events and
  // everything is drained.
  virtual Status drop(std::string_view stream) = 0;
  // Waits until everything acknowledged before the call is committed.
  virtual Status drain(Duration limit) = 0;

  // Merges all small files that were asked for, a few hundred megabytes at a time, each by one commit beside the
  // follower; what was merged stays merged whatever comes after. Damaged files are left as they are: `corrupt` names
  // the first, after the others are done.
  virtual Result<Compaction> compact(const CompactRequest& request, const Cancel& cancel,
                                     const OnProgress& progress = {}) = 0;
  // A Parquet file goes when its whole partition is past, an archive file when all its events are; one commit a stream.
  // The files are gone from the disk as soon as no snapshot pins them.
  virtual Result<Retention> retain(const RetainRequest& request, const Cancel& cancel) = 0;
  // Makes the Parquet of a stream and of its quarantine anew from the archive, by the declaration as it is now, with
  // the same ids and sequences; beside the follower, in one commit, and again changes nothing. Versions rise of the
  // days whose rows differ, or cannot be told to be the same. `corrupt` names a damaged archive file; nothing is
  // changed then.
  virtual Result<Rebuilt> rebuild(std::string_view stream, const Cancel& cancel, const OnProgress& progress = {}) = 0;
  // Finds what is to be forgotten in the archive, hands it to `found` while nothing is changed yet, and then swaps all
  // files of the stream, its quarantine and its intake that hold any of it, in one commit; its version is raised for
  // the days of the events. `found` returns what is recorded in that same commit; files replaced earlier are due at
  // once too. Nothing below `through` may be in the journal any more when `found` returns.
  using OnFound = std::function<Result<control::Forget>(const Forgotten& found)>;
  virtual Result<Forgotten> forget(const ForgetRequest& request, const Cancel& cancel, const OnFound& found,
                                   const OnProgress& progress = {}) = 0;
  // Replaced files of the stream's tables that are still there, because a snapshot reads them.
  virtual Result<std::vector<control::ReplacedFile>> replaced_of(std::string_view stream) = 0;
  // Removes replaced files that no snapshot pins and that were kept long enough; returns their number.
  virtual Result<uint64_t> remove_replaced() = 0;
  // What is due by itself: at most one merge, remove_replaced(), and once an hour retain(). True if more is due at
  // once.
  virtual Result<bool> maintain(const Cancel& cancel) = 0;

  virtual CommittedTables committed() = 0;
  virtual std::shared_ptr<const CommittedTables::Days> days(std::string_view table) = 0;  // empty for an unknown one

  virtual LakeStatus status() const = 0;
  virtual Result<Verification> verify() = 0;
  // The committed files of a table for readers outside: {"table","version","cursor","columns","files":[…]}. Also kept
  // as <store>/lake/<table>/manifest.json, replaced after each commit.
  virtual Result<Json> manifest(std::string_view table) = 0;
  virtual Result<std::vector<Place>> explain(std::string_view event_id) = 0;
};

}  // namespace weir::lake
