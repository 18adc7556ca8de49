// FolderLock: one owner of a folder at a time, by flock on a file in it. The kernel gives it back when the owner dies,
// however it dies; the file stays and says who holds it, for the words of whoever comes second. Not for NFS.
// Held until destroyed. acquire() may be called from any thread and blocks for at most `patience`.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/base/time.h"

namespace weir {

class FolderLock {
 public:
  // `holder` is one line that names us ("weir serve, process 123, since …"). `busy` if another holds it for longer than
  // `patience`; the message quotes its line.
  static Result<std::unique_ptr<FolderLock>> acquire(const std::string& path, const std::string& holder,
                                                     Duration patience = seconds(5));
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace weir
