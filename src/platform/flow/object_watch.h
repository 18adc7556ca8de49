// What was written below a place of the store since somebody last knew, found by listing it: so it does not matter who
// wrote it, or whether the program was there.
//
// An object that is written again counts as written. One that is removed counts for nothing while the program is there;
// what was removed while it was not cannot be told from what was written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/base/time.h"
#include "core/runtime/cancel.h"
#include "platform/warehouse/buckets.h"

namespace weir::flow {

struct ObjectListing {
  struct One {
    uint64_t number = 0;  // of its key, size and time
    int64_t modified_micros = 0;
    std::string key;
  };
  std::string bucket;
  std::vector<One> objects;
  int64_t took_micros = 0;
};

// What lies below `url` ("s3://bucket/prefix"). May take as long as the bucket's server likes: any thread, no lock.
// `too_large` beyond 100 000 objects, and the errors of the store.
Result<ObjectListing> list_objects(warehouse::Buckets& buckets, const std::string& url, const Clock& clock,
                                   const Cancel& cancel);

// One thread at a time.
class ObjectWatch {
 public:
  // `known`: the digest of what was there when somebody last knew; nothing: what the first listing finds.
  explicit ObjectWatch(std::optional<std::string> known) : known_(std::move(known)) {}

  void take(const ObjectListing& listing, WallTime now);
  // Since when something was written that no start has covered; nothing: nothing was.
  std::optional<WallTime> pending_since() const { return pending_since_; }
  const std::string& newest() const { return newest_; }  // what is pending: its url, as far as it can be told
  const std::string& digest() const { return digest_; }  // of what was taken last; empty: nothing was yet
  void covered() { pending_since_.reset(); }

 private:
  std::optional<std::string> known_;
  bool has_taken_ = false;
  std::unordered_set<uint64_t> seen_;  // numbers
  std::string digest_, newest_;
  std::optional<WallTime> pending_since_;  // of the newest change
};

}  // namespace weir::flow
