// Numbers as the patterns of TO_CHAR and TO_NUMBER say them: '999,999.99', 'FM0999', '999D99S', '9.99EEEE', 'RN'.
//
// Source: PostgreSQL 15, "Data Type Formatting Functions"; Redshift, "Numeric format strings". The point is '.', groups
// are parted by ',', the currency's sign is a blank, as in PostgreSQL's locale C. What has more digits than the pattern
// is written as #.
//
// Pure values, any thread. Errors are `invalid` and name the pattern's part, or the text that is no number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir::engine {

class NumberPattern {
 public:
  static Result<NumberPattern> parse(std::string_view pattern);

  // `number` is written as decimals are: -123.45. Rounds half away from zero.
  Result<std::string> write(std::string_view number) const;
  Result<std::string> write(double number) const;
  // The number as a decimal text; one of a pattern without its point has scale() digits behind it.
  Result<std::string> read(std::string_view text) const;
  int scale() const { return fraction_slots_; }

  enum class Field : uint8_t {
    digit,       // 9
    zero,        // 0
    point,       // . D
    comma,       // , G
    shift,       // V
    sign,        // S
    minus,       // MI
    plus,        // PL
    plus_minus,  // SG
    brackets,    // PR
    currency,    // L
    roman,       // RN
    ordinal,     // TH
    power,       // EEEE
    literal,
  };
  struct Part {
    Field field = Field::literal;
    bool is_upper = true;
    std::string text;
  };

 private:
  struct Digits;
  struct Layout;
  Status check() const;
  void count();
  bool has(Field field) const;
  Digits digits_of(std::string_view number) const;
  std::string laid_out(const Digits& digits) const;
  std::string roman(const Digits& digits) const;

  std::vector<Part> parts_;
  bool is_filled_ = true;  // without FM
  int whole_slots_ = 0, fraction_slots_ = 0, shift_ = 0;
  int first_zero_ = -1;     // the first 0 before the point
  int zeros_kept_ = 0;      // digits behind the point that a 0 keeps
  int slots_at_sign_ = -1;  // before the point, at S; -1: S is behind it, or not there
};

}  // namespace weir::engine
