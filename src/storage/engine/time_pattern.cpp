#include "storage/engine/time_pattern.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace weir::engine {
namespace {

using Field = TimePattern::Field;
using Letters = TimePattern::Letters;
using Part = TimePattern::Part;

struct Keyword {
  std::string_view name;
  Field field;
  int digits = 0;
};

// The longer of two that begin alike comes first.
constexpr Keyword kKeywords[] = {
    {"Y,YYY", Field::year_comma, 5},
    {"SSSSS", Field::seconds_of_day},
    {"MONTH", Field::month_name},
    {"YYYY", Field::year, 4},
    {"IYYY", Field::iso_year, 4},
    {"IDDD", Field::iso_day_of_year, 3},
    {"HH24", Field::hour24, 2},
    {"HH12", Field::hour12, 2},
    {"SSSS", Field::seconds_of_day},
    {"A.M.", Field::noon},
    {"P.M.", Field::noon},
    {"A.D.", Field::era},
    {"B.C.", Field::era},
    {"YYY", Field::year, 3},
    {"IYY", Field::iso_year, 3},
    {"DDD", Field::day_of_year, 3},
    {"DAY", Field::day_name},
    {"MON", Field::month_short},
    {"FF1", Field::fraction, 1},
    {"FF2", Field::fraction, 2},
    {"FF3", Field::fraction, 3},
    {"FF4", Field::fraction, 4},
    {"FF5", Field::fraction, 5},
    {"FF6", Field::fraction, 6},
    {"TZH", Field::zone_hour},
    {"TZM", Field::zone_minute},
    {"YY", Field::year, 2},
    {"IY", Field::iso_year, 2},
    {"ID", Field::iso_weekday, 1},
    {"IW", Field::iso_week, 2},
    {"WW", Field::week, 2},
    {"CC", Field::century, 2},
    {"MM", Field::month, 2},
    {"MI", Field::minute, 2},
    {"MS", Field::fraction, 3},
    {"US", Field::fraction, 6},
    {"RM", Field::month_roman},
    {"DD", Field::day, 2},
    {"DY", Field::day_short},
    {"HH", Field::hour12, 2},
    {"SS", Field::second, 2},
    {"AM", Field::noon},
    {"PM", Field::noon},
    {"AD", Field::era},
    {"BC", Field::era},
    {"TZ", Field::zone},
    {"OF", Field::zone_offset},
    {"Y", Field::year, 1},
    {"I", Field::iso_year, 1},
    {"Q", Field::quarter, 1},
    {"D", Field::weekday, 1},
    {"W", Field::week_of_month, 1},
    {"J", Field::julian},
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
// A word of patterns is written YYYY or yyyy, and names of days and months also Month.
bool begins_with(std::string_view text, std::string_view word) {
  if (text.size() < word.size() || !equal_ignoring_case(text.substr(0, word.size()), word)) return false;
  bool has_upper = false, has_lower = false;
  for (const char c : text.substr(1, word.size() - 1)) {
    has_upper |= c >= 'A' && c <= 'Z';
    has_lower |= c >= 'a' && c <= 'z';
  }
  if (!has_upper && !has_lower) return true;
  const bool is_first_upper = upper(text[0]) == text[0];
  const bool is_name = word == "MONTH" || word == "MON" || word == "DAY" || word == "DY";
  return is_first_upper ? !has_lower || (!has_upper && is_name) : !has_upper;
}

Letters letters_of(std::string_view written) {
  std::string letters;
  for (const char c : written) {
    if (is_letter(c)) letters += c;
  }
  if (upper(letters[0]) != letters[0]) return Letters::lower;
  return letters.size() < 2 || upper(letters[1]) == letters[1] ? Letters::upper : Letters::first_upper;
}

class PatternReader {
 public:
  explicit PatternReader(std::string_view pattern) : rest_(pattern) {}

  Status run(std::vector<Part>& parts, bool& is_exact) {
    while (!rest_.empty()) {
      if (rest_.front() == '"') {
        quoted(parts);
        continue;
      }
      bool is_filled = true;
      for (;;) {  // prefixes; TM asks for local names, which are English here
        if (begins_with(rest_, "FM")) {
          is_filled = false;
        } else if (begins_with(rest_, "FX")) {
          is_exact = true;
        } else if (!begins_with(rest_, "TM")) {
          break;
        }
        rest_.remove_prefix(2);
      }
      if (rest_.empty()) break;
      const auto* keyword = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                         [&](const Keyword& known) { return begins_with(rest_, known.name); });
      if (keyword == std::end(kKeywords)) {
        literal(parts);
        continue;
      }
      Part part{.field = keyword->field, .digits = keyword->digits, .is_filled = is_filled, .text = {}};
      part.text = take(keyword->name.size());
      part.letters = letters_of(part.text);
      part.has_points = part.text.find('.') != std::string::npos;
      if (begins_with(rest_, "TH")) {
        part.has_ordinal = true;
        part.is_ordinal_upper = rest_[0] == 'T';
        rest_.remove_prefix(2);
      } else if (begins_with(rest_, "SP")) {
        return Error(Code::unsupported, "the suffix SP (numbers in words) of a pattern is not supported");
      }
      parts.push_back(std::move(part));
    }
    return {};
  }

 private:
  std::string take(size_t bytes) {
    std::string out(rest_.substr(0, bytes));
    rest_.remove_prefix(bytes);
    return out;
  }

  void quoted(std::vector<Part>& parts) {
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      parts.push_back({.text = take(std::max<size_t>(1, utf8_sequence(rest_, 0)))});
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
  }

  void literal(std::vector<Part>& parts) {
    if (rest_.size() > 1 && rest_.front() == '\\' && rest_[1] == '"') rest_.remove_prefix(1);
    Part part{.text = take(std::max<size_t>(1, utf8_sequence(rest_, 0)))};
    const char c = part.text[0];
    if (part.text.size() == 1 && !is_letter(c) && !is_digit(c)) part.field = Field::separator;
    parts.push_back(std::move(part));
  }

  std::string_view rest_;
};

}  // namespace

bool TimePattern::Part::writes_digits() const {
  switch (field) {
    case Field::literal:
    case Field::separator:
    case Field::month_name:
    case Field::month_short:
    case Field::month_roman:
    case Field::day_name:
    case Field::day_short:
    case Field::noon:
    case Field::era:
    case Field::zone:
    case Field::zone_offset:
      return false;
    default:
      return true;
  }
}

Result<TimePattern> TimePattern::parse(std::string_view pattern) {
  if (pattern.size() > kPatternBytesMax) {
    return Error(Code::too_large, "the pattern has " + std::to_string(pattern.size()) + " bytes, allowed are " +
                                      std::to_string(kPatternBytesMax));
  }
  TimePattern out;
  TRY(PatternReader(pattern).run(out.parts_, out.is_exact_));
  return out;
}

// Whether a number of the text ends by itself behind this part, so that it may have as many digits as it likes.
bool TimePattern::ends_number(size_t part) const {
  if (!parts_[part].is_filled || parts_[part].has_ordinal || part + 1 == parts_.size()) return true;
  const Part& next = parts_[part + 1];
  if (next.field == Field::literal) return !is_digit(next.text[0]);
  return !next.writes_digits();
}

}  // namespace weir::engine
