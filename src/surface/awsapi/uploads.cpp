#include "surface/awsapi/uploads.h"

#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/base/text.h"

namespace weir::awsapi {
namespace {

constexpr size_t kCopyBytes = 1 << 20;

Error no_upload() {
  return Error(Code::not_found, "the upload is not known: it was completed, aborted, or begun before a restart",
               "begin it anew");
}

}  // namespace

Result<std::shared_ptr<Uploads::Upload>> Uploads::find(const std::string& id) const {
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second->is_ending) return no_upload();
  return found->second;
}

Result<std::string> Uploads::begin(const std::string& bucket, const std::string& key) {
  TRY(check_blob_key(key));
  auto upload = std::make_shared<Upload>();
  upload->bucket = bucket;
  upload->key = key;
  upload->begun_at = clock_.wall();
  std::string id = random_token(random_, "");
  const MutexLock lock(mutex_);
  if (uploads_.size() >= kUploadsMax) return Error(Code::busy, "1000 uploads are under way");
  uploads_.emplace(id, std::move(upload));
  return id;
}

Result<std::string> Uploads::put(const std::string& id, int number, std::string_view bytes) {
  if (number < 1 || number > kPartsMax) return Error(Code::invalid, "partNumber must be 1 to 10000");
  std::string bucket;
  {
    const MutexLock lock(mutex_);
    TRY_ASSIGN(const std::shared_ptr<Upload> upload, find(id));
    bucket = upload->bucket;
  }
  TRY_ASSIGN(const auto store, buckets_.open_parts(bucket));
  OnePart part{
      .key = std::to_string(next_part_.fetch_add(1)), .etag = sha256_hex(bytes).substr(0, 32), .size = bytes.size()};
  TRY(store->put(part.key, bytes));
  const MutexLock lock(mutex_);
  const auto upload = find(id);
  if (!upload) {
    (void)store->remove(part.key);  // else the next start does
    return upload.error();
  }
  const auto before = (*upload)->parts.find(number);
  if (before != (*upload)->parts.end()) (void)store->remove(before->second.key);
  std::string etag = part.etag;
  (*upload)->parts[number] = std::move(part);
  return etag;
}

Result<std::vector<Uploads::Part>> Uploads::parts(const std::string& id) const {
  const MutexLock lock(mutex_);
  TRY_ASSIGN(const std::shared_ptr<Upload> upload, find(id));
  std::vector<Part> out;
  for (const auto& [number, part] : upload->parts) out.push_back({number, part.etag, part.size});
  return out;
}

Status Uploads::complete(const std::string& id, const std::vector<Part>& wanted) {
  std::shared_ptr<Upload> upload;
  {
    const MutexLock lock(mutex_);
    TRY_ASSIGN(upload, find(id));
    int before = 0;
    for (const Part& one : wanted) {
      const auto found = upload->parts.find(one.number);
      if (one.number <= before) return Error(Code::invalid, "the parts are not in ascending order");
      if (found == upload->parts.end() || found->second.etag != one.etag)
        return Error(Code::invalid, "part " + std::to_string(one.number) + " was not uploaded, or is another one");
      before = one.number;
    }
    if (wanted.empty()) return Error(Code::invalid, "an upload has at least one part");
    upload->is_ending = true;
  }
  const Status done = [&]() -> Status {
    TRY_ASSIGN(const auto store, buckets_.open(upload->bucket));
    TRY_ASSIGN(const auto parts, buckets_.open_parts(upload->bucket));
    TRY_ASSIGN(const auto writer, store->write(upload->key));
    std::string piece(kCopyBytes, '\0');
    for (const Part& one : wanted) {
      TRY_ASSIGN(const auto file, parts->open(upload->parts[one.number].key));
      for (uint64_t at = 0;;) {
        TRY_ASSIGN(const size_t count, file->read_at(at, piece.data(), piece.size()));
        if (count == 0) break;
        TRY(writer->append(std::string_view(piece).substr(0, count)));
        at += count;
      }
    }
    return writer->finish();
  }();
  {
    const MutexLock lock(mutex_);
    upload->is_ending = false;  // after an error it can be completed again
    if (done) uploads_.erase(id);
  }
  if (done) remove_files(*upload);
  return done;
}

Status Uploads::abort(const std::string& id) {
  std::shared_ptr<Upload> upload;
  {
    const MutexLock lock(mutex_);
    TRY_ASSIGN(upload, find(id));
    uploads_.erase(id);
  }
  remove_files(*upload);
  return {};
}

void Uploads::remove_files(const Upload& upload) {
  const auto store = buckets_.open_parts(upload.bucket);
  if (!store) return;
  for (const auto& [number, part] : upload.parts) (void)(*store)->remove(part.key);  // else the next start does
}

}  // namespace weir::awsapi
