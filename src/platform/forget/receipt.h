// The body of a control::Forget: what was asked for, without the value, and what became of it. Internal to
// platform/forget; values.
#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"
#include "storage/control/control.h"

namespace weir::forget {

Json receipt_json(const control::Forget& forget);

// In the body: one entry of "places" by the place's name, replaced or added.
void set_place(control::Forget& forget, const std::string& place, Json entry);

struct Missed {
  std::string place, why, what;  // what to do about it
};
// Replaces what was said of such places before.
void set_missed(control::Forget& forget, const std::string& group, const std::vector<Missed>& missed);

}  // namespace weir::forget
