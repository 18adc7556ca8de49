// Watching a run that a command has begun. Ctrl-C leaves a server's run alone and says how to watch or stop it; a run
// of the command itself, where no server goes on with it, is stopped.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/base/json.h"
#include "surface/cli/backend.h"
#include "surface/cli/commands.h"
#include "surface/cli/interrupt.h"

namespace weir::cli {

// Until it has ended; the exit code.
int follow_run(Context& context, Backend& backend, const Interrupt& interrupt, const std::string& id);
// Of a run that asks queries in rounds, as reviews do: a line for each query when it ends in a round.
enum class Rounds { told, not_told };
// The same without a word at the end: the run as it ended; nothing: it goes on without us, which was told.
Result<std::optional<Json>> await_run(Backend& backend, const Interrupt& interrupt, const std::string& id,
                                      Rounds rounds = Rounds::not_told);
// `started` is the answer that names the run; one that is detached is only named.
int follow_started(Context& context, Backend& backend, const Interrupt& interrupt, const Json& started, bool detach);

// Begins a run whose result is the command's answer; `print` shows it to people and says the exit code. With --json it
// only says it.
struct Order {
  ApiRequest request;
  bool detach = false;
};
int order_run(Context& context, const Order& order, const std::function<int(const Json& result, bool shown)>& print);
// --detach without a server is refused.
Status check_detach(Backend& backend, bool detach);

}  // namespace weir::cli
