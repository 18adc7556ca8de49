// Where s3://bucket/key lies: each bucket is a folder of whole files under one root, made when it is first written to.
//
// Bucket names as on S3 (3 to 63 of a-z, 0-9, '.', '-'), keys as in BlobStore. Any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/guarded.h"
#include "core/io/blob_store.h"

namespace weir::warehouse {

struct ObjectPath {
  std::string bucket, key;  // the key may be a prefix, or empty
  static Result<ObjectPath> of(std::string_view url);
  std::string url() const { return "s3://" + bucket + "/" + key; }
};

class Buckets {
 public:
  Buckets(Files& files, std::string root) : files_(files), root_(std::move(root)) {}
  // Lives as long as this.
  Result<LocalBlobStore*> open(const std::string& bucket);
  Result<std::vector<std::string>> list();  // by name
  Result<bool> exists(const std::string& bucket) { return files_.exists(root_ + "/" + bucket); }
  // How a statement of our own names an object of the bucket for the engine's readers, scheme and all. The object need
  // not exist.
  Result<std::string> engine_path(const std::string& bucket, const std::string& key);
  Files& files() { return files_; }

 private:
  Files& files_;
  const std::string root_;
  Mutex mutex_;
  std::map<std::string, std::unique_ptr<LocalBlobStore>> stores_ GUARDED_BY(mutex_);
};

}  // namespace weir::warehouse
