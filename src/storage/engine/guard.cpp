// The first lock, and the private read-only scheme of the lake.
//
// DuckDB's own work (database file, write-ahead log, spilling, checkpoints) opens files without a ClientContext;
// everything a statement opens carries one. So a context without the mark of trust may open nothing.
#include <atomic>

#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

using duckdb::FileOpener;
using duckdb::optional_ptr;
using duckdb::string;

class GuardedFiles final : public duckdb::LocalFileSystem {
 public:
  explicit GuardedFiles(std::shared_ptr<std::atomic<bool>> armed) : armed_(std::move(armed)) {}

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const string& path, duckdb::FileOpenFlags flags,
                                                  optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return LocalFileSystem::OpenFile(path, flags, opener);
  }
  bool DirectoryExists(const string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return LocalFileSystem::DirectoryExists(path, opener);
  }
  void CreateDirectory(const string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    LocalFileSystem::CreateDirectory(path, opener);
  }
  void RemoveDirectory(const string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    LocalFileSystem::RemoveDirectory(path, opener);
  }
  void MoveFile(const string& source, const string& target, optional_ptr<FileOpener> opener) override {
    check(source, opener);
    LocalFileSystem::MoveFile(source, target, opener);
  }
  bool FileExists(const string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return LocalFileSystem::FileExists(path, opener);
  }
  bool IsPipe(const string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return LocalFileSystem::IsPipe(path, opener);
  }
  void RemoveFile(const string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    LocalFileSystem::RemoveFile(path, opener);
  }
  bool TryRemoveFile(const string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return LocalFileSystem::TryRemoveFile(path, opener);
  }
  duckdb::vector<duckdb::OpenFileInfo> Glob(const string& path, FileOpener* opener) override {
    check(path, opener);
    return LocalFileSystem::Glob(path, opener);
  }

 protected:
  bool ListFilesExtended(const string& path, const std::function<void(duckdb::OpenFileInfo&)>& callback,
                         optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return LocalFileSystem::ListFilesExtended(path, callback, opener);
  }

 private:
  void check(const string& path, optional_ptr<FileOpener> opener) const {
    if (!armed_->load() || !opener) return;
    optional_ptr<duckdb::ClientContext> context = opener->TryGetClientContext();
    if (!context) return;
    const auto state = ConnectionState::of(*context);
    if (state && state->trust == Trust::own) return;
    throw duckdb::PermissionException("statements cannot open files; \"%s\" is refused", path);
  }
  std::shared_ptr<std::atomic<bool>> armed_;
};

// Maps weirlake://PATH to ROOT/PATH for reading. Handles are plain local ones, so reads pass through nothing of ours.
class LakeFiles final : public duckdb::FileSystem {
 public:
  explicit LakeFiles(std::string root) : root_(std::move(root)) {}
  bool CanHandleFile(const string& path) override { return path.starts_with(kLakeScheme); }
  std::string GetName() const override { return "WeirLakeFileSystem"; }

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const string& path, duckdb::FileOpenFlags flags,
                                                  optional_ptr<FileOpener>) override {
    if (flags.OpenForWriting() || flags.CreateFileIfNotExists() || flags.OverwriteExistingFile()) {
      throw duckdb::PermissionException("\"%s\" belongs to a stream and can only be read", path);
    }
    return local_.OpenFile(place(path), flags, nullptr);
  }
  bool FileExists(const string& path, optional_ptr<FileOpener>) override {
    return local_.FileExists(place(path), nullptr);
  }
  bool DirectoryExists(const string&, optional_ptr<FileOpener>) override { return false; }
  bool IsPipe(const string&, optional_ptr<FileOpener>) override { return false; }
  duckdb::vector<duckdb::OpenFileInfo> Glob(const string& path, FileOpener*) override {
    return {duckdb::OpenFileInfo(path)};
  }
  bool CanSeek() override { return true; }
  bool OnDiskFile(duckdb::FileHandle&) override { return true; }

 private:
  std::string place(const string& path) const {
    const std::string below = path.substr(std::string_view(kLakeScheme).size());
    bool inside = !below.empty() && below.front() != '/' && below.find('\0') == std::string::npos && !root_.empty();
    for (size_t begin = 0; inside && begin <= below.size();) {
      const size_t end = std::min(below.find('/', begin), below.size());
      const std::string_view part = std::string_view(below).substr(begin, end - begin);
      if (part.empty() || part == "." || part == "..") inside = false;
      begin = end + 1;
    }
    if (!inside) throw duckdb::IOException("\"%s\" is not a path below the store", path);
    return root_ + "/" + below;
  }
  std::string root_;
  duckdb::LocalFileSystem local_;
};

