// How alarms ask SQL: one statement at a time each, under the warehouse's limits, on the interactive lane.
#pragma once

#include "analysis/alarm/alarm.h"
#include "core/runtime/lanes.h"
#include "platform/warehouse/warehouse.h"

namespace weir::app {

// Both outlive what is returned.
alarm::AskSql ask_sql_on(warehouse::Warehouse& warehouse, Lanes& lanes);

}  // namespace weir::app
