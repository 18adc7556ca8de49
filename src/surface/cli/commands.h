// The list of commands. Each add_ function declares its grammar (which is also its help) and what it does; the callback
// sets exit_code.
#pragma once

#include <CLI/CLI.hpp>

#include "surface/cli/cli.h"

namespace weir::cli {

struct Context {
  Common common;
  const Wiring& wiring;
  int exit_code = kDone;
};

void add_init(CLI::App& app, Context& context);
void add_plan(CLI::App& app, Context& context);  // plan, apply
void add_serve(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_sql(CLI::App& app, Context& context);
void add_load(CLI::App& app, Context& context);
void add_stream(CLI::App& app, Context& context);  // stream infer, stream tail
void add_explain(CLI::App& app, Context& context);
void add_live(CLI::App& app, Context& context);
void add_lake(CLI::App& app, Context& context);     // lake verify, lake drain, lake manifest
void add_forget(CLI::App& lake, Context& context);  // lake forget, lake forgets
void add_runs(CLI::App& app, Context& context);     // run, backfill, runs
void add_test(CLI::App& app, Context& context);
void add_alarms(CLI::App& app, Context& context);
void add_notices(CLI::App& app, Context& context);  // topic, notify, outbox
void add_reviews(CLI::App& app, Context& context);
void add_token(CLI::App& app, Context& context);
void add_user(CLI::App& app, Context& context);
void add_audit(CLI::App& app, Context& context);
void add_secret(CLI::App& app, Context& context);
void add_connection(CLI::App& app, Context& context);  // connection list, connection check
void add_loadgen(CLI::App& app, Context& context);
void add_demo(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_worker(CLI::App& app, Context& context);
void add_schema(CLI::App& app, Context& context);  // schema, version

}  // namespace weir::cli
