// What runs mean to people: one that failed is a finding until a run of the same name is done. Any thread.
#pragma once

#include <vector>

#include "analysis/alarm/declaration.h"
#include "core/base/guarded.h"
#include "platform/notify/notify.h"
#include "storage/control/control.h"

namespace weir::app {

class RunFindings {
 public:
  explicit RunFindings(notify::Notifier& notifier) : notifier_(notifier) {}
  // Who is told beside the page; at start and after each apply.
  void set_alerts(std::vector<alarm::RunAlert> alerts);
  void note(const control::Run& ended);

 private:
  notify::Notifier& notifier_;
  Mutex mutex_;
  std::vector<alarm::RunAlert> alerts_ GUARDED_BY(mutex_);
};

}  // namespace weir::app
