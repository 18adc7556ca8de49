// The kinds of work that `weir worker` does, from all rooms that have such work.
#pragma once

#include "core/runtime/worker.h"

namespace weir::app {

inline constexpr const char* kForeignRecordsKind = "foreign_records";  // stream/lake/foreign_records.h
inline constexpr const char* kCrawlKind = "crawl";                     // stream/lake/crawl.h
WorkerKinds worker_kinds();

}  // namespace weir::app
