// How long one event takes on its way in, in nanoseconds on one core: reading and judging, and the whole of submit()
// without a disk. Prints a line a measurement; nothing here is a promise, docs/measured.md quotes bench/capture.
#include <chrono>
#include <cstdio>

#include "core/base/ids.h"
#include "core/io/simulated_clock.h"
#include "stream/capture/event_reader.h"
#include "stream/capture/test_streams.h"

namespace weir::capture {
namespace {

std::string impression(SeededRandom& random, bool spaces) {
  const ManualClock clock;
  const std::string colon = spaces ? ": " : ":", comma = spaces ? ", " : ",";
  return "{\"impression_id\"" + colon + "\"" + format_uuid(uuid_v7(clock, random)) + "\"" + comma + "\"ad_id\"" +
         colon + "\"" + format_uuid(uuid_v7(clock, random)) + "\"" + comma + "\"occurred_at\"" + colon +
         "\"2023-11-14 22:13:20.123\"}";
}

std::string body_of(int records, bool spaces) {
  SeededRandom random(7);
  std::string out = "[";
  for (int i = 0; i < records; ++i) out += (i == 0 ? "" : ",") + impression(random, spaces);
  return out + "]";
}

template <class Work>
double nanoseconds_each(int rounds, int records, Work work) {
  double best = 1e18;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < rounds; ++i) work();
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
    best = std::min(best, taken.count() / rounds / records);
  }
  return best;
}

void measure_judge(bool spaces) {
  const auto plan = plan_of(impressions());
  const std::string body = body_of(100, spaces);
  EventReader reader;
  size_t good = 0;
  const double each = nanoseconds_each(2000, 100, [&] {
    (void)reader.read(*plan, body, BodyFormat::any_json, {}).has_value();
    for (const Candidate& record : reader.records()) good += record.fits() ? 1 : 0;
  });
  std::printf("judge%s: %.0f ns an event of %zu bytes (%zu fit)\n", spaces ? " with white space" : "", each,
              body.size() / 100, good);
}

}  // namespace
}  // namespace weir::capture

int main() {
  weir::capture::measure_judge(false);
  weir::capture::measure_judge(true);
}
