// Derived tables and the runs that compute them.
//
// A table is declared by one SELECT; what it reads is found in the SELECT itself, so the graph of dependencies is never
// written down twice. A run computes what is stale of a table and of the tables it is made of, inputs first, a
// partition at a time; what was computed stays computed whatever happens to the run. A run that was under way when the
// program ended goes on at the next start with what is missing, and running again what is fresh does nothing.
//
// Threads: any. Runs work one after another on the background lane. Errors: not_found, invalid, conflict (a test of a
// table failed), unavailable (stopping), and what the engine says.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/metrics.h"
#include "core/runtime/lanes.h"
#include "platform/flow/builder.h"
#include "platform/flow/flow_declaration.h"
#include "platform/flow/staleness.h"
#include "platform/flow/table.h"
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

struct RunView {
  control::Run run;
  std::vector<control::RunTask> tasks;
  size_t done = 0;                 // tasks that have ended
  std::optional<Duration> left{};  // estimated from the tasks that have ended
  Json to_json() const;
};

Json run_json(const control::Run& run);

struct TableState {
  Table table;
  std::vector<std::string> reads;
  std::vector<std::string> read_by;
  std::string problem;  // why it cannot be computed; empty: fine
  TableMarks marks;
  std::vector<Partition> stale;
  std::string stale_fingerprint;  // changes when what is stale, or what it would be computed from, does
  uint64_t rows = 0;
  std::optional<WallTime> computed_at;  // of the newest mark
  Json to_json(bool with_partitions) const;
};

// A partition whose newest computation failed, among the newest runs.
struct PartitionFailure {
  std::string partition;  // as partition_text() writes it
  std::string run;
  std::optional<WallTime> at;
  std::string message;
};
Json to_json(const std::vector<PartitionFailure>& failures);

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

  std::vector<TableState> tables();
  Result<TableState> table(std::string_view name);
  // Looks at the newest runs only, so a failure long ago that nobody tried again is in its run, and not here.
  Result<std::vector<PartitionFailure>> failures(std::string_view table);

  // The run's id. The run works in the background.
  Result<std::string> start(const RunRequest& request);
  // A run of a flow's steps as they are declared now, whatever becomes of the declaration. Only steps that compute
  // tables are built.
  Result<std::string> start_flow(const FlowDeclaration& flow, Json cause);
  Result<RunView> run(std::string_view id);
  Result<std::vector<control::Run>> runs(std::string_view name, bool open, size_t limit);
  // Ends it after the partition under way was given up; `conflict` if it has ended.
  Status stop(std::string_view id, const std::string& by);
  // Takes up what was under way when the program ended; once, after set_tables().
  Status resume();

 private:
  struct Declared {
    Table table;
    std::vector<std::string> reads;
    std::string problem;
  };
  using Tables = std::map<std::string, Declared, std::less<>>;
  struct Job;  // one run while it works

  explicit Flow(const Parts& parts);
  std::shared_ptr<const Tables> declared() const;
  AllVersions versions(const lake::CommittedTables& committed, const Tables& tables) const;
  TableState state_of(const Declared& declared, const Tables& tables, const AllVersions& versions) const;
  static Result<std::vector<std::string>> upstream_order(const Tables& tables, const std::string& table);
  Result<std::string> begin(control::Run run);
  Status submit(control::Run run);
  void work(Job& job);
  Status do_all(Job& job);
  Status do_steps(Job& job, const FlowDeclaration& flow);
  Status do_step(Job& job, const FlowDeclaration& flow, const Step& step);
  Status skip_step(Job& job, const Step& step, const std::string& why);
  Status build_with_inputs(Job& job, const std::string& table);
  Status build_table(Job& job, const Declared& declared);
  Status build_partition(Job& job, const Declared& declared, const Builder::Target& target, const Due& due,
                         const lake::CommittedTables& committed, control::RunTask& task);

  const Parts parts_;
  std::unique_ptr<Partitions> partitions_;
  std::unique_ptr<Builder> builder_;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Tables> tables_;
  std::map<std::string, Cancel, std::less<>> open_;  // runs queued or under way
  Counter& built_;
  Counter& failed_;
};

}  // namespace weir::flow
