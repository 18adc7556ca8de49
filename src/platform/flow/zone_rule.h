// The rule that closes a zone file and says what happens after its last written change, such as
// "CET-1CEST,M3.5.0,M10.5.0/3": POSIX's TZ variable with the hours of RFC 8536 (-167 to 167).
// Pure functions; threads do not matter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir::flow {

// From `at` (UTC seconds since 1970) on, clocks are `offset` seconds ahead of UTC.
struct ZoneChange {
  int64_t at = 0;
  int64_t offset = 0;
  std::string abbreviation;  // "CEST", "+03"
  friend bool operator==(const ZoneChange&, const ZoneChange&) = default;
};

class ZoneRule {
 public:
  // Anything else than such a rule is `corrupt`.
  static Result<ZoneRule> parse(std::string_view text);
  // The changes within a calendar year, in order; none in a zone without summer time.
  std::vector<ZoneChange> changes_in(int year) const;

 private:
  // The day and the second of that day, by the clock shown until then, at which a change happens.
  struct Moment {
    enum class Kind { weekday_of_month, day_of_year, day_without_leap } kind = Kind::weekday_of_month;
    int month = 0, week = 0, weekday = 0;  // M10.5.0: the last (5) Sunday (0) of October
    int day = 0;                           // 0..365, or J1..J365 which never counts 29 February
    int64_t second = 7200;
    int64_t local_seconds(int year) const;
  };
  struct Season {
    std::string abbreviation;
    int64_t offset = 0;
  };
  class Reader;

  Season standard_;
  Season summer_;
  std::optional<Moment> summer_begins_, summer_ends_;
};

}  // namespace weir::flow
