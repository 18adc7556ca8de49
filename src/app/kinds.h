// What can be declared in this version, and where the applied state is kept: the two interfaces of core/project, filled
// in.
#pragma once

#include <functional>

#include "core/project/plan.h"
#include "core/project/project.h"
#include "storage/control/control.h"
#include "stream/capture/capture.h"

namespace weir::app {

// `destroy_stream` removes the data of a stream; empty where nothing can be destroyed (`weir schema`, plans).
project::Registry make_registry(std::function<Status(std::string_view name, uint32_t number)> destroy_stream);

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

}  // namespace weir::app
