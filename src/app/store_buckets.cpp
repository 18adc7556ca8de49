#include "app/store_buckets.h"

#include <utility>

namespace weir::app {

Result<std::unique_ptr<warehouse::Buckets>> open_buckets(const project::Settings& settings, BucketParts parts) {
  TRY_ASSIGN(auto declared, warehouse::declared_buckets(settings));
  if (parts.rehearses) declared.clear();
  return std::make_unique<warehouse::Buckets>(
      real_files(), std::move(parts.root),
      warehouse::Buckets::Declared{std::move(declared), std::move(parts.secret), parts.clock, parts.random});
}

}  // namespace weir::app
