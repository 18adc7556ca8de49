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
  char number[32];
  if (!(*current)["progress"].is_null()) {
    std::snprintf(number, sizeof number, ", %.0f %%", (*current)["progress"].as_double() * 100);
    out += number;
  }
  if (run["seconds_left"].is_null()) return out;
  std::snprintf(number, sizeof number, ", %.1f s left", run["seconds_left"].as_double());
  return out + number;
}

// Of work that asks queries in rounds: what ends between two looks, a line each on standard error.
class RoundNews {
 public:
  void tell(const Json& run, ProgressLine& progress) {
    for (const Json& query : run["result"]["queries"].array()) {
      const int64_t round = query["round"].as_int();
      int64_t& told = rounds_told_[query["query"].as_string()];
      if (round <= told) continue;
      told = round;
      progress.clear();
      const bool is_finished = query["status"].as_string() == "FINISHED";
      const std::string rest = is_finished ? with_commas(static_cast<uint64_t>(query["rows"].as_int())) + " rows"
                                           : query["error"].as_string();
      std::fprintf(stderr, "round %lld  %-8s  %s  %.3f s  %s\n", static_cast<long long>(round),
                   is_finished ? "FINISHED" : "FAILED", query["query"].as_string().c_str(),
                   static_cast<double>(query["elapsed_ms"].as_int()) / 1000, rest.c_str());
    }
  }

 private:
  std::map<std::string, int64_t> rounds_told_;  // by query: of which its end was told
};

// A day, or all of a table.
bool is_partition(const std::string& what) {
  return what == "all" ||
         (what.size() == 10 && what[4] == '-' && what.find_first_not_of("0123456789-") == std::string::npos);
}

// Of work that asks queries in rounds: where each of them is. False if it is other work.
bool print_rounds(const Json& run, bool colour) {
  const auto& queries = run["result"]["queries"].array();
  if (queries.empty()) return false;
  TextTable table;
  table.header = {"query", "segment", "round", "state", "took", "of", "rows", "error"};
  table.right = {false, true, true, false, true, true, true, false};
  for (const Json& query : queries) {
    const bool has_ended = query["round"].as_int() > 0;
    char took[32] = "";
    if (has_ended) std::snprintf(took, sizeof took, "%.3f s", static_cast<double>(query["elapsed_ms"].as_int()) / 1000);
    const bool is_finished = query["status"].as_string() == "FINISHED";
    table.rows.push_back({query["query"].as_string(), std::to_string(query["segment"].as_int() + 1),
                          has_ended ? std::to_string(query["round"].as_int()) : "", query["status"].as_string(), took,
                          query["threshold"].as_string(),
                          is_finished ? with_commas(static_cast<uint64_t>(query["rows"].as_int())) : "",
                          is_finished ? "" : query["error"].as_string()});
  }
  std::cout << render(table, colour);
  return true;
}

void print_tasks(const Json& run, bool colour) {
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
}

void print_run(const Json& run, bool colour) {
  if (!print_rounds(run, colour)) print_tasks(run, colour);
  std::printf("run %s %s", run["id"].as_string().c_str(), run["state"].as_string().c_str());
  if (!run["seconds"].is_null()) std::printf(" in %.2f s", run["seconds"].as_double());
  std::printf("\n");
}

int outcome(const Json& run) {
  return run["state"].as_string() == "done" ? kDone : kFailed;
}

}  // namespace

Result<std::optional<Json>> await_run(Backend& backend, const Interrupt& interrupt, const std::string& id,
                                      Rounds rounds) {
  ProgressLine progress;
  RoundNews news;
  const std::string path = "/v1/runs/" + url_encode(id);
  for (bool is_stopped = false;;) {
    TRY_ASSIGN(Json run, call_json(backend, {.path = path}));
    if (rounds == Rounds::told) news.tell(run, progress);
    if (has_ended(run)) return std::optional<Json>(std::move(run));
    progress.show(progress_of(run));
    if (interrupt.asked() && backend.is_server()) {
      progress.clear();
      std::fprintf(stderr, "run %s goes on: `weir runs watch %s` shows it, `weir runs stop %s` stops it\n", id.c_str(),
                   id.c_str(), id.c_str());
      return std::optional<Json>();
    }
    if (interrupt.asked() && !is_stopped) {
      is_stopped = true;
      if (auto stopped = call_json(backend, {.method = "POST", .path = path + "/stop"}); !stopped) {
        warn(stopped.error());
      }
    }
    std::this_thread::sleep_for(kPollEvery);
  }
}

int follow_run(Context& context, Backend& backend, const Interrupt& interrupt, const std::string& id) {
  const auto run = await_run(backend, interrupt, id, Rounds::told);
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

Status check_detach(Backend& backend, bool detach) {
  if (!detach || backend.is_server()) return {};
  return Error(Code::invalid, "--detach needs a server that goes on with the run", "start `weir serve`");
}

namespace {

int name_started(Context& context, const Json& started) {
  const std::string id = started["id"].as_string();
  if (context.common.json) {
    std::cout << started.dump(2) << "\n";
  } else {
    std::printf("run %s began; `weir runs watch %s` shows it\n", id.c_str(), id.c_str());
  }
  return kDone;
}

}  // namespace

int follow_started(Context& context, Backend& backend, const Interrupt& interrupt, const Json& started, bool detach) {
  if (detach) return name_started(context, started);
  return follow_run(context, backend, interrupt, started["id"].as_string());
}

int order_run(Context& context, const Order& order, const std::function<int(const Json& result, bool shown)>& print) {
  const Interrupt interrupt;  // before the folder's threads
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  if (auto may = check_detach(**backend, order.detach); !may) return report(may.error());
  const auto started = call_json(**backend, order.request);
  if (!started) return report(started.error());
  if (order.detach) return name_started(context, *started);
  const std::string id = (*started)["id"].as_string();
  const auto run = await_run(**backend, interrupt, id);
  if (!run) return report(run.error());
  if (!*run) return kDone;
  const Json& ended = **run;
  if (outcome(ended) != kDone) {
    return report(
        Error(Code::conflict, ended["error"].as_string(), "`weir runs watch " + id + "` shows what was done"));
  }
  if (context.common.json) std::cout << ended["result"].dump(2) << "\n";
  return print(ended["result"], !context.common.json);
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
  if (auto may = check_detach(**backend, options.detach); !may) return report(may.error());
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

// A table or a flow by its name; other work by its kind too.
std::string what_of(const Json& run) {
  const std::string &kind = run["kind"].as_string(), &name = run["name"].as_string();
  return kind == "table" || kind == "flow" || kind == name ? name : kind + " " + name;
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
    table.rows.push_back({run["id"].as_string(), what_of(run), run["state"].as_string(), run["queued_at"].as_string(),
                          seconds, run["cause"]["by"].as_string(), run["error"].as_string()});
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
  return follow_run(context, **backend, interrupt, id);
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
  auto* command =
      app.add_subcommand("run", "Run a flow, compute what is stale of a derived table, or load a table over files");
  auto options = std::make_shared<RunOptions>();
  command->add_option("NAME", options->table, "A flow, a derived table, or a table over files")->required();
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
  auto* group =
      app.add_subcommand("runs", "What was computed, loaded or put in order, when and why; watch or stop a run");
  group->require_subcommand(0, 1);
  auto name = std::make_shared<std::string>();
  auto open = std::make_shared<bool>(false);
  group->add_option("--of", *name, "Only those of this flow, table or stream");
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
