// `weir demo`: the main job, really done. Serves a project, sends it load over HTTP, waits until everything is in
// files, and counts; then the day's work (demo_day.h), if the project declares it. With --only review the reviews of
// another project instead (demo_review.h).
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>

#include "core/io/files.h"
#include "surface/cli/commands.h"
#include "surface/cli/demo_day.h"
#include "surface/cli/demo_review.h"
#include "surface/cli/interrupt.h"
#include "surface/cli/load_report.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

struct DemoFlags {
  std::string only, project = "examples/advertising", json_file, duration = "8s";
  double rate = 10'000;
  int port = 8480;
  bool exit = false;
};

struct Count {
  uint64_t rows = 0, distinct = 0;
};

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Result<Json> sql(Backend& backend, const std::string& statement) {
  return call_json(backend,
                   {.method = "POST", .path = "/v1/sql", .body = Json(Json::Object{{"sql", statement}}).dump()});
}

Result<Count> count_in_lake(const Context& context, Backend& backend, const std::string& store,
                            const std::string& table, const std::string& column) {
  TRY_ASSIGN(Json manifest, call_json(backend, {.path = "/v1/lake/manifest/" + table}));
  std::vector<std::string> paths;
  for (const Json& file : manifest["files"].array()) paths.push_back(store + "/" + file["path"].as_string());
  if (paths.empty()) return Count{};
  TRY_ASSIGN(auto counted, context.wiring.count_parquet(paths, column));
  return Count{counted.first, counted.second};
}

struct Totals {
  Count impressions, clicks;
  uint64_t archived = 0;
};

Result<Totals> totals(const Context& context, Backend& backend, const std::string& store) {
  Totals out;
  TRY_ASSIGN(out.impressions, count_in_lake(context, backend, store, "impressions", "impression_id"));
  TRY_ASSIGN(out.clicks, count_in_lake(context, backend, store, "clicks", "click_id"));
  TRY_ASSIGN(Json archived, sql(backend,
                                "SELECT coalesce(sum(rows), 0)::BIGINT FROM weir_lake_files WHERE kind = 'archive' AND "
                                "table_name IN ('impressions', 'clicks')"));
  out.archived = static_cast<uint64_t>(archived["rows"].array().at(0).array().at(0).as_int());
  return out;
}

// The job itself; fills `out` with the keys that docs/measured.md and other programs read.
Status run_job(Context& context, const DemoFlags& flags, Wiring::Running& server, const Interrupt& interrupt,
               Json& out) {
  const double begin = now_s();
  Backend& backend = server.backend();
  const std::string store = join_path(context.common.folder, ".weir/store");
  loadgen::LoadOptions load;
  load.base_url = server.url() + "/Prod";
  TRY_ASSIGN(load.duration, parse_duration(flags.duration));
  load.rate = flags.rate;
  load.duplicates = 0.01;
  load.malformed = 0.001;
  load.late = 0.5;  // half of it carries yesterday's times, so that a daily job has its day
  load.speed = 10;
  TRY_ASSIGN(Totals before, totals(context, backend, store));
  TRY_ASSIGN(auto summary, run_load(load, [&] { return interrupt.asked(); }));
  const double loaded = now_s();
  TRY(call_json(backend, {.method = "POST", .path = "/v1/lake/drain"}));
  const double drained = now_s();
  TRY_ASSIGN(Totals after, totals(context, backend, store));
  const uint64_t in_lake = after.impressions.rows + after.clicks.rows - before.impressions.rows - before.clicks.rows;
  const uint64_t doubled =
      (after.impressions.rows - after.impressions.distinct) + (after.clicks.rows - after.clicks.distinct);
  TRY_ASSIGN(Json answer,
             sql(backend,
                 "SELECT (SELECT count(*) FROM clicks) AS clicks, (SELECT count(*) FROM impressions) AS impressions"));
  const Json::Array& row = answer["rows"].array().at(0).array();
  const double measured = row.at(1).as_double() == 0 ? 0 : row.at(0).as_double() / row.at(1).as_double();
  out.set("events", Json(Json::Object{{"sent", summary.sent},
                                      {"acknowledged", summary.acknowledged},
                                      {"archived", after.archived - before.archived},
                                      {"in_lake", in_lake},
                                      {"doubled", doubled},
                                      {"duplicates", summary.duplicates},
                                      {"quarantined", summary.malformed_refused},
                                      {"refused", summary.refused},
                                      {"errors", summary.errors}}));
  out.set("ctr", Json(Json::Object{{"asked", load.audience.click_probability}, {"measured", measured}}));
  out.set("latency_ms", Json(Json::Object{{"p50", summary.p50_ms}, {"p99", summary.p99_ms}}));
  TRY_ASSIGN(const bool has_a_day, has_day(backend));
  const double counted = now_s();
  if (has_a_day) {
    TRY(run_day(
        backend, context.common.folder, [&] { return interrupt.asked(); }, out));
  }
  out.set("seconds", Json(Json::Object{{"load", loaded - begin},
                                       {"drain", drained - loaded},
                                       {"day", now_s() - counted},
                                       {"total", now_s() - begin}}));
  if (!summary.first_error.empty()) out.set("first_error", summary.first_error);
  out.set("ok", out["day_ok"].as_bool(true) && summary.acknowledged > 0 && in_lake == summary.acknowledged &&
                    after.archived - before.archived == summary.acknowledged && doubled == 0 &&
                    summary.refused + summary.errors == 0 &&
                    summary.sent == summary.acknowledged + summary.duplicates + summary.malformed_refused);
  return {};
}

