#include "platform/flow/object_watch.h"

#include "core/base/hash.h"

namespace weir::flow {
namespace {

constexpr size_t kObjectsMax = 100'000;

uint64_t number_of(const Blob& blob) {
  return checksum64(blob.key + "\n" + std::to_string(blob.size) + "\n" + std::to_string(blob.modified_micros));
}

}  // namespace

Status ObjectWatch::look(warehouse::Buckets& buckets, WallTime now) {
  TRY_ASSIGN(const warehouse::ObjectPath place, warehouse::ObjectPath::of(url_));
  std::vector<Blob> blobs;
  TRY_ASSIGN(const bool exists, buckets.exists(place.bucket));
  if (exists) {
    TRY_ASSIGN(const auto store, buckets.open(place.bucket));
    TRY_ASSIGN(blobs, store->list(place.key, kObjectsMax + 1));
  }
  if (blobs.size() > kObjectsMax) {
    return Error(Code::too_large,
                 url_ + " holds more than " + std::to_string(kObjectsMax) + " objects, which no trigger watches",
                 "name a longer prefix, or remove what is done with");
  }
  std::unordered_set<uint64_t> found;
  uint64_t sum = 0;
  bool has_new = false;
  const Blob* newest = nullptr;
  for (const Blob& blob : blobs) {
    const uint64_t number = number_of(blob);
    found.insert(number);
    sum += number;
    if (has_looked_ && seen_.contains(number)) continue;
    has_new = true;
    if (newest == nullptr || blob.modified_micros >= newest->modified_micros) newest = &blob;
  }
  digest_ = std::to_string(blobs.size()) + ":" + std::to_string(sum);
  if (!has_looked_) has_new = known_ && *known_ != digest_;
  if (has_new) {
    pending_since_ = now;
    newest_ = newest != nullptr ? "s3://" + place.bucket + "/" + newest->key : url_;
  }
  has_looked_ = true;
  seen_ = std::move(found);
  return {};
}

}  // namespace weir::flow
