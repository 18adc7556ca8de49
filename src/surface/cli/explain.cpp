#include <cstdio>
#include <iostream>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {

void add_explain(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "explain", "Everything about one event: verdict, when, journal segment, archive file, lake file");
  auto id = std::make_shared<std::string>();
  command->add_option("EVENT_ID", *id, "Its key, its assigned id, or the id of its quarantine entry")->required();
  command->callback([&context, id] {
    auto backend = context.wiring.open(context.common);
    if (!backend) {
      context.exit_code = report(backend.error());
      return;
    }
    auto found = call_json(**backend, {.path = "/v1/events/" + url_encode(*id)});
    if (!found) {
      context.exit_code = report(found.error());
      return;
    }
    if (context.common.json) {
      std::cout << found->dump(2) << "\n";
    } else {
      for (const Json& place : (*found)["places"].array()) {
        std::printf("stream %s\n", place["stream"].as_string().c_str());
        for (const auto& [name, value] : place.object()) {
          if (name == "stream" || value.is_null()) continue;
          const std::string text = value.is_string() ? value.as_string() : value.dump();
          if (!text.empty()) std::printf("  %-13s %s\n", name.c_str(), text.c_str());
        }
      }
      if ((*found)["places"].array().empty()) std::printf("no event with the id %s is known\n", id->c_str());
    }
    if ((*found)["places"].array().empty()) context.exit_code = kFailed;
  });
}

}  // namespace weir::cli
