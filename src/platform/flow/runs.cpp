// The life of a run: on record, queued, under way, ended; whichever kind it is of.
#include <algorithm>

#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/runtime/thread.h"
#include "platform/flow/job.h"
#include "platform/flow/zone.h"

namespace weir::flow {
namespace {

constexpr Duration kDrainMax = minutes(1);
constexpr int kBeginningsMax = 3;  // of a run whose steps have not all read the same, beside its first
constexpr const char* kTableKind = "table";
constexpr const char* kFlowKind = "flow";

Json parameters_of(const RunRequest& request) {
  Json out{Json::Object{}};
  if (request.from) out.set("from", format_date(*request.from));
  if (request.to) out.set("to", format_date(*request.to));
  out.set("force", request.force);
  out.set("upstream", request.upstream);
  return out;
}

}  // namespace

// A flow's days are the window of its steps.
Result<RunRequest> request_of(const control::Run& run) {
  RunRequest out;
  if (run.kind == kTableKind) out.table = run.name;
  if (const Json* from = run.parameters.find("from")) {
    TRY_ASSIGN(out.from, parse_date(from->as_string()));
  }
  if (const Json* to = run.parameters.find("to")) {
    TRY_ASSIGN(out.to, parse_date(to->as_string()));
  }
  out.force = run.parameters["force"].as_bool();
  out.upstream = run.parameters["upstream"].as_bool();
  return out;
}

// --- beginning ------------------------------------------------------------------------------------------------------

Result<std::string> Flow::start(const RunRequest& request) {
  TRY_ASSIGN(const TableState state, table(request.table));
  if (!state.problem.empty()) return Error(Code::invalid, state.problem, "mend tables/" + request.table + ".sql");
  if (!state.table.enabled) {
    return Error(Code::conflict, "table " + request.table + " is disabled", "set enabled: true in its declaration");
  }
  if ((request.from || request.to) && state.table.partition.empty()) {
    return Error(Code::invalid, "table " + request.table + " has no partition: it is computed as a whole",
                 "leave out --from and --to");
  }
  if (request.from && request.to && *request.from >= *request.to) {
    return Error(Code::invalid,
                 "from " + format_date(*request.from) + " to " + format_date(*request.to) + " (excluded) holds no day");
  }
  control::Run run;
  run.kind = kTableKind;
  run.name = request.table;
  run.cause = request.cause;
  run.parameters = parameters_of(request);
  return begin(std::move(run));
}

Result<std::string> Flow::start_flow(const FlowDeclaration& flow, const FlowRequest& request) {
  TRY_ASSIGN(const Zone zone, Zone::find(flow.zone));
  const WindowDays window = days_of(flow.window, zone.day_of(parts_.clock.wall().micros));
  const int32_t from = request.from.value_or(window.first), to = request.to.value_or(window.last + 1);
  if (from >= to) {
    return Error(Code::invalid, "from " + format_date(from) + " to " + format_date(to) + " (excluded) holds no day");
  }
  control::Run run;
  run.kind = kFlowKind;
  run.name = flow.name;
  run.cause = request.cause;
  run.parameters = Json(Json::Object{{"from", format_date(from)},
                                     {"to", format_date(to)},
                                     {"late", request.with_late ? flow.window.late : ""},
                                     {"flow", to_json(flow)}});
  return begin(std::move(run));
}

void Flow::add_work(const std::string& kind, std::unique_ptr<Work> work) {
  const std::lock_guard lock(mutex_);
  works_[kind] = std::move(work);
}

Result<std::string> Flow::start_work(const WorkRequest& request) {
  const Work* work = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = works_.find(request.kind);
    if (found != works_.end()) work = found->second.get();
  }
  if (work == nullptr) return Error(Code::unsupported, "there is no work of kind " + shown(request.kind));
  TRY(work->check(request.parameters));
  control::Run run;
  run.kind = request.kind;
  run.name = request.name;
  run.cause = request.cause;
  run.parameters = request.parameters;
  return begin(std::move(run));
}

