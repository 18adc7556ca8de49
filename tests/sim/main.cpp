// weir_sim: simulated days by command, thousands of them; prints the seed of the first that went wrong and how to see
// it again.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "core/base/log.h"
#include "day.h"

int main(int count, char** arguments) {
  uint64_t seeds = 1000;
  uint64_t first = 1;
  double seconds_max = 0;
  int lives = 8;
  bool trace = false;
  std::string mutant = "none";
  CLI::App app("Runs the journal through simulated days of power cuts, kills and faulty disks.");
  app.add_option("--seeds", seeds, "How many days")->capture_default_str();
  app.add_option("--first", first, "Seed of the first day")->capture_default_str();
  app.add_option("--seconds", seconds_max, "Stop after so many seconds (0: no limit)")->capture_default_str();
  app.add_option("--lives", lives, "Lives of the program in a day")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--mutant", mutant, "A disk that is wrong on purpose; it must be found")
      ->check(CLI::IsMember({"none", "syncs_do_nothing", "write_after_sync"}))
      ->capture_default_str();
  app.add_flag("--trace", trace, "Print the disk's operations of a day that went wrong");
  CLI11_PARSE(app, count, arguments);
  weir::set_log({.level = weir::Level::warn, .json = false, .sink = [&](std::string_view line) {
                   if (trace) std::printf("%.*s", static_cast<int>(line.size()), line.data());
                 }});

  weir::sim::DayPlan plan;
  plan.lives = lives;
  plan.with_trace = trace;
  if (mutant == "syncs_do_nothing") plan.mutant = weir::sim::Mutant::syncs_do_nothing;
  if (mutant == "write_after_sync") plan.mutant = weir::sim::Mutant::write_after_sync;

  const auto start = std::chrono::steady_clock::now();
  weir::sim::Day sum;
  uint64_t days = 0;
  for (; days < seeds; ++days) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (seconds_max > 0 && took.count() >= seconds_max) break;
    plan.seed = first + days;
    const weir::sim::Day day = weir::sim::run_day(plan);
    sum.acknowledged += day.acknowledged;
    sum.failed += day.failed;
    sum.power_cuts += day.power_cuts;
    sum.kills += day.kills;
    sum.bits_flipped += day.bits_flipped;
    sum.syncs_failed += day.syncs_failed;
    if (day.problems.empty()) continue;
    if (trace) std::fputs(day.trace.c_str(), stdout);
    const size_t shown = std::min<size_t>(day.problems.size(), 8);
    for (size_t i = 0; i < shown; ++i) std::printf("seed %lu: %s\n", plan.seed, day.problems[i].c_str());
    if (shown < day.problems.size()) std::printf("and %zu more\n", day.problems.size() - shown);
    std::printf("replay: weir_sim --seeds 1 --first %lu --lives %d --mutant %s --trace\n", plan.seed, lives,
                mutant.c_str());
    return 1;
  }
  std::printf(
      "%lu days, %lu power cuts, %lu kills, %lu failed syncs, %lu flipped bits: %lu records acknowledged, %lu failed, "
      "0 lost, "
      "0 doubled\n",
      days, sum.power_cuts, sum.kills, sum.syncs_failed, sum.bits_flipped, sum.acknowledged, sum.failed);
  return 0;
}
