// What steps of flows have done, and the versions of the engine tables that they, and people who load files, have
// changed: in the engine's tables weir.steps and weir.versions, written in the transaction that holds the rows. So a
// step that was done and what it did cannot come apart, and a table made of another one knows that it has changed.
//
// Any thread; the engine is read once, in open().
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "platform/flow/run_tasks.h"
#include "storage/engine/engine.h"

namespace weir::flow {

struct StepMark {
  std::string run, flow, step;
  std::string input{};  // of a file that was appended: its content; the same one is not appended again
  WallTime ended_at{};
  TaskEnd end{};
};

class Ledger {
 public:
  // Makes its tables if they are not there. Marks of runs that ended long ago are removed.
  static Result<std::unique_ptr<Ledger>> open(engine::Engine& engine, const Clock& clock);

  std::optional<StepMark> of_run(const std::string& run, const std::string& step) const;
  std::optional<StepMark> of_input(const std::string& flow, const std::string& step, const std::string& input) const;
  // By table, `name` or `public.name`; changes with every change.
  std::map<std::string, std::string> versions() const;

  // For the transaction of the rows, on its session.
  static Status write(engine::Session& session, const StepMark& mark);
  static Status touch(engine::Session& session, const std::set<std::string>& tables, const std::string& version);
  // After it was committed.
  void committed(const StepMark& mark);
  void touched(const std::set<std::string>& tables, const std::string& version);

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::vector<StepMark> marks_;
  std::map<std::string, std::string> versions_;
};

}  // namespace weir::flow