// On record before it is queued, so that a kill forgets nothing; one that no lane takes has failed, and is not taken up
// at the next start.
Result<std::string> Flow::begin(control::Run run) {
  run.id = format_uuid(uuid_v7(parts_.clock, parts_.random));
  run.state = "queued";
  run.queued_at = parts_.clock.wall();
  TRY(parts_.control.put_run(run));
  const Status taken = submit(run);
  if (taken) return run.id;
  run.state = "failed";
  run.ended_at = parts_.clock.wall();
  run.error = taken.error().text();
  TRY(parts_.control.put_run(run));
  return taken.error();
}

Status Flow::submit(control::Run run) {
  auto job = std::make_shared<Job>(parts_, std::move(run));
  job->gate = job->run.kind + "/" + job->run.name;
  if (job->run.kind == kTableKind || job->run.kind == kFlowKind) {
    TRY_ASSIGN(job->request, request_of(job->run));
  }
  if (job->run.kind == kFlowKind) {
    TRY_ASSIGN(job->flow, flow_from_json(job->run.parameters["flow"]));
    job->at_once = static_cast<size_t>(job->flow->max_active);
  }
  {
    const std::lock_guard lock(mutex_);
    if (const auto work = works_.find(job->run.kind); work != works_.end()) {
      if (std::string turn = work->second->turn(); !turn.empty()) job->gate = std::move(turn);
      job->at_once = work->second->at_once();
      job->waits = work->second->waits();
    }
    open_.emplace(job->run.id, job);
    Turns& turns = turns_[job->gate];
    if (turns.active >= job->at_once) {
      turns.waiting.push_back(job);
      return {};
    }
    ++turns.active;
  }
  return take_turn(job);
}

// A thread of its own for a run that waits. Threads of those that have ended are joined on the way.
void Flow::work_aside(const std::shared_ptr<Job>& job) {
  std::vector<Aside> ended;
  const std::lock_guard lock(mutex_);
  if (is_stopping_) return;  // queued, until the next start
  for (auto& one : aside_) {
    if (*one.is_over) ended.push_back(std::move(one));
  }
  std::erase_if(aside_, [](const Aside& one) { return !one.thread.joinable(); });
  for (auto& one : ended) one.thread.join();
  auto is_over = std::make_shared<std::atomic<bool>>(false);
  aside_.push_back({start_thread("run",
                                 [this, job, is_over] {
                                   work(*job);
                                   *is_over = true;
                                 }),
                    is_over});
}

void Flow::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    for (const auto& [id, job] : open_) {
      if (job->waits) job->cancel.cancel(Error(Code::unavailable, "the program ends"));
    }
  }
  join_asides();
}

// Every one of them has been told to end.
void Flow::join_asides() {
  for (;;) {
    std::vector<Aside> left;
    {
      const std::lock_guard lock(mutex_);
      left.swap(aside_);
    }
    if (left.empty()) return;
    for (auto& one : left) one.thread.join();
  }
}

Status Flow::take_turn(const std::shared_ptr<Job>& job) {
  if (job->waits) {
    work_aside(job);
    return {};
  }
  auto taken = parts_.lanes.submit(Lane::background, [this, job] { work(*job); });
  if (taken) return taken;
  const std::lock_guard lock(mutex_);
  open_.erase(job->run.id);
  --turns_[job->gate].active;
  return taken;
}

void Flow::next_turn(const Job& ended) {
  std::shared_ptr<Job> next;
  {
    const std::lock_guard lock(mutex_);
    const auto turns = turns_.find(ended.gate);
    --turns->second.active;
    if (!turns->second.waiting.empty()) {
      next = turns->second.waiting.front();
      turns->second.waiting.pop_front();
      ++turns->second.active;
    } else if (turns->second.active == 0) {
      turns_.erase(turns);
    }
  }
  if (!next) return;
  if (const Status taken = take_turn(next); !taken) end(*next, taken);
}

