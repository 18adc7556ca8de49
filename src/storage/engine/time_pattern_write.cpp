// TO_CHAR of times and intervals.
#include <algorithm>
#include <cstdlib>

#include "core/base/text.h"
#include "core/base/time.h"
#include "storage/engine/time_calendar.h"
#include "storage/engine/time_names.h"
#include "storage/engine/time_pattern.h"

namespace weir::engine {
namespace {

using Field = TimePattern::Field;
using Letters = TimePattern::Letters;
using Part = TimePattern::Part;

// What is written, taken apart. Of a span the numbers may be beyond a clock's, and all may be negative.
struct Clock {
  int64_t year = 0, hour = 0;
  int month = 0, day = 0, minute = 0, second = 0, micro = 0;
  bool is_span = false;
  int64_t day_number = 0;  // since 1970; not of a span
  int64_t day_of_year = 0;
  int32_t offset_s = 0;
};

std::string padded(int64_t number, int digits) {
  std::string out = std::to_string(std::abs(number));
  if (static_cast<int>(out.size()) < digits) out.insert(0, static_cast<size_t>(digits) - out.size(), '0');
  return number < 0 ? "-" + out : out;
}

std::string lettered(std::string_view name, Letters letters) {
  std::string out(name);
  for (size_t i = 0; i < out.size(); ++i) {
    const bool up = letters == Letters::upper || (letters == Letters::first_upper && i == 0);
    if (up && out[i] >= 'a' && out[i] <= 'z') out[i] = static_cast<char>(out[i] - 'a' + 'A');
    if (!up && out[i] >= 'A' && out[i] <= 'Z') out[i] = static_cast<char>(out[i] - 'A' + 'a');
  }
  return out;
}

std::string blanks_behind(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

const char* ordinal(std::string_view digits, bool upper) {
  const char last = digits.back();
  const bool is_teen = digits.size() > 1 && digits[digits.size() - 2] == '1';
  if (!is_teen && last == '1') return upper ? "ST" : "st";
  if (!is_teen && last == '2') return upper ? "ND" : "nd";
  if (!is_teen && last == '3') return upper ? "RD" : "rd";
  return upper ? "TH" : "th";
}

int64_t century_of(const Clock& clock) {
  if (clock.is_span) return clock.year / 100;
  return clock.year > 0 ? (clock.year - 1) / 100 + 1 : clock.year / 100 - 1;
}

std::string offset_text(int32_t offset_s) {
  const int32_t minutes = std::abs(offset_s) / 60;
  std::string out = (offset_s < 0 ? "-" : "+") + padded(minutes / 60, 2);
  if (minutes % 60 != 0) out += ":" + padded(minutes % 60, 2);
  return out;
}

// The last `digits` of a year, which is counted without a year 0.
std::string year_text(int64_t year, bool is_span, const Part& part) {
  if (!is_span && year <= 0) year = 1 - year;
  int64_t shown = year;
  if (part.digits == 3) shown = year % 1000;
  if (part.digits == 2) shown = year % 100;
  if (part.digits == 1) shown = year % 10;
  return padded(shown, part.is_filled ? part.digits : 1);
}

std::string noon_text(const Clock& clock, const Part& part) {
  const bool is_after = clock.hour % 24 >= 12;
  const std::string_view text = part.has_points ? (is_after ? "P.M." : "A.M.") : (is_after ? "PM" : "AM");
  return lettered(text, part.letters == Letters::lower ? Letters::lower : Letters::upper);
}

std::string era_text(const Clock& clock, const Part& part) {
  const bool is_before = clock.year <= 0;
  const std::string_view text = part.has_points ? (is_before ? "B.C." : "A.D.") : (is_before ? "BC" : "AD");
  return lettered(text, part.letters == Letters::lower ? Letters::lower : Letters::upper);
}

int64_t twelve_hours(int64_t hour) {
  return hour % 12 == 0 ? 12 : hour % 12;
}

int64_t roman_month(const Clock& clock) {  // 0 to 11; of a span that counts down from the end
  if (clock.month > 0) return clock.month - 1;
  if (clock.month < 0) return 12 + clock.month;
  return clock.year >= 0 ? 11 : 0;
}

// `width` is the least number of digits; a negative number has one more place for its sign in padded().
std::string number_text(const Clock& clock, const Part& part) {
  const auto number = [&](int64_t value, int digits) { return padded(value, part.is_filled ? digits : 1); };
  const auto iso = [&] { return iso_week_of(clock.day_number); };
  switch (part.field) {
    case Field::year_comma: {
      const int64_t year = clock.is_span || clock.year > 0 ? clock.year : 1 - clock.year;
      return std::to_string(year / 1000) + "," + padded(std::abs(year % 1000), 3);
    }
    case Field::year:
      return year_text(clock.year, clock.is_span, part);
    case Field::iso_year:
      return year_text(iso().year, false, part);
    case Field::century:
      return number(century_of(clock), 2);
    case Field::quarter:
      return clock.month == 0 ? "" : std::to_string((clock.month - 1) / 3 + 1);
    case Field::month:
      return number(clock.month, 2);
    case Field::day:
      return number(clock.day, clock.day < 0 ? 1 : 2);
    case Field::day_of_year:
      return number(clock.day_of_year, 3);
    case Field::iso_day_of_year:
      return number((iso().week - 1) * 7 + iso().weekday, 3);
    case Field::weekday:
      return std::to_string(weekday_of(clock.day_number) + 1);
    case Field::iso_weekday:
      return std::to_string(iso().weekday);
    case Field::week:
      return number((int64_t{clock.day_of_year} - 1) / 7 + 1, 2);
    case Field::iso_week:
      return number(iso().week, 2);
    case Field::week_of_month:
      return std::to_string((int64_t{clock.day} - 1) / 7 + 1);  // a span has any number of days
    case Field::julian:
      return std::to_string(clock.day_number + kJulianOf1970);
    case Field::hour24:
      return number(clock.hour, 2);
    case Field::hour12:
      return number(twelve_hours(clock.hour), 2);
    case Field::minute:
      return number(clock.minute, 2);
    case Field::second:
      return number(clock.second, 2);
    case Field::fraction: {
      int64_t value = clock.micro;
      for (int digits = 6; digits > part.digits; --digits) value /= 10;
      return value < 0 ? padded(value, part.digits - 1) : padded(value, part.digits);
    }
    case Field::seconds_of_day:
      return std::to_string(clock.hour * 3600 + clock.minute * 60 + clock.second);
    case Field::zone_hour:
      return (clock.offset_s < 0 ? "-" : "+") + padded(std::abs(clock.offset_s) / 3600, 2);
    case Field::zone_minute:
      return padded(std::abs(clock.offset_s) / 60 % 60, 2);
    default:
      return "";
  }
}

std::string name_text(const Clock& clock, const Part& part) {
  switch (part.field) {
    case Field::month_name:
      return blanks_behind(lettered(kMonthNames[static_cast<size_t>(clock.month - 1)], part.letters),
                           part.is_filled ? 9 : 0);
    case Field::month_short:
      return lettered(kMonthNames[static_cast<size_t>(clock.month - 1)].substr(0, 3), part.letters);
    case Field::month_roman:
      if (clock.month == 0 && clock.year == 0) return "";
      return blanks_behind(lettered(kRomanMonths[static_cast<size_t>(roman_month(clock))],
                                    part.letters == Letters::lower ? Letters::lower : Letters::upper),
                           part.is_filled ? 4 : 0);
    case Field::day_name:
      return blanks_behind(lettered(kDayNames[static_cast<size_t>(weekday_of(clock.day_number))], part.letters),
                           part.is_filled ? 9 : 0);
    case Field::day_short:
      return lettered(kDayNames[static_cast<size_t>(weekday_of(clock.day_number))].substr(0, 3), part.letters);
    case Field::noon:
      return noon_text(clock, part);
    case Field::era:
      return era_text(clock, part);
    case Field::zone:
      return clock.offset_s == 0 ? lettered("UTC", part.letters == Letters::lower ? Letters::lower : Letters::upper)
                                 : offset_text(clock.offset_s);
    case Field::zone_offset:
      return offset_text(clock.offset_s);
    default:
      return part.text;
  }
}

// A span has no place in the calendar.
bool is_of_calendar(Field field) {
  switch (field) {
    case Field::month_name:
    case Field::month_short:
    case Field::day_name:
    case Field::day_short:
    case Field::weekday:
    case Field::iso_weekday:
    case Field::iso_week:
    case Field::iso_year:
    case Field::iso_day_of_year:
    case Field::julian:
    case Field::era:
    case Field::zone:
    case Field::zone_offset:
    case Field::zone_hour:
    case Field::zone_minute:
      return true;
    default:
      return false;
  }
}

std::string written(const std::vector<Part>& parts, const Clock& clock) {
  std::string out;
  for (const Part& part : parts) {
    if (!part.writes_digits()) {
      out += name_text(clock, part);
      continue;
    }
    const std::string digits = number_text(clock, part);
    out += digits;
    if (!digits.empty() && part.has_ordinal) out += ordinal(digits, part.is_ordinal_upper);
  }
  return out;
}

}  // namespace

Result<std::string> TimePattern::write(int64_t micros, int32_t offset_s) const {
  const CivilTime civil = civil_from_micros(micros);
  const int64_t of_day = ((micros % kDayMicros) + kDayMicros) % kDayMicros;
  Clock clock{.year = civil.year,
              .hour = civil.hour,
              .month = civil.month,
              .day = civil.day,
              .minute = civil.minute,
              .second = civil.second,
              .micro = civil.micro,
              .day_number = (micros - of_day) / kDayMicros,
              .offset_s = offset_s};
  clock.day_of_year = clock.day_number - day_of(civil.year, 1, 1) + 1;
  return written(parts_, clock);
}

Result<std::string> TimePattern::write(const Span& span) const {
  for (const Part& part : parts_) {
    if (is_of_calendar(part.field)) {
      return Error(Code::invalid, part.text + " is not for an interval, which has no place in the calendar");
    }
  }
  Clock clock{.year = span.months / 12, .month = span.months % 12, .day = span.days, .is_span = true};
  clock.day_of_year = int64_t{span.months} * 30 + span.days;
  clock.hour = span.micros / 3'600'000'000;
  clock.minute = static_cast<int>(span.micros / 60'000'000 % 60);
  clock.second = static_cast<int>(span.micros / 1'000'000 % 60);
  clock.micro = static_cast<int>(span.micros % 1'000'000);
  return written(parts_, clock);
}

}  // namespace weir::engine
