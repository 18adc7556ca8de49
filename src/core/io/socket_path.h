// A Unix socket whose path is too long for a socket's name (107 bytes) is reached through its folder's descriptor:
// /proc/self/fd/N/weir.sock. Used by the client and by the listener alike. The object keeps the descriptor open and
// must live as long as the text is used.
#pragma once

#include <string>

#include "core/base/result.h"

namespace weir {

inline constexpr size_t kSocketPathBytesMax = 107;

class SocketPath {
 public:
  // The folder must exist if the path is long; the socket need not.
  static Result<SocketPath> of(const std::string& path);
  ~SocketPath();
  SocketPath(SocketPath&& other) noexcept;
  SocketPath& operator=(SocketPath&& other) noexcept;

  const std::string& text() const { return text_; }

 private:
  SocketPath(int folder, std::string text) : folder_(folder), text_(std::move(text)) {}
  int folder_ = -1;
  std::string text_;
};

}  // namespace weir