// Maps weirown://PATH to the local PATH, for connections of our own rooms, for the one file that a statement's result
// is copied to, and for reading what an external table is made of. DuckDB's external access is off, and this scheme is
// the only directory it is told to allow.
class OwnFiles final : public duckdb::FileSystem {
 public:
  bool CanHandleFile(const string& path) override { return path.starts_with(kOwnScheme); }
  std::string GetName() const override { return "WeirOwnFileSystem"; }

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const string& path, duckdb::FileOpenFlags flags,
                                                  optional_ptr<FileOpener> opener) override {
    const bool only_reads = !flags.OpenForWriting() && !flags.CreateFileIfNotExists() && !flags.OverwriteExistingFile();
    return local_.OpenFile(place(path, opener, only_reads), flags, nullptr);
  }
  bool FileExists(const string& path, optional_ptr<FileOpener> opener) override {
    return local_.FileExists(place(path, opener, true), nullptr);
  }
  bool DirectoryExists(const string& path, optional_ptr<FileOpener> opener) override {
    return local_.DirectoryExists(place(path, opener), nullptr);
  }
  void RemoveFile(const string& path, optional_ptr<FileOpener> opener) override {
    local_.RemoveFile(place(path, opener), nullptr);
  }
  bool TryRemoveFile(const string& path, optional_ptr<FileOpener> opener) override {
    return local_.TryRemoveFile(place(path, opener), nullptr);
  }
  void MoveFile(const string& from, const string& to, optional_ptr<FileOpener> opener) override {
    local_.MoveFile(place(from, opener), place(to, opener), nullptr);
  }
  bool IsPipe(const string& path, optional_ptr<FileOpener> opener) override {
    return local_.IsPipe(place(path, opener, true), nullptr);
  }
  // A path names one file: * and [ are part of its name.
  duckdb::vector<duckdb::OpenFileInfo> Glob(const string& path, FileOpener* opener) override {
    if (!local_.FileExists(place(path, opener), nullptr)) return {};
    return {duckdb::OpenFileInfo(path)};
  }
  bool CanSeek() override { return true; }
  bool OnDiskFile(duckdb::FileHandle&) override { return true; }

 private:
  // `only_reads`: what the scan of an external table named may be opened too.
  std::string place(const string& path, optional_ptr<FileOpener> opener, bool only_reads = false) const {
    optional_ptr<duckdb::ClientContext> context = opener ? opener->TryGetClientContext() : nullptr;
    const auto state = context ? ConnectionState::of(*context) : nullptr;
    if (!state || (state->trust != Trust::own && state->copy_path != path && !(only_reads && state->may_read(path)))) {
      throw duckdb::PermissionException("statements cannot open files; \"%s\" is refused", path);
    }
    return path.substr(std::string_view(kOwnScheme).size());
  }
  duckdb::LocalFileSystem local_;
};

}  // namespace

duckdb::unique_ptr<duckdb::FileSystem> own_file_system() {
  return duckdb::make_uniq<OwnFiles>();
}

duckdb::unique_ptr<duckdb::FileSystem> guarded_file_system(std::shared_ptr<std::atomic<bool>> armed) {
  return duckdb::make_uniq<duckdb::VirtualFileSystem>(duckdb::make_uniq<GuardedFiles>(std::move(armed)));
}

duckdb::unique_ptr<duckdb::FileSystem> lake_file_system(std::string store_root) {
  return duckdb::make_uniq<LakeFiles>(std::move(store_root));
}

}  // namespace weir::engine
