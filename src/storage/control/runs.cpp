// Runs and their tasks, as storage/control keeps them.
#include "storage/control/sqlite_control.h"

namespace weir::control {
namespace {

constexpr const char* kRunColumns =
    "id, kind, name, cause, parameters, state, queued_at, started_at, ended_at, error, result";
constexpr const char* kTaskColumns =
    "number, step, what, state, attempts, started_at, ended_at, rows, message, progress";

}  // namespace

Status SqliteControl::put_run(const Run& run) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement put, database_->prepare(std::string("INSERT OR REPLACE INTO runs(") + kRunColumns +
                                               ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  put.bind(1, run.id).bind(2, run.kind).bind(3, run.name).bind(4, run.cause.dump()).bind(5, run.parameters.dump());
  put.bind(6, run.state).bind(7, run.queued_at.micros);
  bind_time(put, 8, run.started_at);
  bind_time(put, 9, run.ended_at);
  return put.bind(10, run.error).bind(11, run.result.dump()).run();
}

Status SqliteControl::put_tasks(std::string_view run, const std::vector<RunTask>& tasks) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  for (const RunTask& task : tasks) {
    TRY_ASSIGN(Statement put, database_->prepare(std::string("INSERT OR REPLACE INTO run_tasks(run_id, ") +
                                                 kTaskColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    put.bind(1, run).bind(2, static_cast<int64_t>(task.number)).bind(3, task.step).bind(4, task.what);
    put.bind(5, task.state).bind(6, int64_t{task.attempts});
    bind_time(put, 7, task.started_at);
    bind_time(put, 8, task.ended_at);
    if (task.rows) {
      put.bind(9, static_cast<int64_t>(*task.rows));
    } else {
      put.bind_null(9);
    }
    TRY(put.bind(10, task.message).bind_real(11, task.progress).run());
  }
  return transaction.commit();
}

Result<std::vector<Run>> SqliteControl::runs_of(Statement& statement) {
  std::vector<Run> out;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return out;
    Run run;
    run.id = statement.text(0);
    run.kind = statement.text(1);
    run.name = statement.text(2);
    TRY_ASSIGN(run.cause, stored_json(statement.text(3)));
    TRY_ASSIGN(run.parameters, stored_json(statement.text(4)));
    run.state = statement.text(5);
    run.queued_at = {statement.integer(6)};
    run.started_at = time_of(statement, 7);
    run.ended_at = time_of(statement, 8);
    run.error = statement.text(9);
    TRY_ASSIGN(run.result, stored_json(statement.text(10)));
    out.push_back(std::move(run));
  }
}

Result<std::optional<Run>> SqliteControl::find_run(std::string_view id) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare(std::string("SELECT ") + kRunColumns + " FROM runs WHERE id = ?"));
  statement.bind(1, id);
  TRY_ASSIGN(std::vector<Run> found, runs_of(statement));
  if (found.empty()) return std::optional<Run>();
  return std::optional<Run>(std::move(found.front()));
}

Result<std::vector<Run>> SqliteControl::runs(std::string_view name, bool open, size_t limit) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement,
             database_->prepare(std::string("SELECT ") + kRunColumns +
                                " FROM runs WHERE (?1 = '' OR name = ?1) AND"
                                " (?2 = 0 OR state IN ('queued', 'running')) ORDER BY id DESC LIMIT ?3"));
  statement.bind(1, name).bind(2, int64_t{open ? 1 : 0}).bind(3, static_cast<int64_t>(limit));
  return runs_of(statement);
}

Result<std::vector<RunTask>> SqliteControl::run_tasks(std::string_view run) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare(std::string("SELECT ") + kTaskColumns +
                                                     " FROM run_tasks WHERE run_id = ? ORDER BY number"));
  statement.bind(1, run);
  std::vector<RunTask> out;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return out;
    RunTask task;
    task.number = static_cast<uint64_t>(statement.integer(0));
    task.step = statement.text(1);
    task.what = statement.text(2);
    task.state = statement.text(3);
    task.attempts = static_cast<uint32_t>(statement.integer(4));
    task.started_at = time_of(statement, 5);
    task.ended_at = time_of(statement, 6);
    if (!statement.is_null(7)) task.rows = static_cast<uint64_t>(statement.integer(7));
    task.message = statement.text(8);
    task.progress = statement.real(9);
    out.push_back(std::move(task));
  }
}

}  // namespace weir::control
