// SQLite's view of a disk (a "VFS") over our Files, so that tests/sim can cut the power under the control database too.
// One connection in one thread, exclusive locking: there is no shared memory and locks always succeed. The real program
// does not use it.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/io/files.h"

struct sqlite3_vfs;

namespace weir::control {

class FilesVfs {
 public:
  // Registers itself under a name of its own; the destructor takes it out again.
  static Result<std::unique_ptr<FilesVfs>> install(Files& files);
  ~FilesVfs();
  const char* name() const { return name_.c_str(); }
  Files& files() { return files_; }

 private:
  explicit FilesVfs(Files& files);
  Files& files_;
  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace weir::control
