// The machine's clock and its source of chance, for `app` to hand in where a test hands in its own.
// Both may be called from any thread.
#pragma once

#include <array>
#include <cstddef>

#include "core/base/clock.h"
#include "core/base/guarded.h"

namespace weir {

class SystemClock final : public Clock {
 public:
  // `ahead`: how far wall() is before the machine's; the steady clock is its own.
  explicit SystemClock(Duration ahead = {}) : ahead_(ahead) {}
  WallTime wall() const override;
  int64_t steady_micros() const override;  // CLOCK_MONOTONIC: stands still while the machine sleeps

 private:
  const Duration ahead_;
};

// The kernel's random numbers (getrandom), good for keys and tokens; fetched 512 bytes at a time, each used once.
class SystemRandom final : public Random {
 public:
  uint64_t next() override;

 private:
  Mutex mutex_;
  std::array<uint64_t, 64> pool_ GUARDED_BY(mutex_){};
  size_t left_ GUARDED_BY(mutex_) = 0;
};

}  // namespace weir
