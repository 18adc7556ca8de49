#include "core/runtime/cancel.h"

#include <optional>

#include "core/base/guarded.h"

namespace weir {

struct Cancel::State {
  std::stop_source source;
  Mutex mutex;
  std::optional<Error> reason GUARDED_BY(mutex);  // set before the source is stopped
  std::unique_ptr<Attachment> from_parent;        // set once, before the handle is given away
};

Cancel::Cancel() : state_(std::make_shared<State>()) {}

void Cancel::cancel(Error reason) const {
  // The callbacks run inside request_stop() and may drop the last other handle.
  const std::shared_ptr<State> state = state_;
  {
    const MutexLock lock(state->mutex);
    if (state->reason) return;
    state->reason = std::move(reason);
  }
  state->source.request_stop();
}

bool Cancel::is_cancelled() const noexcept {
  return state_->source.stop_requested();
}

Status Cancel::check() const {
  if (!is_cancelled()) return {};
  const MutexLock lock(state_->mutex);
  return *state_->reason;
}

std::unique_ptr<Cancel::Attachment> Cancel::attach(std::function<void()> callback) const {
  return std::make_unique<Attachment>(state_->source.get_token(), std::move(callback));
}

Cancel Cancel::child() const {
  Cancel below;
  // Weak on one side: a parent that lives long must not keep every child's state, and the child needs the parent's
  // reason only while it can still be cancelled by it.
  const std::weak_ptr<State> below_state = below.state_;
  below.state_->from_parent = attach([above = std::weak_ptr<State>(state_), below_state] {
    const auto parent = above.lock();
    const auto child = below_state.lock();
    if (!parent || !child) return;
    Error reason(Code::cancelled, "cancelled on request");
    {
      const MutexLock lock(parent->mutex);
      if (parent->reason) reason = *parent->reason;
    }
    Cancel handle;
    handle.state_ = child;
    handle.cancel(std::move(reason));
  });
  return below;
}

}  // namespace weir
