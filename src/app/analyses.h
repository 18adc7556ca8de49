// The rooms that look at what the others hold: alarms, dashboards, reviews. Made together, as `app` hands them on
// together.
#pragma once

#include <memory>

#include "analysis/alarm/alarm.h"
#include "analysis/dashboard/dashboard.h"
#include "analysis/review/review.h"
#include "core/io/blob_store.h"
#include "core/runtime/lanes.h"
#include "platform/flow/starts.h"
#include "platform/warehouse/warehouse.h"

namespace weir::app {

struct AnalysisParts {
  Metrics& metrics;
  control::Control& control;
  notify::Notifier& notifier;
  warehouse::Warehouse& warehouse;
  flow::Flow& flow;
  Lanes& lanes;
  Clock& clock;
  Random& random;
  const engine::OutsidePools& connections;
  flow::Starts& starts;
  const access::Users& users;
  std::string runs_folder;  // where the files of runs lie: .weir/store/runs
};

struct Analyses {
  std::unique_ptr<alarm::Alarms> alarms;
  std::unique_ptr<dashboard::Dashboards> dashboards;
  std::unique_ptr<LocalBlobStore> runs;
  std::unique_ptr<review::Reviews> reviews;
};
// Everything in `parts` outlives them.
Result<Analyses> open_analyses(const AnalysisParts& parts);

}  // namespace weir::app
