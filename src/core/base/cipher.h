// AES-256-GCM: bytes that nobody reads or changes without the key. Pure functions, any thread.
//
// A nonce must never be used twice with one key: it is random, or counts, and the caller sees to that.
#pragma once

#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace weir {

inline constexpr size_t kCipherKeyBytes = 32, kCipherNonceBytes = 12, kCipherTagBytes = 16;

struct CipherUse {
  std::string_view key;       // kCipherKeyBytes
  std::string_view nonce;     // kCipherNonceBytes
  std::string_view beside{};  // authenticated with the bytes, and not among them
};
// The sealed bytes, as many as `plain` has, with their tag behind them.
Result<std::string> seal_bytes(const CipherUse& use, std::string_view plain);
// `corrupt` if a byte of them, their order, what is beside them, the nonce or the key is another one.
Result<std::string> unseal_bytes(const CipherUse& use, std::string_view sealed);

std::string random_bytes(Random& random, size_t count);
// 32 bytes written as 64 hexadecimal digits or as base64; `invalid` if they are not.
Result<std::string> parse_cipher_key(std::string_view text);

}  // namespace weir
