#include "core/base/cipher.h"

#include <gtest/gtest.h>

#include "core/base/text.h"

namespace weir {
namespace {

class Counting final : public Random {
 public:
  uint64_t next() override { return ++last_; }

 private:
  uint64_t last_ = 0;
};

// Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega), with a key of 256 bits.
TEST(Cipher, seals_as_published) {
  const auto bytes = [](const char* hex) { return *hex_decode(hex); };
  const std::string key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const std::string nonce = bytes("cafebabefacedbaddecaf888");
  const std::string beside = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string plain = bytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
      "ba637b39");
  const CipherUse use{.key = key, .nonce = nonce, .beside = beside};
  const auto sealed = seal_bytes(use, plain);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(
      hex_encode(*sealed),
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
      "bcc9f66276fc6ece0f4e1768cddf8853bb2d551b");
  EXPECT_EQ(*unseal_bytes(use, *sealed), plain);
}

TEST(Cipher, what_was_changed_does_not_open) {
  Counting random;
  const std::string key = random_bytes(random, kCipherKeyBytes), nonce = random_bytes(random, kCipherNonceBytes);
  const CipherUse use{.key = key, .nonce = nonce, .beside = "name"};
  const std::string sealed = *seal_bytes(use, "text");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(unseal_bytes(use, changed).error().code, Code::corrupt) << i;
    EXPECT_FALSE(unseal_bytes(use, sealed.substr(0, i))) << i;
  }
  EXPECT_FALSE(unseal_bytes({.key = key, .nonce = nonce, .beside = "another"}, sealed));
  EXPECT_EQ(unseal_bytes({.key = key, .nonce = nonce}, *seal_bytes({.key = key, .nonce = nonce}, "")).value(), "");
}

TEST(Cipher, a_key_is_32_bytes_in_either_writing) {
  const std::string key(32, 'k');
  EXPECT_EQ(*parse_cipher_key(hex_encode(key)), key);
  EXPECT_EQ(*parse_cipher_key(base64_encode(key)), key);
  for (const char* wrong : {"", "short", "zz"}) EXPECT_EQ(parse_cipher_key(wrong).error().code, Code::invalid);
}

}  // namespace
}  // namespace weir
