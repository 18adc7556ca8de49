// The section `buckets` of weir.yaml: which buckets lie elsewhere than in a folder of the store, and which are sealed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/io/s3_client.h"
#include "core/project/settings.h"

namespace weir::warehouse {

// One declared bucket. Of secrets only the names: they are asked for when they are used.
struct DeclaredBucket {
  std::string name;
  std::optional<S3Place> place;  // none: a local folder
  std::string access_key, secret_key, session_token;
  Duration list_every;   // at least so far apart are the listings of a trigger; of a remote one
  std::string seal_key;  // its blobs are sealed with that secret; empty: they are not
};

project::SettingTable bucket_settings();
// What they declare, by name; `invalid` where values do not fit each other.
Result<std::vector<DeclaredBucket>> declared_buckets(const project::Settings& settings);

}  // namespace weir::warehouse
