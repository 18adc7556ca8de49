// The points of a panel in time: from a whole step on, so many steps. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/dashboard/dashboard.h"
#include "analysis/dashboard/expression.h"
#include "core/base/time.h"

namespace weir::dashboard {

struct Grid {
  int64_t from_s = 0;  // since 1970, a multiple of the step
  int64_t step_s = 1;
  size_t points = 0;
  int64_t to_s() const { return from_s + static_cast<int64_t>(points) * step_s; }
  // Nothing for a time outside.
  std::optional<size_t> place(int64_t seconds) const;
};

// `least`: of the panel. The step is the asked one, or the shortest good one with some 300 points; longer where there
// would be more than kPointsMax. `invalid` for a range that is empty or out of bounds.
Result<Grid> make_grid(const Range& range, std::optional<Duration> least);

}  // namespace weir::dashboard
