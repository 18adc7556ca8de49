// The warehouse of a folder, and how alarms ask it.
#pragma once

#include <set>
#include <string>

#include "analysis/alarm/alarm.h"
#include "core/project/settings.h"
#include "core/runtime/lanes.h"
#include "platform/warehouse/warehouse.h"

namespace weir::app {

// With the settings' threads and memory, its files below the folder of the state.
// Where the engine puts what does not fit into memory.
std::string spill_folder(const std::string& state_folder);
engine::EngineOptions engine_options(const project::Settings& settings, const std::string& state_folder,
                                     const std::string& store_root);

// With the limits of the settings. Makes what the platform keeps about tables, where it is missing, and lets nobody
// drop a user who owns some of them. Everything in `parts` outlives it.
Result<std::unique_ptr<warehouse::Warehouse>> open_warehouse(const warehouse::Warehouse::Parts& parts,
                                                             const project::Settings& settings);

// Reads what was kept into the logs, which write into it from now on; it outlives them.
Result<std::unique_ptr<warehouse::HistoryFile>> keep_history(const std::string& folder, const Clock& clock,
                                                             const project::Settings& settings,
                                                             warehouse::StatementLog& statements,
                                                             warehouse::LoadLog& loads);

// Tables that people made and loaded: everything that no declaration makes.
Result<std::set<std::string>> loaded_tables(warehouse::Warehouse& warehouse);

// One statement at a time each, under the warehouse's limits, on the interactive lane. Both outlive what is returned.
alarm::AskSql ask_sql_on(warehouse::Warehouse& warehouse, Lanes& lanes);

}  // namespace weir::app
