// An event that a stream accepts, for the first request that somebody sends by hand. Pure function, any thread.
//
// Promises one line of JSON with what is required, or with one field where nothing is; of a field with a `pattern` it
// cannot know a text, and says "…" there.
#pragma once

#include <string>

#include "core/base/time.h"
#include "stream/capture/stream.h"

namespace weir::capture {

std::string example_event(const Stream& stream, WallTime now);

}  // namespace weir::capture
