// weir_sim: simulated days by command, thousands of them; prints the seed of the first that went wrong and how to see
// it again.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "core/base/log.h"
#include "day.h"

namespace weir::sim {
namespace {

struct Options {
  uint64_t seeds = 1000;
  uint64_t first = 1;
  uint64_t cuts = 0;
  double seconds_max = 0;
  int lives = 8;
  bool trace = false;
  std::string mutant = "none";
  std::string what = "all";
};

int read_options(int count, char** arguments, Options& options) {
  CLI::App app(
      "Runs the journal, and the whole chain from capture to lake, through simulated days of power cuts,\n"
      "kills and faulty disks; compares what was acknowledged with what is found.");
  app.add_option("--what", options.what, "journal: it alone; spine: the whole chain; all: one after the other")
      ->check(CLI::IsMember({"all", "journal", "spine"}))
      ->capture_default_str();
  app.add_option("--seeds", options.seeds, "How many days of each")->capture_default_str();
  app.add_option("--cuts", options.cuts, "Go on until so many power cuts of each instead");
  app.add_option("--first", options.first, "Seed of the first day")->capture_default_str();
  app.add_option("--seconds", options.seconds_max, "Stop after so many seconds (0: no limit)")->capture_default_str();
  app.add_option("--lives", options.lives, "Lives of the program in a day")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--mutant", options.mutant, "A disk or a program that is wrong on purpose; it must be found")
      ->check(CLI::IsMember(mutant_names()))
      ->capture_default_str();
  app.add_flag("--trace", options.trace, "Print the disk's operations of a day that went wrong");
  CLI11_PARSE(app, count, arguments);
  if (options.cuts > 0) options.seeds = UINT64_MAX;
  return -1;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Progress {
 public:
  Progress(const Options& options, const char* what)
      : options_(options), what_(what), on_(isatty(STDERR_FILENO) == 1) {}
  ~Progress() { clear(); }
  void clear() {
    if (on_) std::fputs("\r\x1b[K", stderr);
  }
  void show(uint64_t days, uint64_t cuts) {
    const double took = seconds_since(start_);
    if (!on_ || took < shown_ + 0.2) return;
    shown_ = took;
    const double share = options_.cuts > 0 ? static_cast<double>(cuts) / static_cast<double>(options_.cuts)
                                           : static_cast<double>(days) / static_cast<double>(options_.seeds);
    double left = took / std::max(share, 1e-6) - took;
    if (options_.seconds_max > 0) left = std::min(left, options_.seconds_max - took);
    std::fprintf(stderr, "\r\x1b[K%s: %lu days, %lu power cuts, about %.0f s left", what_, days, cuts,
                 std::max(left, 0.0));
  }

 private:
  const Options& options_;
  const char* what_;
  const bool on_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double shown_ = 0;
};

void print_problems(const Options& options, const char* what, uint64_t seed, const Day& day) {
  if (options.trace) std::fputs(day.trace.c_str(), stdout);
  const size_t shown = std::min<size_t>(day.problems.size(), 8);
  for (size_t i = 0; i < shown; ++i) std::printf("seed %lu: %s\n", seed, day.problems[i].c_str());
  if (shown < day.problems.size()) std::printf("and %zu more\n", day.problems.size() - shown);
  std::printf("replay: weir_sim --what %s --seeds 1 --first %lu --lives %d --mutant %s --trace\n", what, seed,
              options.lives, options.mutant.c_str());
}

void print_sum(const char* what, uint64_t days, const Day& sum) {
  std::printf("%s: %lu days, %lu power cuts, %lu kills, %lu failed syncs, %lu flipped bits", what, days, sum.power_cuts,
              sum.kills, sum.syncs_failed, sum.bits_flipped);
  if (sum.commits > 0) {
    std::printf(
        ", %lu lake commits, %lu merges, %lu files past, %lu rebuilds, %lu records of files, %lu releases, %lu "
        "duplicates, %lu quarantined",
        sum.commits, sum.merged, sum.retired, sum.rebuilt, sum.loaded, sum.releases, sum.duplicates, sum.quarantined);
  }
  std::printf("; %lu refused, %lu acknowledged, 0 lost, 0 doubled\n", sum.failed, sum.acknowledged);
  std::fflush(stdout);
}

bool run_days(const Options& options, Scene scene, Day& total) {
  const char* what = scene == Scene::spine ? "spine" : "journal";
  DayPlan plan;
  plan.scene = scene;
  plan.lives = options.lives;
  plan.with_trace = options.trace;
  plan.mutant = *mutant_named(options.mutant);
  const auto start = std::chrono::steady_clock::now();
  Day sum;
  uint64_t days = 0;
  Progress progress(options, what);
  for (; days < options.seeds && (options.cuts == 0 || sum.power_cuts < options.cuts); ++days) {
    if (options.seconds_max > 0 && seconds_since(start) >= options.seconds_max) break;
    plan.seed = options.first + days;
    const Day day = run_day(plan);
    sum.add(day);
    progress.show(days, sum.power_cuts);
    if (day.problems.empty()) continue;
    progress.clear();
    print_problems(options, what, plan.seed, day);
    return false;
  }
  progress.clear();
  print_sum(what, days, sum);
  total.add(sum);
  total.days += days;
  return true;
}

int run(int count, char** arguments) {
  Options options;
  if (const int done = read_options(count, arguments, options); done >= 0) return done;
  set_log({.level = Level::warn, .json = false, .sink = [&](std::string_view line) {
             if (options.trace) std::printf("%.*s", static_cast<int>(line.size()), line.data());
           }});
  Day total;
  if (options.what != "spine" && !run_days(options, Scene::journal, total)) return 1;
  if (options.what != "journal" && !run_days(options, Scene::spine, total)) return 1;
  if (options.what == "all") {
    std::printf("%lu days, %lu power cuts, %lu acknowledged, 0 lost, 0 doubled\n", total.days, total.power_cuts,
                total.acknowledged);
  }
  return 0;
}

}  // namespace
}  // namespace weir::sim

int main(int count, char** arguments) {
  return weir::sim::run(count, arguments);
}
