// The sources of time and chance, handed in through constructors so that a test can replay a day from a seed.
// Both may be called from any thread. The real ones are in core/runtime.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace weir {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;          // UTC; may jump when the machine's clock is set
  virtual int64_t steady_micros() const = 0;  // never goes back; only differences mean anything
};

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;  // 64 unpredictable bits
};

}  // namespace weir
