#include "platform/warehouse/gate.h"

#include <algorithm>
#include <utility>

namespace weir::warehouse {

Result<std::unique_ptr<Gate::Turn>> Gate::enter() {
  auto turn = std::make_unique<Turn>(*this);
  const MutexLock lock(mutex_);
  if (running_ < running_max_) {  // then nobody waits
    ++running_;
    turn->is_granted_ = true;
    return turn;
  }
  if (waiting_.size() >= waiting_max_) {
    // Not entered: its destructor must find nothing to give back, and does, as it neither waits nor has a slot.
    return Error(Code::busy,
                 std::to_string(running_) + " statements run and " + std::to_string(waiting_.size()) +
                     " wait, as many as are allowed",
                 "try again in a moment, or raise sql_queue");
  }
  waiting_.push_back(turn.get());
  return turn;
}

Gate::Turn::~Turn() {
  gate_.leave(*this);
}

void Gate::leave(Turn& turn) {
  std::function<void()> call;
  {
    const MutexLock lock(mutex_);
    if (!turn.is_granted_) {
      std::erase(waiting_, &turn);
      return;
    }
    if (waiting_.empty()) {
      --running_;
      return;
    }
    // The slot goes straight to the next one, so that no newcomer overtakes.
    Turn& next = *waiting_.front();
    waiting_.pop_front();
    next.is_granted_ = true;
    call = std::exchange(next.on_granted_, nullptr);
    next.changed_.notify_all();
  }
  if (call) call();
}

Status Gate::Turn::wait(const Cancel& stop) {
  const auto attachment = stop.attach([this] {
    const MutexLock lock(gate_.mutex_);
    changed_.notify_all();
  });
  gate_.mutex_.lock();
  while (!is_granted_ && !stop.is_cancelled()) changed_.wait(gate_.mutex_);
  gate_.mutex_.unlock();
  return stop.check();
}

void Gate::Turn::when_granted(std::function<void()> call) {
  {
    const MutexLock lock(gate_.mutex_);
    if (!is_granted_) {
      on_granted_ = std::move(call);
      return;
    }
  }
  call();
}

}  // namespace weir::warehouse
