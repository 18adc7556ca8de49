// The tasks of one run, as the control database keeps them: each named by its step and by what it is about. What is
// said here is on record when the call returns, so a run that was killed finds it again. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "storage/control/control.h"

namespace weir::flow {

// How a task ended well.
struct TaskEnd {
  std::optional<uint64_t> rows{};
  std::string message{};  // what there is to say besides
  double progress = 0;    // while it is under way: up to 1, 0 where nobody knows
};

class RunTasks {
 public:
  RunTasks(control::Control& control, const Clock& clock, std::string run)
      : control_(control), clock_(clock), run_(std::move(run)) {}
  // What is on record of an earlier life of the run.
  Status load();

  bool is_done(const std::string& step, const std::string& what) const;
  // They will be done, also those that were done before.
  Status await(const std::string& step, const std::vector<std::string>& whats);
  Status begin(const std::string& step, const std::string& what);
  Status note(const std::string& step, const std::string& what, const TaskEnd& so_far);  // while it runs
  Status end(const std::string& step, const std::string& what, const Result<TaskEnd>& how);
  Status skip(const std::string& step, const std::string& what, const std::string& why);

 private:
  using Key = std::pair<std::string, std::string>;
  control::RunTask& of(const std::string& step, const std::string& what);  // holding mutex_
  Status put(const control::RunTask& task);

  control::Control& control_;
  const Clock& clock_;
  const std::string run_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<Key, control::RunTask> tasks_;
  uint64_t next_ = 1;
};

}  // namespace weir::flow
