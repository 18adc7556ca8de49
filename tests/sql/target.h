// What a .test file talks to: dialect and engine in this process, or later a server over a wire.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace weir::sql_test {

struct Table {
  size_t columns = 0;
  std::vector<std::vector<std::string>> rows;  // cells as the .test files write them
};

class Target {
 public:
  virtual ~Target() = default;
  virtual Result<Table> run(const std::string& sql, const std::vector<Json>& parameters) = 0;
};

}  // namespace weir::sql_test
