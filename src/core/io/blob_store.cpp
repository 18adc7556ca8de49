#include "core/io/blob_store.h"

#include <algorithm>

#include "core/base/check.h"

namespace weir {

namespace {

constexpr size_t kKeyBytesMax = 1024;
constexpr size_t kPartBytesMax = 255;
constexpr size_t kCopyBytes = 1 << 20;
constexpr size_t kDurableFoldersMax = 4096;
constexpr const char* kStaging = ".staging";

// The key for an error message: whatever it holds, the message stays one line of text.
std::string shown(std::string_view key) {
  std::string text;
  for (const char c : key.substr(0, 200)) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return "\"" + text + (key.size() > 200 ? "…\"" : "\"");
}

Error wrong_key(std::string_view key, const std::string& why) {
  return Error(Code::invalid, "blob key " + shown(key) + " " + why);
}

Error only_read() {
  return Error(Code::unsupported, "a blob that was opened is only read");
}

std::string version_of(uint64_t size, int64_t modified_micros) {
  return std::to_string(size) + "." + std::to_string(modified_micros);
}

class LocalBlob final : public BlobFile {
 public:
  explicit LocalBlob(std::unique_ptr<File> file) : file_(std::move(file)) {}
  Result<size_t> read_at(uint64_t offset, char* into, size_t size) const override {
    return file_->read_at(offset, into, size);
  }
  Result<uint64_t> size() const override { return file_->size(); }
  int64_t modified_micros() const override { return file_->modified_micros(); }
  std::string version() const override {
    const auto size = file_->size();
    return version_of(size ? *size : 0, file_->modified_micros());
  }

 private:
  const std::unique_ptr<File> file_;
};

}  // namespace

Status BlobFile::write_at(uint64_t, std::string_view) {
  return only_read();
}
Status BlobFile::sync() {
  return only_read();
}
Status BlobFile::truncate(uint64_t) {
  return only_read();
}

// --- what every store does the same way ------------------------------------------------------------------------------

Status BlobStore::put(const std::string& key, std::string_view bytes) {
  TRY_ASSIGN(const auto writer, write(key));
  TRY(writer->append(bytes));
  return writer->finish();
}

Status BlobStore::copy(const std::string& key, const File& from) {
  TRY_ASSIGN(const auto writer, write(key));
  std::string buffer(kCopyBytes, '\0');
  while (true) {
    TRY_ASSIGN(const size_t count, from.read_at(writer->size(), buffer.data(), buffer.size()));
    if (count == 0) return writer->finish();
    TRY(writer->append(std::string_view(buffer).substr(0, count)));
  }
}

Status BlobStore::put_file(const std::string& key, Files& files, const std::string& path) {
  TRY_ASSIGN(const auto source, files.open(path, OpenMode::read));
  return copy(key, *source);
}

Result<bool> BlobStore::exists(const std::string& key) {
  const auto found = find(key);
  if (found) return true;
  if (found.error().code == Code::not_found) return false;
  return found.error();
}

// --- a local folder --------------------------------------------------------------------------------------------------

class LocalBlobStore::Writer final : public BlobWriter {
 public:
  Writer(LocalBlobStore& store, std::string key, std::string staging, std::unique_ptr<File> file)
      : store_(store), key_(std::move(key)), staging_(std::move(staging)), file_(std::move(file)) {}
  ~Writer() override {
    if (!file_) return;
    file_.reset();
    const Status removed = store_.files_.remove(staging_);  // best effort: the next start removes what is left
    static_cast<void>(removed);
  }
  uint64_t size() const override { return size_; }

  Status append(std::string_view bytes) override {
    CHECK(file_, "a finished blob takes no more bytes");
    Status status = file_->write_at(size_, bytes);
    is_synced_ = false;
    if (status) {
      size_ += bytes.size();
    } else {
      is_failed_ = true;
    }
    return status;
  }
  Status prepare() override {
    CHECK(file_, "a blob is prepared before it is finished");
    if (is_failed_) return Error(Code::io, "blob " + shown(key_) + " is not whole: an earlier write failed");
    if (is_synced_) return {};
    TRY(file_->sync());
    is_synced_ = true;
    return {};
  }
  Status finish() override {
    TRY(prepare());
    TRY(store_.move_into_place(staging_, key_));
    file_.reset();
    return {};
  }

 private:
  LocalBlobStore& store_;
  const std::string key_;
  const std::string staging_;
  std::unique_ptr<File> file_;
  uint64_t size_ = 0;
  bool is_failed_ = false, is_synced_ = false;
};

Status check_blob_key(std::string_view key) {
  if (key.empty()) return wrong_key(key, "is empty");
  if (key.size() > kKeyBytesMax) {
    return wrong_key(key, "has " + std::to_string(key.size()) + " bytes, allowed are " + std::to_string(kKeyBytesMax));
  }
  if (key.front() == '/') return wrong_key(key, "is an absolute path");
  if (key.front() == '.') return wrong_key(key, "starts with a dot");
  for (const char c : key) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return wrong_key(key, "holds a control character");
    if (c == '\\') return wrong_key(key, "holds a backslash");
  }
  size_t start = 0;
  while (start <= key.size()) {
    const size_t end = std::min(key.find('/', start), key.size());
    const std::string_view part = key.substr(start, end - start);
    if (part.empty()) return wrong_key(key, "has an empty part");
    if (part == "." || part == "..") return wrong_key(key, "has the part \"" + std::string(part) + "\"");
    if (part.size() > kPartBytesMax) {
      return wrong_key(
          key, "has a part of " + std::to_string(part.size()) + " bytes, allowed are " + std::to_string(kPartBytesMax));
    }
    start = end + 1;
  }
  return {};
}

