// What the lake counts of records that were journaled before live windows followed them: the windows of a new or
// changed declaration begin with it. SQL groups the committed files and the newest rows: a row for each window and key
// that has a place, however many keys there are. Nothing of the journal is read again.
//
// Any thread, blocking; minutes over a large lake, until `stopping` is cancelled.
#pragma once

#include <cstdint>
#include <functional>

#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "storage/engine/engine.h"
#include "stream/live/windows.h"

namespace weir::live {

// Everything with a sequence below `before` in windows from `floor` on.
struct HistoryRange {
  uint64_t before = 0;
  int64_t floor = 0;
};
using HistorySource = std::function<Result<Counted>(const Plan& plan, const HistoryRange& range)>;

// The engine outlives it.
HistorySource engine_history(engine::Engine& engine, Cancel stopping);

}  // namespace weir::live
