// `weir demo --only review`: the reviews of examples/redshift-review, really run. The shipped ones against the
// PostgreSQL that scripts/demo has started and against this weir, the project's own, and one in the automated review's
// files. Meanwhile a table is locked until a query has failed on it, so that the next round has something to do.
#pragma once

#include <functional>
#include <string>

#include "surface/cli/backend.h"

namespace weir::cli {

// Sets `review` and `ok` of `out`: totals, one object a review, and whether all of them were judged and the lock made a
// second round. `folder` is the project's. `interrupted`: asked while a run works.
Status run_reviews(Backend& backend, const std::string& folder, const std::function<bool()>& interrupted, Json& out);
void print_reviews(const Json& out);

}  // namespace weir::cli
