// Functions of pg_catalog that clients call while they look around: names of numbers, definitions as text, privileges.
// Macros over the system relations, and weir_word(), which asks the session's Authority while a statement runs; users
// cannot call that one. Source: PostgreSQL 15, "System Information Functions and Operators" (functions-info).
#pragma once

#include "storage/engine/duck.h"

namespace weir::engine {

// Throws what DuckDB throws; once, when the database is opened.
void register_catalog_functions(duckdb::Connection& connection);

}  // namespace weir::engine
