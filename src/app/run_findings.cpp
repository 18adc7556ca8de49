#include "app/run_findings.h"

#include "core/base/log.h"

namespace weir::app {

void note_run(notify::Notifier& notifier, const control::Run& ended) {
  const std::string key = "run/" + ended.name;
  Status kept;
  if (ended.state == "failed") {
    notify::Finding finding;
    finding.key = key;
    finding.source = "run";
    finding.what = "the run of " + ended.name + " failed";
    finding.where = ended.kind + " " + ended.name;
    finding.why = ended.error;  // a table's test that failed is named there
    finding.todo = "`weir runs watch " + ended.id + "` shows its tasks; `weir run " + ended.name + "` goes on";
    finding.link = "/runs/" + ended.id;
    finding.since = ended.ended_at.value_or(ended.queued_at);
    if (auto id = notifier.report(finding, {std::string(notify::kPageChannel)}); !id) kept = id.error();
  } else if (ended.state == "done") {
    kept = notifier.close(key, "run " + ended.id + " is done", {std::string(notify::kPageChannel)});
  }
  if (!kept) log_event(Level::error, "run.finding_lost", {{"run", ended.id}, {"error", kept.error().text()}});
}

}  // namespace weir::app
