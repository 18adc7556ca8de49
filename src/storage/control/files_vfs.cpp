#include "storage/control/files_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "core/base/text.h"

namespace weir::control {
namespace {

struct OpenFile {
  sqlite3_file base;  // first: SQLite sees only this
  Files* files;
  std::unique_ptr<File>* file;
  std::string* path;
  bool name_unsynced;
};

OpenFile* self(sqlite3_file* file) {
  return reinterpret_cast<OpenFile*>(file);
}
int code_of(const Error& error, int otherwise) {
  return error.code == Code::no_space ? SQLITE_FULL : otherwise;
}

int close_file(sqlite3_file* file) {
  delete self(file)->file;
  delete self(file)->path;
  return SQLITE_OK;
}

int read_file_at(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  auto read =
      (*self(file)->file)->read_at(static_cast<uint64_t>(offset), static_cast<char*>(into), static_cast<size_t>(size));
  if (!read) return SQLITE_IOERR_READ;
  if (*read == static_cast<size_t>(size)) return SQLITE_OK;
  std::memset(static_cast<char*>(into) + *read, 0, static_cast<size_t>(size) - *read);
  return SQLITE_IOERR_SHORT_READ;
}

int write_file_at(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  const std::string_view bytes(static_cast<const char*>(from), static_cast<size_t>(size));
  auto written = (*self(file)->file)->write_at(static_cast<uint64_t>(offset), bytes);
  return written ? SQLITE_OK : code_of(written.error(), SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return (*self(file)->file)->truncate(static_cast<uint64_t>(size)) ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int sync_file(sqlite3_file* file, int) {
  OpenFile* open = self(file);
  if (!(*open->file)->sync()) return SQLITE_IOERR_FSYNC;
  if (!open->name_unsynced) return SQLITE_OK;
  if (!open->files->sync_directory(parent_path(*open->path))) return SQLITE_IOERR_DIR_FSYNC;
  open->name_unsynced = false;
  return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  auto found = (*self(file)->file)->size();
  if (!found) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(*found);
  return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) {
  return SQLITE_OK;
}
int check_lock(sqlite3_file*, int* locked) {
  *locked = 0;
  return SQLITE_OK;
}
int file_control(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
  return 4096;
}
int device_characteristics(sqlite3_file*) {
  return 0;
}  // nothing is promised: the strictest reading

const sqlite3_io_methods kMethods = {
    1,         close_file, read_file_at, write_file_at, truncate_file,          sync_file, size_of_file, lock_file,
    lock_file, check_lock, file_control, sector_size,   device_characteristics, nullptr,   nullptr,      nullptr,
    nullptr,   nullptr,    nullptr};

Files& files_of(sqlite3_vfs* vfs) {
  return static_cast<FilesVfs*>(vfs->pAppData)->files();
}

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  OpenFile* open = self(file);
  open->base.pMethods = nullptr;
  if (path == nullptr) return SQLITE_CANTOPEN;  // a temporary file: temp_store=MEMORY asks for none
  Files& files = files_of(vfs);
  auto opened = files.open(path, (flags & SQLITE_OPEN_CREATE) != 0 ? OpenMode::create : OpenMode::read_write);
  if (!opened) return code_of(opened.error(), SQLITE_CANTOPEN);
  open->files = &files;
  open->file = new (std::nothrow) std::unique_ptr<File>(std::move(*opened));
  open->path = new (std::nothrow) std::string(path);
  // As SQLite's own code does it: also a file that is there may have been created by a program that was killed before
  // it synced the name.
  open->name_unsynced = (flags & SQLITE_OPEN_CREATE) != 0;
  open->base.pMethods = &kMethods;
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  auto removed = files_of(vfs).remove(path);
  if (!removed) return removed.error().code == Code::not_found ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
  if (sync_directory != 0 && !files_of(vfs).sync_directory(parent_path(path))) return SQLITE_IOERR_DIR_FSYNC;
  return SQLITE_OK;
}

int access_file(sqlite3_vfs* vfs, const char* path, int, int* answer) {
  auto there = files_of(vfs).exists(path);
  if (!there) return SQLITE_IOERR_ACCESS;
  *answer = *there ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* into) {
  const size_t length = std::strlen(path);
  if (length + 1 > static_cast<size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(into, path, length + 1);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int size,
               char* into) {  // salts of the log; a seed's replay must not depend on the machine
  for (int i = 0; i < size; ++i) into[i] = static_cast<char>(i * 37 + 11);
  return size;
}
int sleep_micros(sqlite3_vfs*, int micros) {
  return micros;
}
int current_time(sqlite3_vfs*, double* julian_day) {
  *julian_day = 2440587.5;
  return SQLITE_OK;
}
int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

}  // namespace

FilesVfs::FilesVfs(Files& files) : files_(files), vfs_(std::make_unique<sqlite3_vfs>()) {
  const auto address = reinterpret_cast<uintptr_t>(this);
  name_ = "weir-files-" + std::to_string(address);
  *vfs_ = {};
  vfs_->iVersion = 1;
  vfs_->szOsFile = sizeof(OpenFile);
  vfs_->mxPathname = 4096;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = this;
  vfs_->xOpen = open_file;
  vfs_->xDelete = delete_file;
  vfs_->xAccess = access_file;
  vfs_->xFullPathname = full_path;
  vfs_->xRandomness = randomness;
  vfs_->xSleep = sleep_micros;
  vfs_->xCurrentTime = current_time;
  vfs_->xGetLastError = last_error;
}

Result<std::unique_ptr<FilesVfs>> FilesVfs::install(Files& files) {
  std::unique_ptr<FilesVfs> vfs(new FilesVfs(files));
  if (sqlite3_vfs_register(vfs->vfs_.get(), 0) != SQLITE_OK)
    return Error(Code::internal, "SQLite refused our file system");
  return vfs;
}

FilesVfs::~FilesVfs() {
  sqlite3_vfs_unregister(vfs_.get());
}

}  // namespace weir::control
