// BlobStore: whole immutable files under keys, for what the store holds (archives, Parquet, results, models).
//
// A put is durable when it returns: a crash before that leaves the old blob or none, never a part. Keys are relative
// paths: parts of 1–255 bytes joined by "/", at most 1024 bytes, without control characters, "\", "." or ".." as a
// part; the first part must not start with a dot (that is the store's own room). No key leads out of the store. Any
// thread may call; two puts of one key at once leave one of them whole.
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
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // Replaces a blob of the same key.
  virtual Status put(const std::string& key, std::string_view bytes) = 0;
  // Copies the file of `files`, which stays where it is.
  virtual Status put_file(const std::string& key, Files& files, const std::string& path) = 0;
  virtual Result<std::unique_ptr<File>> open(const std::string& key) = 0;  // for reading only
  // Every blob whose key starts with `prefix` (any text that could start a key), sorted by key.
  virtual Result<std::vector<Blob>> list(const std::string& prefix, size_t blobs_max = 1'000'000) = 0;
  virtual Result<bool> exists(const std::string& key) = 0;
  // Durable too. not_found if there is none.
  virtual Status remove(const std::string& key) = 0;
};

// Errors with `invalid` and the rule that the key breaks.
Status check_blob_key(std::string_view key);

// A store in a folder of Files. Staging lies in `<root>/.staging`, outside of every table's path; what a crash left
// there is removed by open(). One LocalBlobStore owns a folder.
class LocalBlobStore final : public BlobStore {
 public:
  static Result<std::unique_ptr<LocalBlobStore>> open(Files& files, const std::string& root);

  Status put(const std::string& key, std::string_view bytes) override;
  Status put_file(const std::string& key, Files& files, const std::string& path) override;
  Result<std::unique_ptr<File>> open(const std::string& key) override;
  Result<std::vector<Blob>> list(const std::string& prefix, size_t blobs_max = 1'000'000) override;
  Result<bool> exists(const std::string& key) override;
  Status remove(const std::string& key) override;

  // Where the blob lies, for what must have a path (the engine). `invalid` for a wrong key; the blob need not exist.
  Result<std::string> path_of(const std::string& key) const;

  // A blob written piece by piece. Nothing is visible before finish(); destroying it unfinished removes the staging
  // file.
  class Writer {
   public:
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    Status append(std::string_view bytes);
    uint64_t size() const { return size_; }
    Status finish();  // once

   private:
    friend class LocalBlobStore;
    Writer(LocalBlobStore& store, std::string key, std::string staging, std::unique_ptr<File> file)
        : store_(store), key_(std::move(key)), staging_(std::move(staging)), file_(std::move(file)) {}
    LocalBlobStore& store_;
    const std::string key_;
    const std::string staging_;
    std::unique_ptr<File> file_;
    uint64_t size_ = 0;
    bool is_failed_ = false;
  };
  Result<std::unique_ptr<Writer>> write(const std::string& key);
  // For a program that must write to a path itself (the engine's COPY): a new path in the staging folder, whose file
  // publish() then syncs and moves to its key.
  std::string staging_path();
  Status publish(const std::string& staging, const std::string& key);

 private:
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
