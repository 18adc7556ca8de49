// System views over the spine's rooms, for SQL and for the pages that read SQL. The references must outlive the engine.
#pragma once

#include <vector>

#include "storage/control/control.h"
#include "storage/engine/engine.h"
#include "storage/journal/journal.h"
#include "stream/capture/capture.h"
#include "stream/lake/lake.h"

namespace weir::app {

std::vector<engine::SystemView> system_views(const capture::Capture& capture, control::Control& control,
                                             const journal::Journal& journal, const lake::Lake& lake);

}  // namespace weir::app
