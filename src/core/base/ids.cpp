#include "core/base/ids.h"

#include <array>

#include "core/base/text.h"

namespace weir {
namespace {

constexpr uint64_t kVariant = 0x8000'0000'0000'0000u;  // the two bits "10" that open the second half
constexpr uint64_t kVariantMask = 0x3FFF'FFFF'FFFF'FFFFu;

constexpr std::array<uint8_t, 256> hex_table() {
  std::array<uint8_t, 256> table{};
  for (auto& entry : table) entry = 0xFF;
  for (uint8_t i = 0; i < 10; ++i) table[static_cast<size_t>('0' + i)] = i;
  for (uint8_t i = 0; i < 6; ++i) {
    table[static_cast<size_t>('a' + i)] = static_cast<uint8_t>(10 + i);
    table[static_cast<size_t>('A' + i)] = static_cast<uint8_t>(10 + i);
  }
  return table;
}
constexpr auto kHexTable = hex_table();

// Where each of the 16 bytes begins in the text.
constexpr std::array<uint8_t, 16> kByteAt = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

}  // namespace

bool parse_uuid_fast(std::string_view text, Uuid& into) noexcept {
  if (text.size() != kUuidTextBytes) return false;
  if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
  uint64_t half[2] = {0, 0};
  unsigned wrong = 0;
  for (size_t i = 0; i < 16; ++i) {
    unsigned high = kHexTable[static_cast<uint8_t>(text[kByteAt[i]])];
    unsigned low = kHexTable[static_cast<uint8_t>(text[kByteAt[i] + 1u])];
    wrong |= high | low;
    half[i / 8] = half[i / 8] << 8 | (high << 4 | low);
  }
  if ((wrong & 0xF0u) != 0) return false;
  into = {half[0], half[1]};
  return true;
}

Result<Uuid> parse_uuid(std::string_view text) {
  Uuid out;
  if (parse_uuid_fast(text, out)) return out;
  return Error(Code::invalid, shown(text) + " is no UUID",
               "write it as 8-4-4-4-12 hexadecimal digits, for example 01890a5d-ac96-774b-bcce-b302099a8057");
}

void format_uuid(const Uuid& uuid, char into[kUuidTextBytes]) noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  into[8] = into[13] = into[18] = into[23] = '-';
  for (size_t i = 0; i < 16; ++i) {
    uint64_t half = i < 8 ? uuid.high : uuid.low;
    unsigned byte = static_cast<unsigned>(half >> (56 - 8 * (i % 8)) & 0xFFu);
    into[kByteAt[i]] = kDigits[byte >> 4];
    into[kByteAt[i] + 1u] = kDigits[byte & 15u];
  }
}

std::string format_uuid(const Uuid& uuid) {
  std::string out(kUuidTextBytes, '\0');
  format_uuid(uuid, out.data());
  return out;
}

Uuid uuid_v7(const Clock& clock, Random& random) {
  int64_t micros = clock.wall().micros;
  uint64_t positive = micros > 0 ? static_cast<uint64_t>(micros) : 0;  // a clock before 1970 gives the smallest ids
  uint64_t milliseconds_48 = positive / 1000 & 0xFFFF'FFFF'FFFFu;
  uint64_t fraction_12 = positive % 1000 * 4096 / 1000;
  return {milliseconds_48 << 16 | 0x7000u | fraction_12, (random.next() & kVariantMask) | kVariant};
}

Uuid uuid_from_hash(const Fingerprint& hash) noexcept {
  return {(hash.high & ~uint64_t{0xF000}) | 0x8000u, (hash.low & kVariantMask) | kVariant};
}

std::string random_token(Random& random, std::string_view prefix) {
  constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string out(prefix);
  // Twelve characters of five bits use 60 of each 64 bits drawn.
  for (size_t made = 0; made < 32;) {
    uint64_t bits = random.next();
    for (int i = 0; i < 12 && made < 32; ++i, ++made, bits >>= 5) out += kAlphabet[bits & 31u];
  }
  return out;
}

}  // namespace weir
