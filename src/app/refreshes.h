// The materialized views of a folder: told what changes, and refreshed where they ask for it.
//
// follow() before anything changes; the rest from any thread, tick() by one at a time.
#pragma once

#include <memory>
#include <string>

#include "platform/warehouse/materialized_views.h"
#include "platform/warehouse/warehouse.h"
#include "stream/lake/lake.h"

namespace weir::app {

class Refreshes {
 public:
  // Both outlive this.
  void follow(lake::Lake& lake, warehouse::Warehouse& warehouse, const Clock& clock);
  warehouse::MaterializedViews& views() { return views_; }
  void published(const std::string& table);  // a derived table holds something else
  void tick(const Cancel& cancel) { auto_refresh_->tick(cancel); }

 private:
  warehouse::MaterializedViews views_;
  std::unique_ptr<warehouse::AutoRefresh> auto_refresh_;
};

}  // namespace weir::app
