#include "surface/cli/cli.h"

#include <unistd.h>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {

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
  add_stream(app, context);
  add_explain(app, context);
  add_lake(app, context);
  add_token(app, context);
  add_secret(app, context);
  add_loadgen(app, context);
  add_demo(app, context);
  add_doctor(app, context);
  add_schema(app, context);
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
