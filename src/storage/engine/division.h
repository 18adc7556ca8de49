// Division by zero is an error for users, as everywhere but in DuckDB, which gives NULL or infinity. Our own rooms keep
// DuckDB's meaning.
#pragma once

#include "storage/engine/duck.h"

namespace weir::engine {

// Exchanges, in a user's bound plan, the functions behind /, // and % for ones that refuse a zero. The plan is changed
// before the optimizer sees it, which would make NULL of x / 0; what is divided by a constant other than zero stays.
duckdb::OptimizerExtension checked_division();

}  // namespace weir::engine
