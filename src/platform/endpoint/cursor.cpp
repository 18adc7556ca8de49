#include "platform/endpoint/cursor.h"

#include "core/base/hash.h"
#include "core/base/text.h"
#include "platform/endpoint/paged_file.h"

namespace weir::endpoint {
namespace {

constexpr char kVersion = 1;
constexpr size_t kPayloadBytes = 1 + 8 * 3 + 4 + 8;
constexpr size_t kSignatureBytes = 16;  // of 32: 128 bits that nobody guesses

std::string signature(std::string_view payload, std::string_view key, std::string_view bound) {
  std::string signed_bytes(payload);
  signed_bytes += bound;
  return hmac_sha256(key, signed_bytes).substr(0, kSignatureBytes);
}

}  // namespace

std::string encode_cursor(const Cursor& cursor, std::string_view key, std::string_view bound) {
  std::string bytes(1, kVersion);
  put_u64(bytes, static_cast<uint64_t>(cursor.from));
  put_u64(bytes, static_cast<uint64_t>(cursor.to));
  put_u64(bytes, static_cast<uint64_t>(cursor.value));
  put_u32(bytes, cursor.given);
  put_u64(bytes, cursor.version);
  bytes += signature(bytes, key, bound);
  return base64url_encode(bytes);
}

std::optional<Cursor> decode_cursor(std::string_view text, std::string_view key, std::string_view bound) {
  if (text.size() > kCursorBytesMax) return std::nullopt;
  const auto bytes = base64url_decode(text);
  if (!bytes || bytes->size() != kPayloadBytes + kSignatureBytes) return std::nullopt;
  const std::string_view payload = std::string_view(*bytes).substr(0, kPayloadBytes);
  if (!constant_time_equal(signature(payload, key, bound), std::string_view(*bytes).substr(kPayloadBytes))) {
    return std::nullopt;
  }
  if (payload[0] != kVersion) return std::nullopt;
  Cursor out;
  out.from = static_cast<int64_t>(u64_at(payload, 1));
  out.to = static_cast<int64_t>(u64_at(payload, 9));
  out.value = static_cast<int64_t>(u64_at(payload, 17));
  out.given = u32_at(payload, 25);
  out.version = u64_at(payload, 29);
  return out;
}

}  // namespace weir::endpoint
