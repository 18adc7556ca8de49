// Calls of functions that the engine cannot interrupt. In a user's bound plan each call that may be large is exchanged
// for one that measures itself before every vector of rows (call_cost.h):
//   - small, as nearly always: the engine's own function runs as it is;
//   - large as a whole: the rows go through it in pieces, a stop is seen between them, and what they build is counted
//     against the engine's memory limit;
//   - one row alone too large for that: in a child of our own program (call_child.h), which a stop kills;
//   - beyond any use: an error that says what is too large.
// Views, functions in SQL, macros and lambdas are in the bound plan as what they are, so they are watched too.
#pragma once

#include "storage/engine/duck.h"

namespace weir::engine {

duckdb::OptimizerExtension watched_calls();

}  // namespace weir::engine
