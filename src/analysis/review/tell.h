// What a review's run tells when it ends: two findings, that are open while it is red and while queries fail in every
// round, and a message that the report is ready, or of what is missing from it because its time was over. Told to the
// channels and topics of the declaration's `notify`; findings are on the page all the same. Any thread.
#pragma once

#include <string>

#include "analysis/review/declaration.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "platform/flow/query_rounds.h"
#include "platform/notify/notify.h"

namespace weir::review {

struct Ended {
  const Review& review;
  const flow::RoundsState& state;
  const Json& report;
  std::string run;
  std::string on;      // another target than the declared one; empty: that one
  std::string prefix;  // of the run's files
  bool is_late;        // the whole run's time was over before all was asked
};
// What cannot be told is logged: the run has ended all the same.
void tell(notify::Notifier& notifier, const Clock& clock, const Ended& ended);

}  // namespace weir::review
