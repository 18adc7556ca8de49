// One simulated day from a seed: lives of the program, faults between and during them, and a last life that checks the
// rest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "world.h"

namespace weir::sim {

struct DayPlan {
  uint64_t seed = 1;
  Mutant mutant = Mutant::none;
  int lives = 8;
  bool with_trace = false;  // the disk's operations into Day::trace
};

struct Day {
  std::vector<std::string> problems;
  uint64_t acknowledged = 0, failed = 0, power_cuts = 0, kills = 0, bits_flipped = 0, syncs_failed = 0;
  std::string trace;
};

Day run_day(const DayPlan& plan);

}  // namespace weir::sim
