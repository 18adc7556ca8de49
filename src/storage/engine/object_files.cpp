// weirobject://OBJECT: what an ObjectSource opens, for DuckDB's readers of CSV, JSON and Parquet.
//
// Only statements of our own and the scan of an external table may name it, as with weirown:// (guard.cpp). Reads go
// through to the source in the ranges that DuckDB asks for; a statement that is stopped stops its reads. An error of
// the source comes back as what it is.
#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

using duckdb::FileOpener;
using duckdb::optional_ptr;
using duckdb::string;

// The statement's own flag, for as long as somebody holds it.
std::shared_ptr<const std::atomic<bool>> interrupted_flag(duckdb::ClientContext& context) {
  auto holder = std::make_shared<duckdb::shared_ptr<duckdb::ClientContext>>(context.shared_from_this());
  return {holder, &(*holder)->interrupted};
}

class ObjectHandle final : public duckdb::FileHandle {
 public:
  ObjectHandle(duckdb::FileSystem& system, const string& path_in, duckdb::FileOpenFlags flags_in,
               duckdb::shared_ptr<ConnectionState> state_in, std::unique_ptr<BlobFile> file_in, uint64_t size_in)
      : FileHandle(system, path_in, flags_in), state(std::move(state_in)), file(std::move(file_in)), size(size_in) {}
  void Close() override { file.reset(); }

  const duckdb::shared_ptr<ConnectionState> state;
  std::unique_ptr<BlobFile> file;
  const uint64_t size;
  uint64_t at = 0;
};

class ObjectFiles final : public duckdb::FileSystem {
 public:
  explicit ObjectFiles(ObjectSource& objects) : objects_(objects) {}
  bool CanHandleFile(const string& path) override { return path.starts_with(kObjectScheme); }
  std::string GetName() const override { return "WeirObjectFileSystem"; }

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const string& path, duckdb::FileOpenFlags flags,
                                                  optional_ptr<FileOpener> opener) override {
    if (flags.OpenForWriting() || flags.CreateFileIfNotExists() || flags.OverwriteExistingFile()) {
      throw duckdb::PermissionException("\"%s\" can only be read", path);
    }
    optional_ptr<duckdb::ClientContext> context = opener ? opener->TryGetClientContext() : nullptr;
    const auto state = context ? ConnectionState::of(*context) : nullptr;
    if (!state || (state->trust != Trust::own && !state->may_read(path))) {
      throw duckdb::PermissionException("statements cannot open files; \"%s\" is refused", path);
    }
    auto opened = objects_.open_object(path.substr(std::string_view(kObjectScheme).size()), interrupted_flag(*context));
    if (!opened) fail(*state, opened.error());
    const auto size = (*opened)->size();
    if (!size) fail(*state, size.error());
    return duckdb::make_uniq<ObjectHandle>(*this, path, flags, state, std::move(*opened), *size);
  }

  void Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes, duckdb::idx_t location) override {
    auto& object = handle.Cast<ObjectHandle>();
    if (read(object, buffer, bytes, location) == bytes) return;
    fail(*object.state, Error(Code::io, "\"" + object.path + "\" ends at " + std::to_string(object.size) +
                                            ", and more was to be read"));
  }
  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes) override {
    auto& object = handle.Cast<ObjectHandle>();
    const int64_t count = read(object, buffer, bytes, object.at);
    object.at += static_cast<uint64_t>(count);
    return count;
  }

  int64_t GetFileSize(duckdb::FileHandle& handle) override {
    return static_cast<int64_t>(handle.Cast<ObjectHandle>().size);
  }
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle& handle) override {
    return duckdb::timestamp_t(handle.Cast<ObjectHandle>().file->modified_micros());
  }
  // What DuckDB compares before it takes bytes from a cache of its own.
  string GetVersionTag(duckdb::FileHandle& handle) override { return handle.Cast<ObjectHandle>().file->version(); }
  duckdb::FileType GetFileType(duckdb::FileHandle&) override { return duckdb::FileType::FILE_TYPE_REGULAR; }
  void Seek(duckdb::FileHandle& handle, duckdb::idx_t location) override { handle.Cast<ObjectHandle>().at = location; }
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override { return handle.Cast<ObjectHandle>().at; }
  bool CanSeek() override { return true; }
  bool OnDiskFile(duckdb::FileHandle&) override { return false; }
  bool IsPipe(const string&, optional_ptr<FileOpener>) override { return false; }
  bool DirectoryExists(const string&, optional_ptr<FileOpener>) override { return false; }
  // A path names one object: * and [ are part of its name. Whether it is there is found when it is opened.
  bool FileExists(const string&, optional_ptr<FileOpener>) override { return true; }
  duckdb::vector<duckdb::OpenFileInfo> Glob(const string& path, FileOpener*) override {
    return {duckdb::OpenFileInfo(path)};
  }

 private:
  [[noreturn]] static void fail(ConnectionState& state, const Error& error) {
    state.remember(error);
    throw duckdb::IOException(error.text());
  }
  static int64_t read(ObjectHandle& object, void* buffer, int64_t bytes, uint64_t location) {
    const auto count = object.file->read_at(location, static_cast<char*>(buffer), static_cast<size_t>(bytes));
    if (!count) fail(*object.state, count.error());
    return static_cast<int64_t>(*count);
  }

  ObjectSource& objects_;
};

}  // namespace

duckdb::unique_ptr<duckdb::FileSystem> object_file_system(ObjectSource& objects) {
  return duckdb::make_uniq<ObjectFiles>(objects);
}

}  // namespace weir::engine
