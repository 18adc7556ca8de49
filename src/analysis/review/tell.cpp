#include "analysis/review/tell.h"

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::review {
namespace {

void log_unless(const Status& done, const char* event, const Review& review) {
  if (!done) log_event(Level::error, event, {{"review", review.name}, {"error", done.error().text()}});
}

std::string path_of(const Ended& ended) {
  return "/reviews/" + ended.review.name + "?run=" + ended.run;
}

std::string where(const Ended& ended) {
  return "review " + ended.review.name + (ended.on.empty() ? "" : " on " + ended.on);
}

struct Failed {
  size_t count = 0;
  std::string list;  // "A: why; B: why"
};

Failed failed_in(const Ended& ended) {
  Failed out;
  for (const flow::QueryRecord& record : ended.state) {
    if (record.state == flow::QueryState::finished) continue;
    ++out.count;
    out.list += (out.list.empty() ? "" : "; ") + record.name + ": " + record.error;
  }
  return out;
}

// The verdict is a finding while it is red, and what failed in every round is one: the next run closes them. A run on
// another target than the declared one has findings of its own.
void tell_findings(notify::Notifier& notifier, const Clock& clock, const Ended& ended, const Failed& failed) {
  const Review& review = ended.review;
  const std::string which = "review/" + review.name + (ended.on.empty() ? "" : "/on/" + ended.on);
  const auto put = [&](const std::string& key, std::string what, std::string why, notify::Severity severity,
                       bool is_open) {
    if (!is_open) {
      return log_unless(notifier.close(key, "the review's next run", review.notify), "review.finding_not_kept", review);
    }
    notify::Finding finding;
    finding.key = key;
    finding.source = "review";
    finding.what = std::move(what);
    finding.where = where(ended);
    finding.severity = severity;
    finding.why = std::move(why);
    finding.todo = "read the report";
    finding.link = path_of(ended);
    finding.since = clock.wall();
    const auto kept = notifier.report(finding, review.notify);
    log_unless(kept ? Status() : Status(kept.error()), "review.finding_not_kept", review);
  };
  put(which + "/failed",
      std::to_string(failed.count) + " of " + std::to_string(ended.state.size()) + " queries of the review " +
          review.title + " failed in every round",
      failed.list, notify::Severity::warning, failed.count > 0);
  const int64_t red = ended.report["counts"]["red"].as_int();
  put(which + "/red",
      "the review " + review.title + " is red: " + std::to_string(red) + (red == 1 ? " signal" : " signals"),
      "its score is " + ended.report["score"].dump() + " of 100", notify::Severity::critical, red > 0);
}

notify::Message message_of(const Ended& ended, const Failed& failed) {
  const Json& report = ended.report;
  const Json& counts = report["counts"];
  notify::Message out;
  out.name = "review/" + ended.review.name;
  out.once = out.name + "/" + ended.run;
  out.subject = ended.is_late ? "The review " + ended.review.title + " ran out of time"
                              : "Your report is ready: " + ended.review.title + ", " + report["verdict"].as_string();
  if (ended.is_late) {
    out.text = "The review was not done within " + format_duration(*ended.review.time_limit) +
               ". The report has what was measured until then.\n\n";
  }
  out.text += "Score " + (report["score"].is_null() ? std::string("none") : report["score"].dump() + " of 100") + "; " +
              std::to_string(counts["red"].as_int()) + " red, " + std::to_string(counts["yellow"].as_int()) +
              " yellow, " + std::to_string(counts["green"].as_int()) + " green, " +
              std::to_string(counts["not_measured"].as_int()) + " not measured.\n";
  if (failed.count > 0) out.text += "\nWhat failed: " + failed.list + "\n";
  out.text += "\nThe report and its data: .weir/store/runs/" + ended.prefix + "/\n";
  out.link = path_of(ended);
  out.severity = ended.is_late ? notify::Severity::warning : notify::Severity::info;
  if (out.text.size() > notify::kMessageTextBytesMax) {
    out.text.resize(notify::kMessageTextBytesMax);
    while (!valid_utf8(out.text)) out.text.pop_back();  // a letter that was cut
  }
  return out;
}

}  // namespace

void tell(notify::Notifier& notifier, const Clock& clock, const Ended& ended) {
  const Failed failed = failed_in(ended);
  tell_findings(notifier, clock, ended, failed);
  if (ended.review.notify.empty()) return;
  log_unless(notifier.send(message_of(ended, failed), ended.review.notify), "review.message_not_sent", ended.review);
}

}  // namespace weir::review
