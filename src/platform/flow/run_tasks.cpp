#include "platform/flow/run_tasks.h"

#include <algorithm>

namespace weir::flow {

Status RunTasks::load() {
  TRY_ASSIGN(const auto known, control_.run_tasks(run_));
  const std::lock_guard lock(mutex_);
  for (const auto& task : known) {
    next_ = std::max(next_, task.number + 1);
    tasks_[{task.step, task.what}] = task;
  }
  return {};
}

bool RunTasks::is_done(const std::string& step, const std::string& what) const {
  const std::lock_guard lock(mutex_);
  const auto found = tasks_.find({step, what});
  return found != tasks_.end() && found->second.state == "done";
}

control::RunTask& RunTasks::of(const std::string& step, const std::string& what) {
  control::RunTask& task = tasks_[{step, what}];
  if (task.number == 0) task.number = next_++;
  task.step = step;
  task.what = what;
  return task;
}

Status RunTasks::put(const control::RunTask& task) {
  return control_.put_tasks(run_, {task});
}

Status RunTasks::await(const std::string& step, const std::vector<std::string>& whats) {
  const std::lock_guard lock(mutex_);
  std::vector<control::RunTask> waiting;
  for (const std::string& what : whats) {
    control::RunTask& task = of(step, what);
    task.state = "waiting";
    waiting.push_back(task);
  }
  return waiting.empty() ? Status() : control_.put_tasks(run_, waiting);
}

Status RunTasks::begin(const std::string& step, const std::string& what) {
  const std::lock_guard lock(mutex_);
  control::RunTask& task = of(step, what);
  task.state = "running";
  task.started_at = clock_.wall();
  task.ended_at.reset();
  task.progress = 0;
  ++task.attempts;
  return put(task);
}

Status RunTasks::note(const std::string& step, const std::string& what, const TaskEnd& so_far) {
  const std::lock_guard lock(mutex_);
  control::RunTask& task = of(step, what);
  task.rows = so_far.rows;
  task.message = so_far.message;
  task.progress = so_far.progress;
  return put(task);
}

Status RunTasks::end(const std::string& step, const std::string& what, const Result<TaskEnd>& how) {
  const std::lock_guard lock(mutex_);
  control::RunTask& task = of(step, what);
  task.ended_at = clock_.wall();
  task.progress = 0;
  if (how) {
    task.state = "done";
    task.rows = how->rows;
    task.message = how->message;
  } else {
    task.state = how.error().code == Code::cancelled ? "stopped" : "failed";
    task.message = how.error().text();
  }
  return put(task);
}

Status RunTasks::skip(const std::string& step, const std::string& what, const std::string& why) {
  const std::lock_guard lock(mutex_);
  control::RunTask& task = of(step, what);
  task.state = "skipped";
  task.message = why;
  return put(task);
}

}  // namespace weir::flow
