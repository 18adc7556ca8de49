// GROUP BY a name that a column of the result and a table of FROM have: in PostgreSQL it is the column, the engine
// takes the table. Internal to storage/engine.
#pragma once

#include "storage/engine/duck.h"

namespace weir::engine {

void group_by_output_names(duckdb::SelectNode& select);

}  // namespace weir::engine
