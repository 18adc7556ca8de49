// Watching a run that a command has begun.
#pragma once

#include <string>

#include "core/base/json.h"
#include "surface/cli/backend.h"
#include "surface/cli/commands.h"
#include "surface/cli/interrupt.h"

namespace weir::cli {

// Until it has ended; the exit code. Ctrl-C stops the run if it is our own.
int follow_run(Context& context, Backend& backend, const Interrupt& interrupt, const std::string& id, bool is_own);
// The same without a word at the end: the run as it ended.
Result<Json> await_run(Backend& backend, const Interrupt& interrupt, const std::string& id);
// `started` is the answer that names the run; one that is detached is only named.
int follow_started(Context& context, Backend& backend, const Interrupt& interrupt, const Json& started, bool detach);

}  // namespace weir::cli
