// weir review: what is declared, runs of it, and their reports.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "analysis/review/report.h"
#include "analysis/review/shipped.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "surface/cli/commands.h"
#include "surface/cli/follow_run.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

struct ReviewOptions {
  std::string name, workflow, on, from, run, format = "html", output;
  std::string first, second;  // of a comparison
  bool detach = false;
};

std::string path_of(const std::string& review) {
  return "/v1/reviews/" + url_encode(review);
}

void print_list(const Json& answer, bool colour) {
  TextTable table;
  table.header = {"review", "from", "target", "queries", "signals", "workflow", "last run", "verdict", "score", "next"};
  table.right = {false, false, false, true, true, false, false, false, true, false};
  for (const Json& one : answer["reviews"].array()) {
    const Json& last = one["last"];
    const Json& result = last["result"];
    table.rows.push_back({one["review"].as_string(), one["shipped"].as_bool() ? "shipped" : "declared",
                          one["target"].as_string(), std::to_string(one["queries"].array().size()),
                          std::to_string(one["signals"].as_int()), one["workflow"].as_string(),
                          last["state"].as_string(), result["verdict"].as_string(),
                          result["score"].is_null() ? "" : result["score"].dump(), one["next_at"].as_string()});
  }
  std::cout << render(table, colour, true);
}

void print_review(const Json& review, bool colour) {
  std::printf("%s: %s\n", review["review"].as_string().c_str(), review["title"].as_string().c_str());
  std::string workflows;
  for (const Json& name : review["workflows"].array()) workflows += (workflows.empty() ? "" : ", ") + name.as_string();
  std::printf("target %s, %lld rounds, workflow %s (of %s)\n", review["target"].as_string().c_str(),
              static_cast<long long>(review["rounds"].as_int()), review["workflow"].as_string().c_str(),
              workflows.c_str());
  TextTable table;
  table.header = {"query", "script", "threshold", "signals"};
  table.right = {false, false, true, true};
  for (const Json& query : review["queries"].array()) {
    table.rows.push_back({query["query"].as_string(), query["script"].as_string(), query["threshold"].as_string(),
                          std::to_string(query["signals"].as_int())});
  }
  std::cout << render(table, colour, true);
  TextTable checks;
  checks.header = {"query", "signal", "colour", "impact", "met when", "of the rows"};
  checks.right = {false, false, false, false, false, false};
  for (const Json& query : review["queries"].array()) {
    for (const Json& one : query["checks"].array()) {
      checks.rows.push_back({query["query"].as_string(), one["signal"].as_string(), one["colour"].as_string(),
                             one["impact"].as_string(), one["when"].as_string(), one["of"].as_string()});
    }
  }
  if (!checks.rows.empty()) std::cout << "\n" << render(checks, colour, true);
}

void show(Context& context, const std::string& path, const std::function<void(const Json&, bool)>& print) {
  auto backend = context.wiring.open(context.common);
  auto answer = backend ? call_json(**backend, {.path = path}) : Result<Json>(backend.error());
  if (!answer) {
    context.exit_code = report(answer.error());
  } else if (context.common.json) {
    std::cout << answer->dump(2) << "\n";
  } else {
    print(*answer, context.common.colour);
  }
}

std::string number(const Json& value) {
  return value.is_null() ? "–" : value.dump();
}

// What is met, worst first, and what was not measured.
void print_report(const Json& report, bool colour) {
  TextTable table;
  table.header = {"colour", "query", "signal", "count", "of"};
  table.right = {false, false, false, true, false};
  for (const char* wanted : {"red", "yellow", "not measured"}) {
    for (const Json& section : report["sections"].array()) {
      for (const Json& query : section["queries"].array()) {
        for (const Json& signal : query["signals"].array()) {
          if (signal["colour"].as_string() != wanted) continue;
          const bool is_measured = std::string_view(wanted) != "not measured";
          table.rows.push_back({wanted, query["query"].as_string(), signal["signal"].as_string(),
                                is_measured ? std::to_string(signal["count"].as_int()) : "",
                                is_measured ? std::to_string(signal["of"].as_int()) : signal["why"].as_string()});
        }
      }
    }
  }
  if (!table.rows.empty()) std::cout << render(table, colour, true);
  const Json& counts = report["counts"];
  std::printf("%s: %s, score %s of 100; %lld red, %lld yellow, %lld green, %lld not measured\n",
              report["title"].as_string().c_str(),
              report["verdict"].is_null() ? "nothing judged" : report["verdict"].as_string().c_str(),
              number(report["score"]).c_str(), static_cast<long long>(counts["red"].as_int()),
              static_cast<long long>(counts["yellow"].as_int()), static_cast<long long>(counts["green"].as_int()),
              static_cast<long long>(counts["not_measured"].as_int()));
}

constexpr size_t kNamesShown = 5;

