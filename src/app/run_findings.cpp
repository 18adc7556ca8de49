#include "app/run_findings.h"

#include <algorithm>
#include <set>

#include "core/base/log.h"

namespace weir::app {

void RunFindings::set_alerts(std::vector<alarm::RunAlert> alerts) {
  const MutexLock lock(mutex_);
  alerts_ = std::move(alerts);
}

void RunFindings::note(const control::Run& ended) {
  notify::Severity severity = notify::Severity::info;
  bool is_declared = false;
  std::set<std::string> told = {std::string(notify::kPageChannel)};
  {
    const MutexLock lock(mutex_);
    for (const alarm::RunAlert& alert : alerts_) {
      if (!alert.is_of(ended.name)) continue;
      told.insert(alert.notify.begin(), alert.notify.end());
      severity = std::max(severity, alert.severity);
      is_declared = true;
    }
  }
  const std::vector<std::string> channels(told.begin(), told.end());
  // A table and a flow have names of their own, work has that of what it works on.
  const bool is_work = ended.kind != "table" && ended.kind != "flow";
  const std::string name = is_work ? ended.kind + " " + ended.name : ended.name;
  const std::string key = "run/" + (is_work ? ended.kind + "/" + ended.name : ended.name);
  Status kept;
  if (ended.state == "failed") {
    notify::Finding finding;
    finding.key = key;
    finding.source = "run";
    finding.what = "the run of " + name + " failed";
    finding.where = ended.kind + " " + ended.name;
    if (is_declared) finding.severity = severity;
    finding.why = ended.error;  // a table's test that failed is named there
    finding.todo = "`weir runs watch " + ended.id + "` shows its tasks; " +
                   (is_work ? "done again, it goes on with what is missing" : "`weir run " + ended.name + "` goes on");
    finding.link = "/runs/" + ended.id;
    finding.since = ended.ended_at.value_or(ended.queued_at);
    if (auto id = notifier_.report(finding, channels); !id) kept = id.error();
  } else if (ended.state == "done") {
    kept = notifier_.close(key, "run " + ended.id + " is done", channels);
  }
  if (!kept) log_event(Level::error, "run.finding_lost", {{"run", ended.id}, {"error", kept.error().text()}});
}

}  // namespace weir::app
