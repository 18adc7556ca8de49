// Reads the fields of a cron expression, in the two dialects people bring along: crontab's five fields (POSIX, with the
// names and steps every crontab knows) and the cloud's six (Amazon EventBridge, with years, ?, L, W and #).
// The rules of both are in schedule.h. Errors name the field, its column, what was found and what is expected.
// Pure functions; threads do not matter.
#pragma once

#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/flow/cron_fields.h"

namespace weir::flow {

// A part of the schedule's text and where it begins, counted from 1.
struct Word {
  std::string_view text;
  size_t column = 1;
};

// The words between spaces and tabs of `text`, whose first character stands in `column`.
std::vector<Word> words_of(std::string_view text, size_t column);

Result<CronFields> parse_crontab(const std::vector<Word>& five);
Result<CronFields> parse_cloud_cron(const std::vector<Word>& six);

}  // namespace weir::flow
