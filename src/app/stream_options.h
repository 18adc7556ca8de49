// What the rooms of streams are opened with, as the settings say it.
#pragma once

#include <string>

#include "core/project/settings.h"
#include "stream/capture/capture.h"
#include "stream/lake/lake.h"

namespace weir::app {

lake::Options lake_options(const project::Settings& settings, const std::string& store_root);
capture::Options capture_options(const project::Settings& settings, const std::string& state_folder);

}  // namespace weir::app
