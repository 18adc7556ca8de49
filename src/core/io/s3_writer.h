// An object of S3 that is written piece by piece. Internal to core/io: s3_blob_store.h makes it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/io/blob_store.h"
#include "core/io/s3_client.h"

namespace weir {

class S3Writer final : public BlobWriter {
 public:
  // `object`: the key with the prefix; `staging`: a path for what waits to be sent.
  static Result<std::unique_ptr<BlobWriter>> begin(std::shared_ptr<S3Client> client, Files& files, std::string object,
                                                   std::string staging, StopFlag stop);
  ~S3Writer() override;
  Status append(std::string_view bytes) override;
  uint64_t size() const override { return size_; }
  Status prepare() override;
  Status finish() override;

 private:
  S3Writer(std::shared_ptr<S3Client> client, Files& files, std::string object, std::string staging, StopFlag stop)
      : client_(std::move(client)),
        files_(files),
        object_(std::move(object)),
        staging_(std::move(staging)),
        stop_(std::move(stop)) {}
  uint64_t part_bytes() const;
  Status begin_upload();
  Status send_parts(bool is_end);
  Status complete();
  Result<std::string> version_there() const;
  Result<std::string> read_staging(uint64_t size) const;

  const std::shared_ptr<S3Client> client_;
  Files& files_;
  const std::string object_, staging_;
  const StopFlag stop_;
  std::unique_ptr<File> file_;       // what was not sent yet; null when it ended
  uint64_t size_ = 0, waiting_ = 0;  // appended; in the file
  std::string upload_;               // its id, once there is one
  std::vector<std::string> etags_;   // of the parts that were sent
  bool is_failed_ = false;
};

}  // namespace weir
