// Hashes, each for one purpose: keyed fingerprints where strangers choose the input, checksums where only accidents do,
// SHA-256 where somebody would gain by a collision. Pure functions, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir {

// 128 bits that stand for a key in the deduplication index. `high` is the first word of SipHash's output, `low` the
// second.
struct Fingerprint {
  uint64_t high = 0;
  uint64_t low = 0;
  friend constexpr auto operator<=>(const Fingerprint&, const Fingerprint&) = default;
};

// Secret, random, made once per folder: without it nobody can find two keys with one fingerprint.
struct HashKey {
  uint64_t k0 = 0;
  uint64_t k1 = 0;
};

// SipHash-2-4 with 128 bits of output. The key's words are little-endian halves of the 16 key bytes.
Fingerprint fingerprint(const HashKey& key, std::string_view bytes) noexcept;

// XXH3, 64 bits: finds damage, not malice. The same on every machine; part of the formats on disk.
uint64_t checksum64(std::string_view bytes) noexcept;

// The same of bytes that come in pieces.
class Checksum64 {
 public:
  Checksum64();
  ~Checksum64();
  void add(std::string_view bytes) noexcept;
  uint64_t value() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256(std::string_view bytes);                             // 32 bytes
std::string sha256_hex(std::string_view bytes);                         // 64 lower-case digits
// SHA-2 of 224, 256, 384 or 512 bits in lower-case digits; empty for any other number.
std::string sha2_hex(int bits, std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 bytes

}  // namespace weir
