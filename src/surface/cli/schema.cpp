#include <cstdio>
#include <iostream>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {

void add_schema(CLI::App& app, Context& context) {
  app.add_subcommand("schema", "Print the JSON Schema of the declarations, for editors")->callback([&context] {
    auto schema = context.wiring.schema(context.common);
    if (!schema) {
      context.exit_code = report(schema.error());
      return;
    }
    std::cout << *schema << "\n";
  });
  app.add_subcommand("version", "Print the versions of weir and of what it stands on")->callback([&context] {
    std::cout << context.wiring.versions();
  });
}

}  // namespace weir::cli
