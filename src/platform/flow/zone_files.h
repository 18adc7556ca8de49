// Where zones come from: the system's zone files (/usr/share/zoneinfo, Debian's package tzdata), read through Howard
// Hinnant's date library. That library stops at the last change written out in a file: 2037 in Debian's files, decades
// ago in the "slim" files of other systems. What comes after is the file's closing rule (zone_rule.h), which is read
// here and continued to kZoneYearLast.
// Threads: from any thread; the first call lists the files once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/flow/zone_rule.h"

namespace weir::flow {

inline constexpr int kZoneYearLast = 2200;

// Every name a Zone can be found by, sorted; `unavailable` on a machine without zone files.
Result<std::vector<std::string>> zone_names();
// The changes of the zone, oldest first; the first one begins before the year 1. The name is one of zone_names().
Result<std::vector<ZoneChange>> read_zone(const std::string& name);
// The changes of `known` (oldest first, not empty), continued after the last of them by the rule that closes the file.
Result<std::vector<ZoneChange>> continued(std::vector<ZoneChange> known, std::string_view closing_rule);

}  // namespace weir::flow
