// Cron for people: "at 06:00 on Monday to Friday". Pure functions; threads do not matter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "platform/flow/cron_fields.h"

namespace weir::flow {

// Nothing for expressions whose words would be harder to read than themselves.
std::optional<std::string> words_of_cron(const CronFields& fields);
// "every 5 minutes, counted from 1970-01-01 00:00 UTC".
std::string words_of_rate(int64_t every_minutes);

}  // namespace weir::flow
