// BlobStore: whole immutable files under keys, for what the store holds (archives, Parquet, results, models).
//
// A put is durable when it returns: a crash before that leaves the old blob or none, never a part. Where blobs lie is
// the store's matter: a local folder (LocalBlobStore), S3 (s3_blob_store.h), sealed in another store
// (sealed_blob_store.h). Keys are relative paths: parts of 1–255 bytes joined by "/", at most 1024 bytes, without
// control characters, "\", "." or ".." as a part; the first part must not start with a dot (that is the store's own
// room). No key leads out of the store. Any thread may call; two puts of one key at once leave one of them whole.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/io/files.h"

namespace weir {

struct Blob {
  std::string key;
  uint64_t size = 0;
  int64_t modified_micros = 0;  // since 1970; 0: not known
  std::string version = {};     // another content has another one; says nothing else
};

// A blob that is read. The contents are those of the moment it was opened: what replaces it under its key is either not
// seen or makes read_at() fail. Any thread may read.
class BlobFile : public File {
 public:
  virtual std::string version() const = 0;  // as in Blob
  Status write_at(uint64_t offset, std::string_view bytes) final;
  Status sync() final;
  Status truncate(uint64_t size) final;
};

// A blob written piece by piece. Nothing is visible before finish(); destroying it unfinished leaves nothing behind.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Status append(std::string_view bytes) = 0;
  virtual uint64_t size() const = 0;  // bytes appended
  // Everything that may take long or fail, but for making it visible: so that several blobs appear close together.
  virtual Status prepare() { return {}; }
  virtual Status finish() = 0;  // once
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // Replaces a blob of the same key.
  virtual Status put(const std::string& key, std::string_view bytes);
  // Copies the file, which stays where it is.
  Status copy(const std::string& key, const File& from);
  Status put_file(const std::string& key, Files& files, const std::string& path);
  virtual Result<std::unique_ptr<BlobWriter>> write(const std::string& key) = 0;
  virtual Result<std::unique_ptr<BlobFile>> open(const std::string& key) = 0;
  // Every blob whose key starts with `prefix` (any text that could start a key), sorted by key.
  virtual Result<std::vector<Blob>> list(const std::string& prefix, size_t blobs_max = 1'000'000) = 0;
  virtual Result<Blob> find(const std::string& key) = 0;  // not_found if there is none
  virtual Result<bool> exists(const std::string& key);
  // Durable too. not_found if there is none.
  virtual Status remove(const std::string& key) = 0;

  // For a program that must write to a path itself (the engine's COPY): a new path on the local disk, whose file
  // publish() then makes the blob. Who does not publish it removes it; else the next start does.
  virtual std::string staging_path() = 0;
  virtual Status publish(const std::string& staging, const std::string& key) = 0;
};

// Errors with `invalid` and the rule that the key breaks.
Status check_blob_key(std::string_view key);

// A store in a folder of Files. Staging lies in `<root>/.staging`, outside of every table's path; what a crash left
// there is removed by open(). One LocalBlobStore owns a folder.
class LocalBlobStore final : public BlobStore {
 public:
  static Result<std::unique_ptr<LocalBlobStore>> open(Files& files, const std::string& root);

  Result<std::unique_ptr<BlobWriter>> write(const std::string& key) override;
  Result<std::unique_ptr<BlobFile>> open(const std::string& key) override;
  Result<std::vector<Blob>> list(const std::string& prefix, size_t blobs_max = 1'000'000) override;
  Result<Blob> find(const std::string& key) override;
  Result<bool> exists(const std::string& key) override;  // also a folder that other keys have made
  Status remove(const std::string& key) override;
  std::string staging_path() override;
  Status publish(const std::string& staging, const std::string& key) override;

  // Where the blob lies, for what must have a path (the engine). `invalid` for a wrong key; the blob need not exist.
  Result<std::string> path_of(const std::string& key) const;

 private:
  class Writer;
  LocalBlobStore(Files& files, std::string root) : files_(files), root_(std::move(root)) {}
  Status move_into_place(const std::string& staging, const std::string& key);
  Status make_durable_folder(const std::string& folder);

  Files& files_;
  const std::string root_;
  std::atomic<uint64_t> next_staging_{1};
  std::mutex mutex_;
  std::set<std::string> durable_folders_;  // guarded by mutex_: folders whose own names are known to be on disk
};

}  // namespace weir
