// How often one peer may be wrong: the failed sign-ins of each network address within a window of time, whatever was
// tried and at which door. Bounded: under an attack by many addresses the oldest failures are forgotten. Any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/result.h"

namespace weir::access {

struct SignInLimits {
  int failures_max = 10;  // of one peer within …
  Duration window = minutes(5);
  size_t peers_max = 10'000;
};

class SignInLimit {
 public:
  SignInLimit(Clock& clock, SignInLimits limits) : clock_(clock), limits_(limits) {}

  // `peer`: an address, with a port or without. `busy` after too many failures.
  Status check(std::string_view peer);
  void count_failure(std::string_view peer);

 private:
  struct Failures {
    int count = 0;
    int64_t since = 0;  // steady micros
  };
  Clock& clock_;
  const SignInLimits limits_;
  Mutex mutex_;
  std::map<std::string, Failures> failures_ GUARDED_BY(mutex_);  // by peer
};

}  // namespace weir::access
