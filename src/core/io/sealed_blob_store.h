// SealedBlobStore: a store that keeps its blobs sealed in another one, so that who has the disk has not the bytes.
//
// A blob is a header and chunks of kSealedChunk bytes, each sealed with AES-256-GCM under a data key of the blob alone;
// the header holds that key, sealed under the store's key (`key`, 32 bytes). A chunk is bound to its place and to
// whether it is the last one, the header to the blob's name: what was changed, cut, put in another order or under
// another name is `corrupt`, and never read as something else. open() checks the header and the last chunk, read_at()
// every chunk that it touches; ranges read only theirs. Another key than the blob's is `denied`, a blob that is not
// sealed `corrupt`.
//
// Layout (integers little-endian), 84 bytes before the chunks: "weirseal", version 1 (u8), 3 zero bytes, bytes of a
// chunk (u32), the first 8 bytes of HMAC-SHA-256(key, "weir sealed blob"), nonce (12), data key sealed (32 + tag 16)
// beside everything before it and the name. A chunk: its bytes, then the tag (16); its nonce is its number (u64) and 4
// zero bytes, beside it stands one byte: 1 for the last. There is always one, also of nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/io/blob_store.h"

namespace weir {

inline constexpr uint64_t kSealedChunk = 64u << 10;

struct SealedParts {
  std::string name;                          // of the store: a blob's name is it, "/" and the key
  std::function<Result<std::string>()> key;  // 32 bytes; asked for each blob
  Random& random;
};

class SealedBlobStore final : public BlobStore {
 public:
  SealedBlobStore(std::shared_ptr<BlobStore> inner, Files& files, SealedParts parts)
      : inner_(std::move(inner)), files_(files), parts_(std::move(parts)) {}

  Result<std::unique_ptr<BlobWriter>> write(const std::string& key) override;
  Result<std::unique_ptr<BlobFile>> open(const std::string& key) override;
  // Sizes are those of what is sealed; what is not sealed is listed with size 0, and open() says so.
  Result<std::vector<Blob>> list(const std::string& prefix, size_t blobs_max = 1'000'000) override;
  Result<Blob> find(const std::string& key) override;
  Result<bool> exists(const std::string& key) override { return inner_->exists(key); }
  Status remove(const std::string& key) override { return inner_->remove(key); }
  // The file that is published is not sealed until it is.
  std::string staging_path() override { return inner_->staging_path(); }
  Status publish(const std::string& staging, const std::string& key) override;

 private:
  Result<std::string> store_key() const;
  const std::shared_ptr<BlobStore> inner_;
  Files& files_;
  const SealedParts parts_;
};

}  // namespace weir
