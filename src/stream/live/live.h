// Live windows: counts, sums and ratios over the newest events of streams, by the events' own time, a moment after the
// events are acknowledged.
//
// A follower of its own reads the journal behind capture, which never waits for it. Each record is folded into the
// windows of every declaration that measures its stream, reading only the fields that are measured.
//
// Promises
//   - After read() or catch_up() a window holds every record acknowledged before, each once, whatever restarts and
//   kills
//     lie between: a checkpoint holds windows and journal sequence together, and what comes behind it is folded again.
//     The journal may be released up to needed_from().
//   - Late events correct the past and are counted as late, with the arrival of the newest; events too late for their
//     window, quarantined records and values that do not fit are counted by reason.
//   - A new or changed declaration is counted from what the lake holds, beside everything else; until that is merged
//   its
//     state is `counting`. Where that fails it says so, and `complete_since` says from when on its windows are whole.
//   - Bounded: rows by the declaration, answers by rows_max.
//
// Times are UTC, sizes rows. Threads: pump(), checkpoint() and run() from one thread (the follower); everything else
// from any. Errors: not_found with the nearest name; io where a checkpoint cannot be written (tried again). Format of
// the checkpoint: docs/internals/live.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/io/files.h"
#include "storage/engine/engine.h"
#include "storage/journal/journal.h"
#include "stream/capture/capture.h"
#include "stream/live/declaration.h"
#include "stream/live/history.h"
#include "stream/live/windows.h"

namespace weir::live {

struct Options {
  std::string folder;  // for example .weir/live: checkpoints
  Duration checkpoint_interval = seconds(5);
  // What the lake counted before; missing: a new declaration begins with the next record.
  HistorySource history = {};
  // Runs a task of minutes on another thread; missing: at once.
  std::function<Status(std::function<void()> task)> defer = {};
};

// What somebody saw: windows of one counting from the beginning (`epoch`), with every record below `position`. A later
// epoch means that all of it was counted again.
struct Version {
  uint64_t epoch = 0, position = 0;
  friend bool operator==(const Version&, const Version&) = default;
  std::string text() const;  // "1763746000123456-4711"
  static std::optional<Version> parse(std::string_view text);
};

enum class Phase {
  live,
  counting,  // what the lake holds is still being counted
  disabled,
  failed,  // what it measures is not there; see `problem`
};
const char* phase_word(Phase phase);

struct LiveState {
  std::shared_ptr<const Declaration> live;
  Phase phase = Phase::live;
  std::string problem;  // why it failed, or is not complete; empty: fine
  Version version;
  uint64_t changed = 0;      // sequence of the newest record that changed anything
  uint64_t lag_records = 0;  // acknowledged and not yet folded
  uint64_t windows = 0, rows = 0;
  uint64_t events = 0, late = 0;  // since counting began
  Misfits misfits;
  EventTime complete_since;                 // windows from here on hold all of their events; 0: all windows
  std::optional<EventTime> oldest, newest;  // windows that are there
  std::optional<WallTime> checkpoint_at;
};

// A measure's value in one row.
struct Value {
  enum class Kind : uint8_t { none, whole, decimal, real };
  Kind kind = Kind::none;
  int64_t whole = 0;  // a decimal's is scaled
  int scale = 0;
  double real = 0;
};

struct WindowRow {
  EventTime start;
  Key key;                // as the declaration's keys
  bool is_other = false;  // all keys beyond keys_max
  std::vector<Value> values;
  uint64_t late = 0;
  std::optional<ArrivalTime> corrected_at;
};

struct Query {
  std::optional<EventTime> from, to;  // windows that begin in [from, to)
  std::optional<Key> key;
  uint64_t changed_from = 0;  // only rows that a record from this sequence on changed
  size_t rows_max = 10'000;   // the newest ones
};
inline constexpr size_t kReadRowsMax = 100'000;

struct Reading {
  LiveState state;
  std::vector<WindowRow> rows;  // by window, then by key
  bool truncated = false;       // older ones were left out
};

class Live {
 public:
  virtual ~Live() = default;
  // Reads the checkpoints; nothing is followed before set_declarations().
  static Result<std::unique_ptr<Live>> open(Files& files, Clock& clock, Metrics& metrics, journal::Journal& journal,
                                            Options options);

  // What is counted from now on, and the streams that there are, detached ones too. At start and after each apply.
  virtual void set_declarations(std::vector<Declaration> declarations,
                                const std::vector<capture::AppliedStream>& streams) = 0;

  // Folds what the journal holds; the number of records.
  virtual Result<uint64_t> pump() = 0;
  virtual Status checkpoint() = 0;
  // Any thread, while run() works: both checkpoint files are written anew, with every record below `through`; the
  // journal may be released up to there. Where nothing is followed the files go. `timed_out`.
  virtual Status renew_checkpoints(journal::Sequence through, Duration limit) = 0;
  // Counts the windows over these streams again from what the lake holds now, as if they were declared anew; waits
  // until that is merged. Their names. `timed_out`.
  virtual Result<std::vector<std::string>> recount(const std::string& stream, Duration limit) = 0;
  // Follows until `stop` returns true, with a checkpoint each interval and one at the end.
  virtual void run(const std::function<bool()>& stop) = 0;
  // What the journal must keep.
  virtual journal::Sequence needed_from() const = 0;
  // Waits until everything acknowledged before the call is folded and nothing is being counted; false after the limit.
  virtual bool catch_up(Duration limit) = 0;

  virtual std::vector<LiveState> states() const = 0;  // by name
  virtual Result<Reading> read(std::string_view name, const Query& query) const = 0;
  // The windows as tables of SQL: live_traffic. One that failed or is disabled has none.
  struct Table {
    std::string name;
    std::vector<engine::Column> columns;
  };
  virtual std::vector<Table> tables() const = 0;
  virtual Result<engine::RowBlock> table_rows(std::string_view table) const = 0;
};

// The form that pages, commands and routes share.
Json state_json(const LiveState& state);
Json reading_json(const Reading& reading);
// Of one message to a watcher: rows, counts, version.
Json change_json(const Reading& reading);

// A table for each declaration, weir_live and weir_live_misfits; `live` outlives them. Made anew after each apply.
std::vector<engine::SystemView> live_views(Live& live);

}  // namespace weir::live
