// The tests of a table as questions to the engine.
#pragma once

#include "platform/flow/builder.h"
#include "platform/flow/table.h"

namespace weir::flow {

// What Builder needs of a declaration.
TableContent content_of(const Table& table);

}  // namespace weir::flow
