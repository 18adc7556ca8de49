#include "platform/flow/flow.h"

#include <algorithm>
#include <set>

#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "platform/flow/build_parts.h"
#include "platform/flow/engine_builder.h"
#include "platform/flow/job.h"
#include "platform/flow/lake_builder.h"
#include "platform/flow/table_checks.h"

namespace weir::flow {
Flow::Flow(const Parts& parts)
    : parts_(parts),
      tables_(std::make_shared<const Tables>()),
      built_(parts.metrics.counter("weir_flow_partitions_total", "Partitions of derived tables that were computed.")),
      failed_(parts.metrics.counter("weir_flow_partition_failures_total",
                                    "Partitions of derived tables whose computation failed.")) {}

Flow::~Flow() {
  join_asides();
}

Result<std::unique_ptr<Flow>> Flow::open(const Parts& parts) {
  std::unique_ptr<Flow> out(new Flow(parts));
  TRY_ASSIGN(out->partitions_, Partitions::open(parts.engine));
  out->engine_builder_ = std::make_unique<EngineBuilder>(parts.engine, parts.lake, parts.clock, *out->partitions_);
  out->lake_builder_ = std::make_unique<LakeBuilder>(parts.engine, parts.lake, parts.clock, *out->partitions_);
  TRY_ASSIGN(out->ledger_, Ledger::open(parts.engine, parts.clock));
  out->step_work_ = std::make_unique<StepWork>(
      StepWork::Parts{parts.engine, *out->ledger_, out->gates_, parts.clock, parts.random, parts.warehouse},
      parts.steps);
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
  std::map<std::string, Failures> failures;
  for (const auto& [name, declared] : *made) {
    if (auto known = remembered(name)) failures[name] = std::move(*known);
    if (const Status settled = builder_of(declared.table).settle(content_of(declared.table)); !settled) {
      log_event(Level::warn, "table.left_over", {{"table", name}, {"error", settled.error().text()}});
    }
  }
  const std::lock_guard lock(mutex_);
  failures_ = std::move(failures);
  tables_ = std::move(made);
}

std::shared_ptr<const Flow::Tables> Flow::declared() const {
  const std::lock_guard lock(mutex_);
  return tables_;
}

Result<uint64_t> Flow::load(const std::string& path, std::string_view format, const std::string& table) {
  if (declared()->contains(to_lower(table))) {
    return Error(Code::conflict, table + " is a derived table: its rows come from its SELECT in tables/",
                 "load the file into a table of its own, and read that one in the SELECT");
  }
  {
    const std::lock_guard lock(mutex_);
    if (filled_tables_.contains(to_lower(table))) {
      return Error(Code::conflict, table + " is a table over files: its rows come from those, see tables/",
                   "load the file into a table of its own");
    }
  }
  return step_work_->load_by_hand(path, format, to_lower(table));
}

Result<uint64_t> Flow::change_table(const std::string& table, const Change& change) {
  return step_work_->change_table(table, change);
}

void Flow::set_filled_tables(std::set<std::string> tables) {
  const std::lock_guard lock(mutex_);
  filled_tables_ = std::move(tables);
}

Status Flow::drop_table(const std::string& table) {
  TRY(engine_builder_->drop_table(table));
  TRY(lake_builder_->drop_table(table));
  published(table);
  return {};
}

TableMarks Flow::marks(std::string_view table) const {
  TableMarks out = partitions_->of(table);
  return out.empty() ? lake_builder_->marks(std::string(table)) : out;
}

std::optional<Mark> Flow::mark_in(const lake::CommittedTables& lake, std::string_view table,
                                  const Partition& partition) {
  const auto found = lake.derived.find(table);
  if (found == lake.derived.end()) return std::nullopt;
  const TableMarks marks = marks_of(*found->second);
  const auto mark = marks.find(partition);
  return mark == marks.end() ? std::nullopt : std::optional(mark->second);
}

std::shared_ptr<const engine::Snapshot> Flow::inputs_of(const Job& job) const {
  return with_derived(job.committed.tables, parts_.lake.committed());
}

void Flow::published(const std::string& table) const {
  if (observer_) observer_(table);
}

// --- states ---------------------------------------------------------------------------------------------------------

AllVersions Flow::versions(const lake::CommittedTables& committed, const Tables& tables) const {
  std::map<std::string, TableMarks> marks;
  for (const auto& [name, declared] : tables) marks.emplace(name, this->marks(name));
  AllVersions out = versions_of(committed, marks);
  for (const auto& [name, version] : ledger_->versions()) out[name].whole += version;
  return out;
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
  out.marks = marks(declared.table.name);
  for (const auto& [partition, mark] : out.marks) {
    out.rows += mark.rows;
    if (!out.computed_at || *out.computed_at < mark.computed_at) out.computed_at = mark.computed_at;
  }
  if (!out.problem.empty()) return out;
  for (const Due& due : partitions_of(declared.table, declared.reads, versions)) {
    const auto mark = out.marks.find(due.partition);
    if (due.input_is_past) {
      if (mark != out.marks.end()) out.past.insert(due.partition);
      continue;
    }
    if (mark != out.marks.end() && mark->second.fingerprint == due.fingerprint) continue;
    out.stale.push_back(due.partition);
    out.stale_fingerprint = sha256_hex(out.stale_fingerprint + due.fingerprint);
  }
  const std::lock_guard lock(mutex_);
  const auto known = failures_.find(declared.table.name);
  if (known == failures_.end()) return out;
  for (const Partition& partition : out.stale) {
    if (const auto failure = known->second.find(partition); failure != known->second.end())
      out.failures.insert(*failure);
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

namespace {

bool has_ended(std::string_view state) {
  return state == "done" || state == "failed" || state == "stopped";
}

}  // namespace

Status Flow::stop(std::string_view id, const std::string& by) {
  TRY_ASSIGN(const auto run, parts_.control.find_run(id));
  if (!run) return Error(Code::not_found, "there is no run " + shown(id), "`weir runs` lists them");
  const Error why(Code::cancelled, "stopped by " + by);
  std::shared_ptr<Job> waiting;  // it has nobody who would notice
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) return Error(Code::conflict, "the run " + std::string(id) + " has ended: " + run->state);
    found->second->cancel.cancel(why);
    auto& queue = turns_[found->second->gate].waiting;
    const auto place = std::find(queue.begin(), queue.end(), found->second);
    if (place != queue.end()) {
      waiting = *place;
      queue.erase(place);
      open_.erase(found);
    }
  }
  if (waiting) end(*waiting, why);
  return {};
}

Result<RunView> Flow::run(std::string_view id) {
  TRY_ASSIGN(auto run, parts_.control.find_run(id));
  if (!run) return Error(Code::not_found, "there is no run " + shown(id), "`weir runs` lists them");
  RunView out;
  out.run = std::move(*run);
  TRY_ASSIGN(out.tasks, parts_.control.run_tasks(id));
  int64_t spent = 0;
  double done = 0;  // tasks, those under way by their part
  for (const auto& task : out.tasks) {
    if (task.state == "waiting" || (task.state == "running" && task.progress == 0)) continue;
    const bool is_running = task.state == "running";
    done += is_running ? task.progress : 1;
    if (!is_running) ++out.done;
    const auto until = is_running ? std::optional(parts_.clock.wall()) : task.ended_at;
    if (task.started_at && until) spent += until->micros - task.started_at->micros;
  }
  if (!has_ended(out.run.state) && done > 0) {
    const double left = static_cast<double>(out.tasks.size()) - done;
    out.left = Duration{static_cast<int64_t>(static_cast<double>(spent) / done * left)};
  }
  return out;
}

Result<std::vector<control::Run>> Flow::runs(std::string_view name, bool open, size_t limit) {
  return parts_.control.runs(name, open, limit);
}

}  // namespace weir::flow
