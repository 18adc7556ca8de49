// States and runs as JSON: the form that the HTTP interface, the commands and the pages share.
#include "core/base/time.h"
#include "platform/flow/flow.h"
#include "platform/flow/table_checks.h"

namespace weir::flow {
namespace {

Json time_json(const std::optional<WallTime>& time) {
  return time ? Json(format_timestamp(time->micros)) : Json();
}

Json names_json(const std::vector<std::string>& names) {
  Json out{Json::Array{}};
  for (const std::string& name : names) out.push(name);
  return out;
}

Json tests_json(const std::vector<RowTest>& tests) {
  Json out{Json::Array{}};
  for (const RowTest& test : tests) {
    Json one{Json::Object{}};
    one.set("name", test.name);
    one.set("kind", test_word(test.kind));
    one.set("severity", severity_word(test.severity));
    one.set("columns", names_json(test.columns));
    if (!test.sql.empty()) one.set("sql", test.sql);
    if (!test.table.empty()) one.set("relation", test.table + "." + test.to);
    out.push(std::move(one));
  }
  return out;
}

Json failure_json(const std::string& partition, const PartitionFailure& failure) {
  Json tests{Json::Array{}};
  for (const auto& test : failure.tests) tests.push(Json::Object{{"test", test.test}, {"rows", test.rows}});
  Json out(Json::Object{{"partition", partition}, {"error", failure.error}});
  out.set("tests", std::move(tests));
  out.set("run", failure.run);
  out.set("at", format_timestamp(failure.at.micros));
  return out;
}

double in_seconds(Duration duration) {
  return static_cast<double>(duration.micros) / 1e6;
}

}  // namespace

Json run_json(const control::Run& run) {
  Json out{Json::Object{}};
  out.set("id", run.id);
  out.set("kind", run.kind);
  out.set("name", run.name);
  out.set("state", run.state);
  out.set("cause", run.cause);
  out.set("parameters", run.parameters);
  out.set("queued_at", time_json(run.queued_at));
  out.set("started_at", time_json(run.started_at));
  out.set("ended_at", time_json(run.ended_at));
  if (run.started_at && run.ended_at)
    out.set("seconds", in_seconds(Duration{run.ended_at->micros - run.started_at->micros}));
  out.set("error", run.error.empty() ? Json() : Json(run.error));
  out.set("result", run.result);
  return out;
}

Json RunView::to_json() const {
  Json out = run_json(run);
  Json listed{Json::Array{}};
  for (const auto& task : tasks) {
    Json one{Json::Object{}};
    one.set("step", task.step);
    one.set("what", task.what);
    one.set("state", task.state);
    one.set("attempts", uint64_t{task.attempts});
    one.set("started_at", time_json(task.started_at));
    one.set("ended_at", time_json(task.ended_at));
    one.set("rows", task.rows ? Json(*task.rows) : Json());
    one.set("progress", task.progress > 0 ? Json(task.progress) : Json());
    one.set("message", task.message.empty() ? Json() : Json(task.message));
    listed.push(std::move(one));
  }
  out.set("tasks_done", uint64_t{done});
  out.set("tasks_known", uint64_t{tasks.size()});
  out.set("seconds_left", left ? Json(in_seconds(*left)) : Json());
  out.set("tasks", std::move(listed));
  return out;
}

Json TableState::to_json(bool with_partitions) const {
  Json out{Json::Object{}};
  out.set("name", table.name);
  out.set("description", table.description);
  out.set("enabled", table.enabled);
  out.set("stored", stored_word(table.stored));
  out.set("partition", table.partition.empty() ? Json() : Json(table.partition));
  out.set("reads", names_json(reads));
  out.set("read_by", names_json(read_by));
  out.set("rows", rows);
  out.set("partitions_computed", uint64_t{marks.size()});
  out.set("partitions_stale", uint64_t{stale.size()});
  out.set("computed_at", time_json(computed_at));
  out.set("problem", problem.empty() ? Json() : Json(problem));
  Json failed{Json::Array{}};
  for (const auto& [partition, failure] : failures) failed.push(failure_json(partition_text(partition), failure));
  out.set("failures", std::move(failed));
  if (!with_partitions) return out;
  Json listed{Json::Array{}};
  for (const auto& [partition, mark] : marks) {
    Json one{Json::Object{}};
    one.set("partition", partition_text(partition));
    one.set("rows", mark.rows);
    one.set("run", mark.run);
    one.set("computed_at", time_json(mark.computed_at));
    one.set("seconds", in_seconds(mark.took));
    one.set("fingerprint", mark.fingerprint);
    one.set("input_is_past", past.contains(partition));
    listed.push(std::move(one));
  }
  const std::string content = content_of(table).hash;
  Json waiting{Json::Array{}}, why{Json::Object{}};
  for (const Partition& partition : stale) {
    const std::string text = partition_text(partition);
    const auto mark = marks.find(partition);
    waiting.push(text);
    why.set(text, mark == marks.end()               ? "never computed"
                  : mark->second.content != content ? "its declaration changed"
                                                    : "its inputs changed");
  }
  out.set("partitions", std::move(listed));
  out.set("stale", std::move(waiting));
  out.set("stale_because", std::move(why));
  out.set("tests", tests_json(table.tests));
  out.set("select", table.select);
  return out;
}

}  // namespace weir::flow
