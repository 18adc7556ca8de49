// A filter, where some of its columns have one value for all rows of a file. Internal to storage/engine.
#pragma once

#include <functional>
#include <optional>

#include "storage/engine/inside.h"

namespace weir::engine {

// The value that a reference to a column has in all rows; nothing: it has several.
using ConstantOf = std::function<std::optional<duckdb::Value>(const duckdb::Expression&)>;

// Whether the filter can hold in any row. A wrong "no" would lose rows, so all that is not understood is a "yes".
bool may_hold(duckdb::ClientContext& context, const duckdb::Expression& filter, const ConstantOf& constant_of);

}  // namespace weir::engine
