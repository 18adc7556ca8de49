// The ways into streams and tables beside their senders: requeue, loads of foreign folders as runs, and the crawl
// before them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/project/settings.h"
#include "core/runtime/worker.h"
#include "platform/flow/flow.h"
#include "stream/lake/crawl.h"
#include "stream/lake/etl.h"
#include "stream/lake/external.h"
#include "stream/lake/requeue.h"

namespace weir::app {

class Intakes {
 public:
  using WhoIsForgotten = std::function<Result<std::vector<capture::Forgetting>>(std::string_view stream)>;
  struct Folders {
    std::string project, staging, raw;  // raw: <store>/raw
  };
  // All references outlive it.
  Intakes(const lake::Requeue::Parts& parts, const Folders& folders, const project::Settings& settings,
          WhoIsForgotten forgotten);
  // Runs of the kinds "etl", with the parameters {"stream", "folder", "format", "any_age"}, and "external", with
  // {"table"}. Before any other use.
  void add_work(flow::Flow& flow);
  // Begins a load of each table over files that was not loaded as it is declared; the runs' ids.
  std::vector<std::string> begin_loads();
  lake::Requeue& requeue() { return requeue_; }
  lake::ExternalTables& externals() { return externals_; }
  const lake::ForeignRules& rules() const { return rules_; }
  const lake::Crawl& crawl() const { return crawl_; }

 private:
  lake::RecordSource child_work(const char* kind) const;

  Clock& clock_;
  const Workers workers_;
  const lake::ForeignRules rules_;
  flow::Flow* flow_ = nullptr;  // from add_work() on
  lake::Requeue requeue_;
  lake::Etl etl_;
  lake::ExternalTables externals_;
  lake::Crawl crawl_;
};

}  // namespace weir::app
