// Looks into the objects of the store's buckets for a person. Internal to platform/forget.
//
// Plain objects, and gzip and zstd ones, are searched as bytes; Parquet row by row; sealed ones as they are unsealed.
// What weir wrote (UNLOAD, and flows' steps) is removed; what others put there is told by name, or removed too where
// that was asked for. What cannot be looked into is told. Blocks, over the network for remote buckets.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/runtime/cancel.h"
#include "platform/forget/receipt.h"
#include "platform/warehouse/buckets.h"
#include "storage/engine/engine.h"

namespace weir::forget {

struct ObjectSearch {
  warehouse::Buckets& buckets;
  engine::Engine& engine;
  std::function<bool(std::string_view)> names;  // whether bytes name the person
  std::set<std::string> written;                // urls of objects that weir wrote
  std::vector<std::string> prefixes;            // and of places that flows write below
  bool removes_all = false;
};

struct ObjectsFound {
  uint64_t seen = 0;
  std::vector<std::string> removed;  // urls; what names the person in them is …
  std::vector<Missed> missed;
};

Result<ObjectsFound> search_objects(const ObjectSearch& search, const Cancel& cancel);

// Places below which the UNLOADs of a flow's SQL write, as far as they are written out: "s3://bucket/prefix".
std::vector<std::string> unload_prefixes(std::string_view sql);

}  // namespace weir::forget
