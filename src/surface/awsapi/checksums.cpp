#include "surface/awsapi/checksums.h"

#include <openssl/evp.h>

#include <array>
#include <string>

#include "core/base/text.h"

namespace weir::awsapi {
namespace {

// Table of a reflected CRC of up to 64 bits.
std::array<uint64_t, 256> table_of(uint64_t polynomial) {
  std::array<uint64_t, 256> out{};
  for (uint64_t i = 0; i < 256; ++i) {
    uint64_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? polynomial : 0);
    out[i] = value;
  }
  return out;
}

// The CRC of `bits` bits as its bytes, most significant first.
std::string crc(std::string_view bytes, uint64_t polynomial, int bits) {
  const auto table = table_of(polynomial);
  const uint64_t ones = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  uint64_t value = ones;
  for (const char c : bytes) value = (value >> 8) ^ table[(value ^ static_cast<unsigned char>(c)) & 0xff];
  value ^= ones;
  std::string out;
  for (int shift = bits - 8; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xff);
  return out;
}

std::string digest(std::string_view bytes, const EVP_MD* method) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out, &size, method, nullptr) != 1) return {};
  return {reinterpret_cast<const char*>(out), size};
}

constexpr uint64_t kCrc32 = 0xEDB88320, kCrc32c = 0x82F63B78, kCrc64Nvme = 0x9A6C9329AC4BC9B5;

}  // namespace

Status check_body(const http::Request& request) {
  const auto check = [&](const char* name, const auto& compute) -> Status {
    const std::string_view sent = trim(request.header(name));
    if (sent.empty() || base64_encode(compute(request.body)) == sent) return {};
    return Error(Code::invalid, std::string("the body does not have the ") + name + " that was sent: it was damaged");
  };
  TRY(check("content-md5", [](std::string_view body) { return digest(body, EVP_md5()); }));
  TRY(check("x-amz-checksum-sha1", [](std::string_view body) { return digest(body, EVP_sha1()); }));
  TRY(check("x-amz-checksum-sha256", [](std::string_view body) { return digest(body, EVP_sha256()); }));
  TRY(check("x-amz-checksum-crc32", [](std::string_view body) { return crc(body, kCrc32, 32); }));
  TRY(check("x-amz-checksum-crc32c", [](std::string_view body) { return crc(body, kCrc32c, 32); }));
  return check("x-amz-checksum-crc64nvme", [](std::string_view body) { return crc(body, kCrc64Nvme, 64); });
}

}  // namespace weir::awsapi
