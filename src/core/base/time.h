// Instants and durations as the house uses them: microseconds since 1970-01-01T00:00:00Z in a signed 64-bit integer,
// always UTC, with one type for each meaning so that an arrival is never taken for an event's own time.
// Everything here is a pure function; the current time comes from a Clock (clock.h).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir {

template <class Meaning>
struct Instant {
  int64_t micros = 0;
  friend constexpr auto operator<=>(Instant, Instant) = default;
};
using WallTime = Instant<struct WallMeaning>;        // what a clock said
using EventTime = Instant<struct EventMeaning>;      // the event's own time, as its sender wrote it
using ArrivalTime = Instant<struct ArrivalMeaning>;  // when we received it

struct Duration {
  int64_t micros = 0;
  friend constexpr auto operator<=>(Duration, Duration) = default;
};
constexpr Duration microseconds(int64_t n) {
  return {n};
}
constexpr Duration milliseconds(int64_t n) {
  return {n * 1'000};
}
constexpr Duration seconds(int64_t n) {
  return {n * 1'000'000};
}
constexpr Duration minutes(int64_t n) {
  return seconds(n * 60);
}
constexpr Duration hours(int64_t n) {
  return seconds(n * 3600);
}
constexpr Duration days(int64_t n) {
  return hours(n * 24);
}

struct CivilTime {
  int year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  int hour = 0, minute = 0, second = 0;
  int micro = 0;
};
CivilTime civil_from_micros(int64_t micros);
int64_t micros_from_civil(const CivilTime& civil);
// Days since 1970-01-01, rounded toward the past.
int32_t day_number(int64_t micros);

// Reads `YYYY-MM-DD`, then `T` or a space and `HH:MM[:SS[.fraction up to 9 digits]]`, then `Z`, `+HH:MM`, `+HHMM`,
// `+HH` or nothing, which means UTC. Digits beyond microseconds are cut off. Calendar-checked (2023-02-29 is invalid);
// years 1 to 9999.
Result<int64_t> parse_timestamp(std::string_view text);
// The same without error text, for hot paths. False leaves `micros` unchanged.
bool parse_timestamp_fast(std::string_view text, int64_t& micros) noexcept;
// `YYYY-MM-DD` to days since 1970-01-01.
Result<int32_t> parse_date(std::string_view text);

std::string format_timestamp(int64_t micros);  // 2023-01-31T23:59:59.123456Z (always six digits)
std::string format_date(int32_t days_since_epoch);

// `500us`, `30s`, `5m`, `12h`, `7d`, `2w`, `1.5h`; a bare number is refused because its unit would be a guess.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);  // shortest exact form, for example 90s is "90s" and 3600s is "1h"

}  // namespace weir
