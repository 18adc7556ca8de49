// Rows from elsewhere in the engine's own layout, for Parquet and for tables. Pure, any thread.
#pragma once

#include "core/base/result.h"
#include "storage/engine/columns.h"
#include "storage/engine/outside.h"

namespace weir::engine {

// Numbers, truth values, times, days, UUIDs and JSON are what they were, decimals of up to 18 digits too; everything
// else is its text. `unsupported` names a value that the type here does not have ("infinity", a year before 1).
Result<RowBlock> block_of(const OutsideResult& result);

}  // namespace weir::engine
