// Hashes against the published vectors and, for every length up to 300, against OpenSSL's own SipHash.
#include "core/base/hash.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>

#include "core/base/text.h"

namespace weir {
namespace {

// The reference implementation's key: bytes 00 01 .. 0f; message i is the bytes 00 .. i-1.
constexpr HashKey kReferenceKey{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

std::string counting(size_t size) {
  std::string out;
  for (size_t i = 0; i < size; ++i) out += static_cast<char>(i);
  return out;
}

std::string sip_hex(std::string_view message) {
  Fingerprint print = fingerprint(kReferenceKey, message);
  char bytes[16];
  std::memcpy(bytes, &print.high, 8);
  std::memcpy(bytes + 8, &print.low, 8);
  return hex_encode({bytes, 16});
}

std::string openssl_sip_hex(std::string_view message) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  size_t size = 16;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  std::string key = counting(16);
  unsigned char out[16];
  EXPECT_EQ(EVP_MAC_init(context, reinterpret_cast<const unsigned char*>(key.data()), 16, params), 1);
  EXPECT_EQ(EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(message.data()), message.size()), 1);
  EXPECT_EQ(EVP_MAC_final(context, out, &size, sizeof out), 1);
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
  return hex_encode({reinterpret_cast<const char*>(out), 16});
}

TEST(Fingerprint, matches_the_reference_vectors_of_siphash_128) {
  EXPECT_EQ(sip_hex(counting(0)), "a3817f04ba25a8e66df67214c7550293");
  EXPECT_EQ(sip_hex(counting(1)), "da87c1d86b99af44347659119b22fc45");
  EXPECT_EQ(sip_hex(counting(2)), "8177228da4a45dc7fca38bdef60affe4");
  EXPECT_EQ(sip_hex(counting(3)), "9c70b60c5267a94e5f33b6b02985ed51");
  EXPECT_EQ(sip_hex(counting(15)), "5493e99933b0a8117e08ec0f97cfc3d9");
}

TEST(Fingerprint, agrees_with_openssl_for_every_length) {
  for (size_t size = 0; size <= 300; ++size)
    ASSERT_EQ(sip_hex(counting(size)), openssl_sip_hex(counting(size))) << size;
}

TEST(Fingerprint, depends_on_the_key_and_orders_by_the_first_word) {
  EXPECT_NE(fingerprint({1, 2}, "x"), fingerprint({1, 3}, "x"));
  EXPECT_LT((Fingerprint{1, 9}), (Fingerprint{2, 0}));
}

TEST(Checksum, is_xxh3_as_published) {
  EXPECT_EQ(checksum64(""), 0x2d06800538d394c2u);
  EXPECT_NE(checksum64("a"), checksum64("b"));
}

TEST(Sha256, matches_the_published_vectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abc").size(), 32u);
  // RFC 4231, cases 2 and 1.
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_encode(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

}  // namespace
}  // namespace weir
