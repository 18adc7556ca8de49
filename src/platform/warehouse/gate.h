// The gate before the engine: so many statements at once, the others wait in order of arrival, a bounded number of
// them.
//
// A Turn is a place in the queue and then a slot; destroying it gives either back and lets the next one in. Any thread;
// a Turn by one at a time. Internal to platform/warehouse.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>

#include "core/base/guarded.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"

namespace weir::warehouse {

class Gate {
 public:
  class Turn {
   public:
    explicit Turn(Gate& gate) : gate_(gate) {}
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // Waits for the slot, or for `stop`, whose reason is then the error.
    Status wait(const Cancel& stop);
    // `call` is called once when the slot is given, perhaps at once, without a lock.
    void when_granted(std::function<void()> call);

   private:
    friend class Gate;
    Gate& gate_;
    bool is_granted_ = false;           // guarded by the gate's mutex
    std::function<void()> on_granted_;  // the same
    std::condition_variable_any changed_;
  };

  Gate(size_t running_max, size_t waiting_max) : running_max_(running_max), waiting_max_(waiting_max) {}

  // Never blocks. `busy` if the queue is full.
  Result<std::unique_ptr<Turn>> enter();

 private:
  void leave(Turn& turn);

  const size_t running_max_, waiting_max_;
  Mutex mutex_;
  size_t running_ GUARDED_BY(mutex_) = 0;
  std::deque<Turn*> waiting_ GUARDED_BY(mutex_);
};

}  // namespace weir::warehouse
