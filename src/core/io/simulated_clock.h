// Time and chance for tests: a clock that moves only when told, and random numbers that follow from a seed.
// Both may be used from any thread; the order in which threads draw numbers is of course theirs.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/base/clock.h"

namespace weir {

// splitmix64: small, fast, and good enough to choose which sector survives. Never for keys or tokens.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}

  uint64_t next() override {
    constexpr uint64_t kStep = 0x9e3779b97f4a7c15u;
    uint64_t z = state_.fetch_add(kStep, std::memory_order_relaxed) + kStep;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  std::atomic<uint64_t> state_;
};

// A number in [0, bound); 0 if bound is 0. The bias of the remainder does not matter for tests.
inline uint64_t random_below(Random& random, uint64_t bound) {
  return bound == 0 ? 0 : random.next() % bound;
}
// True in `count` of `of` cases.
inline bool random_chance(Random& random, uint64_t count, uint64_t of) {
  return random_below(random, of) < count;
}

class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = {1'700'000'000'000'000}) : wall_(start.micros) {}

  WallTime wall() const override { return {wall_.load(std::memory_order_relaxed)}; }
  int64_t steady_micros() const override { return steady_.load(std::memory_order_relaxed); }

  void advance(Duration duration) {
    wall_.fetch_add(duration.micros, std::memory_order_relaxed);
    steady_.fetch_add(duration.micros, std::memory_order_relaxed);
  }
  // Somebody set the machine's clock: only the wall time jumps.
  void set_wall(WallTime wall) { wall_.store(wall.micros, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> wall_;
  std::atomic<int64_t> steady_{0};
};

}  // namespace weir
