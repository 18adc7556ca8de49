// Times as the patterns of TO_CHAR, TO_DATE and TO_TIMESTAMP say them: 'YYYY-MM-DD HH24:MI:SS', 'FMDay, FMDDth'.
//
// Source: PostgreSQL 15, "Data Type Formatting Functions"; Redshift, "Datetime format strings". Written as PostgreSQL
// writes; read as Redshift reads: a day that its month does not have is one of the next month, unless `is_strict`.
// Names are English. A zone's name is not known here, only its offset: TZ says UTC or ±HH[:MM].
//
// Pure values, any thread. Errors are `invalid` and name the pattern's part and what was found, `unsupported` for SP
// and for zones that are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir::engine {

inline constexpr size_t kPatternBytesMax = 1000;

struct Span {  // an INTERVAL
  int32_t months = 0, days = 0;
  int64_t micros = 0;
};

class TimePattern {
 public:
  static Result<TimePattern> parse(std::string_view pattern);

  // Microseconds since 1970 of the zone's own clock, and how far that is ahead of UTC.
  Result<std::string> write(int64_t micros, int32_t offset_s) const;
  Result<std::string> write(const Span& span) const;
  Result<int64_t> read(std::string_view text, bool is_strict) const;

  enum class Field : uint8_t {
    literal,
    separator,  // a literal sign or blank, which a text may have otherwise or not at all
    year_comma,
    year,
    iso_year,
    century,
    quarter,
    month,
    month_name,
    month_short,
    month_roman,
    day,
    day_of_year,
    iso_day_of_year,
    day_name,
    day_short,
    weekday,
    iso_weekday,
    week,
    iso_week,
    week_of_month,
    julian,
    hour24,
    hour12,
    minute,
    second,
    fraction,
    seconds_of_day,
    noon,
    era,
    zone,
    zone_offset,
    zone_hour,
    zone_minute,
  };
  enum class Letters : uint8_t { upper, lower, first_upper };
  struct Part {
    Field field = Field::literal;
    int digits = 0;  // of a year, or of a fraction
    Letters letters = Letters::upper;
    bool has_points = false;  // A.M.
    bool is_filled = true;    // without FM
    bool has_ordinal = false, is_ordinal_upper = false;
    std::string text;  // as written

    bool writes_digits() const;
  };

 private:
  bool ends_number(size_t part) const;

  std::vector<Part> parts_;
  bool is_exact_ = false;  // FX
};

}  // namespace weir::engine
