#include "core/base/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <bit>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/check.h"
#include "core/base/text.h"

namespace weir {
namespace {

static_assert(std::endian::native == std::endian::little, "words are loaded as they lie in memory");

uint64_t load_word(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  uint64_t squeeze() {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

Fingerprint fingerprint(const HashKey& key, std::string_view bytes) noexcept {
  // The constants spell "somepseudorandomlygeneratedbytes"; 0xee and 0xdd mark the 128-bit variant.
  SipState state{key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du ^ 0xeeu, key.k0 ^ 0x6c7967656e657261u,
                 key.k1 ^ 0x7465646279746573u};
  size_t whole = bytes.size() & ~size_t{7};
  for (size_t at = 0; at < whole; at += 8) state.absorb(load_word(bytes.data() + at));
  uint64_t last = static_cast<uint64_t>(bytes.size()) << 56;
  for (size_t at = whole; at < bytes.size(); ++at) {
    last |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at])) << (8 * (at - whole));
  }
  state.absorb(last);
  Fingerprint out;
  state.v2 ^= 0xeeu;
  out.high = state.squeeze();
  state.v1 ^= 0xddu;
  out.low = state.squeeze();
  return out;
}

uint64_t checksum64(std::string_view bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

struct Checksum64::State {
  XXH3_state_t xxh;
};

Checksum64::Checksum64() : state_(std::make_unique<State>()) {
  XXH3_64bits_reset(&state_->xxh);
}
Checksum64::~Checksum64() = default;

void Checksum64::add(std::string_view bytes) noexcept {
  XXH3_64bits_update(&state_->xxh, bytes.data(), bytes.size());
}

uint64_t Checksum64::value() const noexcept {
  return XXH3_64bits_digest(&state_->xxh);
}

std::string sha256(std::string_view bytes) {
  std::string out(32, '\0');
  unsigned size = 0;
  int good = EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size, EVP_sha256(),
                        nullptr);
  CHECK(good == 1 && size == 32, "OpenSSL offers no SHA-256");
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  return hex_encode(sha256(bytes));
}

std::string sha2_hex(int bits, std::string_view bytes) {
  const EVP_MD* kind = bits == 224   ? EVP_sha224()
                       : bits == 256 ? EVP_sha256()
                       : bits == 384 ? EVP_sha384()
                       : bits == 512 ? EVP_sha512()
                                     : nullptr;
  if (kind == nullptr) return "";
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  const int good =
      EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size, kind, nullptr);
  CHECK(good == 1, "OpenSSL offers no SHA-2");
  return hex_encode(out.substr(0, size));
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  constexpr size_t kKeyBytesMax = 1u << 20;
  CHECK(key.size() <= kKeyBytesMax, "an HMAC key this long is a mistake");
  std::string out(32, '\0');
  unsigned size = 0;
  auto* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
           bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size);
  CHECK(done != nullptr && size == 32, "OpenSSL offers no HMAC-SHA-256");
  return out;
}

}  // namespace weir
