// A bare DuckDB, in memory, with nothing of weir in it: what a reader outside sees in the lake's files. For
// verification and for counting. One thread at a time; calls block.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace weir::engine {

class BareReader {
 public:
  static Result<std::unique_ptr<BareReader>> open();
  ~BareReader();
  // All values of an integer column; NULLs are an error.
  Result<std::vector<int64_t>> read_integers(const std::string& path, const std::string& column);
  Result<uint64_t> rows(const std::string& path);  // of the whole file, each column read
  // Rows, and distinct values of one column, over all files.
  Result<std::pair<uint64_t, uint64_t>> count(const std::vector<std::string>& paths, const std::string& column);

 private:
  struct State;
  explicit BareReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weir::engine
