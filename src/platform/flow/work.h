// What other rooms have to do that takes long — compaction, retention, loading, crawling — as runs of Flow: each has
// an id and tasks with progress, can be watched and stopped, and goes on after a restart with what is missing.
//
// A room implements Work and app hands it to Flow::add_work() under the name of its kind; Flow::start_work() then
// begins a run. run() is called on a background thread, at most at_once() times at once for runs of one turn. It may be
// called again for a run that was under way when the program ended: it asks is_done() what need not be done again, and
// does nothing twice. A task is named by the step it belongs to and what it is about, as ("compact", "impressions
// dt=2026-11-20").
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "platform/flow/run_tasks.h"

namespace weir::flow {

// Any thread.
class WorkContext {
 public:
  using Keep = std::function<Status(const control::Run& run)>;  // puts the run on record
  using Compute = std::function<Status(const std::vector<std::string>& tables)>;
  WorkContext(control::Run& run, const Cancel& cancel, RunTasks& tasks, Keep keep, Compute compute)
      : run_(run), cancel_(cancel), tasks_(tasks), keep_(std::move(keep)), compute_(std::move(compute)) {}

  const std::string& run() const { return run_.id; }
  const Json& parameters() const { return run_.parameters; }
  const Cancel& cancel() const { return cancel_; }
  // What the run has done so far, also in an earlier life: shown with it, and on record when the call returns.
  const Json& result() const { return run_.result; }
  Status set_result(Json result);

  // Ended well, perhaps in an earlier life of the run.
  bool is_done(const std::string& step, const std::string& what) const { return tasks_.is_done(step, what); }
  // What will be done, so that progress and the time left can be told; what is done already stays so.
  Status plan(const std::string& step, std::vector<std::string> whats);
  // Does one task unless it is done: checks the cancel, records that it begins and how it ended.
  Status task(const std::string& step, const std::string& what, const std::function<Result<TaskEnd>()>& work);
  // Of a task under way: how far it is. Each call is a write that is synced: a few a second at most.
  Status note(const std::string& step, const std::string& what, const TaskEnd& so_far) {
    return tasks_.note(step, what, so_far);
  }
  // Computes what is stale of these declared tables and of what they are made of, inputs first, as tasks of this run.
  Status compute(const std::vector<std::string>& tables) { return compute_(tables); }

 private:
  control::Run& run_;
  const Cancel cancel_;
  RunTasks& tasks_;
  const Keep keep_;
  const Compute compute_;
};

class Work {
 public:
  virtual ~Work() = default;
  // Before a run is begun: whether these are parameters of it.
  virtual Status check(const Json& parameters) const = 0;
  // Runs whose turn is the same go one after another; empty: those of one kind and name do.
  virtual std::string turn() const { return {}; }
  // So many runs of one turn are under way at most.
  virtual size_t at_once() const { return 1; }
  // Its runs wait for others (servers elsewhere, people) rather than compute: each has a thread of its own, and keeps
  // no run that computes from the background lane.
  virtual bool waits() const { return false; }
  // `cancelled` after a stop and `unavailable` when the program ends, as WorkContext::cancel() gives them.
  virtual Status run(WorkContext& context) = 0;
};

struct WorkRequest {
  std::string kind;                 // as it was added
  std::string name;                 // of what it works on, for lists of runs: a stream, a table; may be the kind again
  Json parameters{Json::Object{}};  // kept with the run: no secrets
  Json cause{Json::Object{}};       // see control::Run
};

}  // namespace weir::flow