// What was sent first, as a sum; then where the acknowledged ones are.
void print_events(const Json& events) {
  struct Line {
    const char *name, *what;
  };
  constexpr Line kLines[] = {
      {"sent", "that many records, of which were"},
      {"acknowledged", "new, and on disk before the reply"},
      {"duplicates", "sent twice on purpose, and counted once"},
      {"quarantined", "malformed on purpose, kept with the reason"},
      {"refused", "not taken"},
      {"errors", "without an answer"},
      {"archived", "of the acknowledged: in the raw archive"},
      {"in_lake", "in Parquet, counted by an engine that knows nothing of weir"},
      {"doubled", "there more than once"},
  };
  for (const Line& line : kLines) {
    std::printf("  events %-13s %12s   %s\n", line.name,
                with_commas(static_cast<uint64_t>(events[line.name].as_int())).c_str(), line.what);
  }
}

void print_job(const Json& out) {
  print_events(out["events"]);
  std::printf("  click-through rate asked %.3f, measured in the lake %.3f\n", out["ctr"]["asked"].as_double(),
              out["ctr"]["measured"].as_double());
  std::printf("  request latency p50 %.1f ms, p99 %.1f ms (a request is up to 500 records, on disk before the reply)\n",
              out["latency_ms"]["p50"].as_double(), out["latency_ms"]["p99"].as_double());
  if (out.find("daily") != nullptr) print_day(out);
  std::printf("  seconds: load %.1f, until everything is in files %.1f, the day's work %.1f, whole %.1f\n",
              out["seconds"]["load"].as_double(), out["seconds"]["drain"].as_double(),
              out["seconds"]["day"].as_double(), out["seconds"]["total"].as_double());
  if (out.find("first_error") != nullptr) std::printf("  first error: %s\n", out["first_error"].as_string().c_str());
}

void print_answers(Backend& backend) {
  const char* statement =
      "SELECT CAST(dt AS VARCHAR) AS day, count(*) AS impressions, count(DISTINCT ad_id) AS ads, max(occurred_at) AS "
      "newest FROM impressions "
      "GROUP BY dt ORDER BY dt";
  auto answer = sql(backend, statement);
  if (!answer) return;
  std::printf("\n  weir> %s;\n", statement);
  for (const Json& row : (*answer)["rows"].array()) {
    std::printf("  ");
    for (const Json& cell : row.array())
      std::printf("  %s", cell.is_string() ? cell.as_string().c_str() : cell.dump().c_str());
    std::printf("\n");
  }
}

