// What single steps of a flow do: SQL in Redshift's words, in one transaction with the step's mark, files into tables,
// tables into files, checks, commands in a worker.
//
// A step that changes the engine writes its mark in the same transaction; one with effects outside — a file, a
// command — is marked after it: at least once, so what it makes has a name that does not depend on chance and is
// replaced whole. A step that is marked is not done again by its run. Calls block; any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "core/runtime/worker.h"
#include "platform/flow/flow_declaration.h"
#include "platform/flow/gates.h"
#include "platform/flow/ledger.h"
#include "platform/flow/run_tasks.h"
#include "platform/warehouse/declared_script.h"
#include "platform/warehouse/session.h"
#include "storage/engine/engine.h"

namespace weir::flow {

// What steps may touch outside of the engine.
struct StepSettings {
  std::string folder{};                 // the project's: where relative paths begin, and where commands work
  std::string store_root{};             // files may be loaded from it, too
  std::vector<std::string> commands{};  // programs that a step may run, as the step names them; none: commands are off
  WorkerLimits command_limits{};
  std::function<Result<std::string>(std::string_view name)> secret{};  // for ${secret:NAME}
};

// One attempt at a step.
struct StepRun {
  std::string flow, run;
  std::string marks{};       // under which the run's steps are marked
  int32_t from = 0, to = 0;  // the window's days, `to` excluded
  Cancel cancel{};
  std::optional<Duration> time{};
  std::shared_ptr<const engine::Snapshot> inputs{};  // streams as they were committed
  std::function<Status(const std::string& table)> may_write{};
};

class StepWork {
 public:
  struct Parts {
    engine::Engine& engine;
    Ledger& ledger;
    Gates& gates;
    const Clock& clock;
    Random& random;
    warehouse::Warehouse* warehouse = nullptr;  // where the SQL of steps runs; null: it is refused
  };
  StepWork(const Parts& parts, StepSettings settings) : parts_(parts), settings_(std::move(settings)) {}

  // Of any kind but `tables`. Errors: invalid, denied, conflict (a check, rows outside of the window), not_found,
  // timed_out, cancelled, io (a command that failed), and what the engine says.
  Result<TaskEnd> run(const Step& step, const StepRun& run);

  // Whether one of the steps is marked under this name.
  bool has_done(const std::vector<Step>& steps, const std::string& marks) const;

  using MayWrite = std::function<Status(const std::string& table)>;
  // What a step would be refused for, as far as it can be told without running it.
  Status examine(const Step& step, const MayWrite& may_write) const;

  // A file that somebody loads by hand: its rows and the table's new version together.
  Result<uint64_t> load_by_hand(const std::string& path, std::string_view format, const std::string& table);
  // Any change of one table, likewise.
  Result<uint64_t> change_table(const std::string& table,
                                const std::function<Result<uint64_t>(engine::Session& session)>& change);

 private:
  using Work = std::function<Result<TaskEnd>(engine::Session& session)>;
  // In one transaction with the mark and the new versions of `tables`.
  Result<TaskEnd> in_transaction(const Step& step, const StepRun& run, const std::set<std::string>& tables,
                                 const std::string& input, const Work& work);
  Status mark(const Step& step, const StepRun& run, const TaskEnd& end);
  Result<TaskEnd> sql(const Step& step, const StepRun& run);
  Result<std::vector<warehouse::DeclaredStatement>> statements(const Step& step,
                                                               const std::vector<engine::NamedValue>& values,
                                                               const MayWrite& may_write) const;
  Result<TaskEnd> check(const Step& step, const StepRun& run);
  Result<TaskEnd> load(const Step& step, const StepRun& run);
  Result<TaskEnd> load_rows(engine::Session& session, const Load& load, const std::string& path, const StepRun& run);
  Result<TaskEnd> unload(const Step& step, const StepRun& run);
  Result<TaskEnd> command(const Step& step, const StepRun& run);
  // Of a check or an unload, checked.
  Result<std::vector<engine::ScriptStatement>> script(const Step& step, const MayWrite& may_write) const;
  Status may_run(const std::string& program) const;
  std::string version();

  const Parts parts_;
  const StepSettings settings_;
  const Workers workers_;
};

// The real path of a step's file. It lies in the project's folder, outside of what is hidden there and of its
// declarations; one that is read may lie in the store. `denied` otherwise, whatever links lead there.
Result<std::string> step_path(const StepSettings& settings, const std::string& written, const StepRun& run,
                              bool is_read);

}  // namespace weir::flow
