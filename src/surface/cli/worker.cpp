#include "surface/cli/commands.h"

namespace weir::cli {

// Started by the server, never by people: so it is in no list of commands.
void add_worker(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("worker", "Does one piece of the server's work, under limits")->group("");
  auto kind = std::make_shared<std::string>();
  command->add_option("KIND", *kind)->required();
  command->callback([&context, kind] { context.exit_code = context.wiring.work(*kind); });
}

}  // namespace weir::cli
