// What people order of the lake and that takes long, as runs: kinds "compact", "retain", "rebuild" and "requeue". Those
// that rewrite files take turns, as the lake does one such thing at a time; of requeues there is one at a time too.
//
// A run that was killed goes on at the next start: what was merged, removed or settled stays so, a rebuild begins anew.
// Its result is the answer of the command, summed over all its lives as far as they came to say it.
#pragma once

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "platform/flow/flow.h"
#include "storage/control/control.h"
#include "stream/lake/lake.h"
#include "stream/lake/requeue.h"

namespace weir::app {

struct LakeWorkParts {
  lake::Lake& lake;
  lake::Requeue& requeue;
  control::Control& control;
  const Clock& clock;
};
// Their parameters are {"table"?, "day"?}, {"stream"?}, {"stream"} and {"stream", "reason"?, "limit"?}.
void add_lake_work(flow::Flow& flow, const LakeWorkParts& parts);

// Of `all`, as a task's progress.
double share_of(uint64_t done, uint64_t all);

}  // namespace weir::app
