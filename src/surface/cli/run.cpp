// weir run, weir backfill, weir runs: computing derived tables, and what became of it.
#include <cstdio>
#include <iostream>
#include <map>
#include <optional>
#include <thread>

#include "surface/cli/commands.h"
#include "surface/cli/follow_run.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr auto kPollEvery = std::chrono::milliseconds(150);

bool has_ended(const Json& run) {
  const std::string& state = run["state"].as_string();
  return state == "done" || state == "failed" || state == "stopped";
}

std::string progress_of(const Json& run) {
  const Json* current = nullptr;
  for (const Json& task : run["tasks"].array()) {
    if (task["state"].as_string() == "running") current = &task;
  }
  if (current == nullptr) return run["name"].as_string() + ": " + run["state"].as_string() + " …";
  std::string out = (*current)["step"].as_string() + " " + (*current)["what"].as_string() + ": " +
                    std::to_string(run["tasks_done"].as_int()) + " of " + std::to_string(run["tasks_known"].as_int());
  if (run["seconds_left"].is_null()) return out;
  char left[32];
  std::snprintf(left, sizeof left, ", %.1f s left", run["seconds_left"].as_double());
  return out + left;
}

// A day, or all of a table.
bool is_partition(const std::string& what) {
  return what == "all" ||
         (what.size() == 10 && what[4] == '-' && what.find_first_not_of("0123456789-") == std::string::npos);
}

void print_run(const Json& run, bool colour) {
  struct Sum {
    const char* what = "task";
    uint64_t tasks = 0, rows = 0;
  };
  std::vector<std::string> order;
  std::map<std::string, Sum> sums;
  TextTable failures;
  failures.header = {"step", "of", "state", "message"};
  for (const Json& task : run["tasks"].array()) {
    const std::string& step = task["step"].as_string();
    if (!sums.contains(step)) order.push_back(step);
    Sum& sum = sums[step];
    if (is_partition(task["what"].as_string())) sum.what = "partition";
    if (task["state"].as_string() == "done") {
      ++sum.tasks;
      sum.rows += static_cast<uint64_t>(task["rows"].as_int());
    }
    if (task["state"].as_string() != "done" || !task["message"].is_null())
      failures.rows.push_back({step, task["what"].as_string(), task["state"].as_string(), task["message"].as_string()});
  }
  for (const std::string& step : order) {
    const Sum& sum = sums[step];
    std::printf("%s: %s %s%s done, %s rows\n", step.c_str(), with_commas(sum.tasks).c_str(), sum.what,
                sum.tasks == 1 ? "" : "s", with_commas(sum.rows).c_str());
  }
  if (!failures.rows.empty()) std::cout << render(failures, colour, true);
  if (order.empty() && run["state"].as_string() == "done") std::printf("everything was fresh: nothing to compute\n");
  std::printf("run %s %s", run["id"].as_string().c_str(), run["state"].as_string().c_str());
  if (!run["seconds"].is_null()) std::printf(" in %.2f s", run["seconds"].as_double());
  std::printf("\n");
}

int outcome(const Json& run) {
  return run["state"].as_string() == "done" ? kDone : kFailed;
}

}  // namespace

namespace {

// Nothing if somebody who only watches has seen enough.
Result<std::optional<Json>> watched(Backend& backend, const Interrupt& interrupt, const std::string& id, bool is_own) {
  ProgressLine progress;
  const std::string path = "/v1/runs/" + url_encode(id);
  for (bool is_stopped = false;;) {
    TRY_ASSIGN(Json run, call_json(backend, {.path = path}));
    if (has_ended(run)) return std::optional<Json>(std::move(run));
    progress.show(progress_of(run));
    if (interrupt.asked() && !is_own) return std::optional<Json>();
    if (interrupt.asked() && !is_stopped) {
      is_stopped = true;
      if (auto stopped = call_json(backend, {.method = "POST", .path = path + "/stop"}); !stopped)
        warn(stopped.error());
    }
    std::this_thread::sleep_for(kPollEvery);
  }
}

}  // namespace

Result<Json> await_run(Backend& backend, const Interrupt& interrupt, const std::string& id) {
  TRY_ASSIGN(auto run, watched(backend, interrupt, id, true));
  return std::move(*run);
}

int follow_run(Context& context, Backend& backend, const Interrupt& interrupt, const std::string& id, bool is_own) {
  auto run = watched(backend, interrupt, id, is_own);
  if (!run) return report(run.error());
  if (!*run) return kDone;
  if (context.common.json) {
    std::cout << (*run)->dump(2) << "\n";
  } else {
    if (!(**run)["error"].is_null()) std::fprintf(stderr, "error: %s\n", (**run)["error"].as_string().c_str());
    print_run(**run, context.common.colour);
  }
  return outcome(**run);
}

int follow_started(Context& context, Backend& backend, const Interrupt& interrupt, const Json& started, bool detach) {
  const std::string id = started["id"].as_string();
  if (!detach) return follow_run(context, backend, interrupt, id, true);
  if (context.common.json) {
    std::cout << started.dump(2) << "\n";
  } else {
    std::printf("run %s began; `weir runs watch %s` shows it\n", id.c_str(), id.c_str());
  }
  return kDone;
}

