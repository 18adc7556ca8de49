// Functions that Redshift has and DuckDB has not, or has in another shape, where a macro does not do: they are put into
// the system catalog, so that they are there in every database and nobody can drop them. Those that would hide a
// function of DuckDB's are called weir_…: the dialect says so for a user's statement, and our own rooms keep theirs.
// Source: Redshift Database Developer Guide, "SQL functions reference".
//
// A function more is an entry in one of the lists, its name in functions.cpp and a case in tests/sql/dialect.
#pragma once

#include <vector>

#include "storage/engine/duck.h"

namespace weir::engine {

// Throws what DuckDB throws; once, when the database is opened.
void register_functions(duckdb::Connection& connection);

using ScalarFunctions = std::vector<duckdb::ScalarFunction>;
ScalarFunctions text_functions();
ScalarFunctions time_functions();
ScalarFunctions number_functions();
ScalarFunctions sketch_functions();
std::vector<duckdb::AggregateFunctionSet> sketch_aggregates();
std::vector<duckdb::AggregateFunctionSet> list_aggregates();

}  // namespace weir::engine
