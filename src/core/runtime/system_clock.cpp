#include "core/runtime/system_clock.h"

#include <sys/random.h>
#include <time.h>

#include <cerrno>
#include <utility>

#include "core/base/check.h"

namespace weir {

namespace {

int64_t micros_of(clockid_t clock) {
  timespec now{};
  CHECK(::clock_gettime(clock, &now) == 0, "the system has this clock");
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

}  // namespace

WallTime SystemClock::wall() const {
  return {micros_of(CLOCK_REALTIME) + ahead_.micros};
}
int64_t SystemClock::steady_micros() const {
  return micros_of(CLOCK_MONOTONIC);
}

uint64_t SystemRandom::next() {
  const MutexLock lock(mutex_);
  if (left_ == 0) {
    ssize_t got = 0;
    do {
      got = ::getrandom(pool_.data(), sizeof pool_, 0);
    } while (got < 0 && errno == EINTR);
    // Up to 256 bytes come whole; above that a signal may cut it short, so whatever came in whole numbers is used.
    CHECK(got >= static_cast<ssize_t>(sizeof(uint64_t)), "the system gives random numbers");
    left_ = static_cast<size_t>(got) / sizeof(uint64_t);
  }
  return std::exchange(pool_[--left_], 0);  // a number that was handed out does not stay in memory
}

}  // namespace weir
