// A run while it works: what it computes, step by step, and what it leaves on record.
#include <algorithm>
#include <condition_variable>

#include "core/base/ids.h"
#include "core/base/log.h"
#include "platform/flow/flow.h"
#include "platform/flow/graph.h"
#include "platform/flow/table_checks.h"

namespace weir::flow {
namespace {

constexpr Duration kDrainMax = minutes(1);

}  // namespace

struct Flow::Job {
  control::Run run;
  Cancel cancel;
  RunRequest request;
  std::map<std::string, control::RunTask> tasks;  // by step and what
  uint64_t next_task = 1;
  std::shared_ptr<const Tables> tables;
  std::optional<int64_t> deadline;  // steady microseconds
};

namespace {

Json parameters_of(const RunRequest& request) {
  Json out{Json::Object{}};
  if (request.from) out.set("from", format_date(*request.from));
  if (request.to) out.set("to", format_date(*request.to));
  out.set("force", request.force);
  out.set("upstream", request.upstream);
  return out;
}

Result<RunRequest> request_of(const control::Run& run) {
  RunRequest out;
  if (run.kind == "flow") return out;  // its steps say what
  out.table = run.name;
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

}  // namespace

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
  run.kind = "table";
  run.name = request.table;
  run.cause = request.cause;
  run.parameters = parameters_of(request);
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
  auto job = std::make_shared<Job>();
  TRY_ASSIGN(job->request, request_of(run));
  job->cancel = parts_.lanes.stopping().child();
  job->run = std::move(run);
  {
    const std::lock_guard lock(mutex_);
    open_.emplace(job->run.id, job->cancel);
  }
  auto taken = parts_.lanes.submit(Lane::background, [this, job] { work(*job); });
  if (!taken) {
    const std::lock_guard lock(mutex_);
    open_.erase(job->run.id);
  }
  return taken;
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

void Flow::work(Job& job) {
  const auto save = [&] {
    if (auto saved = parts_.control.put_run(job.run); !saved)
      log_event(Level::error, "run.not_recorded", {{"run", job.run.id}, {"error", saved.error().text()}});
  };
  job.tables = declared();
  if (!job.cancel.is_cancelled()) {
    job.run.state = "running";
    if (!job.run.started_at) job.run.started_at = parts_.clock.wall();
    save();
  }
  const Status done = do_all(job);
  {
    const std::lock_guard lock(mutex_);
    open_.erase(job.run.id);
  }
  // The program ends: the run goes on at the next start.
  if (!done && done.error().code == Code::unavailable && parts_.lanes.stopping().is_cancelled()) return;
  job.run.ended_at = parts_.clock.wall();
  job.run.state = done ? "done" : done.error().code == Code::cancelled ? "stopped" : "failed";
  job.run.error = done ? "" : done.error().text();
  save();
  log_event(done ? Level::info : Level::error, "run.ended",
            {{"run", job.run.id}, {"name", job.run.name}, {"state", job.run.state}, {"error", job.run.error}});
}

// The derived tables that one is made of, inputs first, itself last.
Result<std::vector<std::string>> Flow::upstream_order(const Tables& tables, const std::string& table) {
  Graph graph;
  for (const auto& [name, declared] : tables) {
    std::vector<Node> inputs;
    for (const std::string& input : declared.reads) inputs.push_back({NodeKind::outside, input});
    TRY(graph.add({NodeKind::table, name}, inputs));
  }
  std::set<std::string> wanted = {table};
  for (const Node& node : graph.upstream_of({NodeKind::table, table})) wanted.insert(node.name);
  TRY_ASSIGN(const auto all, graph.order());
  std::vector<std::string> out;
  for (const Node& node : all) {
    if (node.kind == NodeKind::table && wanted.contains(node.name)) out.push_back(node.name);
  }
  return out;
}

Result<std::string> Flow::start_flow(const FlowDeclaration& flow, Json cause) {
  control::Run run;
  run.kind = "flow";
  run.name = flow.name;
  run.cause = std::move(cause);
  run.parameters = Json(Json::Object{{"flow", to_json(flow)}});
  return begin(std::move(run));
}

Status Flow::do_all(Job& job) {
  TRY(job.cancel.check());
  // Somebody who sent events and then asks for a table means those too.
  TRY(parts_.lake.drain(kDrainMax));
  TRY_ASSIGN(const auto known, parts_.control.run_tasks(job.run.id));
  for (const auto& task : known) {
    job.next_task = task.number + 1;
    job.tasks[task.step + "\n" + task.what] = task;
  }
  if (job.run.kind != "flow") return build_with_inputs(job, job.request.table);
  TRY_ASSIGN(const FlowDeclaration flow, flow_from_json(job.run.parameters["flow"]));
  if (flow.time_limit) job.deadline = parts_.clock.steady_micros() + flow.time_limit->micros;
  return do_steps(job, flow);
}

// Steps come in the order of their declaration, which is one that `after` allows; one thread does them.
Status Flow::do_steps(Job& job, const FlowDeclaration& flow) {
  const auto before = steps_before(flow);
  std::vector<bool> is_done(flow.steps.size(), false), holds_up(flow.steps.size(), false);
  Status first;
  for (size_t left = flow.steps.size(); left > 0;) {
    for (size_t i = 0; i < flow.steps.size(); ++i) {
      const auto ready = [&](size_t other) { return static_cast<bool>(is_done[other]); };
      if (is_done[i] || !std::all_of(before[i].begin(), before[i].end(), ready)) continue;
      is_done[i] = true;
      --left;
      const Step& step = flow.steps[i];
      const auto broken = std::find_if(before[i].begin(), before[i].end(),
                                       [&](size_t other) { return static_cast<bool>(holds_up[other]); });
      if (broken != before[i].end()) {
        holds_up[i] = true;
        TRY(skip_step(job, step, "step " + flow.steps[*broken].name + " failed"));
        continue;
      }
      Status done = do_step(job, flow, step);
      if (done) continue;
      if (done.error().code == Code::cancelled || done.error().code == Code::unavailable) return done;
      holds_up[i] = step.on_failure == StepFailure::stop;
      if (first) first = Error(done.error().code, "step " + step.name + ": " + done.error().message, done.error().hint);
    }
  }
  return first;
}

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

}  // namespace

Status Flow::do_step(Job& job, const FlowDeclaration& flow, const Step& step) {
  if (step.kind != StepKind::tables) {
    return Error(Code::unsupported, std::string("steps of kind ") + step_word(step.kind) + " are not built yet");
  }
  const Retries& retries = step.retries ? *step.retries : flow.retries;
  for (int attempt = 0;; ++attempt) {
    Status first;
    for (const std::string& table : step.tables) {
      Status built = build_with_inputs(job, table);
      if (built) continue;
      if (built.error().code == Code::cancelled || built.error().code == Code::unavailable) return built;
      if (first) first = std::move(built);
    }
    if (first || attempt >= retries.times || first.error().code == Code::timed_out) return first;
    TRY(wait_for(job.cancel, retries.wait_before(attempt + 1)));
  }
}

Status Flow::skip_step(Job& job, const Step& step, const std::string& why) {
  control::RunTask& task = job.tasks[step.name + "\nstep"];
  if (task.number == 0) task.number = job.next_task++;
  task.step = step.name;
  task.what = "step";
  task.state = "skipped";
  task.message = why;
  return parts_.control.put_tasks(job.run.id, {task});
}

// What a table is made of comes first; what is made of a table that failed is left as it is.
Status Flow::build_with_inputs(Job& job, const std::string& table) {
  if (!job.tables->contains(table)) return Error(Code::not_found, "the table " + table + " is not declared");
  std::vector<std::string> order = {table};
  if (job.request.upstream) {
    TRY_ASSIGN(order, upstream_order(*job.tables, table));
  }
  Status first;
  std::set<std::string> failed;
  for (const std::string& name : order) {
    const Declared& declared = job.tables->find(name)->second;
    const auto broken = std::find_if(declared.reads.begin(), declared.reads.end(),
                                     [&](const std::string& input) { return failed.contains(input); });
    Status built =
        broken == declared.reads.end()
            ? build_table(job, declared)
            : Status(Error(Code::conflict, "table " + name + " was left as it is, because " + *broken + " failed"));
    if (built) continue;
    if (built.error().code == Code::cancelled || built.error().code == Code::unavailable) return built;
    failed.insert(name);
    if (first) first = std::move(built);
  }
  return first;
}

Status Flow::build_table(Job& job, const Declared& declared) {
  if (!declared.problem.empty()) return Error(Code::invalid, declared.problem);
  const Table& table = declared.table;
  const bool is_asked_for = table.name == job.request.table;
  const TableContent content = content_of(table);
  auto target = builder_->target(content);
  if (!target) return in_table(table, target.error());
  const lake::CommittedTables committed = parts_.lake.committed();
  const TableMarks marks = partitions_->of(target->table);
  std::vector<Due> wanted;
  for (Due& due : partitions_of(table, declared.reads, versions(committed, *job.tables))) {
    const bool is_outside = is_asked_for && !target->is_shadow && due.partition &&
                            ((job.request.from && *due.partition < *job.request.from) ||
                             (job.request.to && *due.partition >= *job.request.to));
    if (is_outside) continue;
    const auto mark = marks.find(due.partition);
    const bool is_fresh = mark != marks.end() && mark->second.fingerprint == due.fingerprint;
    const bool is_forced = is_asked_for && job.request.force && (mark == marks.end() || mark->second.run != job.run.id);
    if (!is_fresh || is_forced) wanted.push_back(std::move(due));
  }
  std::vector<control::RunTask> tasks;
  for (const Due& due : wanted) {
    const std::string what = partition_text(due.partition);
    control::RunTask& task = job.tasks[table.name + "\n" + what];
    if (task.number == 0) task.number = job.next_task++;
    task.step = table.name;
    task.what = what;
    task.state = "waiting";
    tasks.push_back(task);
  }
  TRY(parts_.control.put_tasks(job.run.id, tasks));
  Status first;
  for (size_t i = 0; i < wanted.size(); ++i) {
    Status built = build_partition(job, declared, *target, wanted[i], committed, tasks[i]);
    job.tasks[table.name + "\n" + tasks[i].what] = tasks[i];  // a retry goes on counting
    if (built) continue;
    if (built.error().code == Code::cancelled || built.error().code == Code::unavailable) return built;
    if (first) first = std::move(built);
  }
  if (!first || !target->is_shadow) return first;
  TRY(builder_->publish_shadow(content, job.cancel));
  published(table.name);
  return {};
}

Status Flow::build_partition(Job& job, const Declared& declared, const Builder::Target& target, const Due& due,
                             const lake::CommittedTables& committed, control::RunTask& task) {
  TRY(job.cancel.check());
  std::optional<Duration> limit = declared.table.time_limit;
  if (job.deadline) {
    const Duration left{*job.deadline - parts_.clock.steady_micros()};
    if (left.micros <= 0) return Error(Code::timed_out, "the run took longer than its flow's time_limit");
    if (!limit || left.micros < limit->micros) limit = left;
  }
  task.state = "running";
  task.started_at = parts_.clock.wall();
  task.ended_at.reset();
  ++task.attempts;
  TRY(parts_.control.put_tasks(job.run.id, {task}));
  BuildRequest request;
  request.partition = due.partition;
  request.fingerprint = due.fingerprint;
  request.run = job.run.id;
  request.inputs = committed.tables;
  request.input_days = due.input_days;
  request.time_limit = limit;
  auto built = builder_->build(content_of(declared.table), target, request, job.cancel);
  task.ended_at = parts_.clock.wall();
  if (built) {
    built_.add();
    if (!target.is_shadow) published(declared.table.name);
    task.state = "done";
    task.rows = built->mark.rows;
    task.message.clear();
    for (const auto& warning : built->warnings) {
      task.message += (task.message.empty() ? "" : "; ") + warning.test + ": " + std::to_string(warning.rows) + " rows";
    }
  } else {
    failed_.add();
    task.state = built.error().code == Code::cancelled ? "stopped" : "failed";
    task.message = built.error().text();
  }
  TRY(parts_.control.put_tasks(job.run.id, {task}));
  if (!built) return in_table(declared.table, built.error());
  return {};
}

}  // namespace weir::flow
