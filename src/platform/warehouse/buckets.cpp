#include "platform/warehouse/buckets.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "core/base/cipher.h"
#include "core/base/text.h"
#include "core/io/sealed_blob_store.h"
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

namespace {

constexpr Duration kListFoldersEvery = seconds(1);

StopFlag stop_flag(const Cancel& cancel) {
  struct Flag {
    std::atomic<bool> is_set{false};
    std::unique_ptr<Cancel::Attachment> attached;
  };
  auto flag = std::make_shared<Flag>();
  flag->attached = cancel.attach([raw = flag.get()] { raw->is_set.store(true); });
  return {flag, &flag->is_set};
}

}  // namespace

const DeclaredBucket* Buckets::declared(const std::string& bucket) const {
  if (!declared_) return nullptr;
  for (const DeclaredBucket& one : declared_->buckets) {
    if (one.name == bucket) return &one;
  }
  return nullptr;
}

bool Buckets::is_remote(const std::string& bucket) const {
  const DeclaredBucket* const known = declared(bucket);
  return known != nullptr && known->place;
}

Duration Buckets::list_every(const std::string& bucket) const {
  return is_remote(bucket) ? declared(bucket)->list_every : kListFoldersEvery;
}

std::function<Result<AwsCredentials>()> Buckets::credentials(const DeclaredBucket& bucket) const {
  return [secret = declared_->secret, &bucket]() -> Result<AwsCredentials> {
    AwsCredentials out;
    TRY_ASSIGN(out.key_id, secret(bucket.access_key));
    TRY_ASSIGN(out.secret, secret(bucket.secret_key));
    if (!bucket.session_token.empty()) {
      TRY_ASSIGN(out.session_token, secret(bucket.session_token));
    }
    return out;
  };
}

Result<Buckets::Place> Buckets::place(const std::string& bucket) {
  const MutexLock lock(mutex_);
  const auto found = places_.find(bucket);
  if (found != places_.end()) return found->second;
  Place made;
  const DeclaredBucket* const known = declared(bucket);
  if (known != nullptr && known->place) {
    auto client = std::make_shared<S3Client>(*known->place, S3Client::Parts{declared_->clock, credentials(*known)});
    TRY_ASSIGN(made.remote, S3BlobStore::open(std::move(client), files_, root_ + "/.staging/" + bucket));
  } else {
    TRY_ASSIGN(made.local, LocalBlobStore::open(files_, root_ + "/" + bucket));
  }
  // Names with a dot before them are no bucket's. What a former run left in there is not to be completed any more.
  TRY_ASSIGN(made.parts, LocalBlobStore::open(files_, root_ + "/.parts/" + bucket));
  TRY_ASSIGN(const std::vector<Blob> left_over, made.parts->list(""));
  for (const Blob& one : left_over) {
    TRY(made.parts->remove(one.key));
  }
  places_.emplace(bucket, made);
  return made;
}

Result<std::shared_ptr<BlobStore>> Buckets::open_until(const std::string& bucket, StopFlag stop) {
  TRY_ASSIGN(const Place place, this->place(bucket));
  std::shared_ptr<BlobStore> store = place.local;
  if (place.remote) store = stop ? place.remote->stoppable(std::move(stop)) : place.remote;
  return sealed(bucket, std::move(store));
}

Result<std::shared_ptr<BlobStore>> Buckets::open_parts(const std::string& bucket) {
  TRY_ASSIGN(const Place place, this->place(bucket));
  return sealed(bucket, place.parts);
}

// As the bucket's declaration says: in another store, or as it is.
std::shared_ptr<BlobStore> Buckets::sealed(const std::string& bucket, std::shared_ptr<BlobStore> store) const {
  const DeclaredBucket* const known = declared(bucket);
  if (known == nullptr || known->seal_key.empty()) return store;
  const auto key = [secret = declared_->secret, name = known->seal_key]() -> Result<std::string> {
    TRY_ASSIGN(const std::string text, secret(name));
    return parse_cipher_key(text);
  };
  return std::make_shared<SealedBlobStore>(std::move(store), files_, SealedParts{bucket, key, declared_->random});
}

Result<std::shared_ptr<BlobStore>> Buckets::open(const std::string& bucket, const Cancel& cancel) {
  return open_until(bucket, stop_flag(cancel));
}

Result<std::string> Buckets::engine_path(const std::string& bucket, const std::string& key) {
  const DeclaredBucket* const known = declared(bucket);
  if (known != nullptr && (known->place || !known->seal_key.empty())) {
    return engine::Engine::own_object(bucket + "/" + key);
  }
  TRY_ASSIGN(const Place place, this->place(bucket));
  TRY_ASSIGN(const std::string path, place.local->path_of(key));
  return engine::Engine::own_file(path);
}

Result<std::unique_ptr<BlobFile>> Buckets::open_object(const std::string& object, StopFlag stop) {
  const size_t slash = object.find('/');
  if (slash == std::string::npos) return Error(Code::invalid, shown(object) + " names no object");
  const std::string bucket = object.substr(0, slash);
  TRY_ASSIGN(const auto store, open_until(bucket, std::move(stop)));
  return store->open(object.substr(slash + 1));
}

Result<bool> Buckets::exists(const std::string& bucket) {
  if (declared(bucket) != nullptr) return true;
  return files_.exists(root_ + "/" + bucket);
}

Result<std::vector<std::string>> Buckets::list() {
  std::set<std::string> names;
  if (declared_) {
    for (const DeclaredBucket& one : declared_->buckets) names.insert(one.name);
  }
  TRY_ASSIGN(const bool is_there, files_.exists(root_));
  if (is_there) {
    TRY_ASSIGN(const std::vector<DirectoryEntry> entries, files_.list(root_));
    for (const DirectoryEntry& entry : entries) {
      if (entry.is_directory && ObjectPath::of("s3://" + entry.name)) names.insert(entry.name);
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

std::string with_url(std::string text, const std::string& engine_path, const std::string& url) {
  const size_t scheme = engine_path.find("://");
  const std::string bare = scheme == std::string::npos ? engine_path : engine_path.substr(scheme + 3);
  for (const std::string& ours : {engine_path, bare}) {
    for (size_t at = text.find(ours); at != std::string::npos; at = text.find(ours, at + url.size())) {
      text.replace(at, ours.size(), url);
    }
  }
  return text;
}

}  // namespace weir::warehouse
