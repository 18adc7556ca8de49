#include <cstdio>
#include <iostream>

#include "core/base/text.h"
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
    const std::string lines = context.wiring.versions();
    if (!context.common.json) {
      std::cout << lines;
      return;
    }
    Json out{Json::Object{}};  // "DuckDB v1.4.4" is the version v1.4.4 of DuckDB
    for (const std::string_view line : split(lines, '\n')) {
      const size_t space = line.find(' ');
      if (space != std::string_view::npos)
        out.set(std::string(line.substr(0, space)), std::string(line.substr(space + 1)));
    }
    std::cout << out.dump(2) << "\n";
  });
}

}  // namespace weir::cli
