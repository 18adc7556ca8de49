// Uploads in parts that are under way: each part is a blob beside its bucket's own, and one object is made of them at
// the end. They do not outlive the program: its next start removes what is left of them, and the client begins
// anew. Any thread; every call may wait for the disk.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "platform/warehouse/buckets.h"

namespace weir::awsapi {

class Uploads {
 public:
  static constexpr size_t kUploadsMax = 1'000;
  static constexpr int kPartsMax = 10'000;

  Uploads(warehouse::Buckets& buckets, Clock& clock, Random& random)
      : buckets_(buckets), clock_(clock), random_(random) {}

  Result<std::string> begin(const std::string& bucket, const std::string& key);  // its id; `busy`
  // Replaces a part of that number. Its ETag.
  Result<std::string> put(const std::string& id, int number, std::string_view bytes);
  struct Part {
    int number = 0;
    std::string etag;
    uint64_t size = 0;
  };
  Result<std::vector<Part>> parts(const std::string& id) const;  // by number
  // These parts in this order, which must rise, become the object. `invalid` names the part that is not there.
  Status complete(const std::string& id, const std::vector<Part>& wanted);
  Status abort(const std::string& id);

 private:
  struct OnePart {
    std::string key, etag;  // key: in Buckets::open_parts()
    uint64_t size = 0;
  };
  struct Upload {
    std::string bucket, key;
    WallTime begun_at{};
    std::map<int, OnePart> parts;
    bool is_ending = false;
  };
  Result<std::shared_ptr<Upload>> find(const std::string& id) const REQUIRES(mutex_);
  void remove_files(const Upload& upload);

  warehouse::Buckets& buckets_;
  Clock& clock_;
  Random& random_;
  std::atomic<uint64_t> next_part_{1};
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<Upload>> uploads_ GUARDED_BY(mutex_);  // shared with the call that ends one
};

}  // namespace weir::awsapi
