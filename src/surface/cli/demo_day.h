// The second half of `weir demo`: what the project makes of the events that the load left. Live numbers, a crawl of the
// raw archive, an ETL of files as another system delivers them, the archive in SQL, the daily flow into the warehouse's
// two tables, and what the endpoint answers.
#pragma once

#include <functional>
#include <string>

#include "surface/cli/backend.h"

namespace weir::cli {

// Whether the project declares what run_day() needs: the flow daily, the tables and the endpoint of the example.
Result<bool> has_day(Backend& backend);
// Sets live, crawl, etl, raw, daily, warehouse, endpoint and `day_ok` of `out`: their figures, and whether all of them
// agree. Everything that was sent is committed. `folder` is the project's; what is delivered lies in it afterwards.
// `interrupted`: asked while a run works.
Status run_day(Backend& backend, const std::string& folder, const std::function<bool()>& interrupted, Json& out);
void print_day(const Json& out);

}  // namespace weir::cli
