// The one statement of a panel: its SELECT with the range in it, or a SELECT over the history of metrics. Pure.
#pragma once

#include <string>
#include <vector>

#include "analysis/dashboard/dashboard.h"
#include "analysis/dashboard/grid.h"

namespace weir::dashboard {

struct Query {
  std::string sql;
  std::vector<Json> parameters;
};

// $from and $to become timestamps, $step an interval; what stands in quotes and comments stays.
Query range_query(const std::string& select, const Grid& grid);

// Rows (series, point, key, value): `series` is the place in panel.series, `point` the place in the grid, `key` the
// value of the series' `by`. Of gauges -1 is the last that is known from before. Series kSeenFirst and kSeenLast have
// one row each: seconds since 1970 of the first and the last sample of anything, or null.
inline constexpr int64_t kSeenFirst = -1;
inline constexpr int64_t kSeenLast = -2;
Query metric_query(const Panel& panel, const Grid& grid);

// How long a gauge that did not change has no row of its own.
inline constexpr Duration kQuietMax = minutes(10);
bool is_gauge_statistic(Statistic statistic);  // carried on where there is no row; others are 0 there, or nothing

}  // namespace weir::dashboard