namespace {

struct RunOptions {
  std::string table, from, to;
  bool force = false, alone = false, detach = false;
};

int start(Context& context, const RunOptions& options) {
  const Interrupt interrupt;  // before the folder's threads
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  if (options.detach && !(*backend)->is_server()) {
    return report(Error(Code::invalid, "--detach needs a server that goes on with the run", "start `weir serve`"));
  }
  Json body{Json::Object{}};
  body.set("name", options.table);
  if (!options.from.empty()) body.set("from", options.from);
  if (!options.to.empty()) body.set("to", options.to);
  body.set("force", options.force);
  body.set("upstream", !options.alone);
  auto started = call_json(**backend, {.method = "POST", .path = "/v1/runs", .body = body.dump()});
  if (!started) return report(started.error());
  return follow_started(context, **backend, interrupt, *started, options.detach);
}

int list(Context& context, const std::string& name, bool open) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto runs = call_json(**backend, {.path = "/v1/runs?name=" + url_encode(name) + (open ? "&open=true" : "")});
  if (!runs) return report(runs.error());
  if (context.common.json) {
    std::cout << runs->dump(2) << "\n";
    return kDone;
  }
  TextTable table;
  table.header = {"run", "of", "state", "queued", "seconds", "by", "error"};
  table.right = {false, false, false, false, true, false, false};
  for (const Json& run : (*runs)["runs"].array()) {
    char seconds[32] = "";
    if (!run["seconds"].is_null()) std::snprintf(seconds, sizeof seconds, "%.2f", run["seconds"].as_double());
    table.rows.push_back({run["id"].as_string(), run["name"].as_string(), run["state"].as_string(),
                          run["queued_at"].as_string(), seconds, run["cause"]["by"].as_string(),
                          run["error"].as_string()});
  }
  if (table.rows.empty()) {
    std::printf("no runs yet: `weir run NAME` runs a flow or computes a derived table\n");
  } else {
    std::cout << render(table, context.common.colour);
  }
  return kDone;
}

int watch(Context& context, const std::string& id) {
  const Interrupt interrupt;
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  return follow_run(context, **backend, interrupt, id, false);
}

int stop(Context& context, const std::string& id) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto stopped = call_json(**backend, {.method = "POST", .path = "/v1/runs/" + url_encode(id) + "/stop"});
  if (!stopped) return report(stopped.error());
  std::printf("stopping %s; what it has computed stays\n", id.c_str());
  return kDone;
}

void add_run(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("run", "Run a flow, or compute what is stale of a derived table");
  auto options = std::make_shared<RunOptions>();
  command->add_option("NAME", options->table, "A flow, or a derived table")->required();
  command->add_option("--from", options->from, "First day, as 2026-11-21");
  command->add_option("--to", options->to, "First day that is left out");
  command->add_flag("--force", options->force, "Also what is fresh");
  command->add_flag("--alone", options->alone, "Without what the table is made of");
  command->add_flag("--detach", options->detach, "Do not wait for it");
  command->callback([&context, options] { context.exit_code = start(context, *options); });

  auto* backfill = app.add_subcommand(
      "backfill", "Compute the days of a derived table that are missing or stale, or run a flow for them");
  auto days = std::make_shared<RunOptions>();
  backfill->add_option("NAME", days->table, "A derived table, or a flow")->required();
  backfill->add_option("--from", days->from, "First day, as 2026-11-01")->required();
  backfill->add_option("--to", days->to, "First day that is left out")->required();
  backfill->add_flag("--force", days->force, "Also days that are fresh");
  backfill->add_flag("--detach", days->detach, "Do not wait for it");
  backfill->callback([&context, days] { context.exit_code = start(context, *days); });
}

}  // namespace

void add_runs(CLI::App& app, Context& context) {
  add_run(app, context);
  auto* group = app.add_subcommand("runs", "What was computed, when and why; watch or stop a run");
  group->require_subcommand(0, 1);
  auto name = std::make_shared<std::string>();
  auto open = std::make_shared<bool>(false);
  group->add_option("--of", *name, "Only those of this table");
  group->add_flag("--open", *open, "Only those under way");
  group->callback([&context, group, name, open] {
    if (group->get_subcommands().empty()) context.exit_code = list(context, *name, *open);
  });
  auto id = std::make_shared<std::string>();
  auto* watched = group->add_subcommand("watch", "Follow a run to its end; Ctrl-C leaves it alone");
  watched->add_option("RUN", *id)->required();
  watched->callback([&context, id] { context.exit_code = watch(context, *id); });
  auto* stopped = group->add_subcommand("stop", "Stop a run; what it has computed stays");
  stopped->add_option("RUN", *id)->required();
  stopped->callback([&context, id] { context.exit_code = stop(context, *id); });
}

}  // namespace weir::cli
