#include "analysis/dashboard/grid.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace weir::dashboard {
namespace {

// Each divides a day, so that steps of all panels begin together.
constexpr std::array<int64_t, 18> kSteps = {1,   2,   5,     10,    15,    30,     60,     120,    300,
                                            600, 900, 1'800, 3'600, 7'200, 14'400, 21'600, 43'200, 86'400};
constexpr int64_t kPointsGood = 360;

int64_t floored(int64_t value, int64_t step) {
  const int64_t rest = ((value % step) + step) % step;
  return value - rest;
}

}  // namespace

std::optional<size_t> Grid::place(int64_t seconds) const {
  if (seconds < from_s || seconds >= to_s()) return std::nullopt;
  return static_cast<size_t>((seconds - from_s) / step_s);
}

Result<Grid> make_grid(const Range& range, std::optional<Duration> least) {
  const Duration length{range.to.micros - range.from.micros};
  if (length < seconds(1)) {
    return Error(Code::invalid,
                 "the range from " + shown_time(range.from.micros) + " to " + shown_time(range.to.micros) + " is empty",
                 "from lies at least a second before to");
  }
  if (length > kRangeMax) {
    return Error(Code::invalid, "the range is longer than " + format_duration(kRangeMax), "choose a shorter one");
  }
  const int64_t length_s = (length.micros + 999'999) / 1'000'000;
  const auto fits = [&](int64_t step, int64_t points) { return length_s / step <= points; };
  int64_t step =
      range.step ? range.step->micros / 1'000'000
                 : *std::find_if(kSteps.begin(), kSteps.end() - 1, [&](int64_t one) { return fits(one, kPointsGood); });
  if (least) step = std::max(step, least->micros / 1'000'000);
  step = std::max<int64_t>(step, 1);
  if (!fits(step, kPointsMax - 2)) {
    step = *std::find_if(kSteps.begin(), kSteps.end() - 1, [&](int64_t one) { return fits(one, kPointsMax - 2); });
  }
  Grid out;
  out.step_s = step;
  out.from_s = floored(floored(range.from.micros, 1'000'000) / 1'000'000, step);
  const int64_t to_s = (range.to.micros + 999'999) / 1'000'000;
  out.points = static_cast<size_t>((to_s - out.from_s + step - 1) / step);
  return out;
}

}  // namespace weir::dashboard