Status Flow::resume() {
  TRY_ASSIGN(auto open, parts_.control.runs("", true, 1'000));
  std::reverse(open.begin(), open.end());  // oldest first
  for (control::Run& run : open) {
    log_event(Level::info, "run.resumed", {{"run", run.id}, {"name", run.name}});
    TRY(submit(std::move(run)));
  }
  return {};
}

// --- working --------------------------------------------------------------------------------------------------------

void Flow::save(const control::Run& run) {
  if (auto saved = parts_.control.put_run(run); !saved)
    log_event(Level::error, "run.not_recorded", {{"run", run.id}, {"error", saved.error().text()}});
}

void Flow::work(Job& job) {
  job.tables = declared();
  if (!job.cancel.is_cancelled()) {
    job.run.state = "running";
    if (!job.run.started_at) job.run.started_at = parts_.clock.wall();
    save(job.run);
  }
  const Status done = do_all(job);
  {
    const std::lock_guard lock(mutex_);
    open_.erase(job.run.id);
  }
  end(job, done);
  next_turn(job);
}

void Flow::end(Job& job, const Status& done) {
  // The program ends: the run goes on at the next start.
  const Status going = job.cancel.check();
  const bool program_ends = !going && going.error().code == Code::unavailable;
  if (!done && done.error().code == Code::unavailable && program_ends) return;
  job.run.ended_at = parts_.clock.wall();
  job.run.state = done ? "done" : done.error().code == Code::cancelled ? "stopped" : "failed";
  job.run.error = done ? "" : done.error().text();
  save(job.run);
  log_event(done ? Level::info : Level::error, "run.ended",
            {{"run", job.run.id}, {"name", job.run.name}, {"state", job.run.state}, {"error", job.run.error}});
  if (parts_.on_end) parts_.on_end(job.run);
}

Status Flow::do_all(Job& job) {
  TRY(job.cancel.check());
  TRY(job.tasks.load());
  const Scope scope{job.cancel};
  if (job.run.kind != kTableKind && job.run.kind != kFlowKind) return do_work(job);
  // Somebody who sent events and then asks for a table means those too.
  TRY(parts_.lake.drain(kDrainMax));
  job.read_at = parts_.clock.wall();
  job.committed = parts_.lake.committed();
  if (job.run.kind == kTableKind) return build_tables(job, {job.request.table}, job.request.upstream, scope);
  TRY(settle_window(job));
  TRY(settle_reads(job));
  const Scope all = scope.within(parts_.clock, job.flow->time_limit, "the flow's time_limit");
  Status done = do_steps(job, all);
  for (int again = 0; again < kBeginningsMax && !done && done.error().code == Code::conflict && is_mixed(job);
       ++again) {
    log_event(Level::warn, "run.begins_again",
              {{"run", job.run.id}, {"name", job.run.name}, {"why", done.error().text()}});
    TRY(begin_again(job));
    done = do_steps(job, all);
  }
  return done;
}

Status Flow::do_work(Job& job) {
  Work* work = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = works_.find(job.run.kind);
    if (found != works_.end()) work = found->second.get();
  }
  if (work == nullptr) {
    return Error(Code::unsupported, "this program has no work of kind " + shown(job.run.kind) + ", which the run is");
  }
  const auto compute = [this, &job](const std::vector<std::string>& tables) -> Status {
    TRY(parts_.lake.drain(kDrainMax));
    job.committed = parts_.lake.committed();
    const Status built = build_tables(job, tables, true, Scope{job.cancel});
    job.committed = {};  // what it pinned
    return built;
  };
  const auto keep = [this](const control::Run& run) { return parts_.control.put_run(run); };
  WorkContext context(job.run, job.cancel, job.tasks, keep, compute);
  return work->run(context);
}

}  // namespace weir::flow
