// Where s3://bucket/key lies: a bucket that weir.yaml declares on S3 or sealed (bucket_settings.h), else a folder of
// whole files under one root, made when it is first written to.
//
// Bucket names as on S3 (3 to 63 of a-z, 0-9, '.', '-'), keys as in BlobStore. Any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/io/blob_store.h"
#include "core/io/s3_blob_store.h"
#include "core/runtime/cancel.h"
#include "platform/warehouse/bucket_settings.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

struct ObjectPath {
  std::string bucket, key;  // the key may be a prefix, or empty
  static Result<ObjectPath> of(std::string_view url);
  std::string url() const { return "s3://" + bucket + "/" + key; }
};

class Buckets final : public engine::ObjectSource {
 public:
  struct Declared {
    std::vector<DeclaredBucket> buckets;
    std::function<Result<std::string>(std::string_view name)> secret;
    Clock& clock;
    Random& random;
  };
  // No bucket is declared: all are folders.
  Buckets(Files& files, std::string root) : files_(files), root_(std::move(root)) {}
  Buckets(Files& files, std::string root, Declared declared)
      : files_(files), root_(std::move(root)), declared_(std::move(declared)) {}

  // What it does over a network, and what is opened or written with it, ends when `cancel` is cancelled.
  Result<std::shared_ptr<BlobStore>> open(const std::string& bucket, const Cancel& cancel);
  Result<std::shared_ptr<BlobStore>> open(const std::string& bucket) { return open_until(bucket, nullptr); }
  // A store beside the bucket's own, on the local disk and sealed as it is, for parts of objects that are not whole
  // yet; empty when this is made. `invalid` keys are as in LocalBlobStore.
  Result<std::shared_ptr<BlobStore>> open_parts(const std::string& bucket);
  // How a statement of our own names an object of the bucket for the engine's readers, scheme and all. The object need
  // not exist.
  Result<std::string> engine_path(const std::string& bucket, const std::string& key);
  Result<std::vector<std::string>> list();  // by name
  Result<bool> exists(const std::string& bucket);
  bool is_remote(const std::string& bucket) const;  // on S3, where each request takes time and costs
  // How far apart the listings of somebody who looks again and again are to be.
  Duration list_every(const std::string& bucket) const;
  Files& files() { return files_; }

  // For the engine: "bucket/key".
  Result<std::unique_ptr<BlobFile>> open_object(const std::string& object, StopFlag stop) override;

 private:
  // One bucket as it is kept, in one of the first two.
  struct Place {
    std::shared_ptr<LocalBlobStore> local;
    std::shared_ptr<S3BlobStore> remote;
    std::shared_ptr<LocalBlobStore> parts;
  };
  const DeclaredBucket* declared(const std::string& bucket) const;
  Result<Place> place(const std::string& bucket);
  Result<std::shared_ptr<BlobStore>> open_until(const std::string& bucket, StopFlag stop);
  std::shared_ptr<BlobStore> sealed(const std::string& bucket, std::shared_ptr<BlobStore> store) const;
  std::function<Result<AwsCredentials>()> credentials(const DeclaredBucket& bucket) const;

  Files& files_;
  const std::string root_;
  const std::optional<Declared> declared_;
  Mutex mutex_;
  std::map<std::string, Place> places_ GUARDED_BY(mutex_);
};

// An error's text with the object's address where the engine named the path that engine_path() gave it, with its scheme
// or without: our paths are no caller's business.
std::string with_url(std::string text, const std::string& engine_path, const std::string& url);

}  // namespace weir::warehouse
