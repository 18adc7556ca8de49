// Upper bounds of what a call builds, as far as its arguments say: the engine cannot interrupt one call of one
// function, and its memory limit does not hold such a call either. Arguments that come from columns are measured when
// the statement runs (watched_calls.h).
#pragma once

#include <optional>
#include <string>

#include "storage/engine/duck.h"

namespace weir::engine {

inline constexpr double kListItemsMax = 1e6;    // of one list
inline constexpr double kTextBytesMax = 100e3;  // of one text: a vector holds 2048 of them

// Why the call is refused; nothing if it is small enough, or not one of the growing functions.
std::optional<std::string> oversized_call(const duckdb::FunctionExpression& call);

// The same of calls in places that the engine computes before there is a plan to watch (watched_calls.h): LIMIT,
// OFFSET, arguments of table functions.
std::optional<std::string> early_call(const duckdb::FunctionExpression& call);

}  // namespace weir::engine
