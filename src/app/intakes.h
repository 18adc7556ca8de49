// The ways into a stream beside its senders: requeue, loads of foreign folders as runs, and the crawl before them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/project/settings.h"
#include "core/runtime/worker.h"
#include "platform/flow/flow.h"
#include "stream/lake/crawl.h"
#include "stream/lake/etl.h"
#include "stream/lake/requeue.h"

namespace weir::app {

class Intakes {
 public:
  using WhoIsForgotten = std::function<Result<std::vector<capture::Forgetting>>(std::string_view stream)>;
  // `folder` is the project's. All references outlive it.
  Intakes(const lake::Requeue::Parts& parts, const std::string& folder, const project::Settings& settings,
          WhoIsForgotten forgotten);
  // Runs of kind "etl"; their parameters are {"stream", "folder", "format", "any_age"}.
  void add_work(flow::Flow& flow);
  lake::Requeue& requeue() { return requeue_; }
  const lake::Crawl& crawl() const { return crawl_; }

 private:
  lake::RecordSource child_work(const char* kind) const;

  Clock& clock_;
  const Workers workers_;
  lake::Requeue requeue_;
  lake::Etl etl_;
  lake::Crawl crawl_;
};

}  // namespace weir::app
