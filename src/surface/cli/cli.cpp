#include "surface/cli/cli.h"

#include <unistd.h>

#include "core/base/text.h"
#include "surface/cli/commands.h"
#include "surface/cli/etl.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

std::string command_line_of(const CLI::App& command) {
  const std::string own = command.get_name();
  return command.get_parent() == nullptr ? own : command_line_of(*command.get_parent()) + " " + own;
}

// The command that was meant: the deepest one whose name was typed.
const CLI::App& deepest(const CLI::App& app) {
  const auto typed = app.get_subcommands();
  return typed.empty() ? app : deepest(*typed.front());
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  if (command.get_parent() != nullptr) {
    for (std::string& name : options_of(*command.get_parent())) names.push_back(std::move(name));
  }
  return names;
}

// One line that says what is wrong, and one with the way out, like every other error.
std::string wrong_use(const CLI::App& app, const CLI::Error& wrong) {
  const CLI::App& at = deepest(app);
  std::vector<std::string> known;
  for (const CLI::App* command : at.get_subcommands(nullptr)) known.push_back(command->get_name());
  const std::vector<std::string> extra = app.remaining(true);
  const std::string help = command_line_of(at) + " --help";
  const auto message = [](const std::string& what, const std::string& way_out) {
    return "error: " + what + "\n  try: " + way_out + "\n";
  };
  if (!extra.empty() && extra.front().starts_with("--")) {
    const auto near = nearest(extra.front().substr(0, extra.front().find('=')), options_of(at));
    return message("there is no option " + shown(extra.front()), near ? "did you mean '" + *near + "'?" : help);
  }
  if (!known.empty()) {
    if (extra.empty()) return message(command_line_of(at) + " needs a command", did_you_mean("", known) + "; " + help);
    return message("there is no command " + shown(command_line_of(at) + " " + extra.front()),
                   did_you_mean(extra.front(), known));
  }
  return message(wrong.what(), help);
}

}  // namespace

int run(int argc, char** argv, const Wiring& wiring) {
  Context context{{}, wiring, kDone};
  CLI::App app{
      "weir: events from capture to SQL in one program.\n"
      "First steps: `weir init`, then `weir serve`, in an empty folder.",
      "weir"};
  app.require_subcommand(1);
  app.fallthrough();
  app.set_help_all_flag("--help-all", "Help of all commands");
  app.add_option("-d,--dir", context.common.folder, "The folder of declarations")
      ->capture_default_str()
      ->envname("WEIR_DIR");
  app.add_option("--env", context.common.environment, "Environment: environments/<name>.yaml, with state of its own")
      ->envname("WEIR_ENV");
  app.add_option("--server", context.common.server,
                 "Talk to this server (http://host:port) instead of the folder's own")
      ->envname("WEIR_SERVER");
  app.add_option("--token", context.common.token,
                 "Token for --server; on the command line every user of this machine can read it")
      ->envname("WEIR_TOKEN");
  app.add_option("--token-file", context.common.token_file,
                 "File whose first line is the token for --server; wins over WEIR_TOKEN");
  app.add_flag("--json", context.common.json, "Print JSON for programs");
  context.common.report_error = [](const Error& error) { (void)report(error); };
  context.common.colour = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;

  add_init(app, context);
  add_serve(app, context);
  add_plan(app, context);
  add_status(app, context);
  add_sql(app, context);
  add_load(app, context);
  add_etl(app, context);
  add_stream(app, context);
  add_explain(app, context);
  add_live(app, context);
  add_lake(app, context);
  add_runs(app, context);
  add_test(app, context);
  add_alarms(app, context);
  add_notices(app, context);
  add_reviews(app, context);
  add_token(app, context);
  add_user(app, context);
  add_audit(app, context);
  add_secret(app, context);
  add_connection(app, context);
  add_loadgen(app, context);
  add_demo(app, context);
  add_doctor(app, context);
  add_worker(app, context);
  add_schema(app, context);
  app.failure_message([](const CLI::App* at, const CLI::Error& wrong) { return wrong_use(*at, wrong); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    app.exit(wrong);
    return kWrongUse;
  }
  return context.exit_code;
}

}  // namespace weir::cli
