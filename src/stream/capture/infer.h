// A first declaration from sample events: `weir stream infer events.ndjson > streams/x.yaml`.
//
// Reads NDJSON, or one JSON array of objects, and writes YAML that parse_stream takes without a mistake, with comments
// that say what was seen and what was guessed. Broken lines are counted and named, not fatal. Limits: 100 000 events, 1
// 000 fields, nested fields three levels deep; what lies beyond is declared as json or left to `_extra`, and said so.
// Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir::capture {

// `name` is the stream's, for the comments and to prefer a key such as <name>_id. An error only if no event could be
// read.
Result<std::string> infer_stream(std::string_view text, std::string_view name);

}  // namespace weir::capture
