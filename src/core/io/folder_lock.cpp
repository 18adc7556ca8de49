#include "core/io/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

namespace weir {

namespace {

constexpr size_t kHolderBytesMax = 200;
constexpr auto kRetry = std::chrono::milliseconds(20);

Error lock_error(const std::string& path, int error) {
  const Code code = error == ENOENT || error == ENOTDIR ? Code::not_found : Code::io;
  return Error(code, "cannot lock " + path + ": " + std::generic_category().message(error));
}

// What the holder wrote about itself, without what could disturb a terminal.
std::string holder_of(int fd) {
  char text[kHolderBytesMax];
  const ssize_t size = ::pread(fd, text, sizeof text, 0);
  std::string holder;
  for (ssize_t i = 0; i < size && text[i] != '\n'; ++i)
    holder += static_cast<unsigned char>(text[i]) < 0x20 ? '?' : text[i];
  return holder.empty() ? "another process" : holder;
}

}  // namespace

Result<std::unique_ptr<FolderLock>> FolderLock::acquire(const std::string& path, const std::string& holder,
                                                        Duration patience) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return lock_error(path, errno);
  std::unique_ptr<FolderLock> lock(new FolderLock(fd));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(patience.micros);
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return lock_error(path, errno);
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error(Code::busy, path + " is held by " + holder_of(fd) + "; waited " + format_duration(patience),
                   "stop it, or talk to it");
    }
    std::this_thread::sleep_for(kRetry);
  }
  // Only words for the next one: if they cannot be written, the lock holds all the same.
  const std::string line = holder.substr(0, kHolderBytesMax - 1) + "\n";
  if (::ftruncate(fd, 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(fd, line.data(), line.size(), 0);
  }
  return lock;
}

FolderLock::~FolderLock() {
  ::close(fd_);
}

}  // namespace weir
