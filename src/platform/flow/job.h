// One run while it works. For runs.cpp, builds.cpp and steps.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "platform/flow/flow.h"
#include "platform/flow/run_tasks.h"

namespace weir::flow {

struct Flow::Job {
  Job(const Parts& parts, control::Run run_in)
      : run(std::move(run_in)), cancel(parts.lanes.stopping().child()), tasks(parts.control, parts.clock, run.id) {}

  control::Run run;  // of the thread that works on it
  const Cancel cancel;
  RunTasks tasks;
  RunRequest request;                    // of a run of tables; of a flow its days
  std::optional<FlowDeclaration> flow;   // of a run of a flow
  std::shared_ptr<const Tables> tables;  // as they were declared when it began to work
  lake::CommittedTables committed;       // what all of it reads, whatever arrives meanwhile
  WallTime read_at{};                    // when it was
  // Steps that were done before a kill have read what was committed then, and that was something else.
  bool is_mixed_by_kill = false;
  std::string gate;  // runs of one gate take turns
  size_t at_once = 1;
  bool waits = false;  // Work::waits()
};

// What limits one attempt at something: the nearest of several ends, and who may stop it. A value.
struct Flow::Scope {
  Cancel cancel;
  std::optional<int64_t> deadline{};  // steady microseconds
  std::string limited_by{};           // "the step's time_limit"

  Scope within(const Clock& clock, const std::optional<Duration>& limit, const std::string& whose) const {
    Scope out = *this;
    if (!limit) return out;
    const int64_t end = clock.steady_micros() + limit->micros;
    if (deadline && *deadline <= end) return out;
    out.deadline = end;
    out.limited_by = whose;
    return out;
  }
  // What is left; timed_out if nothing is.
  Result<std::optional<Duration>> left(const Clock& clock) const {
    TRY(cancel.check());
    if (!deadline) return std::optional<Duration>();
    const Duration left{*deadline - clock.steady_micros()};
    if (left.micros > 0) return std::optional<Duration>(left);
    return Error(Code::timed_out, "it took longer than " + limited_by);
  }
};

// What a run of a table or of a flow was asked for, as its parameters keep it.
Result<RunRequest> request_of(const control::Run& run);

// Whether a failure ends the whole run rather than a part of it.
inline bool ends_run(const Error& error) {
  return error.code == Code::cancelled || error.code == Code::unavailable;
}

}  // namespace weir::flow