// What is to be done, printed, and shown while it serves on.
struct Part {
  std::function<Status(Wiring::Running&, const Interrupt&, Json&)> run;
  std::function<void(const Json&)> print;
  std::function<void(Wiring::Running&)> show;
  std::string failed;  // what is said if `ok` is false
};

Part advertising_part(Context& context, const DemoFlags& flags) {
  return {[&](Wiring::Running& server, const Interrupt& interrupt, Json& out) {
            return run_job(context, flags, server, interrupt, out);
          },
          print_job,
          [&flags](Wiring::Running& server) {
            print_answers(server.backend());
            std::printf("\n  open   %s\n  look   %s/dashboards/advertising\n  token  %s\n  query  weir sql --dir %s\n",
                        server.url().c_str(), server.url().c_str(), server.token().c_str(), flags.project.c_str());
          },
          "the counts do not agree; `weir lake verify --dir " + flags.project + "` says where"};
}

Part review_part(const DemoFlags& flags) {
  return {[&](Wiring::Running& server, const Interrupt& interrupt, Json& out) {
            return run_reviews(
                server.backend(), flags.project, [&] { return interrupt.asked(); }, out);
          },
          print_reviews,
          [&flags](Wiring::Running& server) {
            std::printf("\n  open   %s\n  look   %s/reviews\n  token  %s\n  again  weir review run shop --dir %s\n",
                        server.url().c_str(), server.url().c_str(), server.token().c_str(), flags.project.c_str());
          },
          "a review judged nothing, or no query needed a second round; `weir runs --dir " + flags.project + "`"};
}

int demo(Context& context, const DemoFlags& flags) {
  context.common.folder = flags.project;
  const double begin = now_s();
  Interrupt interrupt;
  auto server = context.wiring.start(context.common, flags.port);
  if (!server) {
    Error error = server.error();
    if (error.code == Code::not_found)
      error.hint =
          "--project FOLDER: examples/advertising of the sources, or a copy of share/weir/examples/advertising";
    return report(error);
  }
  std::printf("weir demo: %s at %s (ready in %.2f s)\n", flags.project.c_str(), (*server)->url().c_str(),
              now_s() - begin);
  std::fflush(stdout);
  Json out{Json::Object{}};
  const Part part = flags.only == "review" ? review_part(flags) : advertising_part(context, flags);
  auto done = part.run(**server, interrupt, out);
  if (!done) return report(done.error());
  part.print(out);
  if (!flags.json_file.empty()) {
    auto written = replace_file(real_files(), flags.json_file, out.dump(2) + "\n");
    if (!written) return report(written.error());
  }
  const bool ok = out["ok"].as_bool();
  if (!ok) std::fprintf(stderr, "error: %s\n", part.failed.c_str());
  if (flags.exit || !ok) return ok ? kDone : kFailed;
  part.show(**server);
  std::printf("\nserving until Ctrl-C\n");
  std::fflush(stdout);
  interrupt.wait();
  return kDone;
}

}  // namespace

void add_demo(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("demo", "Serve a project, send it load over HTTP, and count what arrived where");
  auto flags = std::make_shared<DemoFlags>();
  command
      ->add_option("--only", flags->only,
                   "review: the reviews of --project instead, a folder that scripts/demo --only review makes")
      ->check(CLI::IsMember({"review"}));
  command->add_option("--project", flags->project)->capture_default_str();
  command->add_option("--port", flags->port, "0 takes a free one")->capture_default_str();
  command->add_option("--duration", flags->duration, "Of the load")->capture_default_str();
  command->add_option("--rate", flags->rate, "Events a second")->capture_default_str();
  command->add_flag("--exit", flags->exit, "End when the counts are known, instead of serving on");
  command->add_option("--json", flags->json_file, "Write the counts to this file");
  command->callback([&context, flags] { context.exit_code = demo(context, *flags); });
}

}  // namespace weir::cli
