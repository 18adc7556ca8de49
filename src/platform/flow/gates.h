// Who may do something that only so many may do at once: compute one table, compute at all. Any thread; enter() blocks
// until there is room, or the cancel's reason is its error.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "core/base/result.h"
#include "core/runtime/cancel.h"

namespace weir::flow {

class Gates {
 public:
  class Pass {  // gives its place back
   public:
    Pass(Gates& gates, std::string gate) : gates_(&gates), gate_(std::move(gate)) {}
    ~Pass() {
      if (gates_ != nullptr) gates_->leave(gate_);
    }
    Pass(Pass&& other) noexcept : gates_(std::exchange(other.gates_, nullptr)), gate_(std::move(other.gate_)) {}
    Pass& operator=(Pass&&) = delete;

   private:
    Gates* gates_;
    std::string gate_;
  };

  Result<Pass> enter(const std::string& gate, size_t at_once, const Cancel& cancel);

 private:
  void leave(const std::string& gate);

  std::mutex mutex_;  // guards inside_
  std::condition_variable changed_;
  std::map<std::string, size_t> inside_;
};

}  // namespace weir::flow
