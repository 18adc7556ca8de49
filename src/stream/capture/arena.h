// Bytes that live as long as a request: handed out from large blocks, given back all at once.
// One thread at a time; what is handed out stays where it is until reset().
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace weir::capture {

class Arena {
 public:
  char* take(size_t size) {
    if (size > left_) grow(size);
    char* out = at_;
    at_ += size;
    left_ -= size;
    return out;
  }
  std::string_view keep(std::string_view text) {
    char* out = take(text.size());
    text.copy(out, text.size());
    return {out, text.size()};
  }
  // Keeps one block of the usual size for the next request.
  void reset() {
    if (blocks_.size() > 1 || (!blocks_.empty() && first_bytes_ != kBlockBytes)) blocks_.clear();
    at_ = blocks_.empty() ? nullptr : blocks_.front().get();
    left_ = blocks_.empty() ? 0 : first_bytes_;
  }

 private:
  static constexpr size_t kBlockBytes = 64 << 10;
  void grow(size_t size) {
    const size_t bytes = size > kBlockBytes ? size : kBlockBytes;
    if (blocks_.empty()) first_bytes_ = bytes;
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(bytes));
    at_ = blocks_.back().get();
    left_ = bytes;
  }
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t first_bytes_ = 0;
  char* at_ = nullptr;
  size_t left_ = 0;
};

}  // namespace weir::capture
