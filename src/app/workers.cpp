#include "app/workers.h"

namespace weir::app {

WorkerKinds worker_kinds() {
  return {{kProgramKind, program_kind()}};
}

}  // namespace weir::app
