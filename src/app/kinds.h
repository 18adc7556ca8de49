// What can be declared in this version, and where the applied state is kept: the two interfaces of core/project, filled
// in.
#pragma once

#include <functional>

#include "analysis/dashboard/dashboard.h"
#include "core/project/plan.h"
#include "core/project/project.h"
#include "platform/flow/flow_declaration.h"
#include "platform/flow/table.h"
#include "storage/control/control.h"
#include "stream/capture/capture.h"

namespace weir::app {

// What removes the data of a declaration; empty where nothing can be destroyed (`weir schema`, plans).
using Destroy = std::function<Status(std::string_view name, uint32_t number)>;
struct Destroyers {
  Destroy stream, table, flow;
};
// `examine` looks at a table's SELECT; empty where no engine is open: then only its words are checked.
using ExamineTable = std::function<Result<std::vector<std::string>>(const flow::Table& table)>;
project::Registry make_registry(Destroyers destroy, ExamineTable examine = {});

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

// The applied streams; `captured` are those that take events (enabled and not detached), `followed` all.
struct AppliedStreams {
  std::vector<capture::AppliedStream> captured, followed;
};
Result<AppliedStreams> applied_streams(control::Control& control);
// The applied flows, derived tables and dashboards that are not detached, by name.
Result<std::vector<flow::FlowDeclaration>> applied_flows(control::Control& control);
Result<std::vector<flow::Table>> applied_tables(control::Control& control);
Result<std::vector<dashboard::Dashboard>> applied_dashboards(control::Control& control);

}  // namespace weir::app
