#include "core/base/time.h"

#include <array>
#include <cstdio>

#include "core/base/text.h"

namespace weir {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

constexpr int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// Days and civil dates after Howard Hinnant's "chrono-compatible low-level date algorithms": years start in March, so
// that the leap day is the last of its year.
constexpr int64_t days_from_civil(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  int64_t era = floor_divide(year, 400);
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

void civil_from_days(int64_t days, CivilTime& out) {
  days += 719'468;
  int64_t era = floor_divide(days, 146'097);
  int64_t day_of_era = days - era * 146'097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted_month = (5 * day_of_year + 2) / 153;
  out.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  out.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  out.year = static_cast<int>(year_of_era + era * 400 + (out.month <= 2 ? 1 : 0));
}

constexpr int64_t kFirstMicros = days_from_civil(1, 1, 1) * kMicrosPerDay;
constexpr int64_t kEndMicros = days_from_civil(10'000, 1, 1) * kMicrosPerDay;

bool is_leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[static_cast<size_t>(month - 1)];
}

// Walks over a text; each step says whether it found what it wanted.
struct Cursor {
  std::string_view rest;

  bool character(char wanted) {
    if (rest.empty() || rest.front() != wanted) return false;
    rest.remove_prefix(1);
    return true;
  }
  bool digits(size_t count, int& value) {
    if (rest.size() < count) return false;
    int sum = 0;
    for (size_t i = 0; i < count; ++i) {
      unsigned digit = static_cast<unsigned>(rest[i]) - '0';
      if (digit > 9) return false;
      sum = sum * 10 + static_cast<int>(digit);
    }
    value = sum;
    rest.remove_prefix(count);
    return true;
  }
  // Up to nine digits after the point; those beyond microseconds are cut off.
  bool fraction(int& micro) {
    size_t count = 0;
    int sum = 0;
    for (; count < rest.size(); ++count) {
      unsigned digit = static_cast<unsigned>(rest[count]) - '0';
      if (digit > 9) break;
      if (count < 6) sum = sum * 10 + static_cast<int>(digit);
    }
    if (count == 0 || count > 9) return false;
    for (size_t i = count; i < 6; ++i) sum *= 10;
    micro = sum;
    rest.remove_prefix(count);
    return true;
  }
};

// Each parser returns null when all is well, else what is wrong, so that the hot path builds no text.
const char* parse_day(Cursor& in, CivilTime& civil) {
  if (!in.digits(4, civil.year) || !in.character('-') || !in.digits(2, civil.month) || !in.character('-') ||
      !in.digits(2, civil.day)) {
    return "it does not begin with YYYY-MM-DD";
  }
  if (civil.year < 1) return "its year is 0; years are 0001 to 9999";
  if (civil.month < 1 || civil.month > 12) return "its month is not 01 to 12";
  if (civil.day < 1 || civil.day > days_in_month(civil.year, civil.month)) return "that month has no such day";
  return nullptr;
}

const char* parse_clock(Cursor& in, CivilTime& civil) {
  if (!in.character('T') && !in.character(' ')) return "after the day a T or a space and HH:MM must follow";
  if (!in.digits(2, civil.hour) || !in.character(':') || !in.digits(2, civil.minute)) return "its time is not HH:MM";
  if (in.character(':')) {
    if (!in.digits(2, civil.second)) return "its seconds are not two digits";
    if (in.character('.') && !in.fraction(civil.micro)) return "its fraction is not 1 to 9 digits";
  }
  if (civil.hour > 23) return "its hour is not 00 to 23";
  if (civil.minute > 59) return "its minute is not 00 to 59";
  if (civil.second > 59) return "its second is not 00 to 59";
  return nullptr;
}

const char* parse_zone(Cursor& in, int64_t& offset_minutes) {
  offset_minutes = 0;
  if (in.rest.empty() || in.character('Z')) return nullptr;
  int64_t sign = in.character('-') ? -1 : in.character('+') ? 1 : 0;
  if (sign == 0) return "its zone is not Z or +HH:MM";
  int hour = 0, minute = 0;
  if (!in.digits(2, hour)) return "its zone is not Z or +HH:MM";
  bool colon = in.character(':');
  if ((colon || !in.rest.empty()) && !in.digits(2, minute)) return "its zone is not Z or +HH:MM";
  if (hour > 23 || minute > 59) return "its zone is not between -23:59 and +23:59";
  offset_minutes = sign * (hour * 60 + minute);
  return nullptr;
}

const char* parse_instant(std::string_view text, int64_t& micros) {
  Cursor in{text};
  CivilTime civil;
  int64_t offset_minutes = 0;
  if (const char* wrong = parse_day(in, civil)) return wrong;
  if (const char* wrong = parse_clock(in, civil)) return wrong;
  if (const char* wrong = parse_zone(in, offset_minutes)) return wrong;
  if (!in.rest.empty()) return "something follows after its end";
  int64_t value = micros_from_civil(civil) - offset_minutes * 60 * kMicrosPerSecond;
  if (value < kFirstMicros || value >= kEndMicros) return "in UTC it lies outside of the years 0001 to 9999";
  micros = value;
  return nullptr;
}

struct Unit {
  std::string_view name;
  int64_t micros;
};
constexpr std::array<Unit, 7> kUnits = {{{"us", 1},
                                         {"ms", 1'000},
                                         {"s", kMicrosPerSecond},
                                         {"m", 60 * kMicrosPerSecond},
                                         {"h", 3600 * kMicrosPerSecond},
                                         {"d", kMicrosPerDay},
                                         {"w", 7 * kMicrosPerDay}}};
constexpr size_t kLargestPrinted = 5;  // days: people write 14d, not 2w

Error bad_duration(std::string_view text, const std::string& why) {
  return Error(Code::invalid, shown(text) + " is no duration: " + why,
               "write a number and a unit of us, ms, s, m, h, d, w, for example 30s or 1.5h");
}

}  // namespace

CivilTime civil_from_micros(int64_t micros) {
  CivilTime out;
  int64_t day = floor_divide(micros, kMicrosPerDay);
  int64_t of_day = micros % kMicrosPerDay;
  if (of_day < 0) of_day += kMicrosPerDay;
  civil_from_days(day, out);
  out.micro = static_cast<int>(of_day % kMicrosPerSecond);
  int64_t second_of_day = of_day / kMicrosPerSecond;
  out.hour = static_cast<int>(second_of_day / 3600);
  out.minute = static_cast<int>(second_of_day / 60 % 60);
  out.second = static_cast<int>(second_of_day % 60);
  return out;
}

int64_t micros_from_civil(const CivilTime& civil) {
  int64_t day = days_from_civil(civil.year, civil.month, civil.day);
  int64_t second = civil.hour * 3600 + civil.minute * 60 + civil.second;
  return day * kMicrosPerDay + second * kMicrosPerSecond + civil.micro;
}

int32_t day_number(int64_t micros) {
  return static_cast<int32_t>(floor_divide(micros, kMicrosPerDay));
}

bool parse_timestamp_fast(std::string_view text, int64_t& micros) noexcept {
  return parse_instant(text, micros) == nullptr;
}

Result<int64_t> parse_timestamp(std::string_view text) {
  int64_t micros = 0;
  const char* wrong = parse_instant(text, micros);
  if (wrong == nullptr) return micros;
  return Error(Code::invalid, shown(text) + " is no timestamp: " + wrong,
               "write it as 2023-01-31T23:59:59.123Z; without a zone it is UTC");
}

Result<int32_t> parse_date(std::string_view text) {
  Cursor in{text};
  CivilTime civil;
  const char* wrong = parse_day(in, civil);
  if (wrong == nullptr && !in.rest.empty()) wrong = "something follows after the day";
  if (wrong == nullptr) return static_cast<int32_t>(days_from_civil(civil.year, civil.month, civil.day));
  return Error(Code::invalid, shown(text) + " is no date: " + wrong, "write it as 2023-01-31");
}

namespace {

// `number` with at least `width` digits, zeros before it.
char* put_digits(char* to, int number, int width) {
  if (number < 0) {
    *to++ = '-';
    number = -number;
    --width;
  }
  char digits[12];
  int count = 0;
  for (; number > 0 || count < width; number /= 10) digits[count++] = static_cast<char>('0' + number % 10);
  while (count > 0) *to++ = digits[--count];
  return to;
}

char* put_date(char* to, const CivilTime& civil) {
  to = put_digits(to, civil.year, 4);
  *to++ = '-';
  to = put_digits(to, civil.month, 2);
  *to++ = '-';
  return put_digits(to, civil.day, 2);
}

}  // namespace

std::string format_timestamp(int64_t micros) {
  const CivilTime civil = civil_from_micros(micros);
  char buffer[48];
  char* to = put_date(buffer, civil);
  *to++ = 'T';
  to = put_digits(to, civil.hour, 2);
  *to++ = ':';
  to = put_digits(to, civil.minute, 2);
  *to++ = ':';
  to = put_digits(to, civil.second, 2);
  *to++ = '.';
  to = put_digits(to, civil.micro, 6);
  *to++ = 'Z';
  return std::string(buffer, to);
}

std::string format_date(int32_t days_since_epoch) {
  CivilTime civil;
  civil_from_days(days_since_epoch, civil);
  char buffer[32];
  return std::string(buffer, put_date(buffer, civil));
}

Result<Duration> parse_duration(std::string_view text) {
  size_t at = 0;
  int64_t number = 0, scale = 1;
  bool point = false, digit_seen = false;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (c == '.' && !point && digit_seen) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    digit_seen = true;
    if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, c - '0', &number) ||
        (point && __builtin_mul_overflow(scale, 10, &scale))) {
      return bad_duration(text, "its number has too many digits");
    }
  }
  if (!digit_seen) return bad_duration(text, "it does not begin with a number");
  std::string_view unit_name = trim(text.substr(at));
  if (unit_name.empty()) return bad_duration(text, "it has no unit");
  for (const Unit& unit : kUnits) {
    if (unit.name != unit_name) continue;
    int64_t product = 0;
    if (__builtin_mul_overflow(number, unit.micros, &product)) return bad_duration(text, "it is beyond 292000 years");
    if (product % scale != 0) return bad_duration(text, "it is finer than a microsecond");
    return Duration{product / scale};
  }
  return bad_duration(text, shown(unit_name) + " is no unit");
}

std::string format_duration(Duration duration) {
  if (duration.micros == 0) return "0s";
  size_t unit = kLargestPrinted;
  while (duration.micros % kUnits[unit].micros != 0) --unit;
  return std::to_string(duration.micros / kUnits[unit].micros) + std::string(kUnits[unit].name);
}

}  // namespace weir