// Red, or what nobody can call green because it was not answered.
int exit_of(const Json& answered, const std::string& run) {
  int code = kDone;
  if (std::vector<std::string> missing = review::unanswered(answered); !missing.empty()) {
    const size_t count = missing.size();
    if (count > kNamesShown) {
      missing.resize(kNamesShown);
      missing.emplace_back("…");
    }
    code = report(Error(Code::conflict,
                        "queries without an answer: " + std::to_string(count) + " (" + join(missing, ", ") + ")",
                        "`weir runs watch " + run + "` shows why"));
  }
  return answered["verdict"].as_string() == "red" ? kFound : code;
}

int show_report(Context& context, Backend& backend, const std::string& name, const std::string& run) {
  const auto report_json = call_json(backend, {.path = path_of(name) + "/report?format=json&run=" + url_encode(run)});
  if (!report_json) return report(report_json.error());
  if (context.common.json) {
    std::cout << report_json->dump(2) << "\n";
  } else {
    print_report(*report_json, context.common.colour);
    std::printf("run %s; `weir review report %s --run %s --output FILE` writes the report\n", run.c_str(), name.c_str(),
                run.c_str());
  }
  return exit_of(*report_json, run);
}

int run_review(Context& context, const ReviewOptions& options) {
  const Interrupt interrupt;  // before the folder's threads
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  if (auto may = check_detach(**backend, options.detach); !may) return report(may.error());
  const Json body = Json::Object{{"workflow", options.workflow}, {"on", options.on}};
  const auto started =
      call_json(**backend, {.method = "POST", .path = path_of(options.name) + "/runs", .body = body.dump()});
  if (!started) return report(started.error());
  if (options.detach) return follow_started(context, **backend, interrupt, *started, true);
  const std::string id = (*started)["id"].as_string();
  const auto run = await_run(**backend, interrupt, id);
  if (!run) return report(run.error());
  if (!*run) return kDone;
  const Json& ended = **run;
  if (ended["state"].as_string() != "done") {
    return report(Error(Code::conflict,
                        "run " + id + " " + ended["state"].as_string() + ": " + ended["error"].as_string(),
                        "`weir runs watch " + id + "` shows what was done"));
  }
  return show_report(context, **backend, options.name, id);
}

// The shipped files as they are; `target:` before the title, or first, where one is asked for.
Status write_new_review(const Common& common, const ReviewOptions& options) {
  TRY_ASSIGN(const review::ShippedReview* const shipped, review::shipped_review(options.from));
  if (!is_identifier(options.name)) {
    return Error(Code::invalid, shown(options.name) + " is no name of a review", "[a-z][a-z0-9_]*");
  }
  const std::string folder = "reviews/" + options.name;
  TRY_ASSIGN(const bool is_there, real_files().exists(join_path(common.folder, folder)));
  if (is_there) return Error(Code::conflict, folder + " is there already", "take another name, or remove it first");
  std::string main;
  for (const auto& [path, text] : shipped->files) {
    if (path == "review.yaml") {
      main = text;
      continue;
    }
    const std::string file = join_path(common.folder, folder + "/" + path);
    TRY(real_files().make_directories(parent_path(file)));
    TRY(replace_file(real_files(), file, text));
  }
  if (!options.on.empty()) main.insert(main.find("\ntitle:") + 1, "target: " + Json(options.on).dump() + "\n");
  // The last: until it is there the folder is no review.
  TRY(replace_file(real_files(), join_path(common.folder, folder + "/review.yaml"), main));
  std::printf("wrote %s/: review.yaml and %zu scripts\n", folder.c_str(), shipped->files.size() - 1);
  std::printf("change what you like, then: weir apply && weir review run %s\n", options.name.c_str());
  std::printf("(to add to %s, or to leave parts out, `base: %s` in a review.yaml of your own is shorter)\n",
              options.from.c_str(), options.from.c_str());
  return {};
}

int write_report(Context& context, const ReviewOptions& options) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  const std::string path = path_of(options.name) + "/report?format=" + url_encode(options.format) +
                           (options.run.empty() ? "" : "&run=" + url_encode(options.run));
  const auto answer = (*backend)->call({.path = path, .accept = "*/*"});
  if (!answer) return report(answer.error());
  if (answer->status != 200) return report(error_of(*answer));
  if (options.output.empty() || options.output == "-") {
    std::cout << answer->body;
    return kDone;
  }
  std::ofstream file(options.output, std::ios::binary | std::ios::trunc);
  file << answer->body;
  file.close();
  if (!file) return report(Error(Code::io, "the report cannot be written to " + options.output));
  std::printf("wrote %s\n", options.output.c_str());
  return kDone;
}

// "red, 6 of them": as it is in one of the two.
std::string side_of(const Json& colour, const Json& count) {
  const bool is_met = colour.as_string() == "red" || colour.as_string() == "yellow";
  return (colour.is_null() ? "not declared" : colour.as_string()) + (is_met ? " " + count.dump() : "");
}

