// The kinds of work that `weir worker` does, from all rooms that have such work.
#pragma once

#include "core/runtime/worker.h"

namespace weir::app {

WorkerKinds worker_kinds();

}  // namespace weir::app
