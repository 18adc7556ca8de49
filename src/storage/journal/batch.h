// What the journal itself may see of a Batch.
#pragma once

#include <string_view>

#include "storage/journal/journal.h"

namespace weir::journal {

class BatchAccess {
 public:
  static std::string_view framed(const Batch& batch) { return batch.buffer_; }
  static size_t largest(const Batch& batch) { return batch.largest_; }
  static bool is_open(const Batch& batch) { return batch.is_open_; }
};

}  // namespace weir::journal
