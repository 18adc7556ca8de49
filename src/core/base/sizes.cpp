#include "core/base/sizes.h"

#include <array>
#include <cstdio>

#include "core/base/text.h"

namespace weir {
namespace {

struct Unit {
  std::string_view name;
  uint64_t bytes;
};
constexpr std::array<Unit, 4> kBinary = {{{"TiB", kGiB << 10}, {"GiB", kGiB}, {"MiB", kMiB}, {"KiB", kKiB}}};
constexpr std::array<Unit, 4> kDecimal = {
    {{"TB", 1'000'000'000'000}, {"GB", 1'000'000'000}, {"MB", 1'000'000}, {"kB", 1000}}};

Error bad_size(std::string_view text, const std::string& why) {
  return Error(Code::invalid, shown(text) + " is no size: " + why,
               "write a number and a unit of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, for example 64MiB");
}

uint64_t unit_bytes(std::string_view name) {
  if (name.empty() || name == "B") return 1;
  if (name == "KB") return 1000;
  for (const Unit& unit : kBinary) {
    if (unit.name == name) return unit.bytes;
  }
  for (const Unit& unit : kDecimal) {
    if (unit.name == name) return unit.bytes;
  }
  return 0;
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
  size_t at = 0;
  uint64_t number = 0, scale = 1;
  bool point = false, digit_seen = false;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (c == '.' && !point && digit_seen) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    digit_seen = true;
    if (__builtin_mul_overflow(number, 10u, &number) ||
        __builtin_add_overflow(number, static_cast<uint64_t>(c - '0'), &number) ||
        (point && __builtin_mul_overflow(scale, 10u, &scale))) {
      return bad_size(text, "its number has too many digits");
    }
  }
  if (!digit_seen) return bad_size(text, "it does not begin with a number");
  std::string_view name = trim(text.substr(at));
  uint64_t unit = unit_bytes(name);
  if (unit == 0) return bad_size(text, shown(name) + " is no unit");
  uint64_t product = 0;
  if (__builtin_mul_overflow(number, unit, &product)) return bad_size(text, "it is beyond 16 EiB");
  if (product % scale != 0) return bad_size(text, "it is not a whole number of bytes");
  return product / scale;
}

std::string format_size(uint64_t bytes) {
  if (bytes > 0) {
    for (const Unit& unit : kBinary) {
      if (bytes % unit.bytes == 0) return std::to_string(bytes / unit.bytes) + std::string(unit.name);
    }
    for (const Unit& unit : kDecimal) {
      if (bytes % unit.bytes == 0) return std::to_string(bytes / unit.bytes) + std::string(unit.name);
    }
  }
  return std::to_string(bytes) + "B";
}

std::string approximate_size(uint64_t bytes) {
  for (const Unit& unit : kBinary) {
    if (bytes < unit.bytes) continue;
    double value = static_cast<double>(bytes) / static_cast<double>(unit.bytes);
    char buffer[32];
    int digits_after_point = value < 10 ? 2 : value < 100 ? 1 : 0;
    std::snprintf(buffer, sizeof buffer, "%.*f", digits_after_point, value);
    return buffer + std::string(unit.name);
  }
  return std::to_string(bytes) + "B";
}

}  // namespace weir
