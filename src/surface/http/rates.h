// How many records a second each stream takes: the last five minutes, one point a second, from capture's counters.
//
// sample() once a second from one thread (a timer's); the readers from any. Bounded: 300 points for at most
// kStreamsMax streams.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/guarded.h"
#include "core/base/time.h"
#include "stream/capture/capture.h"

namespace weir::http {

struct RatePoint {
  WallTime at;                                                        // end of its second
  double accepted = 0, duplicates = 0, quarantined = 0, refused = 0;  // a second

  double records() const { return accepted + duplicates + quarantined + refused; }
};

class Rates {
 public:
  static constexpr size_t kPoints = 300;
  static constexpr size_t kStreamsMax = 1000;

  // Rates follow from the differences to the sample before, divided by the time that really passed.
  void sample(WallTime now, const std::vector<capture::StreamCounts>& counts);

  std::vector<RatePoint> points(std::string_view stream) const;  // oldest first; empty if unknown
  // Mean over the last `seconds` (at most 300); of one stream, or of all together.
  RatePoint mean(std::string_view stream, size_t seconds) const;
  RatePoint mean_of_all(size_t seconds) const;

 private:
  struct Ring {
    capture::StreamCounts last;
    std::array<RatePoint, kPoints> points;
    size_t count = 0;  // ever added
  };
  static RatePoint mean_of(const Ring& ring, size_t seconds);

  mutable Mutex mutex_;
  WallTime last_sample_ GUARDED_BY(mutex_);
  std::map<std::string, Ring, std::less<>> streams_ GUARDED_BY(mutex_);
};

}  // namespace weir::http
