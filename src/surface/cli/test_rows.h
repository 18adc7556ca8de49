// Compares the rows that a test expects with those that are there, and says how they differ. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "platform/flow/test_declaration.h"

namespace weir::cli {

using TestCells = std::vector<std::optional<std::string>>;  // nothing: NULL

struct TestProblem {
  int line = 0;  // of the test's file; 0: of none
  std::string message;
};

// `types` as the engine names them, one a column: numbers that are not exact are equal within 1e-9 of their size.
// Both sides are texts as the engine writes the column's type.
std::vector<TestProblem> differences(const flow::ExpectedRows& expected, const std::vector<TestCells>& wanted,
                                     const std::vector<TestCells>& found, const std::vector<std::string>& types);

}  // namespace weir::cli
