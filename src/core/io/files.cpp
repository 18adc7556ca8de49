// What can be said about paths and files through the interface alone, for every implementation of it.
#include "core/io/files.h"

namespace weir {

namespace {

std::string_view without_trailing_slashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

Status write_and_rename(Files& files, const std::string& staging, const std::string& path, std::string_view bytes) {
  {
    TRY_ASSIGN(const auto file, files.open(staging, OpenMode::create));
    TRY(file->truncate(0));  // an earlier attempt may have died here
    TRY(file->write_at(0, bytes));
    TRY(file->sync());
  }
  TRY(files.rename(staging, path));
  return files.sync_directory(parent_path(path));
}

}  // namespace

Result<std::string> read_file(Files& files, const std::string& path, uint64_t bytes_max) {
  TRY_ASSIGN(const auto file, files.open(path, OpenMode::read));
  TRY_ASSIGN(const uint64_t size, file->size());
  if (size > bytes_max) {
    return Error(Code::too_large,
                 path + " has " + std::to_string(size) + " bytes, allowed here are " + std::to_string(bytes_max));
  }
  std::string bytes(size, '\0');
  TRY_ASSIGN(const size_t read, file->read_at(0, bytes.data(), bytes.size()));
  bytes.resize(read);
  return bytes;
}

Status replace_file(Files& files, const std::string& path, std::string_view bytes) {
  // One fixed name, so that a crash leaves at most one stray file, which the next replacement takes over.
  const std::string staging = path + ".staging";
  Status status = write_and_rename(files, staging, path, bytes);
  if (!status) {
    const Status removed = files.remove(staging);  // best effort: the first error is the one that matters
    static_cast<void>(removed);
  }
  return status;
}

std::string parent_path(std::string_view path) {
  path = without_trailing_slashes(path);
  if (path == "/") return "/";
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(without_trailing_slashes(path.substr(0, slash + 1)));
}

std::string join_path(std::string_view folder, std::string_view name) {
  std::string path(without_trailing_slashes(folder));
  if (!path.empty() && path.back() != '/') path += '/';
  path += name;
  return path;
}

}  // namespace weir
