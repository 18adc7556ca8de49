// A Parquet file of anybody, as JSON texts, one a row. An engine of its own, in memory, with nothing of weir in it: for
// the child process that takes foreign files apart, whose limits of memory and time hold. One thread; calls block.
//
// Numbers keep their digits; times are UTC texts; bytes are base64; lists, structs and maps are JSON. What is NULL is
// left out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "storage/engine/engine.h"

namespace weir::engine {

class ForeignParquet {
 public:
  // Reads the metadata. `corrupt` if it is no Parquet, or a damaged one.
  static Result<std::unique_ptr<ForeignParquet>> open(const std::string& path, uint64_t memory_bytes);
  ~ForeignParquet();
  // As the file names and types them, in the engine's words.
  const std::vector<ResultColumn>& columns() const;
  // From the row `skip` on, counted from 0; an error of `take` ends it.
  Status read(uint64_t skip, const std::function<Status(std::string_view row)>& take);

 private:
  struct State;
  explicit ForeignParquet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weir::engine
