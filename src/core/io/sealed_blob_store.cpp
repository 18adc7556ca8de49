#include "core/io/sealed_blob_store.h"

#include <algorithm>
#include <optional>

#include "core/base/check.h"
#include "core/base/cipher.h"
#include "core/base/guarded.h"
#include "core/base/hash.h"
#include "core/base/text.h"

namespace weir {
namespace {

constexpr std::string_view kMagic = "weirseal";
constexpr char kVersion = 1;
constexpr size_t kFixedBytes = 16, kKeyIdBytes = 8;
constexpr size_t kWrappedBytes = kCipherKeyBytes + kCipherTagBytes;
constexpr size_t kHeaderBytes = kFixedBytes + kKeyIdBytes + kCipherNonceBytes + kWrappedBytes;
constexpr uint64_t kStoredChunk = kSealedChunk + kCipherTagBytes;
constexpr uint64_t kChunksAtOnce = 64;

std::string little_endian(uint64_t value, size_t bytes) {
  std::string out;
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
  return out;
}

std::string fixed_part() {
  return std::string(kMagic) + kVersion + std::string(3, '\0') + little_endian(kSealedChunk, 4);
}

std::string key_id(std::string_view key) {
  return hmac_sha256(key, "weir sealed blob").substr(0, kKeyIdBytes);
}

std::string chunk_nonce(uint64_t number) {
  return little_endian(number, 8) + std::string(4, '\0');
}

std::string_view beside_chunk(bool is_last) {
  static constexpr char kMiddle = 0, kLast = 1;
  return {is_last ? &kLast : &kMiddle, 1};
}

// Of the sealed bytes; nothing if no blob is that long.
std::optional<uint64_t> plain_size(uint64_t stored) {
  if (stored < kHeaderBytes + kCipherTagBytes) return std::nullopt;
  const uint64_t chunks_bytes = stored - kHeaderBytes;
  const uint64_t chunks = (chunks_bytes + kStoredChunk - 1) / kStoredChunk;
  if (chunks_bytes < chunks * kCipherTagBytes) return std::nullopt;
  const uint64_t plain = chunks_bytes - chunks * kCipherTagBytes;
  // Only nothing at all ends with an empty chunk.
  if (chunks > 1 && plain <= (chunks - 1) * kSealedChunk) return std::nullopt;
  return plain;
}

Error changed(const std::string& name) {
  return Error(Code::corrupt,
               "the sealed blob " + shown(name, 200) +
                   " was changed, cut short, or put under another name; nothing of it was read",
               "restore it from a backup, or from where it came");
}

class SealedFile final : public BlobFile {
 public:
  SealedFile(std::unique_ptr<BlobFile> inner, std::string name, std::string data_key, uint64_t size)
      : inner_(std::move(inner)), name_(std::move(name)), data_key_(std::move(data_key)), size_(size) {}

  Result<uint64_t> size() const override { return size_; }
  int64_t modified_micros() const override { return inner_->modified_micros(); }
  std::string version() const override { return inner_->version(); }

  Result<size_t> read_at(uint64_t offset, char* into, size_t size) const override {
    size_t done = 0;
    while (done < size && offset < size_) {
      const uint64_t number = offset / kSealedChunk, within = offset % kSealedChunk;
      const uint64_t wanted =
          (std::min<uint64_t>(size - done, size_ - offset) + within + kSealedChunk - 1) / kSealedChunk;
      TRY_ASSIGN(const auto plain, chunks(number, std::min(wanted, kChunksAtOnce)));
      const size_t count = std::min<size_t>(size - done, plain->size() - within);
      std::copy_n(plain->data() + within, count, into + done);
      done += count;
      offset += count;
    }
    return done;
  }
  // Whether the end is the end that was written.
  Status check_last() const {
    TRY(chunks(last(), 1));
    return {};
  }

 private:
  uint64_t last() const { return size_ == 0 ? 0 : (size_ - 1) / kSealedChunk; }

  // So many chunks from `number` on, in clear. The last read's last chunk is kept: small reads come in order.
  Result<std::shared_ptr<const std::string>> chunks(uint64_t number, uint64_t count) const {
    if (count == 1) {
      const MutexLock lock(mutex_);
      if (kept_ && kept_number_ == number) return kept_;
    }
    const uint64_t begin = number * kStoredChunk;
    const uint64_t plain_end = std::min((number + count) * kSealedChunk, size_);
    std::string stored(plain_end - number * kSealedChunk + count * kCipherTagBytes, '\0');
    TRY_ASSIGN(const size_t read, inner_->read_at(kHeaderBytes + begin, stored.data(), stored.size()));
    if (read != stored.size()) return changed(name_);
    auto plain = std::make_shared<std::string>();
    plain->reserve(stored.size());
    std::shared_ptr<std::string> one;
    for (uint64_t i = 0; i < count; ++i) {
      const std::string nonce = chunk_nonce(number + i);
      auto opened = unseal_bytes({.key = data_key_, .nonce = nonce, .beside = beside_chunk(number + i == last())},
                                 std::string_view(stored).substr(i * kStoredChunk, kStoredChunk));
      if (!opened) return changed(name_);
      if (i + 1 == count) one = std::make_shared<std::string>(*opened);
      *plain += *opened;
    }
    const MutexLock lock(mutex_);
    kept_ = std::move(one);
    kept_number_ = number + count - 1;
    return std::shared_ptr<const std::string>(std::move(plain));
  }

