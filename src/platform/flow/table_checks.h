// The tests of a table as questions to the engine.
#pragma once

#include "platform/flow/builder.h"
#include "platform/flow/table.h"

namespace weir::flow {

// What Builder needs of a declaration.
TableContent content_of(const Table& table);

// An error with the table's name in front, once. The engine's places count from the SELECT's first line.
Error in_table(const Table& table, Error error);

}  // namespace weir::flow