void print_comparison(const Json& compared, bool colour) {
  TextTable table;
  table.header = {"change", "query", "signal", "was", "is"};
  for (const char* change : {"new", "worse", "better", "resolved", "not_measured_any_more"}) {
    std::string words = change;
    std::replace(words.begin(), words.end(), '_', ' ');
    for (const Json& one : compared[change].array()) {
      table.rows.push_back({words, one["query"].as_string(), one["signal"].as_string(),
                            side_of(one["from"], one["count_from"]), side_of(one["to"], one["count_to"])});
    }
  }
  if (!table.rows.empty()) std::cout << render(table, colour, true);
  const Json &from = compared["from"], &to = compared["to"];
  const auto verdict = [](const Json& side) {
    return side["verdict"].is_null() ? std::string("nothing judged") : side["verdict"].as_string();
  };
  std::printf("%s%s: was %s, score %s (%s), is %s, score %s (%s)\n", compared["review"].as_string().c_str(),
              table.rows.empty() ? ": nothing changed" : "", verdict(from).c_str(), number(from["score"]).c_str(),
              from["started_at"].as_string().c_str(), verdict(to).c_str(), number(to["score"]).c_str(),
              to["started_at"].as_string().c_str());
}

// A run's id has dashes, a review's name has none. One argument: the review's newest run, or this run, with the one
// before it.
Result<Json> compared_runs(Backend& backend, const ReviewOptions& options) {
  const bool is_run = options.first.find('-') != std::string::npos;
  std::string review = options.first, from, to;
  if (is_run) {
    TRY_ASSIGN(const Json run, call_json(backend, {.path = "/v1/runs/" + url_encode(options.first)}));
    review = run["name"].as_string();
    (options.second.empty() ? to : from) = options.first;
    if (!options.second.empty()) to = options.second;
  } else if (!options.second.empty()) {
    return Error(Code::invalid, "a review is compared with no other: name one review, or two of its runs",
                 "weir runs --of " + options.first + " lists its runs");
  }
  return call_json(backend, {.path = path_of(review) + "/compare?from=" + url_encode(from) + "&to=" + url_encode(to)});
}

int compare_runs(Context& context, const ReviewOptions& options) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  const auto compared = compared_runs(**backend, options);
  if (!compared) return report(compared.error());
  if (context.common.json) {
    std::cout << compared->dump(2) << "\n";
  } else {
    print_comparison(*compared, context.common.colour);
  }
  const bool is_worse = !(*compared)["new"].array().empty() || !(*compared)["worse"].array().empty();
  return is_worse ? kFound : kDone;
}

}  // namespace

void add_reviews(CLI::App& app, Context& context) {
  auto* review = app.add_subcommand("review", "Reviews: queries that judge a warehouse, and their reports");
  review->require_subcommand(0, 1);
  const auto list_all = [&context] { show(context, "/v1/reviews", print_list); };
  review->add_subcommand("list", "All reviews; the same as `weir review`")->callback(list_all);
  review->callback([review, list_all] {
    if (review->get_subcommands().empty()) list_all();
  });
  auto options = std::make_shared<ReviewOptions>();
  auto* one = review->add_subcommand("show", "One review: its queries, workflows and signals");
  one->add_option("review", options->name, "Its name")->required();
  one->callback([&context, options] { show(context, path_of(options->name), print_review); });
  auto* run = review->add_subcommand("run", "Runs a review and says what it found; exit code 3 if it is red");
  run->add_option("review", options->name, "Its name")->required();
  run->add_option("--workflow", options->workflow, "Instead of the review's own: all-serial, all-parallel, …");
  run->add_option("--on", options->on, "Another target for this run: a connection of weir.yaml, or weir, this server");
  run->add_flag("--detach", options->detach, "Only begin it; the server goes on");
  run->callback([&context, options] { context.exit_code = run_review(context, *options); });
  auto* made = review->add_subcommand("new", "Writes a shipped review's files into the folder, to be changed");
  made->add_option("review", options->name, "The new review's name: [a-z][a-z0-9_]*")->required();
  made->add_option("--from", options->from, "A review that comes with weir: warehouse, postgres")->required();
  made->add_option("--on", options->on, "Its target: a connection of weir.yaml");
  made->callback([&context, options] {
    if (const Status done = write_new_review(context.common, *options); !done) {
      context.exit_code = report(done.error());
    }
  });
  auto* compared =
      review->add_subcommand("compare", "What changed between two runs; exit code 3 if something is new or worse");
  compared->add_option("RUN", options->first, "A review: its last two runs; a run: with the one before it")->required();
  compared->add_option("TO", options->second, "A later run, compared with the first");
  compared->callback([&context, options] { context.exit_code = compare_runs(context, *options); });
  auto* written = review->add_subcommand("report", "A run's report, as a file or on standard output");
  written->add_option("review", options->name, "Its name")->required();
  written->add_option("--run", options->run, "The run's id; without it the newest that has a report");
  written->add_option("--format", options->format, "html, json, junit, or page, which is the review's own template")
      ->check(CLI::IsMember({"html", "json", "junit", "page"}));
  written->add_option("--output,-o", options->output, "The file; without it standard output");
  written->callback([&context, options] { context.exit_code = write_report(context, *options); });
}

}  // namespace weir::cli
