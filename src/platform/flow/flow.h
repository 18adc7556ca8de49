// Derived tables and the runs that compute them.
//
// A table is declared by one SELECT; what it reads is found in the SELECT itself, so the graph of dependencies is never
// written down twice. A run computes what is stale of a table and of the tables it is made of, inputs first, a
// partition at a time; what was computed stays computed whatever happens to the run. A run that was under way when the
// program ended goes on at the next start with what is missing, and running again what is fresh does nothing.
//
// A run computes tables, does the steps of a flow, or is some other room's work (work.h): all are begun, watched,
// stopped and resumed in one way.
//
// Threads: any. Runs work on the background lane, those of one table, one flow (beyond its max_active) or one piece of
// work one after another; within a run what does not depend on each other is done at the same time, up to
// `parallel` things of all runs together. Errors: not_found, invalid, conflict (a test of a table failed), unavailable
// (stopping), and what the engine says.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/metrics.h"
#include "core/runtime/lanes.h"
#include "platform/flow/builder.h"
#include "platform/flow/flow_declaration.h"
#include "platform/flow/gates.h"
#include "platform/flow/ledger.h"
#include "platform/flow/staleness.h"
#include "platform/flow/step_work.h"
#include "platform/flow/table.h"
#include "platform/flow/work.h"
#include "storage/control/control.h"
#include "stream/lake/lake.h"

namespace weir::flow {

struct RunRequest {
  std::string table;
  std::optional<int32_t> from, to;  // days of the table, `to` excluded; nothing: all of them
  bool force = false;               // also what is fresh
  bool upstream = true;             // what the table is made of first
  Json cause;                       // see control::Run
};

struct FlowRequest {
  // The days it is for, `to` excluded; nothing: the flow's window as of now.
  std::optional<int32_t> from{}, to{};
  bool with_late = true;  // and what is late besides, where the flow's window says so
  Json cause{};
};

struct RunView {
  control::Run run;
  std::vector<control::RunTask> tasks;
  size_t done = 0;                 // tasks that have ended
  std::optional<Duration> left{};  // estimated from the tasks that have ended
  Json to_json() const;
};

Json run_json(const control::Run& run);

// What would be computed of one table.
struct Forecast {
  std::string table;
  size_t partitions = 0;
  Partition first{}, last{};       // both included; nothing: the table is one whole
  std::optional<uint64_t> rows{};  // as they were last time; nothing: it was never computed
  std::optional<Duration> time{};
  Json to_json() const;  // {"table","partitions","from","to" (excluded),"rows","seconds"}
};

// Why a partition is not what it should be: its old content is there.
struct PartitionFailure {
  std::string error;
  std::vector<TestFailure> tests;  // those that failed; none: it could not be computed at all
  std::string run;
  WallTime at{};
};

struct TableState {
  Table table;
  std::vector<std::string> reads;
  std::vector<std::string> read_by;
  std::string problem;  // why it cannot be computed; empty: fine
  TableMarks marks;
  std::vector<Partition> stale;
  std::set<Partition> past;  // computed, and never again: retention has removed what they were made of
  std::map<Partition, PartitionFailure> failures{};  // of stale partitions, at the last try
  std::string stale_fingerprint;  // changes when what is stale, or what it would be computed from, does
  uint64_t rows = 0;
  std::optional<WallTime> computed_at;  // of the newest mark
  Json to_json(bool with_partitions) const;
};

class Flow {
 public:
  struct Parts {
    engine::Engine& engine;
    lake::Lake& lake;
    control::Control& control;
    Lanes& lanes;
    const Clock& clock;
    Random& random;
    Metrics& metrics;
    StepSettings steps = {};
    size_t parallel = 1;  // things that are computed at once, of all runs together
    // Told each run that ended, once it is on record; on the run's thread.
    std::function<void(const control::Run&)> on_end = {};
    warehouse::Warehouse* warehouse = nullptr;  // where the SQL of steps runs; null: it is refused
  };
  static Result<std::unique_ptr<Flow>> open(const Parts& parts);
  ~Flow();

  // What a declaration's SELECT reads, as far as it can be told without running it; `invalid` with the place in the
  // file. `known`: names that can be read besides the declared tables.
  Result<std::vector<std::string>> examine(const Table& table) const;
  // The declared tables, at start and after each apply. One that cannot be examined is kept with its problem.
  void set_tables(std::vector<Table> tables);
  // Drops a table's content with its marks.
  Status drop_table(const std::string& table);
  // What is computed of a table, declared or not, wherever it is stored.
  TableMarks marks(std::string_view table) const;
  // The lake as it is committed, with the marks of the tables that are stored there: for who reads a partition's rows
  // and its mark at one moment. A table of the engine comes before one of the lake.
  lake::CommittedTables in_lake() const { return parts_.lake.committed(); }
  static std::optional<Mark> mark_in(const lake::CommittedTables& lake, std::string_view table,
                                     const Partition& partition);
  // Called after each commit that changed what a table holds, on the thread that did it: before a run that published
  // something has ended. Set it before anything runs.
  using Observer = std::function<void(const std::string& table)>;
  void set_observer(Observer observer) { observer_ = std::move(observer); }

  std::vector<TableState> tables();
  Result<TableState> table(std::string_view name);

  // What would have to be computed if these tables were declared: of those whose content changes, and of those that are
  // made of them, in order.
  Result<std::vector<Forecast>> forecast(const std::vector<Table>& wanted) const;

