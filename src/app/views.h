// System views over the spine's rooms, for SQL and for the pages that read SQL. The references must outlive the engine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/flow/flow.h"
#include "platform/warehouse/load_log.h"
#include "platform/warehouse/materialized_views.h"
#include "platform/warehouse/system_relations.h"
#include "storage/control/control.h"
#include "storage/engine/engine.h"
#include "storage/journal/journal.h"
#include "stream/capture/capture.h"
#include "stream/lake/lake.h"

namespace weir::app {

struct SpineRooms {
  const capture::Capture& capture;
  control::Control& control;
  const journal::Journal& journal;
  const lake::Lake& lake;
  const std::unique_ptr<flow::Flow>& flow;  // may be filled later
  std::string store_root;
};
std::vector<engine::SystemView> system_views(const SpineRooms& rooms);

// Those of the warehouse's rooms; `users` may be filled later.
void add_warehouse_views(std::vector<engine::SystemView>& views, const warehouse::StatementLog& statements,
                         const warehouse::LoadLog& loads, const warehouse::MaterializedViews& materialized,
                         const std::unique_ptr<access::Users>& users);

}  // namespace weir::app
