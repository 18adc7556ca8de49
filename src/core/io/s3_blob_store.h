// S3BlobStore: blobs as objects of an S3 bucket, below a prefix of it.
//
// An object is written with one request, or in parts that appear all at once: finish() makes it visible, and a writer
// that goes before takes its parts back (after a kill they stay on the server, invisible; a rule of the bucket removes
// them: AbortIncompleteMultipartUpload). What waits for a part to be full lies in a file of `staging`, a local folder
// of this store alone, which open() empties; memory is bounded by kPartsAtOnce parts of a writer that sends.
//
// A file that was opened reads ranges, several at once, and further ahead while it is read in order; it is of one
// version of the object: if another takes its place, read_at() fails with `conflict`. Keys may be anything that S3
// allows but control characters.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/io/blob_store.h"
#include "core/io/s3_client.h"

namespace weir {

class S3BlobStore final : public BlobStore {
 public:
  static constexpr uint64_t kPartBytes = 8ull << 20;  // at least; larger ones in objects of many parts
  static constexpr size_t kPartsAtOnce = 3;

  static Result<std::shared_ptr<S3BlobStore>> open(std::shared_ptr<S3Client> client, Files& files,
                                                   const std::string& staging);
  // The same store for work that can be stopped: also what it opens and writes.
  std::shared_ptr<S3BlobStore> stoppable(StopFlag stop) const;

  Status put(const std::string& key, std::string_view bytes) override;
  Result<std::unique_ptr<BlobWriter>> write(const std::string& key) override;
  Result<std::unique_ptr<BlobFile>> open(const std::string& key) override;
  Result<std::vector<Blob>> list(const std::string& prefix, size_t blobs_max = 1'000'000) override;
  Result<Blob> find(const std::string& key) override;
  Status remove(const std::string& key) override;
  std::string staging_path() override;
  Status publish(const std::string& staging, const std::string& key) override;

 private:
  S3BlobStore(std::shared_ptr<S3Client> client, Files& files, std::string staging,
              std::shared_ptr<std::atomic<uint64_t>> next, StopFlag stop)
      : client_(std::move(client)),
        files_(files),
        staging_(std::move(staging)),
        next_staging_(std::move(next)),
        stop_(std::move(stop)) {}
  Result<std::string> object_of(const std::string& key) const;  // the key with the prefix

  const std::shared_ptr<S3Client> client_;
  Files& files_;
  const std::string staging_;
  const std::shared_ptr<std::atomic<uint64_t>> next_staging_;  // shared with stoppable() ones
  const StopFlag stop_;
};

}  // namespace weir
