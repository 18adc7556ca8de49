// Byte counts as people write them in declarations: `64MiB`, `1.5GiB`, `512kB`, `4096`. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir {

constexpr uint64_t kKiB = 1u << 10;
constexpr uint64_t kMiB = 1u << 20;
constexpr uint64_t kGiB = 1u << 30;

// B, kB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB powers of 1024; a bare number is bytes. Fractions must give
// whole bytes. `K`, `M`, `G` alone are refused, because they mean either.
Result<uint64_t> parse_size(std::string_view text);
// An exact form that parse_size reads back: 67108864 is "64MiB", 512000 is "500KiB", 1000000 is "1MB", 4097 is "4097B".
std::string format_size(uint64_t bytes);
// Three digits for people, not exact: "1.42GiB", "999B".
std::string approximate_size(uint64_t bytes);

}  // namespace weir
