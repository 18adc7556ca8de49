// Servers elsewhere as weir.yaml declares them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/base/metrics.h"
#include "core/project/settings.h"
#include "storage/engine/outside.h"

namespace weir::app {

struct ConnectionParts {
  const std::string& folder;  // of the project, where paths begin
  std::function<Result<std::string>(std::string_view name)> secret;
  Metrics& metrics;
  bool rehearses = false;  // reaches nobody
};
Result<std::unique_ptr<engine::OutsidePools>> open_connections(const project::Settings& settings,
                                                               const ConnectionParts& parts);

}  // namespace weir::app
