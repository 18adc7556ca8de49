// The section `connections` of weir.yaml: which PostgreSQL and Redshift elsewhere are reached, and as whom.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/project/settings.h"
#include "storage/engine/outside.h"

namespace weir::engine {

project::SettingTable connection_settings();

// What they declare, by name. `folder`: where the path of a file of certificates begins. `secret` is asked for a
// password when a connection is made, not before. `invalid`, with its place in weir.yaml, where values do not fit each
// other.
Result<std::vector<OutsideOptions>> declared_connections(
    const project::Settings& settings, const std::string& folder,
    const std::function<Result<std::string>(std::string_view name)>& secret);

}  // namespace weir::engine
