// Files: the only way our code touches a disk, so that tests/sim can stand in for one that loses power.
//
// The contract every implementation keeps, and every caller relies on:
//   - bytes written are durable only after sync() of that file returned success;
//   - a created, renamed or removed name is durable only after sync_directory() of its folder;
//   - a failed sync() means nothing written since the last good one may be trusted, and must not be retried.
// A Files and its File objects may be used from any thread; one File must not be written from two threads at once.
// Paths are plain UTF-8 text. Errors: not_found, no_space (ENOSPC, EDQUOT), io (everything else, with errno's words).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir {

class File {
 public:
  virtual ~File() = default;  // closes; never syncs

  // Reads up to `size` bytes at `offset`; fewer only at the end of the file. Returns the number read.
  virtual Result<size_t> read_at(uint64_t offset, char* into, size_t size) const = 0;
  // Writes all bytes at `offset`, growing the file if needed (a hole reads as zeros).
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;
  // fdatasync: everything written so far survives a power cut once this returns success.
  virtual Status sync() = 0;
  virtual Status truncate(uint64_t size) = 0;
  virtual Result<uint64_t> size() const = 0;
  // When it was last written, since 1970, as the disk tells; 0: not known.
  virtual int64_t modified_micros() const { return 0; }
};

enum class OpenMode {
  read,        // must exist
  read_write,  // must exist
  create,      // read and write; created if missing, kept if there
  create_new,  // read and write; `conflict` if there
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
  uint64_t size = 0;
  int64_t modified_micros = 0;  // since 1970, as the disk tells; 0: not known
};

class Files {
 public:
  virtual ~Files() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Replaces `to` if it exists (both on one file system).
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;  // a file or an empty folder
  virtual Status make_directories(
      const std::string& path) = 0;  // parents too, mode 0700; parents of new ones are synced
  virtual Status sync_directory(const std::string& path) = 0;
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;  // sorted by name, without . and ..
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Result<uint64_t> free_bytes(const std::string& path) = 0;
};

// The machine's own disk. Lives as long as the program.
Files& real_files();

// --- ways that are used everywhere -------------------------------------------------------------------------------

Result<std::string> read_file(Files& files, const std::string& path, uint64_t bytes_max = 64ull << 20);
// Durable replace: staging name beside the target, sync, rename, sync the folder. Readers see the old or the new whole.
Status replace_file(Files& files, const std::string& path, std::string_view bytes);
std::string parent_path(std::string_view path);
std::string join_path(std::string_view folder, std::string_view name);

}  // namespace weir
