// The run that forgets. Internal to platform/forget.
#pragma once

#include "platform/forget/forget.h"

namespace weir::forget {

class ForgetWork final : public flow::Work {
 public:
  explicit ForgetWork(Forgets& forgets) : forgets_(forgets), parts_(forgets.parts_) {}
  Status check(const Json& parameters) const override;
  Status run(flow::WorkContext& context) override;

 private:
  struct State;  // of one run
  Status drain(State& state);
  Status rewrite(State& state);
  Result<control::Forget> let_go(State& state, const lake::Forgotten& found);
  Status remove_old_files(State& state);
  Status recount(State& state);
  Status compute(State& state);
  Status remove_results(State& state);
  Status look_into_objects(State& state);
  Status look_into_statements(State& state);
  Status finish(State& state);
  Status save(const State& state);

  Forgets& forgets_;
  const Forgets::Parts& parts_;
};

}  // namespace weir::forget