Result<std::unique_ptr<LocalBlobStore>> LocalBlobStore::open(Files& files, const std::string& root) {
  std::unique_ptr<LocalBlobStore> store(new LocalBlobStore(files, root));
  const std::string staging = join_path(root, kStaging);
  TRY(files.make_directories(staging));
  TRY_ASSIGN(const auto left_over, files.list(staging));
  for (const DirectoryEntry& entry : left_over) {
    TRY(files.remove(join_path(staging, entry.name)));
  }
  // The folders may have been made by a process that was killed before it synced their parents.
  TRY(files.sync_directory(root));
  TRY(files.sync_directory(parent_path(root)));
  return store;
}

Result<std::string> LocalBlobStore::path_of(const std::string& key) const {
  TRY(check_blob_key(key));
  return join_path(root_, key);
}

std::string LocalBlobStore::staging_path() {
  return join_path(join_path(root_, kStaging), std::to_string(next_staging_.fetch_add(1)));
}

Result<std::unique_ptr<BlobWriter>> LocalBlobStore::write(const std::string& key) {
  TRY(check_blob_key(key));
  std::string staging = staging_path();
  TRY_ASSIGN(auto file, files_.open(staging, OpenMode::create_new));
  return std::unique_ptr<BlobWriter>(std::make_unique<Writer>(*this, key, std::move(staging), std::move(file)));
}

Status LocalBlobStore::publish(const std::string& staging, const std::string& key) {
  TRY(check_blob_key(key));
  if (parent_path(staging) != join_path(root_, kStaging)) {
    return Error(Code::invalid, staging + " does not lie in the staging folder of the store " + root_);
  }
  TRY_ASSIGN(const auto file, files_.open(staging, OpenMode::read_write));
  TRY(file->sync());
  return move_into_place(staging, key);
}

Status LocalBlobStore::move_into_place(const std::string& staging, const std::string& key) {
  const std::string path = join_path(root_, key);
  const std::string folder = parent_path(path);
  TRY(make_durable_folder(folder));
  TRY(files_.rename(staging, path));
  return files_.sync_directory(folder);
}

// make_directories() syncs only the parents of folders that it made itself. A folder that a killed process left behind
// may not be on disk yet, so the first use of each folder by this process syncs the whole way down to it.
Status LocalBlobStore::make_durable_folder(const std::string& folder) {
  {
    const std::lock_guard lock(mutex_);
    if (durable_folders_.contains(folder)) return {};
  }
  TRY(files_.make_directories(folder));
  for (std::string below = folder; below.size() > root_.size(); below = parent_path(below)) {
    TRY(files_.sync_directory(parent_path(below)));
  }
  const std::lock_guard lock(mutex_);
  if (durable_folders_.size() >= kDurableFoldersMax) durable_folders_.clear();
  durable_folders_.insert(folder);
  return {};
}

Result<std::unique_ptr<BlobFile>> LocalBlobStore::open(const std::string& key) {
  TRY_ASSIGN(const std::string path, path_of(key));
  auto file = files_.open(path, OpenMode::read);
  if (!file && file.error().code == Code::not_found) return Error(Code::not_found, "there is no blob " + shown(key));
  if (!file) return file.error();
  return std::unique_ptr<BlobFile>(std::make_unique<LocalBlob>(std::move(*file)));
}

Result<bool> LocalBlobStore::exists(const std::string& key) {
  TRY_ASSIGN(const std::string path, path_of(key));
  return files_.exists(path);
}

Result<Blob> LocalBlobStore::find(const std::string& key) {
  TRY_ASSIGN(const auto file, open(key));
  TRY_ASSIGN(const uint64_t size, file->size());
  return Blob{key, size, file->modified_micros(), file->version()};
}

Status LocalBlobStore::remove(const std::string& key) {
  TRY_ASSIGN(const std::string path, path_of(key));
  // Only a file can be opened: a folder of that name is no blob, and must not be removed as one.
  TRY(files_.open(path, OpenMode::read));
  TRY(files_.remove(path));
  return files_.sync_directory(parent_path(path));
}

Result<std::vector<Blob>> LocalBlobStore::list(const std::string& prefix, size_t blobs_max) {
  const size_t slash = prefix.rfind('/');
  const std::string folder_key = slash == std::string::npos ? "" : prefix.substr(0, slash);
  if (!folder_key.empty() || slash == 0) {
    TRY(check_blob_key(folder_key));
  }
  std::vector<Blob> found;
  std::vector<std::string> folders{folder_key};
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    auto entries = files_.list(folder.empty() ? root_ : join_path(root_, folder));
    if (!entries && entries.error().code == Code::not_found) continue;  // a prefix of nothing, or removed meanwhile
    if (!entries) return std::move(entries).error();
    for (const DirectoryEntry& entry : *entries) {
      std::string key = folder.empty() ? entry.name : join_path(folder, entry.name);
      const bool may_match = key.starts_with(prefix) || (entry.is_directory && prefix.starts_with(key + "/"));
      if (!may_match || !check_blob_key(key)) continue;
      if (entry.is_directory) {
        folders.push_back(std::move(key));
      } else if (found.size() == blobs_max) {
        return Error(Code::too_large, "more than " + std::to_string(blobs_max) + " blobs start with \"" + prefix + "\"",
                     "ask for a longer prefix");
      } else {
        found.push_back(
            {std::move(key), entry.size, entry.modified_micros, version_of(entry.size, entry.modified_micros)});
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const Blob& a, const Blob& b) { return a.key < b.key; });
  return found;
}

}  // namespace weir
