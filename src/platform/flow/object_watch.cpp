#include "platform/flow/object_watch.h"

#include "core/base/clock.h"
#include "core/base/hash.h"

namespace weir::flow {
namespace {

constexpr size_t kObjectsMax = 100'000;

uint64_t number_of(const Blob& blob) {
  return checksum64(blob.key + "\n" + std::to_string(blob.size) + "\n" + std::to_string(blob.modified_micros));
}

}  // namespace

Result<ObjectListing> list_objects(warehouse::Buckets& buckets, const std::string& url, const Clock& clock,
                                   const Cancel& cancel) {
  TRY(cancel.check());
  const int64_t began = clock.steady_micros();
  TRY_ASSIGN(const warehouse::ObjectPath place, warehouse::ObjectPath::of(url));
  ObjectListing out{.bucket = place.bucket, .objects = {}};
  TRY_ASSIGN(const bool exists, buckets.exists(place.bucket));
  if (exists) {
    TRY_ASSIGN(const auto store, buckets.open(place.bucket, cancel));
    TRY_ASSIGN(const std::vector<Blob> blobs, store->list(place.key, kObjectsMax + 1));
    if (blobs.size() > kObjectsMax) {
      return Error(Code::too_large,
                   url + " holds more than " + std::to_string(kObjectsMax) + " objects, which no trigger watches",
                   "name a longer prefix, or remove what is done with");
    }
    out.objects.reserve(blobs.size());
    for (const Blob& blob : blobs) out.objects.push_back({number_of(blob), blob.modified_micros, blob.key});
  }
  out.took_micros = clock.steady_micros() - began;
  return out;
}

void ObjectWatch::take(const ObjectListing& listing, WallTime now) {
  std::unordered_set<uint64_t> found;
  uint64_t sum = 0;
  bool has_new = false;
  const ObjectListing::One* newest = nullptr;
  for (const ObjectListing::One& one : listing.objects) {
    found.insert(one.number);
    sum += one.number;
    if (has_taken_ && seen_.contains(one.number)) continue;
    has_new = true;
    if (newest == nullptr || one.modified_micros >= newest->modified_micros) newest = &one;
  }
  digest_ = std::to_string(listing.objects.size()) + ":" + std::to_string(sum);
  if (!has_taken_) has_new = known_ && *known_ != digest_;
  if (has_new) {
    pending_since_ = now;
    newest_ = "s3://" + listing.bucket + "/" + (newest != nullptr ? newest->key : "");
  }
  has_taken_ = true;
  seen_ = std::move(found);
}

}  // namespace weir::flow
