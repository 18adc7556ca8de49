#include "app/intakes.h"

#include <algorithm>

#include "app/workers.h"
#include "core/base/sizes.h"

namespace weir::app {
namespace {

constexpr int64_t kNoteEveryMicros = 500'000;
constexpr size_t kFailuresTold = 5;
constexpr Duration kFileTime = hours(2);  // of a child that takes one file apart

lake::EtlRequest request_of(const Json& parameters) {
  lake::EtlRequest out;
  out.stream = parameters["stream"].as_string();
  out.folder = parameters["folder"].as_string();
  out.format = parameters["format"].as_string();
  out.any_age = parameters["any_age"].as_bool();
  return out;
}

std::string told(const lake::EtlReport& report) {
  std::string out = std::to_string(report.loaded) + " of " + std::to_string(report.files) + " files loaded, " +
                    std::to_string(report.known) + " known, " + format_size(report.done_bytes) + " of " +
                    format_size(report.bytes) + "; " + std::to_string(report.accepted) + " accepted, " +
                    std::to_string(report.duplicates) + " duplicates, " + std::to_string(report.quarantined) +
                    " quarantined";
  if (report.refused > 0) out += ", " + std::to_string(report.refused) + " refused as too long, or forgotten";
  return out;
}

// Files that could not be read make the run a failed one; what was loaded stays loaded.
Status failures_of(const lake::EtlReport& report) {
  if (report.failures.empty()) return {};
  std::string message = told(report);
  for (size_t i = 0; i < std::min(report.failures.size(), kFailuresTold); ++i) {
    message += "; " + report.failures[i].file + ": " + report.failures[i].why;
  }
  if (report.failures.size() > kFailuresTold) {
    message += "; and " + std::to_string(report.failures.size() - kFailuresTold) + " more files";
  }
  return Error(Code::invalid, message, "mend or move them, and run it again: what is loaded is not loaded twice");
}

lake::ForeignRules rules_of(const std::string& folder, const project::Settings& settings) {
  return {folder, settings.texts("lake.foreign")};
}

// One task, which goes on where an earlier life of the run was.
class EtlWork final : public flow::Work {
 public:
  EtlWork(lake::Etl& etl, const Clock& clock) : etl_(etl), clock_(clock) {}
  Status check(const Json& parameters) const override;
  Status run(flow::WorkContext& context) override;

 private:
  lake::Etl& etl_;
  const Clock& clock_;
};

Status EtlWork::check(const Json& parameters) const {
  return etl_.check(request_of(parameters));
}

Status EtlWork::run(flow::WorkContext& context) {
  const lake::EtlRequest request = request_of(context.parameters());
  return context.task("load", request.folder, [&]() -> Result<flow::TaskEnd> {
    int64_t noted_at = 0;
    const auto progress = [&](const lake::EtlReport& so_far) {
      const int64_t now = clock_.steady_micros();
      if (now - noted_at < kNoteEveryMicros) return;
      noted_at = now;
      (void)context.note("load", request.folder, {so_far.accepted, told(so_far)});
    };
    TRY_ASSIGN(const lake::EtlReport report, etl_.run(request, context.cancel(), progress));
    TRY(failures_of(report));
    return flow::TaskEnd{report.accepted, told(report)};
  });
}

}  // namespace

Intakes::Intakes(const lake::Requeue::Parts& parts, const std::string& folder, const project::Settings& settings,
                 WhoIsForgotten forgotten)
    : clock_(parts.clock),
      requeue_(parts),
      etl_({parts.lake, parts.engine, parts.capture, parts.clock, rules_of(folder, settings),
            child_work(kForeignRecordsKind), settings.size("limits.record_bytes"), std::move(forgotten)}),
      crawl_({parts.capture, parts.engine, rules_of(folder, settings), child_work(kCrawlKind)}) {}

void Intakes::add_work(flow::Flow& flow) {
  flow.add_work("etl", std::make_unique<EtlWork>(etl_, clock_));
}

// Foreign bytes are taken apart in a child of ours, under limits.
lake::RecordSource Intakes::child_work(const char* kind) const {
  return [this, kind](const Json& request, const Cancel& cancel, const auto& take) {
    WorkerLimits limits;
    limits.time = kFileTime;
    limits.cpu = kFileTime;
    return workers_.call(kind, request, limits, cancel, take);
  };
}

}  // namespace weir::app
