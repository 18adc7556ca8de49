// The declared flows: what they are, when they run next, how they ran last. What starts them by itself is starts.h.
//
// Threads: any.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/guarded.h"
#include "platform/flow/flow.h"
#include "platform/flow/flow_declaration.h"
#include "platform/flow/starts.h"

namespace weir::flow {

struct FlowState {
  FlowDeclaration flow;
  StartState start;
  std::optional<control::Run> last;
  Json to_json() const;
};

class Flows {
 public:
  struct Parts {
    Flow& flow;
    Starts& starts;
  };
  explicit Flows(const Parts& parts) : parts_(parts) {}

  // At start and after each apply.
  Status set_flows(std::vector<FlowDeclaration> flows);
  Result<std::vector<FlowState>> flows();
  // For the days of `request`, or for the flow's window as of now.
  Result<std::string> start(std::string_view name, const FlowRequest& request);

 private:
  Startable startable(const FlowDeclaration& flow) const;

  const Parts parts_;
  Mutex mutex_;
  std::map<std::string, FlowDeclaration, std::less<>> flows_ GUARDED_BY(mutex_);
};

}  // namespace weir::flow
