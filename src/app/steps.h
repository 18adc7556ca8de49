// What steps of flows may touch outside of the engine, as the settings say it.
#pragma once

#include <string>

#include "core/project/settings.h"
#include "platform/flow/flow.h"

namespace weir::app {

// Without what their secrets are: the caller knows.
flow::StepSettings step_settings(const project::Settings& settings, const std::string& project_folder,
                                 const std::string& store_root);

}  // namespace weir::app
