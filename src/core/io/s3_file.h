// An object of S3 as a file that is read in ranges. Internal to core/io: s3_blob_store.h opens it.
//
// Reads in order fetch further ahead each time, up to kAheadMax; others fetch what they ask for, and a little beyond.
// A fetch of several pieces runs over several connections at once. What was fetched is kept in kKept pieces, for the
// small reads of decompressors. Any thread; reads of several threads do not wait for each other's fetches.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "core/base/guarded.h"
#include "core/io/blob_store.h"
#include "core/io/s3_client.h"

namespace weir {

class S3File final : public BlobFile {
 public:
  static constexpr uint64_t kPieceBytes = 4u << 20;   // of one request
  static constexpr uint64_t kLeastBytes = 64u << 10;  // of one request, too
  static constexpr uint64_t kAheadMin = 1u << 20, kAheadMax = 16u << 20;
  static constexpr size_t kKept = 3;

  S3File(std::shared_ptr<S3Client> client, Blob blob, StopFlag stop)
      : client_(std::move(client)), blob_(std::move(blob)), stop_(std::move(stop)) {}

  Result<size_t> read_at(uint64_t offset, char* into, size_t size) const override;
  Result<uint64_t> size() const override { return blob_.size; }
  int64_t modified_micros() const override { return blob_.modified_micros; }
  std::string version() const override { return blob_.version; }

 private:
  struct Span {
    uint64_t offset = 0;
    std::string bytes;
    uint64_t end() const { return offset + bytes.size(); }
  };
  // What is kept from `offset` on; null if its first byte is not.
  std::shared_ptr<const Span> kept(uint64_t offset) const;
  uint64_t fetch_size(uint64_t offset, uint64_t wanted) const;
  Result<std::shared_ptr<const Span>> fetch(uint64_t offset, uint64_t size) const;

  const std::shared_ptr<S3Client> client_;
  const Blob blob_;  // its key has the prefix
  const StopFlag stop_;
  mutable Mutex mutex_;
  mutable std::list<std::shared_ptr<const Span>> spans_ GUARDED_BY(mutex_);  // newest first
  mutable uint64_t fetched_to_ GUARDED_BY(mutex_) = 0;                       // where the last fetch ended
  mutable uint64_t ahead_ GUARDED_BY(mutex_) = kAheadMin;
};

}  // namespace weir
