// What call_child.h and the child say to each other: the engine's own serialization, of one build on both sides.
#pragma once

#include <string>

#include "core/base/result.h"
#include "storage/engine/duck.h"

namespace weir::engine {

// Constants among the call's children stay what they are, as functions look at them when they are bound; the others are
// columns of `arguments`.
Result<std::string> call_request(duckdb::ClientContext& context, const duckdb::BoundFunctionExpression& call,
                                 duckdb::DataChunk& arguments);
// The error is the one that the engine gave there.
Status read_call_answer(const std::string& said, duckdb::DataChunk& answer);

// The child's side: always an answer. `context` is that of an engine with our functions.
std::string answer_request(duckdb::ClientContext& context, const std::string& request);
std::string answer_error(duckdb::ExceptionType type, const std::string& message);

}  // namespace weir::engine
