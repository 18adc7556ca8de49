// The store's buckets as weir.yaml declares them.
#pragma once

#include <memory>
#include <string>

#include "core/project/settings.h"
#include "platform/warehouse/buckets.h"

namespace weir::app {

struct BucketParts {
  std::string root;  // of those that are folders
  std::function<Result<std::string>(std::string_view name)> secret;
  Clock& clock;
  Random& random;
  bool rehearses = false;  // reaches nobody's buckets: all are folders
};
Result<std::unique_ptr<warehouse::Buckets>> open_buckets(const project::Settings& settings, BucketParts parts);

}  // namespace weir::app
