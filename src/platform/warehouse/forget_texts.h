// Takes a person out of what is kept of statements: the jobs of the Data API (their texts, parameters and results), and
// the logs, which hold texts with their values until the program ends. What the history's files hold has no values.
//
// What is taken out is replaced by what dialect::without_values() leaves of it; a job keeps its id, state and counts,
// its results go. Done again it changes nothing. Any thread; what blocks says so.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/files.h"
#include "storage/control/control.h"

namespace weir::warehouse {

using NamesPerson = std::function<bool(std::string_view text)>;

struct TextsForgotten {
  uint64_t seen = 0, changed = 0;
  std::vector<std::string> open;  // ids of those that name the person and are under way
};

// `folder`: of the results, as Jobs has it. Whoever has Jobs open calls Jobs::reread() afterwards. Blocks.
Result<TextsForgotten> forget_in_jobs(control::Control& control, Files& files, const std::string& folder,
                                      const NamesPerson& names);

}  // namespace weir::warehouse
