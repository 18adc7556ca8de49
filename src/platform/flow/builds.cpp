// Derived tables of a run: what each is made of first, then what is stale of it, a partition at a time.
#include <algorithm>

#include "platform/flow/graph.h"
#include "platform/flow/in_order.h"
#include "platform/flow/job.h"
#include "platform/flow/table_checks.h"

namespace weir::flow {
namespace {

// The first failure, and what failed. Any thread.
class FailedTables {
 public:
  void add(const std::string& table, const Error& why) {
    const std::lock_guard lock(mutex_);
    tables_.insert(table);
    if (!first_ || (ends_run(why) && !ends_run(*first_))) first_ = why;
  }
  std::optional<std::string> among(const std::vector<std::string>& reads) const {
    const std::lock_guard lock(mutex_);
    for (const std::string& read : reads) {
      if (tables_.contains(read)) return read;
    }
    return std::nullopt;
  }
  Status status() const {
    if (first_) return *first_;
    return {};
  }

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::set<std::string> tables_;
  std::optional<Error> first_;
};

}  // namespace

// What a table is made of comes first; what is made of a table that failed is left as it is.
Status Flow::build_tables(Job& job, const std::vector<std::string>& tables, bool with_inputs, const Scope& scope) {
  Graph graph;
  for (const auto& [name, declared] : *job.tables) {
    std::vector<Node> inputs;
    for (const std::string& input : declared.reads) inputs.push_back({NodeKind::outside, input});
    TRY(graph.add({NodeKind::table, name}, inputs));
  }
  std::set<std::string> wanted;
  for (const std::string& table : tables) {
    if (!job.tables->contains(table)) return Error(Code::not_found, "the table " + table + " is not declared");
    wanted.insert(table);
    if (!with_inputs) continue;
    for (const Node& node : graph.upstream_of({NodeKind::table, table})) {
      if (job.tables->contains(node.name)) wanted.insert(node.name);
    }
  }
  TRY_ASSIGN(const auto all, graph.order());
  std::vector<const Declared*> order;
  std::map<std::string, size_t> place;
  for (const Node& node : all) {
    if (node.kind != NodeKind::table || !wanted.contains(node.name)) continue;
    place[node.name] = order.size();
    order.push_back(&job.tables->find(node.name)->second);
  }
  std::vector<std::vector<size_t>> before(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    for (const std::string& read : order[i]->reads) {
      if (const auto input = place.find(read); input != place.end()) before[i].push_back(input->second);
    }
  }
  FailedTables failures;
  in_order(before, parts_.parallel, [&](size_t i) {
    const std::string& name = order[i]->table.name;
    Status built = scope.cancel.check();
    if (built) {
      const auto broken = failures.among(order[i]->reads);
      built =
          broken ? Status(Error(Code::conflict, "table " + name + " was left as it is, because " + *broken + " failed"))
                 : build_table(job, *order[i], scope);
    }
    if (!built) failures.add(name, built.error());
  });
  return failures.status();
}

Status Flow::build_table(Job& job, const Declared& declared, const Scope& scope) {
  if (!declared.problem.empty()) return Error(Code::invalid, declared.problem);
  const Table& table = declared.table;
  // Another run may compute it just now: what it leaves is looked at then, and mostly nothing is left to do.
  TRY_ASSIGN(const auto alone, gates_.enter("table " + table.name, 1, scope.cancel));
  const bool is_asked_for = table.name == job.request.table;
  const TableContent content = content_of(table);
  Builder& builder = builder_of(table);
  auto target = builder.target(content);
  if (!target) return in_table(table, target.error());
  const TableMarks marks = builder.marks(target->table);
  std::vector<Due> wanted;
  std::vector<std::string> whats;
  std::map<Partition, std::string> newest;  // another run may have read more than this one
  for (Due& due : partitions_of(table, declared.reads, versions(parts_.lake.committed(), *job.tables)))
    newest[due.partition] = std::move(due.fingerprint);
  std::vector<Partition> past;
  for (Due& due : partitions_of(table, declared.reads, versions(job.committed, *job.tables))) {
    if (due.input_is_past) {
      past.push_back(due.partition);
      continue;
    }
    const bool is_outside = is_asked_for && !target->is_shadow && due.partition &&
                            ((job.request.from && *due.partition < *job.request.from) ||
                             (job.request.to && *due.partition >= *job.request.to));
    if (is_outside) continue;
    const auto mark = marks.find(due.partition);
    const bool is_fresh = mark != marks.end() && (mark->second.fingerprint == due.fingerprint ||
                                                  mark->second.fingerprint == newest[due.partition]);
    const bool is_forced = is_asked_for && job.request.force && (mark == marks.end() || mark->second.run != job.run.id);
    if (is_fresh && !is_forced) continue;
    whats.push_back(partition_text(due.partition));
    wanted.push_back(std::move(due));
  }
  TRY(job.tasks.await(table.name, whats));
  // Taken after the versions: rows that are newer than these are computed again, never taken for older ones.
  const auto inputs = inputs_of(job);
  Status first;
  for (const Due& due : wanted) {
    Status built = build_partition(job, declared, *target, due, inputs, scope);
    if (built) continue;
    if (ends_run(built.error())) return built;
    if (first) first = std::move(built);
  }
  if (!first || !target->is_shadow) return first;
  if (const Status done = builder.publish_shadow(content, past, scope.cancel); !done)
    return in_table(table, done.error());
  published(table.name);
  return {};
}

Status Flow::build_partition(Job& job, const Declared& declared, const Builder::Target& target, const Due& due,
                             const std::shared_ptr<const engine::Snapshot>& inputs, const Scope& scope) {
  const std::string& name = declared.table.name;
  const std::string what = partition_text(due.partition);
  TRY_ASSIGN(const auto pass, gates_.enter("", parts_.parallel, scope.cancel));
  TRY_ASSIGN(const auto limit,
             scope.within(parts_.clock, declared.table.time_limit, "its time_limit").left(parts_.clock));
  TRY(job.tasks.begin(name, what));
  BuildRequest request;
  request.partition = due.partition;
  request.fingerprint = due.fingerprint;
  request.run = job.run.id;
  request.inputs = inputs;
  request.input_days = due.input_days;
  request.time_limit = limit;
  PartitionFailure failure;
  request.failures = &failure.tests;
  auto built = builder_of(declared.table).build(content_of(declared.table), target, request, scope.cancel);
  if (!built) {
    failed_.add();
    if (!ends_run(built.error())) {
      failure.error = built.error().text();
      failure.run = job.run.id;
      failure.at = parts_.clock.wall();
      TRY(remember(name, due.partition, std::move(failure)));
    }
    TRY(job.tasks.end(name, what, built.error()));
    return in_table(declared.table, built.error());
  }
  built_.add();
  TRY(remember(name, due.partition, std::nullopt));
  if (!target.is_shadow) published(name);
  TaskEnd end{built->mark.rows};
  for (const auto& warning : built->warnings) {
    end.message += (end.message.empty() ? "" : "; ") + warning.test + ": " + std::to_string(warning.rows) + " rows";
  }
  return job.tasks.end(name, what, end);
}

// --- failures -------------------------------------------------------------------------------------------------------

namespace {

std::string failures_key(const std::string& table) {
  return "flow.failures." + table;
}

}  // namespace

Status Flow::remember(const std::string& table, const Partition& partition, std::optional<PartitionFailure> failure) {
  const std::lock_guard lock(mutex_);
  Failures& known = failures_[table];
  if (!failure && !known.contains(partition)) return {};
  if (failure) {
    known[partition] = std::move(*failure);
  } else {
    known.erase(partition);
  }
  Json kept{Json::Array{}};
  for (const auto& [day, one] : known) {
    Json tests{Json::Array{}};
    for (const auto& test : one.tests) tests.push(Json::Object{{"test", test.test}, {"rows", test.rows}});
    Json json(Json::Object{{"error", one.error}, {"run", one.run}});
    if (day) json.set("day", int64_t{*day});
    json.set("at", one.at.micros);
    json.set("tests", std::move(tests));
    kept.push(std::move(json));
  }
  return parts_.control.set_value(failures_key(table), kept);
}

Result<Flow::Failures> Flow::remembered(const std::string& table) const {
  Failures out;
  TRY_ASSIGN(const auto kept, parts_.control.value(failures_key(table)));
  if (!kept) return out;
  for (const Json& json : kept->array()) {
    Partition day;
    if (json["day"].is_integer()) day = static_cast<int32_t>(json["day"].as_int());
    PartitionFailure& one = out[day];
    one.error = json["error"].as_string();
    one.run = json["run"].as_string();
    one.at = {json["at"].as_int()};
    for (const Json& test : json["tests"].array()) {
      one.tests.push_back({test["test"].as_string(), test["rows"].as_uint().value_or(0)});
    }
  }
  return out;
}

}  // namespace weir::flow
