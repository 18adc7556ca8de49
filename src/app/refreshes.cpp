#include "app/refreshes.h"

#include <algorithm>

namespace weir::app {

void Refreshes::follow(lake::Lake& lake, warehouse::Warehouse& warehouse, const Clock& clock) {
  views_.set_streams([&lake](const std::string& name) {
    uint64_t version = 0;
    const auto days = lake.days(name);
    for (const auto& [day, touched] : *days) version = std::max(version, touched);
    return version;
  });
  auto_refresh_ = std::make_unique<warehouse::AutoRefresh>(warehouse, views_, clock);
}

void Refreshes::published(const std::string& table) {
  views_.changed({warehouse::MaterializedViews::key_of("lake", table)});
}

}  // namespace weir::app
