// Names that nobody has to agree on: UUIDs (random by time, or derived from a fingerprint) and secret tokens.
// Pure functions besides the Clock and Random handed in; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/result.h"

namespace weir {

struct Uuid {
  uint64_t high = 0;  // the first 16 digits of its text; ordering is that of the text
  uint64_t low = 0;
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;
};

constexpr size_t kUuidTextBytes = 36;

// The canonical 8-4-4-4-12 form, either case, any version. The fast one allocates nothing; false leaves `into` alone.
bool parse_uuid_fast(std::string_view text, Uuid& into) noexcept;
Result<Uuid> parse_uuid(std::string_view text);
void format_uuid(const Uuid& uuid, char into[kUuidTextBytes]) noexcept;  // lower case, no terminating zero
std::string format_uuid(const Uuid& uuid);

// Version 7: milliseconds, then 12 bits of the millisecond's fraction (RFC 9562 §6.2, method 3), then 62 random bits.
// Ids made by one clock sort by their microsecond (to a quarter of it).
Uuid uuid_v7(const Clock& clock, Random& random);
// Version 8: always the same for the same fingerprint. 122 of its 128 bits are kept.
Uuid uuid_from_hash(const Fingerprint& hash) noexcept;

// A secret for people to paste: the prefix and 32 characters of a-z2-7, 160 random bits. The prefix makes a leaked one
// recognisable to scanners and to its finder.
std::string random_token(Random& random, std::string_view prefix = "weir_");

}  // namespace weir
