#include "platform/warehouse/buckets.h"

#include <algorithm>

#include "storage/engine/engine.h"

namespace weir::warehouse {

Result<ObjectPath> ObjectPath::of(std::string_view url) {
  constexpr std::string_view kScheme = "s3://";
  Error wrong(Code::invalid, "\"" + std::string(url.substr(0, 200)) + "\" is no place in the store",
              "expected 's3://bucket/key'");
  wrong.sqlstate = "22023";
  if (!url.starts_with(kScheme)) return wrong;
  const std::string_view rest = url.substr(kScheme.size());
  const size_t slash = rest.find('/');
  ObjectPath out{.bucket = std::string(rest.substr(0, slash)),
                 .key = slash == std::string_view::npos ? "" : std::string(rest.substr(slash + 1))};
  const bool is_named = out.bucket.size() >= 3 && out.bucket.size() <= 63 &&
                        std::all_of(out.bucket.begin(), out.bucket.end(), [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
                        });
  if (!is_named || out.bucket.front() == '.' || out.bucket.front() == '-' ||
      out.bucket.find("..") != std::string::npos) {
    wrong.hint = "a bucket's name has 3 to 63 of a-z, 0-9, '.' and '-', and begins with a letter or a number";
    return wrong;
  }
  return out;
}

Result<LocalBlobStore*> Buckets::open(const std::string& bucket) {
  const MutexLock lock(mutex_);
  auto& store = stores_[bucket];
  if (!store) {
    TRY_ASSIGN(store, LocalBlobStore::open(files_, root_ + "/" + bucket));
  }
  return store.get();
}

Result<std::string> Buckets::engine_path(const std::string& bucket, const std::string& key) {
  TRY_ASSIGN(const LocalBlobStore* const store, open(bucket));
  TRY_ASSIGN(const std::string path, store->path_of(key));
  return engine::Engine::own_file(path);
}

Result<std::vector<std::string>> Buckets::list() {
  std::vector<std::string> out;
  TRY_ASSIGN(const bool is_there, files_.exists(root_));
  if (!is_there) return out;
  TRY_ASSIGN(const std::vector<DirectoryEntry> entries, files_.list(root_));
  for (const DirectoryEntry& entry : entries) {
    if (entry.is_directory && ObjectPath::of("s3://" + entry.name)) out.push_back(entry.name);
  }
  return out;
}

}  // namespace weir::warehouse
