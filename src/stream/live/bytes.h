// Numbers and texts as bytes, little-endian, for what checkpoints hold. A reader that runs out of bytes answers zeros
// and says so at the end. One thread at a time.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace weir::live {

class ByteWriter {
 public:
  explicit ByteWriter(std::string& into) : into_(into) {}
  void number(uint64_t value) {
    char bytes[8];
    std::memcpy(bytes, &value, 8);
    into_.append(bytes, 8);
  }
  void real(double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, 8);
    number(bits);
  }
  void text(std::string_view value) {
    number(value.size());
    into_ += value;
  }

 private:
  std::string& into_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t number() {
    uint64_t out = 0;
    if (!has(8)) return out;
    std::memcpy(&out, bytes_.data(), 8);
    bytes_.remove_prefix(8);
    return out;
  }
  double real() {
    const uint64_t bits = number();
    double out;
    std::memcpy(&out, &bits, 8);
    return out;
  }
  std::string text() {
    const uint64_t size = number();
    if (!has(size)) return {};
    std::string out(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return out;
  }
  bool is_good() const { return is_good_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  bool has(uint64_t size) {
    is_good_ = is_good_ && size <= bytes_.size();
    return is_good_;
  }
  std::string_view bytes_;
  bool is_good_ = true;
};

}  // namespace weir::live
