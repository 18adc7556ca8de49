#include "app/intakes.h"

#include <algorithm>

#include "app/lake_work.h"
#include "app/workers.h"
#include "core/base/log.h"
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

std::string told(const lake::ExternalReport& report) {
  return std::to_string(report.loaded) + " of " + std::to_string(report.files) + " files loaded, " +
         std::to_string(report.known) + " known, " + std::to_string(report.gone) + " gone, " +
         format_size(report.done_bytes) + " of " + format_size(report.bytes) + "; " + std::to_string(report.rows) +
         " rows";
}

// Files that could not be read make the run a failed one; what was loaded stays loaded.
template <class Report>
Status failures_of(const Report& report) {
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
      (void)context.note("load", request.folder,
                         {so_far.accepted, told(so_far), share_of(so_far.done_bytes, so_far.bytes)});
    };
    TRY_ASSIGN(const lake::EtlReport report, etl_.run(request, context.cancel(), progress));
    TRY(context.set_result(report.to_json()));
    TRY(failures_of(report));
    return flow::TaskEnd{report.accepted, told(report)};
  });
}

// A load of a table over files.
class ExternalWork final : public flow::Work {
 public:
  ExternalWork(lake::ExternalTables& tables, const Clock& clock) : tables_(tables), clock_(clock) {}
  Status check(const Json& parameters) const override { return tables_.check(parameters["table"].as_string()); }
  Status run(flow::WorkContext& context) override;

 private:
  lake::ExternalTables& tables_;
  const Clock& clock_;
};

Status ExternalWork::run(flow::WorkContext& context) {
  const std::string& table = context.parameters()["table"].as_string();
  TRY(context.plan("load", {table}));
  return context.task("load", table, [&]() -> Result<flow::TaskEnd> {
    int64_t noted_at = 0;
    const auto progress = [&](const lake::ExternalReport& so_far) {
      const int64_t now = clock_.steady_micros();
      if (now - noted_at < kNoteEveryMicros) return;
      noted_at = now;
      (void)context.note("load", table, {so_far.rows, told(so_far), share_of(so_far.done_bytes, so_far.bytes)});
    };
    TRY_ASSIGN(const lake::ExternalReport report, tables_.load(table, context.cancel(), progress));
    TRY(context.set_result(report.to_json()));
    TRY(failures_of(report));
    return flow::TaskEnd{report.rows, told(report)};
  });
}

}  // namespace

Intakes::Intakes(const lake::Requeue::Parts& parts, const Folders& folders, const project::Settings& settings,
                 WhoIsForgotten forgotten)
    : clock_(parts.clock),
      rules_(rules_of(folders.project, settings)),
      requeue_(parts),
      etl_({parts.lake, parts.engine, parts.capture, parts.clock, rules_, child_work(kForeignRecordsKind),
            settings.size("limits.record_bytes"), std::move(forgotten)}),
      externals_({.engine = parts.engine,
                  .files = real_files(),
                  .rules = rules_,
                  .records = child_work(kForeignRecordsKind),
                  .staging = folders.staging,
                  .record_bytes_max = settings.size("limits.record_bytes"),
                  .change = [this](const std::string& table,
                                   const auto& change) { return flow_->change_table(table, change); }}),
      crawl_({parts.capture, parts.engine, rules_, child_work(kCrawlKind), externals_, folders.raw}) {}

void Intakes::add_work(flow::Flow& flow) {
  flow_ = &flow;
  flow.add_work("etl", std::make_unique<EtlWork>(etl_, clock_));
  flow.add_work("external", std::make_unique<ExternalWork>(externals_, clock_));
}

std::vector<std::string> Intakes::begin_loads() {
  std::vector<std::string> out;
  const auto due = externals_.due();
  if (!due) {
    log_event(Level::error, "external.due_unknown", {{"error", due.error().text()}});
    return out;
  }
  for (const std::string& table : *due) {
    const auto open = flow_->runs(table, true, 1);
    if (open && !open->empty()) continue;  // one that was under way goes on
    const auto begun = flow_->start_work({.kind = "external",
                                          .name = table,
                                          .parameters = Json(Json::Object{{"table", table}}),
                                          .cause = Json(Json::Object{{"by", "apply"}})});
    if (begun) {
      out.push_back(*begun);
    } else {
      log_event(Level::error, "external.not_loaded", {{"table", table}, {"error", begun.error().text()}});
    }
  }
  return out;
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
