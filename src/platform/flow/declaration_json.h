// Small pieces of the canonical JSON that declarations share: of tables and flows, and of the rooms above. Pure
// functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace weir::flow {

Json texts_json(const std::vector<std::string>& texts);
Json text_map_json(const std::map<std::string, std::string>& texts);
Json duration_json(const std::optional<Duration>& duration);  // null: nothing

// `corrupt` if it has no format, `unsupported` if a newer weir wrote it. `kind`: "table".
Status check_format(const Json& json, std::string_view kind, int newest);

}  // namespace weir::flow
