// What starts work by itself, as one part: the schedules and triggers of everything that is declared, and the flows.
#pragma once

#include "platform/flow/flows.h"
#include "platform/flow/job_log.h"
#include "platform/flow/starts.h"

namespace weir::app {

class Starting {
 public:
  struct Parts {
    flow::Flow& flow;
    lake::Lake& lake;
    control::Control& control;
    const Clock& clock;
    warehouse::Buckets* buckets;
    const engine::OutsidePools& connections;
    bool serves;  // else nothing is looked at: a command that ends at once
  };
  explicit Starting(const Parts& parts)
      : job_logs_(flow::JobLogs::Parts{parts.connections, parts.control, parts.clock}),
        starts_(flow::Starts::Parts{parts.flow, parts.lake, parts.control, parts.clock, parts.buckets,
                                    parts.serves ? &job_logs_ : nullptr, true}),
        flows_(flow::Flows::Parts{parts.flow, starts_}) {}

  flow::Starts& starts() { return starts_; }
  flow::Flows& flows() { return flows_; }
  void stop() {
    starts_.stop();
    job_logs_.stop();
  }

 private:
  flow::JobLogs job_logs_;
  flow::Starts starts_;
  flow::Flows flows_;
};

}  // namespace weir::app
