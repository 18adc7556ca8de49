#include "core/base/cipher.h"

#include <openssl/evp.h>

#include <memory>

#include "core/base/check.h"
#include "core/base/text.h"

namespace weir {
namespace {

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

void check_use(const CipherUse& use) {
  CHECK(use.key.size() == kCipherKeyBytes && use.nonce.size() == kCipherNonceBytes,
        "AES-256-GCM takes a key of 32 bytes and a nonce of 12");
}

}  // namespace

Result<std::string> seal_bytes(const CipherUse& use, std::string_view plain) {
  check_use(use);
  const Cipher cipher(EVP_CIPHER_CTX_new());
  std::string out(plain.size() + kCipherTagBytes, '\0');
  int length = 0;
  const bool done =
      cipher &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(use.key), bytes_of(use.nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes_of(use.beside), static_cast<int>(use.beside.size())) ==
          1 &&
      EVP_EncryptUpdate(cipher.get(), bytes_of(out), &length, bytes_of(plain), static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), bytes_of(out) + length, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kCipherTagBytes, bytes_of(out) + plain.size()) == 1;
  if (!done) return Error(Code::internal, "OpenSSL could not seal bytes");
  return out;
}

Result<std::string> unseal_bytes(const CipherUse& use, std::string_view sealed) {
  check_use(use);
  const Error damaged(Code::corrupt, "the sealed bytes were changed, or sealed with another key");
  if (sealed.size() < kCipherTagBytes) return damaged;
  const std::string_view text = sealed.substr(0, sealed.size() - kCipherTagBytes);
  std::string tag(sealed.substr(text.size()));
  const Cipher cipher(EVP_CIPHER_CTX_new());
  std::string out(text.size(), '\0');
  int length = 0;
  const bool done =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(use.key), bytes_of(use.nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes_of(use.beside), static_cast<int>(use.beside.size())) ==
          1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(out), &length, bytes_of(text), static_cast<int>(text.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kCipherTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(out) + length, &length) == 1;
  if (!done) return damaged;
  return out;
}

std::string random_bytes(Random& random, size_t count) {
  std::string out;
  while (out.size() < count) {
    const uint64_t word = random.next();
    out.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  out.resize(count);
  return out;
}

Result<std::string> parse_cipher_key(std::string_view text) {
  auto decoded = text.size() == 2 * kCipherKeyBytes ? hex_decode(text) : base64_decode(text);
  if (decoded && decoded->size() == kCipherKeyBytes) return decoded;
  return Error(Code::invalid, "the key is not 32 bytes as 64 hexadecimal digits or base64", "openssl rand -hex 32");
}

}  // namespace weir
