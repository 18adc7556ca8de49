#include "surface/cli/commands.h"

namespace weir::cli {

void add_serve(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("serve", "Capture, follow, answer: everything the folder declares, until SIGTERM or Ctrl-C");
  auto listen = std::make_shared<std::string>();
  auto quiet = std::make_shared<bool>(false);
  command->add_option("--listen", *listen, "ADDRESS:PORT of HTTP, instead of weir.yaml's; port 0 takes a free one");
  command->add_flag("--quiet", *quiet, "Print nothing but errors and the log");
  command->callback(
      [&context, listen, quiet] { context.exit_code = context.wiring.serve(context.common, *listen, *quiet); });
}

}  // namespace weir::cli
