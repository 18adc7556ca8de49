// What can be declared in this version, and where the applied state is kept: the two interfaces of core/project, filled
// in.
#pragma once

#include <functional>

#include "analysis/alarm/declaration.h"
#include "analysis/dashboard/dashboard.h"
#include "analysis/review/declaration.h"
#include "core/project/plan.h"
#include "core/project/project.h"
#include "platform/endpoint/endpoint_declaration.h"
#include "platform/flow/flow_declaration.h"
#include "platform/flow/table.h"
#include "storage/control/control.h"
#include "stream/capture/capture.h"
#include "stream/lake/external_table.h"
#include "stream/live/declaration.h"

namespace weir::app {

// What removes the data of a declaration; empty where nothing can be destroyed (`weir schema`, plans).
using Destroy = std::function<Status(std::string_view name, uint32_t number)>;
struct Destroyers {
  Destroy stream, live, table, external, flow, endpoint;
};
// `examine` looks at a table's SELECT; empty where no engine is open: then only its words are checked.
using ExamineTable = std::function<Result<std::vector<std::string>>(const flow::Table& table)>;
// What alarms and dashboards may watch, and a judge of an alarm's statement; empty where no program is open.
struct WatchChecks {
  std::function<std::map<std::string, MetricKind>()> metrics = {};
  std::function<Status(const std::string& sql)> examine = {};
};
project::Registry make_registry(Destroyers destroy, ExamineTable examine = {}, WatchChecks watched = {});

class ControlState : public project::AppliedState {
 public:
  explicit ControlState(control::Control& control) : control_(control) {}
  Result<std::vector<project::AppliedDeclaration>> declarations() override;
  Status apply(const std::vector<project::Declaration>& changed,
               const std::vector<std::pair<std::string, std::string>>& detached) override;
  Status destroy(std::string_view kind, std::string_view name) override;

 private:
  control::Control& control_;
};

// The program's own streams are kept beside what people declare, under a kind that no file has: they have numbers that
// are never reused, and no plan sees them. Applies them as this program wants them.
Status apply_system_streams(control::Control& control, const std::vector<capture::Stream>& streams);

// The applied streams; `captured` are those that take events (enabled and not detached), `followed` all,
// the program's own too.
struct AppliedStreams {
  std::vector<capture::AppliedStream> captured, followed;
};
Result<AppliedStreams> applied_streams(control::Control& control);
// The applied live windows, flows, derived tables, endpoints and dashboards that are not detached, by name.
Result<std::vector<live::Declaration>> applied_live(control::Control& control);
Result<std::vector<flow::FlowDeclaration>> applied_flows(control::Control& control);
Result<std::vector<flow::Table>> applied_tables(control::Control& control);
Result<std::vector<endpoint::Endpoint>> applied_endpoints(control::Control& control);
Result<std::vector<dashboard::Dashboard>> applied_dashboards(control::Control& control);
Result<std::vector<review::Review>> applied_reviews(control::Control& control);
Result<std::vector<lake::ExternalTable>> applied_externals(control::Control& control);
// The alarms and channels of all applied files that are not detached.
Result<alarm::AlertFile> applied_alerts(control::Control& control);

}  // namespace weir::app