  // Declared tables that are made of one of these, directly or not.
  Result<std::vector<std::string>> made_of(const std::vector<std::string>& inputs) const;
  // Takes what was deleted from these tables out of the engine's file, see engine::Engine::scrub(), and removes the
  // files that they had in the lake before. Nobody computes them meanwhile.
  Status scrub(std::vector<std::string> tables, const Cancel& cancel);
  // Files that unload steps of the runs on record wrote and that are still there: real paths, each once.
  Result<std::vector<std::string>> unloaded_files() const;

  // The run's id. The run works in the background.
  Result<std::string> start(const RunRequest& request);
  // A run of a flow's steps as they are declared now, whatever becomes of the declaration.
  Result<std::string> start_flow(const FlowDeclaration& flow, const FlowRequest& request);
  // What its steps would be refused for: their SQL, what they change, the programs they run. `taken`: the tables that
  // no step may change, streams and derived ones.
  std::vector<Error> examine_flow(const FlowDeclaration& flow, const std::set<std::string>& taken) const;
  // The tables that its steps change or make.
  std::set<std::string> tables_written(const FlowDeclaration& flow) const;
  // A file that somebody loads by hand into a table; what is made of that table is stale then.
  Result<uint64_t> load(const std::string& path, std::string_view format, const std::string& table);
  // Another room's change of a table that it fills, in one transaction with the table's new version: what is made of
  // it is stale then.
  using Change = std::function<Result<uint64_t>(engine::Session& session)>;
  Result<uint64_t> change_table(const std::string& table, const Change& change);
  // Tables that other rooms fill: nobody loads into them by hand, and no step changes them.
  void set_filled_tables(std::set<std::string> tables);
  // Hands in another room's work; all of them before resume().
  void add_work(const std::string& kind, std::unique_ptr<Work> work);
  Result<std::string> start_work(const WorkRequest& request);
  Result<RunView> run(std::string_view id);
  Result<std::vector<control::Run>> runs(std::string_view name, bool open, size_t limit);
  // Ends it after the partition under way was given up; `conflict` if it has ended.
  Status stop(std::string_view id, const std::string& by);
  // Takes up what was under way when the program ended; once, after set_tables().
  Status resume();
  // Runs that wait for others end now, and go on at the next start. Before whatever they ask is stopped.
  void stop();

 private:
  struct Declared {
    Table table;
    std::vector<std::string> reads;
    std::string problem;
  };
  using Tables = std::map<std::string, Declared, std::less<>>;
  struct Job;    // one run while it works
  struct Scope;  // what limits an attempt
  struct Turns {
    size_t active = 0;
    std::deque<std::shared_ptr<Job>> waiting;
  };
  struct Aside {  // the thread of a run that waits
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> is_over;
  };

  explicit Flow(const Parts& parts);
  std::shared_ptr<const Tables> declared() const;
  AllVersions versions(const lake::CommittedTables& committed, const Tables& tables) const;
  TableState state_of(const Declared& declared, const Tables& tables, const AllVersions& versions) const;
  Result<std::string> begin(control::Run run);
  Status submit(control::Run run);
  Status take_turn(const std::shared_ptr<Job>& job);
  void work_aside(const std::shared_ptr<Job>& job);
  void join_asides();
  void next_turn(const Job& ended);
  void work(Job& job);
  Status do_all(Job& job);
  Status do_work(Job& job);
  void end(Job& job, const Status& done);
  void save(const control::Run& run);
  // Of a flow; steps.cpp.
  Status settle_window(Job& job);
  Status settle_reads(Job& job);
  bool is_mixed(const Job& job) const;
  Status begin_again(Job& job);
  std::set<std::string> not_to_change(const Tables& tables) const;
  Status do_steps(Job& job, const Scope& scope);
  Status do_step(Job& job, const Step& step, const Scope& scope);
  Status attempt_step(Job& job, const Step& step, const Scope& scope);
  // Tables; builds.cpp.
  using Failures = std::map<Partition, PartitionFailure>;
  Status remember(const std::string& table, const Partition& partition, std::optional<PartitionFailure> failure);
  Result<Failures> remembered(const std::string& table) const;
  Status build_tables(Job& job, const std::vector<std::string>& tables, bool with_inputs, const Scope& scope);
  Builder& builder_of(const Table& table) const {
    return table.stored == Stored::lake ? *lake_builder_ : *engine_builder_;
  }
  // What a step of the run reads: streams as they were when it began, derived tables as they are.
  std::shared_ptr<const engine::Snapshot> inputs_of(const Job& job) const;
  Status build_table(Job& job, const Declared& declared, const Scope& scope);
  Status build_partition(Job& job, const Declared& declared, const Builder::Target& target, const Due& due,
                         const std::shared_ptr<const engine::Snapshot>& inputs, const Scope& scope);

  void published(const std::string& table) const;

  const Parts parts_;
  Observer observer_;
  Gates gates_;
  std::unique_ptr<Partitions> partitions_;
  std::unique_ptr<Builder> engine_builder_, lake_builder_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<StepWork> step_work_;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Tables> tables_;
  std::set<std::string> filled_tables_;
  std::map<std::string, Failures> failures_;                       // by table; as the control database has them
  std::map<std::string, std::shared_ptr<Job>, std::less<>> open_;  // runs queued or under way
  std::map<std::string, Turns> turns_;                             // by gate
  std::vector<Aside> aside_;
  bool is_stopping_ = false;
  std::map<std::string, std::unique_ptr<Work>, std::less<>> works_;
  Counter& built_;
  Counter& failed_;
};

}  // namespace weir::flow
