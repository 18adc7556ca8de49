// The child's side of calls that are too large for the server's own process: see call_child.h.
#pragma once

namespace weir::engine {

inline constexpr const char* kCallsKind = "calls";  // `weir worker calls`

// Reads one call from the standard input, answers on the standard output; the exit code.
int answer_call();

}  // namespace weir::engine
