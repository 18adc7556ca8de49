// One simulated day from a seed: lives of the program, faults between and during them, and a last life that checks the
// rest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "world.h"

namespace weir::sim {

enum class Scene {
  journal,  // the journal alone: more appends, more of its corners
  spine,    // capture, journal, lake and control database together
};

struct DayPlan {
  uint64_t seed = 1;
  Scene scene = Scene::journal;
  Mutant mutant = Mutant::none;
  int lives = 8;
  bool with_trace = false;  // the disk's operations into Day::trace
};

struct Day {
  std::vector<std::string> problems;
  uint64_t acknowledged = 0, failed = 0, power_cuts = 0, kills = 0, bits_flipped = 0, syncs_failed = 0;
  uint64_t duplicates = 0, quarantined = 0, commits = 0, releases = 0, merged = 0;  // the spine only
  uint64_t retired = 0, rebuilt = 0, loaded = 0;  // files that retention took; rebuilds; records of files
  uint64_t days = 0;                              // of a sum
  std::string trace;

  void add(const Day& day);  // the numbers
};

Day run_day(const DayPlan& plan);

}  // namespace weir::sim
