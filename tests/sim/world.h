// The world of one simulated day: a disk that forgets what was not synced, a clock that moves when told, and chance
// from one seed.
//
// Everything that happens follows from the seed. A Process is one life of the program on that disk: it can be killed at
// any operation, after which nothing it does reaches the disk, while the disk itself keeps what the system still had in
// memory. Single-threaded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/metrics.h"
#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"

namespace weir::sim {

// What is wrong on purpose, to see that the checkers find it.
enum class Mutant {
  none,
  // of the disk
  syncs_do_nothing,    // the power cut then takes what was acknowledged
  write_after_sync,    // the last write before a sync reaches the disk after it
  commit_before_sync,  // the lake's files are synced only after the control database has committed them
  // of the program (the whole chain only)
  reply_before_sync,      // capture is told that an append is durable before it is
  release_before_commit,  // the journal's segments go although the lake has not committed them
  forget_unsealed,        // a start of capture does not read the journal for keys that are not sealed
  forget_marks,           // who loads a file does not know after a start how far it came
};
std::optional<Mutant> mutant_named(const std::string& name);
std::vector<std::string> mutant_names();

class Process;

class World {
 public:
  explicit World(uint64_t seed, Mutant mutant = Mutant::none);

  uint64_t seed;
  Mutant mutant;
  SeededRandom random;
  SimulatedFiles disk;
  ManualClock clock;

  // Faults so far: what a checker may excuse, and nothing else.
  uint64_t bits_flipped = 0;
  std::set<std::string> flipped_paths;
  uint64_t syncs_failed = 0;
  uint64_t power_cuts = 0, kills = 0;

  bool chance(uint64_t count, uint64_t of) { return random_chance(random, count, of); }
  uint64_t below(uint64_t bound) { return random_below(random, bound); }
  std::string bytes(size_t size);  // random letters

  void fail_a_sync();
  void fill_disk(uint64_t free_bytes);
  void empty_disk();
  void flip_a_bit(const std::string& below_path);

  // Checkers say here what must never happen.
  void problem(const std::string& what) { problems_.push_back(what); }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::vector<std::string> problems_;
};

// One life of the program. Its files pass everything on to the world's disk until it is killed.
class Process {
 public:
  explicit Process(World& world);
  ~Process();
  Files& files();
  Metrics& metrics() { return metrics_; }
  // The n-th changing operation from now and everything after it is refused; what was done before stays in the system's
  // memory.
  void kill_after(uint64_t operations);
  bool is_dead() const;

 private:
  friend class MortalFile;
  class MortalFiles;
  std::unique_ptr<MortalFiles> files_;
  Metrics metrics_;
};

}  // namespace weir::sim
