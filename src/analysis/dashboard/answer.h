// The rows of a panel's statement as what its page draws. Pure; for dashboards.cpp.
#pragma once

#include <string>
#include <vector>

#include "analysis/dashboard/dashboard.h"
#include "analysis/dashboard/grid.h"
#include "platform/warehouse/warehouse.h"

namespace weir::dashboard {

struct Rows {
  std::vector<engine::ResultColumn> columns;
  warehouse::Rows rows;
  bool truncated = false;
};

// One line of a chart.
struct Line {
  std::string name, label;
  AxisSide axis = AxisSide::left;
  Values values;
};

// `now`: of a rate's last step only the seconds that have passed count.
std::vector<Line> metric_lines(const Panel& panel, const Grid& grid, const Rows& rows, WallTime now);
// `invalid` if the first column is no time or a column that is named is not there.
Result<std::vector<Line>> select_lines(const Panel& panel, const Grid& grid, const Rows& rows);
// Whether rows of a SELECT begin with a time: then a number or a bar is made of lines.
bool begins_with_time(const Rows& rows);

std::optional<double> reduced(Reduce reduce, const Values& values);
Json lines_json(const std::vector<Line>& lines, const Grid& grid);
Json bars_json(const Panel& panel, const std::vector<Line>& lines);
Result<Json> bars_of_rows(const Rows& rows);
Result<Json> number_of_rows(const Rows& rows);
Json table_json(const Rows& rows);

}  // namespace weir::dashboard
