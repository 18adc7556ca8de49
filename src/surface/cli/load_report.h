// What `weir loadgen` and `weir demo` share: running a load with a progress line, and asking the warehouse whether all
// of it is there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "surface/cli/backend.h"
#include "surface/loadgen/loadgen.h"

namespace weir::cli {

Result<loadgen::Summary> run_load(const loadgen::LoadOptions& options, const std::function<bool()>& stop);
void print_load(const loadgen::Summary& summary, const loadgen::LoadOptions& options);
Json load_to_json(const loadgen::Summary& summary);

// What became of acknowledged ids in a table: each must be there exactly once.
struct Presence {
  uint64_t asked = 0, once = 0, missing = 0, doubled = 0;
  std::string first_missing;
};
Result<Presence> check_ids(Backend& backend, const std::string& table, const std::string& column,
                           std::vector<Uuid> ids);

}  // namespace weir::cli
