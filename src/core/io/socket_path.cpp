#include "core/io/socket_path.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/io/files.h"

namespace weir {

Result<SocketPath> SocketPath::of(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    return Error(Code::invalid, "a socket's path is empty or holds a NUL byte");
  }
  if (path.size() <= kSocketPathBytesMax) return SocketPath(-1, path);
  const std::string folder = parent_path(path);
  const int fd = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    const Code code = errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::io;
    return Error(code, "cannot open folder " + folder + ": " + std::generic_category().message(errno));
  }
  SocketPath shortened(fd, "/proc/self/fd/" + std::to_string(fd) + path.substr(path.rfind('/')));
  if (shortened.text_.size() > kSocketPathBytesMax) {
    return Error(Code::invalid, "the socket's name in " + path + " is too long", "use a name of at most 80 bytes");
  }
  return shortened;
}

SocketPath::~SocketPath() {
  if (folder_ >= 0) ::close(folder_);
}

SocketPath::SocketPath(SocketPath&& other) noexcept
    : folder_(std::exchange(other.folder_, -1)), text_(std::move(other.text_)) {}

SocketPath& SocketPath::operator=(SocketPath&& other) noexcept {
  if (this != &other) {
    if (folder_ >= 0) ::close(folder_);
    folder_ = std::exchange(other.folder_, -1);
    text_ = std::move(other.text_);
  }
  return *this;
}

}  // namespace weir