  const std::unique_ptr<BlobFile> inner_;
  const std::string name_, data_key_;
  const uint64_t size_;
  mutable Mutex mutex_;
  mutable std::shared_ptr<const std::string> kept_ GUARDED_BY(mutex_);
  mutable uint64_t kept_number_ GUARDED_BY(mutex_) = 0;
};

class SealedWriter final : public BlobWriter {
 public:
  SealedWriter(std::unique_ptr<BlobWriter> inner, std::string data_key)
      : inner_(std::move(inner)), data_key_(std::move(data_key)) {}

  uint64_t size() const override { return size_; }
  Status append(std::string_view bytes) override {
    CHECK(!is_sealed_, "a blob that is sealed to its end takes no more bytes");
    size_ += bytes.size();
    while (!bytes.empty()) {
      // A full chunk waits until it is known that another follows.
      if (waiting_.size() == kSealedChunk) {
        TRY(seal(false));
      }
      const std::string_view piece = bytes.substr(0, kSealedChunk - waiting_.size());
      waiting_ += piece;
      bytes.remove_prefix(piece.size());
    }
    return {};
  }
  Status prepare() override {
    if (!is_sealed_) {
      TRY(seal(true));
      is_sealed_ = true;
    }
    return inner_->prepare();
  }
  Status finish() override {
    TRY(prepare());
    return inner_->finish();
  }

 private:
  Status seal(bool is_last) {
    const std::string nonce = chunk_nonce(number_++);
    TRY_ASSIGN(const std::string sealed,
               seal_bytes({.key = data_key_, .nonce = nonce, .beside = beside_chunk(is_last)}, waiting_));
    waiting_.clear();
    return inner_->append(sealed);
  }

  const std::unique_ptr<BlobWriter> inner_;
  const std::string data_key_;
  std::string waiting_;
  uint64_t number_ = 0, size_ = 0;
  bool is_sealed_ = false;
};

}  // namespace

Result<std::string> SealedBlobStore::store_key() const {
  auto key = parts_.key();
  if (key) return key;
  Error error = key.error();
  error.message = "the bucket " + parts_.name + " is sealed, and its key cannot be had: " + error.message;
  return error;
}

Result<std::unique_ptr<BlobWriter>> SealedBlobStore::write(const std::string& key) {
  TRY_ASSIGN(const std::string store, store_key());
  const std::string data_key = random_bytes(parts_.random, kCipherKeyBytes);
  const std::string nonce = random_bytes(parts_.random, kCipherNonceBytes);
  std::string header = fixed_part() + key_id(store) + nonce;
  const std::string beside = header + parts_.name + "/" + key;
  TRY_ASSIGN(const std::string wrapped, seal_bytes({.key = store, .nonce = nonce, .beside = beside}, data_key));
  header += wrapped;
  TRY_ASSIGN(auto inner, inner_->write(key));
  TRY(inner->append(header));
  return std::unique_ptr<BlobWriter>(std::make_unique<SealedWriter>(std::move(inner), data_key));
}

Result<std::unique_ptr<BlobFile>> SealedBlobStore::open(const std::string& key) {
  TRY_ASSIGN(auto inner, inner_->open(key));
  const std::string name = parts_.name + "/" + key;
  std::string header(kHeaderBytes, '\0');
  TRY_ASSIGN(const size_t read, inner->read_at(0, header.data(), header.size()));
  if (read < kFixedBytes || header.substr(0, kMagic.size()) != kMagic) {
    return Error(Code::corrupt, "the blob " + shown(name, 200) + " is not sealed, as its bucket's declaration says",
                 "it was there before the bucket's key was declared: put it in again");
  }
  if (header[kMagic.size()] != kVersion) {
    return Error(Code::unsupported, "the blob " + shown(name, 200) + " was sealed by a newer version");
  }
  TRY_ASSIGN(const uint64_t stored, inner->size());
  const auto size = plain_size(stored);
  if (read < kHeaderBytes || header.substr(0, kFixedBytes) != fixed_part() || !size) return changed(name);
  TRY_ASSIGN(const std::string store, store_key());
  if (header.substr(kFixedBytes, kKeyIdBytes) != key_id(store)) {
    return Error(Code::denied, "the blob " + shown(name, 200) + " was sealed with another key than the bucket declares",
                 "set the secret to the key it was sealed with");
  }
  const size_t bound = kFixedBytes + kKeyIdBytes + kCipherNonceBytes;
  const std::string nonce = header.substr(kFixedBytes + kKeyIdBytes, kCipherNonceBytes);
  const std::string beside = header.substr(0, bound) + name;
  auto data_key =
      unseal_bytes({.key = store, .nonce = nonce, .beside = beside}, std::string_view(header).substr(bound));
  if (!data_key) return changed(name);
  auto file = std::make_unique<SealedFile>(std::move(inner), name, std::move(*data_key), *size);
  TRY(file->check_last());
  return std::unique_ptr<BlobFile>(std::move(file));
}

Result<std::vector<Blob>> SealedBlobStore::list(const std::string& prefix, size_t blobs_max) {
  TRY_ASSIGN(std::vector<Blob> blobs, inner_->list(prefix, blobs_max));
  for (Blob& blob : blobs) blob.size = plain_size(blob.size).value_or(0);
  return blobs;
}

Result<Blob> SealedBlobStore::find(const std::string& key) {
  TRY_ASSIGN(Blob blob, inner_->find(key));
  blob.size = plain_size(blob.size).value_or(0);
  return blob;
}

Status SealedBlobStore::publish(const std::string& staging, const std::string& key) {
  TRY(put_file(key, files_, staging));
  return files_.remove(staging);
}

}  // namespace weir
