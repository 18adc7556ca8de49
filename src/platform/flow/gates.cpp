#include "platform/flow/gates.h"

namespace weir::flow {

Result<Gates::Pass> Gates::enter(const std::string& gate, size_t at_once, const Cancel& cancel) {
  const auto wake = cancel.attach([this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return cancel.is_cancelled() || inside_[gate] < at_once; });
  if (Status going = cancel.check(); !going) return going.error();
  ++inside_[gate];
  return Pass(*this, gate);
}

void Gates::leave(const std::string& gate) {
  const std::lock_guard lock(mutex_);
  if (--inside_[gate] == 0) inside_.erase(gate);
  changed_.notify_all();
}

}  // namespace weir::flow
