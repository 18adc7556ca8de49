#include <cstdio>
#include <iostream>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {

void add_schema(CLI::App& app, Context& context) {
  auto markdown = std::make_shared<bool>(false);
  auto* command = app.add_subcommand("schema", "Print the JSON Schema of the declarations, for editors");
  command->add_flag("--markdown", *markdown,
                    "The reference of every file and key instead, as docs/reference/config.md");
  command->callback([&context, markdown] {
    auto schema = context.wiring.schema(*markdown);
    if (!schema) {
      context.exit_code = report(schema.error());
      return;
    }
    std::cout << *schema;
  });
  app.add_subcommand("version", "Print the versions of weir and of what it stands on")->callback([&context] {
    std::cout << context.wiring.versions();
  });
}

}  // namespace weir::cli
