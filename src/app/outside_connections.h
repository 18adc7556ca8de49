// Servers elsewhere as weir.yaml declares them, and the timer that closes connections to them which nobody uses.
//
// open() and the end from one thread; the pools from any. What is handed to open() outlives it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/base/metrics.h"
#include "core/project/settings.h"
#include "core/runtime/lanes.h"
#include "core/runtime/timers.h"
#include "storage/engine/outside.h"

namespace weir::app {

class OutsideConnections {
 public:
  struct Parts {
    const std::string& folder;  // of the project, where paths begin
    std::function<Result<std::string>(std::string_view name)> secret;
    Metrics& metrics;
    Lanes& lanes;
    Timers& timers;
    bool rehearses = false;  // reaches nobody
  };
  static Result<std::unique_ptr<OutsideConnections>> open(const project::Settings& settings, const Parts& parts);
  const engine::OutsidePools& pools() const { return *pools_; }

 private:
  OutsideConnections() = default;
  std::shared_ptr<engine::OutsidePools> pools_;  // with the task that closes idle ones
  Timers::Timer closes_idle_;
};

}  // namespace weir::app
