#include "platform/flow/flow.h"

#include <algorithm>

#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "platform/flow/graph.h"
#include "platform/flow/table_checks.h"

namespace weir::flow {
namespace {

constexpr Duration kDrainMax = minutes(1);

// A SELECT's places count from its first line; `examine` on a Table knows no file, so the message says where.
Error in_table(const Table& table, Error error) {
  const std::string name = "table " + table.name;
  if (!error.message.starts_with(name)) error.message = name + ": " + error.message;
  return error;
}

}  // namespace

Flow::Flow(const Parts& parts)
    : parts_(parts),
      tables_(std::make_shared<const Tables>()),
      built_(parts.metrics.counter("weir_flow_partitions_total", "Partitions of derived tables that were computed.")),
      failed_(parts.metrics.counter("weir_flow_partition_failures_total",
                                    "Partitions of derived tables whose computation failed.")) {}

Flow::~Flow() = default;

Result<std::unique_ptr<Flow>> Flow::open(const Parts& parts) {
  std::unique_ptr<Flow> out(new Flow(parts));
  TRY_ASSIGN(out->partitions_, Partitions::open(parts.engine));
  out->builder_ = std::make_unique<Builder>(parts.engine, parts.clock, *out->partitions_);
  return out;
}

Result<std::vector<std::string>> Flow::examine(const Table& table) const {
  auto shape = parts_.engine.examine(table.select, false);
  if (!shape) return in_table(table, shape.error());
  std::vector<std::string> out;
  for (const auto& read : shape->reads) {
    if (read.name == table.name) {
      return in_table(
          table, Error(Code::invalid, "its SELECT reads the table itself", "a table is computed from its inputs only"));
    }
    out.push_back(read.name);
  }
  return out;
}

void Flow::set_tables(std::vector<Table> tables) {
  auto made = std::make_shared<Tables>();
  for (Table& table : tables) {
    Declared declared;
    auto reads = examine(table);
    if (reads) {
      declared.reads = std::move(*reads);
    } else {
      declared.problem = reads.error().text();
    }
    declared.table = std::move(table);
    const std::string name = declared.table.name;
    made->emplace(name, std::move(declared));
  }
  const std::lock_guard lock(mutex_);
  tables_ = std::move(made);
}

std::shared_ptr<const Flow::Tables> Flow::declared() const {
  const std::lock_guard lock(mutex_);
  return tables_;
}

Status Flow::drop_table(const std::string& table) {
  return builder_->drop_table(table);
}

// --- states ---------------------------------------------------------------------------------------------------------

AllVersions Flow::versions(const lake::CommittedTables& committed, const Tables& tables) const {
  std::map<std::string, TableMarks> marks;
  for (const auto& [name, declared] : tables) marks.emplace(name, partitions_->of(name));
  return versions_of(committed, marks);
}

TableState Flow::state_of(const Declared& declared, const Tables& tables, const AllVersions& versions) const {
  TableState out;
  out.table = declared.table;
  out.reads = declared.reads;
  out.problem = declared.problem;
  for (const auto& [name, other] : tables) {
    if (std::find(other.reads.begin(), other.reads.end(), declared.table.name) != other.reads.end())
      out.read_by.push_back(name);
  }
  out.marks = partitions_->of(declared.table.name);
  for (const auto& [partition, mark] : out.marks) {
    out.rows += mark.rows;
    if (!out.computed_at || *out.computed_at < mark.computed_at) out.computed_at = mark.computed_at;
  }
  if (!out.problem.empty()) return out;
  for (const Due& due : partitions_of(declared.table, declared.reads, versions)) {
    const auto mark = out.marks.find(due.partition);
    if (mark == out.marks.end() || mark->second.fingerprint != due.fingerprint) out.stale.push_back(due.partition);
  }
  return out;
}

std::vector<TableState> Flow::tables() {
  const auto tables = declared();
  const AllVersions now = versions(parts_.lake.committed(), *tables);
  std::vector<TableState> out;
  for (const auto& [name, declared] : *tables) out.push_back(state_of(declared, *tables, now));
  return out;
}

Result<TableState> Flow::table(std::string_view name) {
  const auto tables = declared();
  const auto found = tables->find(name);
  if (found == tables->end()) {
    std::vector<std::string> known;
    for (const auto& [other, declared] : *tables) known.push_back(other);
    return Error(Code::not_found, "there is no derived table " + shown(name), did_you_mean(name, known));
  }
  return state_of(found->second, *tables, versions(parts_.lake.committed(), *tables));
}

// --- runs -----------------------------------------------------------------------------------------------------------

struct Flow::Job {
  control::Run run;
  Cancel cancel;
  RunRequest request;
  std::map<std::string, control::RunTask> tasks;  // by step and what
  uint64_t next_task = 1;
  std::shared_ptr<const Tables> tables;
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

bool has_ended(std::string_view state) {
  return state == "done" || state == "failed" || state == "stopped";
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
  run.id = format_uuid(uuid_v7(parts_.clock, parts_.random));
  run.kind = "table";
  run.name = request.table;
  run.cause = request.cause;
  run.parameters = parameters_of(request);
  run.state = "queued";
  run.queued_at = parts_.clock.wall();
  TRY(parts_.control.put_run(run));
  const std::string id = run.id;
  TRY(submit(std::move(run)));
  return id;
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
  const Status done = build_all(job);
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

// What the run's tables are made of comes first; what is made of a table that failed is left as it is.
Status Flow::build_all(Job& job) {
  TRY(job.cancel.check());
  // Somebody who sent events and then asks for a table means those too.
  TRY(parts_.lake.drain(kDrainMax));
  TRY_ASSIGN(const auto known, parts_.control.run_tasks(job.run.id));
  for (const auto& task : known) {
    job.next_task = task.number + 1;
    job.tasks[task.step + "\n" + task.what] = task;
  }
  std::vector<std::string> order = {job.request.table};
  if (job.request.upstream) {
    TRY_ASSIGN(order, upstream_order(*job.tables, job.request.table));
  }
  Status first;
  std::set<std::string> failed;
  for (const std::string& name : order) {
    const auto found = job.tables->find(name);
    if (found == job.tables->end()) return Error(Code::not_found, "the table " + name + " is no longer declared");
    const Declared& declared = found->second;
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
    if (built) continue;
    if (built.error().code == Code::cancelled || built.error().code == Code::unavailable) return built;
    if (first) first = std::move(built);
  }
  if (first && target->is_shadow) return builder_->publish_shadow(content, job.cancel);
  return first;
}

Status Flow::build_partition(Job& job, const Declared& declared, const Builder::Target& target, const Due& due,
                             const lake::CommittedTables& committed, control::RunTask& task) {
  TRY(job.cancel.check());
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
  request.time_limit = declared.table.time_limit;
  auto built = builder_->build(content_of(declared.table), target, request, job.cancel);
  task.ended_at = parts_.clock.wall();
  if (built) {
    built_.add();
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

Status Flow::stop(std::string_view id, const std::string& by) {
  TRY_ASSIGN(const auto run, parts_.control.find_run(id));
  if (!run) return Error(Code::not_found, "there is no run " + shown(id), "`weir runs` lists them");
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  if (found == open_.end()) return Error(Code::conflict, "the run " + std::string(id) + " has ended: " + run->state);
  found->second.cancel(Error(Code::cancelled, "stopped by " + by));
  return {};
}

Result<RunView> Flow::run(std::string_view id) {
  TRY_ASSIGN(auto run, parts_.control.find_run(id));
  if (!run) return Error(Code::not_found, "there is no run " + shown(id), "`weir runs` lists them");
  RunView out;
  out.run = std::move(*run);
  TRY_ASSIGN(out.tasks, parts_.control.run_tasks(id));
  int64_t spent = 0;
  for (const auto& task : out.tasks) {
    if (task.state == "waiting" || task.state == "running") continue;
    ++out.done;
    if (task.started_at && task.ended_at) spent += task.ended_at->micros - task.started_at->micros;
  }
  if (!has_ended(out.run.state) && out.done > 0) {
    out.left = Duration{spent / static_cast<int64_t>(out.done) * static_cast<int64_t>(out.tasks.size() - out.done)};
  }
  return out;
}

Result<std::vector<control::Run>> Flow::runs(std::string_view name, bool open, size_t limit) {
  return parts_.control.runs(name, open, limit);
}

}  // namespace weir::flow
