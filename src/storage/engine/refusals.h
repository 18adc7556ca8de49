// What a person is told who writes a statement that is not allowed here: what is, and the way to what they wanted.
#pragma once

#include "storage/engine/inside.h"

namespace weir::engine {

// Of a statement that is no SELECT, by its kind.
Error refusal_of(const duckdb::SQLStatement& statement);

// The way to a PIVOT that is read in one pass: without its values written out it is several statements.
inline constexpr const char* kPivotAdvice =
    "FROM t PIVOT (sum(x) FOR column IN ('a', 'b')), or PIVOT t ON column IN ('a', 'b') USING sum(x)";

}  // namespace weir::engine
