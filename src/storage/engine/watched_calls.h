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

// Of one row.
inline constexpr double kPieceSteps = 1e8;      // run between two looks at a stop: about 0.1 s
inline constexpr double kPieceBytes = 16e6;     // built between two looks at the memory limit
inline constexpr double kInsideSteps = 5e8;     // beyond: in a child
inline constexpr double kInsideBytes = 64e6;    // beyond: in a child
inline constexpr double kValueBytesMax = 1e9;   // beyond: an error
inline constexpr double kValueStepsMax = 6e11;  // beyond: an error; ten minutes

duckdb::OptimizerExtension watched_calls();

}  // namespace weir::engine
