// The steps of a flow: their order, their attempts, what a failure holds up.
#include <algorithm>
#include <condition_variable>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "platform/flow/in_order.h"
#include "platform/flow/job.h"

namespace weir::flow {
namespace {

// Sleeps, unless the run is stopped meanwhile.
Status wait_for(const Cancel& cancel, Duration time) {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_stopped = false;
  const auto stop = cancel.attach([&] {
    const std::lock_guard lock(mutex);
    is_stopped = true;
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait_for(lock, std::chrono::microseconds(time.micros), [&] { return is_stopped; });
  lock.unlock();
  return cancel.check();
}

Status may_change(const std::string& table, const std::set<std::string>& taken) {
  if (taken.contains(table)) {
    return Error(Code::denied, table + " is a stream or a derived table: no step changes its rows",
                 "take a table of its own, for example public." + table);
  }
  if (table.starts_with("weir_")) return Error(Code::denied, table + ": names with weir_ are weir's own");
  return {};
}

// Under which name a run's steps are marked: one that has begun again does all of them again.
std::string marks_of(const control::Run& run) {
  const uint64_t begun = run.parameters["begun"].as_uint().value_or(0);
  return begun == 0 ? run.id : run.id + "/" + std::to_string(begun);
}

// The versions of the days that a run is about, and of those beside them.
std::string reads_of(const lake::CommittedTables& committed, int32_t from, int32_t to) {
  std::string text;
  for (const auto& [table, days] : committed.days) {
    for (auto at = days->lower_bound(from - 1); at != days->end() && at->first <= to; ++at) {
      text += table + " " + std::to_string(at->first) + " " + std::to_string(at->second) + "\n";
    }
  }
  return sha256_hex(text);
}

// What became of the steps so far. Any thread.
class Outcomes {
 public:
  explicit Outcomes(size_t steps) : holds_up_(steps, false) {}

  // The first of those before a step that holds it up.
  std::optional<size_t> broken(const std::vector<size_t>& before) const {
    const std::lock_guard lock(mutex_);
    for (const size_t other : before) {
      if (holds_up_[other]) return other;
    }
    return std::nullopt;
  }
  void skipped(size_t step) {
    const std::lock_guard lock(mutex_);
    holds_up_[step] = true;
  }
  void failed(size_t step, const Step& declared, const Error& why) {
    const std::lock_guard lock(mutex_);
    holds_up_[step] = declared.on_failure == StepFailure::stop || ends_run(why);
    // Of several the first in the declaration is told; that the run was stopped comes before all.
    if (end_ && (ends_run(*end_) || (first_ <= step && !ends_run(why)))) return;
    first_ = step;
    end_ = ends_run(why) ? why : Error(why.code, "step " + declared.name + ": " + why.message, why.hint);
  }
  Status status() const {
    if (end_) return *end_;
    return {};
  }

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::vector<bool> holds_up_;
  size_t first_ = 0;
  std::optional<Error> end_;
};

}  // namespace

Status Flow::do_steps(Job& job, const Scope& scope) {
  const std::vector<Step>& steps = job.flow->steps;
  const auto before = steps_before(*job.flow);
  Outcomes outcomes(steps.size());
  in_order(before, parts_.parallel, [&](size_t i) {
    if (const Status going = job.cancel.check(); !going) return outcomes.failed(i, steps[i], going.error());
    if (const auto broken = outcomes.broken(before[i])) {
      outcomes.skipped(i);
      const Status told = job.tasks.skip(steps[i].name, "step", "step " + steps[*broken].name + " failed");
      if (!told) outcomes.failed(i, steps[i], told.error());
      return;
    }
    if (const Status done = do_step(job, steps[i], scope); !done) outcomes.failed(i, steps[i], done.error());
  });
  return outcomes.status();
}

Status Flow::do_step(Job& job, const Step& step, const Scope& scope) {
  const Retries& retries = step.retries ? *step.retries : job.flow->retries;
  for (int attempt = 0;; ++attempt) {
    Status done = attempt_step(job, step, scope.within(parts_.clock, step.time_limit, "the step's time_limit"));
    if (done || ends_run(done.error()) || attempt >= retries.times) return done;
    if (done.error().code == Code::conflict && is_mixed(job)) return done;  // the run begins again
    TRY(scope.left(parts_.clock));  // a step that was too slow may be quicker now, a flow that was too slow may not
    TRY(wait_for(job.cancel, retries.wait_before(attempt + 1)));
  }
}

Status Flow::attempt_step(Job& job, const Step& step, const Scope& scope) {
  if (step.kind == StepKind::tables) return build_tables(job, step.tables, true, scope);
  TRY_ASSIGN(const auto pass, gates_.enter("", parts_.parallel, scope.cancel));
  const std::string what = step_word(step.kind);
  StepRun run{job.run.name, job.run.id, marks_of(job.run), *job.request.from, *job.request.to, scope.cancel};
  TRY_ASSIGN(run.time, scope.left(parts_.clock));
  run.inputs = inputs_of(job);
  run.may_write = [taken = not_to_change(*job.tables)](const std::string& table) { return may_change(table, taken); };
  TRY(job.tasks.begin(step.name, what));
  const Result<TaskEnd> end = step_work_->run(step, run);
  TRY(job.tasks.end(step.name, what, end));
  if (!end) return end.error();
  return {};
}

std::set<std::string> Flow::not_to_change(const Tables& tables) const {
  std::set<std::string> out;
  for (const auto& [name, declared] : tables) out.insert(name);
  for (const std::string& name : parts_.lake.committed().tables->names()) out.insert(name);
  const std::lock_guard lock(mutex_);
  out.insert(filled_tables_.begin(), filled_tables_.end());
  return out;
}

std::vector<Error> Flow::examine_flow(const FlowDeclaration& flow, const std::set<std::string>& taken) const {
  std::vector<Error> out;
  for (const Step& step : flow.steps) {
    const Status good = step_work_->examine(step, [&](const std::string& table) { return may_change(table, taken); });
    if (good) continue;
    Error error = good.error();
    error.message = "step " + step.name + ": " + error.message;
    out.push_back(std::move(error));
  }
  return out;
}

std::set<std::string> Flow::tables_written(const FlowDeclaration& flow) const {
  std::set<std::string> out;
  for (const Step& step : flow.steps) {
    // What else is wrong with a step is examine_flow()'s to tell.
    (void)step_work_
        ->examine(step,
                  [&](const std::string& table) -> Status {
                    out.insert(to_lower(table));
                    return {};
                  })
        .has_value();
  }
  return out;
}

// Fixed at the first look, so that a run that is resumed is for the same days.
Status Flow::settle_window(Job& job) {
  const std::string late = job.run.parameters["late"].as_string();
  if (late.empty() || job.run.parameters["settled"].as_bool()) return {};
  if (!job.tables->contains(late)) return Error(Code::not_found, "window.late: the table " + late + " is not declared");
  TRY_ASSIGN(const auto runs, parts_.control.runs(job.run.name, false, 1'000));
  const auto last = std::find_if(runs.begin(), runs.end(), [&](const control::Run& run) {
    return run.kind == job.run.kind && run.state == "done" && run.id != job.run.id &&
           run.parameters["late"].as_string() == late;
  });
  // A run sees what was committed before it began: what is newer than its beginning it may have missed.
  const WallTime since = last == runs.end() ? WallTime{} : last->started_at.value_or(last->queued_at);
  std::optional<RunRequest> done;  // the days that the last one has done
  if (last != runs.end()) {
    TRY_ASSIGN(done, request_of(*last));
  }
  const auto is_new = [&](const Partition& partition, const Mark& mark) {
    const bool is_its_own = last != runs.end() && mark.run == last->id && partition && done->from && done->to &&
                            *done->from <= *partition && *partition < *done->to;
    return since < mark.computed_at && !is_its_own;
  };
  const AllVersions now = versions(job.committed, *job.tables);
  int32_t& from = *job.request.from;
  std::vector<std::string> names = {late};
  std::set<std::string> seen = {late};
  while (!names.empty()) {
    const Declared& declared = job.tables->find(names.back())->second;
    names.pop_back();
    const TableState state = state_of(declared, *job.tables, now);
    for (const Partition& partition : state.stale) from = std::min(from, partition.value_or(from));
    for (const auto& [partition, mark] : state.marks) {
      if (is_new(partition, mark)) from = std::min(from, partition.value_or(from));
    }
    for (const std::string& input : declared.reads) {
      if (job.tables->contains(input) && seen.insert(input).second) names.push_back(input);
    }
  }
  job.run.parameters.set("from", format_date(from));
  job.run.parameters.set("settled", true);
  return parts_.control.put_run(job.run);
}

// All steps of a run read one state of the streams. One that goes on after a kill reads the newest, and what was done
// before is not done again: if the two do not fit together, a check says so, and the run begins again.
Status Flow::settle_reads(Job& job) {
  const std::string reads = reads_of(job.committed, *job.request.from, *job.request.to);
  const Json* before = job.run.parameters.find("reads");
  if (before == nullptr) {
    job.run.parameters.set("reads", reads);
    return parts_.control.put_run(job.run);
  }
  job.is_mixed_by_kill = before->as_string() != reads && step_work_->has_done(job.flow->steps, marks_of(job.run));
  return {};
}

// Also another run may have computed the tables from what is newer, or older, than what this one reads.
bool Flow::is_mixed(const Job& job) const {
  if (job.is_mixed_by_kill) return true;
  const AllVersions now = versions(job.committed, *job.tables);
  std::vector<std::string> names;
  for (const Step& step : job.flow->steps) names.insert(names.end(), step.tables.begin(), step.tables.end());
  std::set<std::string> seen(names.begin(), names.end());
  while (!names.empty()) {
    const auto found = job.tables->find(names.back());
    names.pop_back();
    if (found == job.tables->end()) continue;
    for (const auto& [partition, mark] : state_of(found->second, *job.tables, now).marks) {
      const bool is_inside = !partition || (*job.request.from <= *partition && *partition < *job.request.to);
      if (is_inside && mark.run != job.run.id && job.read_at < mark.computed_at) return true;
    }
    for (const std::string& input : found->second.reads) {
      if (seen.insert(input).second) names.push_back(input);
    }
  }
  return false;
}

Status Flow::begin_again(Job& job) {
  job.is_mixed_by_kill = false;
  job.read_at = parts_.clock.wall();
  job.committed = parts_.lake.committed();
  job.run.parameters.set("begun", job.run.parameters["begun"].as_uint().value_or(0) + 1);
  job.run.parameters.set("reads", reads_of(job.committed, *job.request.from, *job.request.to));
  return parts_.control.put_run(job.run);
}

}  // namespace weir::flow
