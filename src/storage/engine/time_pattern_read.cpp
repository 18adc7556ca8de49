// TO_DATE and TO_TIMESTAMP.
#include <algorithm>
#include <optional>

#include "core/base/text.h"
#include "storage/engine/time_calendar.h"
#include "storage/engine/time_names.h"
#include "storage/engine/time_pattern.h"

namespace weir::engine {
namespace {

using Field = TimePattern::Field;
using Part = TimePattern::Part;

constexpr int64_t kYearMax = 9999;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_letter_or_more(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

struct Found {
  std::optional<int64_t> year, century, iso_year, iso_week, month, week, week_of_month, day, day_of_year,
      iso_day_of_year, iso_weekday, julian, hour, hour12, minute, second, micro, seconds_of_day;
  bool is_short_year = false, is_before = false;
  std::optional<bool> is_after_noon;
};

// A year of one to three digits is the nearest to 2020.
int64_t whole_year(int64_t year) {
  if (year < 70) return year + 2000;
  if (year < 100) return year + 1900;
  if (year < 520) return year + 2000;
  if (year < 1000) return year + 1000;
  return year;
}

class TextReader {
 public:
  TextReader(std::string_view text, bool is_exact) : whole_(text), rest_(text), is_exact_(is_exact) {}

  bool is_at_end() const { return rest_.empty(); }

  void separator() {
    if (is_exact_) return skip_one();
    if (!rest_.empty() && !is_digit(rest_[0]) && !is_letter_or_more(rest_[0])) rest_.remove_prefix(1);
  }
  void literal() { skip_one(); }
  void blanks() {
    while (!is_exact_ && !rest_.empty() && is_blank(rest_[0])) rest_.remove_prefix(1);
  }

  // At most `digits` of them; any number if the text itself ends it.
  Result<int64_t> number(const Part& part, int digits, bool is_open, size_t* found = nullptr) {
    size_t count = 0;
    int64_t value = 0;
    while (count < rest_.size() && is_digit(rest_[count]) && (is_open || count < static_cast<size_t>(digits))) {
      if (count >= 9) return wrong(part, "a number of at most 9 digits");
      value = 10 * value + (rest_[count++] - '0');
    }
    if (count == 0) return wrong(part, "a number");
    if (!is_open && count < static_cast<size_t>(digits)) {
      return wrong(part, std::to_string(digits) + " digits, as a number follows at once");
    }
    if (found != nullptr) *found = count;
    rest_.remove_prefix(count);
    if (part.has_ordinal) rest_.remove_prefix(std::min<size_t>(2, rest_.size()));
    return value;
  }

  template <class Names>
  Result<int64_t> name(const Part& part, const Names& names, size_t letters) {
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string_view known = names[i].substr(0, letters);
      if (rest_.size() >= known.size() && equal_ignoring_case(rest_.substr(0, known.size()), known)) {
        rest_.remove_prefix(known.size());
        return static_cast<int64_t>(i);
      }
    }
    return wrong(part, "a name such as " + std::string(names[0].substr(0, letters)));
  }

  Error wrong(const Part& part, const std::string& expected) const {
    return Error(Code::invalid, "the text " + shown(whole_) + " has " + (rest_.empty() ? "nothing" : shown(rest_, 20)) +
                                    " where the pattern has " + part.text + ", expected " + expected);
  }

 private:
  void skip_one() {
    if (!rest_.empty()) rest_.remove_prefix(std::max<size_t>(1, utf8_sequence(rest_, 0)));
  }

  const std::string_view whole_;
  std::string_view rest_;
  const bool is_exact_;
};

// Longest first: VIII begins with VII and with VI.
Result<int64_t> roman_month(TextReader& in, const Part& part) {
  constexpr std::array<std::string_view, 12> kLongestFirst = {"VIII", "VII", "III", "XII", "VI", "IV",
                                                              "II",   "IX",  "XI",  "V",   "X",  "I"};
  constexpr std::array<int, 12> kNumbers = {8, 7, 3, 12, 6, 4, 2, 9, 11, 5, 10, 1};
  TRY_ASSIGN(const int64_t at, in.name(part, kLongestFirst, 4));
  return kNumbers[static_cast<size_t>(at)];
}

Status read_year(TextReader& in, const Part& part, bool is_open, Found& found) {
  size_t digits = 0;
  TRY_ASSIGN(int64_t year, in.number(part, part.digits, is_open, &digits));
  const bool is_short = part.digits < 4 && digits < 4;
  if (part.field == Field::iso_year) {
    found.iso_year = is_short ? whole_year(year) : year;
    return {};
  }
  found.is_short_year = is_short && digits <= 2;
  found.year = is_short ? whole_year(year) : year;
  return {};
}

Status read_fraction(TextReader& in, const Part& part, bool is_open, Found& found) {
  size_t digits = 0;
  TRY_ASSIGN(int64_t value, in.number(part, part.digits, is_open, &digits));
  if (digits > 6) return in.wrong(part, "at most 6 digits");
  for (; digits < 6; ++digits) value *= 10;
  found.micro = found.micro.value_or(0) + value;  // MS and US add up
  return {};
}

Status read_era_or_noon(TextReader& in, const Part& part, Found& found) {
  constexpr std::array<std::string_view, 4> kEras = {"B.C.", "A.D.", "BC", "AD"};
  constexpr std::array<std::string_view, 4> kNoons = {"P.M.", "A.M.", "PM", "AM"};
  if (part.field == Field::era) {
    TRY_ASSIGN(const int64_t at, in.name(part, kEras, 4));
    found.is_before = at % 2 == 0;
  } else {
    TRY_ASSIGN(const int64_t at, in.name(part, kNoons, 4));
    found.is_after_noon = at % 2 == 0;
  }
  return {};
}

Status read_name(TextReader& in, const Part& part, Found& found) {
  switch (part.field) {
    case Field::month_name: {
      TRY_ASSIGN(const int64_t month, in.name(part, kMonthNames, 9));
      found.month = month + 1;
      return {};
    }
    case Field::month_short: {
      TRY_ASSIGN(const int64_t month, in.name(part, kMonthNames, 3));
      found.month = month + 1;
      return {};
    }
    case Field::month_roman: {
      TRY_ASSIGN(found.month, roman_month(in, part));
      return {};
    }
    case Field::day_name:
    case Field::day_short: {
      TRY_ASSIGN(const int64_t day, in.name(part, kDayNames, part.field == Field::day_short ? 3 : 9));
      found.iso_weekday = day == 0 ? 7 : day;
      return {};
    }
    case Field::era:
    case Field::noon:
      return read_era_or_noon(in, part, found);
    default:
      return Error(Code::unsupported, part.text + " of a pattern is for writing only; times are read without a zone");
  }
}

std::optional<int64_t> Found::*member_of(Field field) {
  switch (field) {
    case Field::century:
      return &Found::century;
    case Field::month:
      return &Found::month;
    case Field::day:
      return &Found::day;
    case Field::day_of_year:
      return &Found::day_of_year;
    case Field::iso_day_of_year:
      return &Found::iso_day_of_year;
    case Field::iso_weekday:
      return &Found::iso_weekday;
    case Field::week:
      return &Found::week;
    case Field::iso_week:
      return &Found::iso_week;
    case Field::week_of_month:
      return &Found::week_of_month;
    case Field::julian:
      return &Found::julian;
    case Field::hour24:
      return &Found::hour;
    case Field::hour12:
      return &Found::hour12;
    case Field::minute:
      return &Found::minute;
    case Field::second:
      return &Found::second;
    case Field::seconds_of_day:
      return &Found::seconds_of_day;
    default:
      return nullptr;
  }
}

Status read_part(TextReader& in, const Part& part, bool is_open, Found& found) {
  switch (part.field) {
    case Field::year:
    case Field::iso_year:
      return read_year(in, part, is_open, found);
    case Field::year_comma: {
      TRY_ASSIGN(const int64_t thousands, in.number(part, 1, true));
      in.separator();
      TRY_ASSIGN(const int64_t rest, in.number(part, 3, false));
      found.year = 1000 * thousands + rest;
      return {};
    }
    case Field::fraction:
      return read_fraction(in, part, is_open, found);
    case Field::quarter:  // read, and of no use: it names no day
    case Field::weekday: {
      TRY(in.number(part, part.digits, is_open));
      return {};
    }
    default:
      break;
  }
  const auto member = member_of(part.field);
  if (member == nullptr) return read_name(in, part, found);
  const int digits = part.digits > 0 ? part.digits : 9;
  TRY_ASSIGN(found.*member, in.number(part, digits, is_open || part.digits == 0));
  return {};
}

Status in_range(const char* what, int64_t value, int64_t first, int64_t last) {
  if (value >= first && value <= last) return {};
  return Error(Code::invalid, std::string("the ") + what + " is " + std::to_string(value) + ", expected " +
                                  std::to_string(first) + " to " + std::to_string(last));
}

Result<int64_t> year_of(const Found& found) {
  int64_t year = found.year.value_or(0);
  if (found.century && found.year && found.is_short_year) {
    year = (*found.century - 1) * 100 + *found.year % 100;
  } else if (found.century && !found.year) {
    year = (*found.century - 1) * 100 + 1;
  }
  if (found.is_before && found.year) year = 1 - year;
  TRY(in_range("year", year, -4712, kYearMax));
  return year;
}

Result<int64_t> iso_day(const Found& found) {
  if (found.month || found.day || found.day_of_year || found.year) {
    return Error(Code::invalid, "the pattern mixes parts of the calendar and of ISO weeks",
                 "use YYYY, MM and DD, or IYYY, IW and ID");
  }
  IsoWeek week{.year = found.iso_year.value_or(0), .week = 1, .weekday = 1};
  TRY(in_range("year", week.year, -4712, kYearMax));
  if (found.iso_day_of_year) {
    TRY(in_range("day of the year", *found.iso_day_of_year, 1, 371));
    return day_of(week) + *found.iso_day_of_year - 1;
  }
  TRY(in_range("week", found.iso_week.value_or(1), 1, 53));
  TRY(in_range("day of the week", found.iso_weekday.value_or(1), 1, 7));
  week.week = static_cast<int>(found.iso_week.value_or(1));
  week.weekday = static_cast<int>(found.iso_weekday.value_or(1));
  return day_of(week);
}

Result<int64_t> day_found(const Found& found, bool is_strict) {
  if (found.julian) {
    TRY(in_range("Julian day", *found.julian, 0, 5'373'484));
    return *found.julian - kJulianOf1970;
  }
  if (found.iso_year || found.iso_week || found.iso_day_of_year) return iso_day(found);
  TRY_ASSIGN(const int64_t year, year_of(found));
  const bool is_numbered = found.day_of_year || found.week;
  if (is_numbered && !(found.month && found.day)) {
    const int64_t day = found.day_of_year.value_or((found.week.value_or(1) - 1) * 7 + 1);
    const bool is_leap = days_in_month(year, 2) == 29;
    TRY(in_range("day of the year", day, 1, is_leap || !is_strict ? 366 : 365));
    return day_of(year, 1, 1) + day - 1;
  }
  const int64_t month = found.month.value_or(1);
  TRY(in_range("month", month, 1, 12));
  const int64_t day = found.day.value_or((found.week_of_month.value_or(1) - 1) * 7 + 1);
  TRY(in_range("day", day, 1, is_strict ? days_in_month(year, static_cast<int>(month)) : 31));
  return day_of(year, static_cast<int>(month), 1) + day - 1;
}

Result<int64_t> micros_of_day(const Found& found) {
  if (found.seconds_of_day) {
    TRY(in_range("number of seconds", *found.seconds_of_day, 0, 86'400));
    return *found.seconds_of_day * 1'000'000 + found.micro.value_or(0);
  }
  int64_t hour = found.hour.value_or(0);
  TRY(in_range("hour", hour, 0, 23));
  if (found.hour12 || (found.is_after_noon && found.hour)) {
    const int64_t half = found.hour12.value_or(hour);
    TRY(in_range("hour of a 12-hour clock", half, 1, 12));
    hour = half % 12 + (found.is_after_noon.value_or(false) ? 12 : 0);
    if (!found.is_after_noon) hour = half % 12;
  }
  TRY(in_range("minute", found.minute.value_or(0), 0, 59));
  TRY(in_range("second", found.second.value_or(0), 0, 59));
  return ((hour * 60 + found.minute.value_or(0)) * 60 + found.second.value_or(0)) * 1'000'000 + found.micro.value_or(0);
}

}  // namespace

Result<int64_t> TimePattern::read(std::string_view text, bool is_strict) const {
  if (text.size() > kPatternBytesMax) {
    return Error(Code::too_large, "a time of " + std::to_string(text.size()) + " bytes is none, allowed are " +
                                      std::to_string(kPatternBytesMax));
  }
  TextReader in(text, is_exact_);
  in.blanks();
  if (in.is_at_end()) return Error(Code::invalid, "an empty text is no time");
  Found found;
  for (size_t i = 0; i < parts_.size() && !in.is_at_end(); ++i) {
    const Part& part = parts_[i];
    if (part.field == Field::separator) {
      in.separator();
    } else if (part.field == Field::literal) {
      in.blanks();
      if (part.text != " ") in.literal();
    } else {
      in.blanks();
      TRY(read_part(in, part, ends_number(i), found));
    }
  }
  TRY_ASSIGN(const int64_t day, day_found(found, is_strict));
  TRY_ASSIGN(const int64_t of_day, micros_of_day(found));
  return day * kDayMicros + of_day;
}

}  // namespace weir::engine
