// Functions that Redshift has and DuckDB has in another shape: macros of the system catalog, so that they are there in
// every database and nobody can drop them. Source: Redshift Database Developer Guide, "SQL functions reference".
#pragma once

#include "storage/engine/duck.h"

namespace weir::engine {

// Throws what DuckDB throws; once, when the database is opened.
void register_macros(duckdb::Connection& connection);

}  // namespace weir::engine
