// Does things that depend on each other in an order that allows it, and those that do not at the same time.
//
// Each one is done once, after all of those before it have ended, by the calling thread and up to `threads` - 1 others
// that live as long as the call. With one thread the order is that of the numbers, as far as it can be.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace weir::flow {

// `before[i]`: the numbers of those that come before i; there is no circle among them. `work` must not throw.
void in_order(const std::vector<std::vector<size_t>>& before, size_t threads, const std::function<void(size_t)>& work);

}  // namespace weir::flow
