#include "storage/engine/number_pattern.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

#include "core/base/text.h"
#include "storage/engine/time_pattern.h"

namespace weir::engine {
namespace {

using Field = NumberPattern::Field;

struct Keyword {
  std::string_view name;
  Field field;
};
constexpr Keyword kKeywords[] = {
    {"EEEE", Field::power},  {"MI", Field::minus}, {"PL", Field::plus},    {"SG", Field::plus_minus},
    {"PR", Field::brackets}, {"RN", Field::roman}, {"TH", Field::ordinal}, {"9", Field::digit},
    {"0", Field::zero},      {".", Field::point},  {"D", Field::point},    {",", Field::comma},
    {"G", Field::comma},     {"V", Field::shift},  {"S", Field::sign},     {"L", Field::currency},
};
constexpr size_t kSlotsMax = 100;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Adds one to the last of the digits; true if that carries out of the first.
bool increment(std::string& digits) {
  for (size_t i = digits.size(); i > 0; --i) {
    if (digits[i - 1] != '9') {
      ++digits[i - 1];
      return false;
    }
    digits[i - 1] = '0';
  }
  return true;
}

std::string roman_of(int number) {
  constexpr std::pair<int, const char*> kSigns[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
                                                    {90, "XC"},  {50, "L"},   {40, "XL"}, {10, "X"},   {9, "IX"},
                                                    {5, "V"},    {4, "IV"},   {1, "I"}};
  std::string out;
  for (const auto& [value, sign] : kSigns) {
    for (; number >= value; number -= value) out += sign;
  }
  return out;
}

const char* ordinal_of(std::string_view digits, bool upper) {
  const bool is_teen = digits.size() > 1 && digits[digits.size() - 2] == '1';
  const char last = digits.empty() || is_teen ? '0' : digits.back();
  if (last == '1') return upper ? "ST" : "st";
  if (last == '2') return upper ? "ND" : "nd";
  if (last == '3') return upper ? "RD" : "rd";
  return upper ? "TH" : "th";
}

}  // namespace

// What is written: no zero in front, and exactly the pattern's digits behind the point.
struct NumberPattern::Digits {
  bool is_negative = false, is_overflow = false;
  std::string whole, fraction;
};

Result<NumberPattern> NumberPattern::parse(std::string_view pattern) {
  if (pattern.size() > kPatternBytesMax) {
    return Error(Code::too_large, "the pattern has " + std::to_string(pattern.size()) + " bytes, allowed are " +
                                      std::to_string(kPatternBytesMax));
  }
  NumberPattern out;
  bool is_quoted = false;
  while (!pattern.empty()) {
    if (pattern.front() == '"') {
      is_quoted = !is_quoted;
      pattern.remove_prefix(1);
      continue;
    }
    const auto begins = [&](std::string_view name) {
      return pattern.size() >= name.size() && equal_ignoring_case(pattern.substr(0, name.size()), name);
    };
    if (!is_quoted && begins("FM")) {
      out.is_filled_ = false;
      pattern.remove_prefix(2);
      continue;
    }
    const auto* keyword = is_quoted ? std::end(kKeywords)
                                    : std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                                   [&](const Keyword& known) { return begins(known.name); });
    Part part;
    size_t bytes = 0;
    if (keyword != std::end(kKeywords)) {
      bytes = keyword->name.size();
      part.field = keyword->field;
      part.is_upper = pattern[0] >= 'A' && pattern[0] <= 'Z';
    } else {
      if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
      bytes = std::max<size_t>(1, utf8_sequence(pattern, 0));
    }
    part.text = pattern.substr(0, bytes);
    out.parts_.push_back(std::move(part));
    pattern.remove_prefix(bytes);
  }
  TRY(out.check());
  out.count();
  return out;
}

bool NumberPattern::has(Field field) const {
  return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) { return part.field == field; });
}

Status NumberPattern::check() const {
  const auto number_of = [&](Field field) {
    return std::count_if(parts_.begin(), parts_.end(), [&](const Part& part) { return part.field == field; });
  };
  const auto wrong = [](const char* what) { return Error(Code::invalid, std::string("the pattern ") + what); };
  if (number_of(Field::point) > 1) return wrong("has more than one point");
  if (number_of(Field::sign) > 1) return wrong("has more than one S");
  if (number_of(Field::brackets) > 1) return wrong("has more than one PR");
  if (number_of(Field::shift) > 1) return wrong("has more than one V");
  if (has(Field::point) && has(Field::shift)) return wrong("has V and a point: a shifted number is whole");
  const bool has_word = has(Field::minus) || has(Field::plus) || has(Field::plus_minus);
  if (has(Field::sign) && (has_word || has(Field::brackets))) return wrong("has S beside PL, MI, SG or PR");
  if (has(Field::brackets) && has_word) return wrong("has PR beside PL, MI or SG");
  if (has(Field::power)) {
    if (has(Field::sign) || has_word || has(Field::brackets) || has(Field::shift) || has(Field::roman)) {
      return wrong("has EEEE beside what it does not go with; it goes with digits and a point only");
    }
    if (parts_.back().field != Field::power) return wrong("has EEEE that is not its end");
  }
  if (static_cast<size_t>(number_of(Field::digit) + number_of(Field::zero)) > kSlotsMax) {
    return wrong("has more than 100 digits");
  }
  return {};
}

void NumberPattern::count() {
  bool is_behind = false, is_shifted = false;
  for (const Part& part : parts_) {
    if (part.field == Field::point) is_behind = true;
    if (part.field == Field::shift) is_shifted = true;
    if (part.field == Field::sign && !is_behind) slots_at_sign_ = whole_slots_;
    if (part.field != Field::digit && part.field != Field::zero) continue;
    if (is_shifted) ++shift_;
    const bool is_zero = part.field == Field::zero;
    if (is_behind) {
      ++fraction_slots_;
      if (is_zero) zeros_kept_ = fraction_slots_;
    } else {
      if (is_zero && first_zero_ < 0) first_zero_ = whole_slots_;
      ++whole_slots_;
    }
  }
}

NumberPattern::Digits NumberPattern::digits_of(std::string_view number) const {
  Digits out;
  if (!number.empty() && (number[0] == '-' || number[0] == '+')) {
    out.is_negative = number[0] == '-';
    number.remove_prefix(1);
  }
  const size_t point = std::min(number.find('.'), number.size());
  out.whole = number.substr(0, point);
  if (point < number.size()) out.fraction = number.substr(point + 1);
  const auto shift = static_cast<size_t>(shift_), slots = static_cast<size_t>(fraction_slots_);
  if (out.fraction.size() < shift + slots) out.fraction.append(shift + slots - out.fraction.size(), '0');
  out.whole += out.fraction.substr(0, shift);
  out.fraction.erase(0, shift);
  const bool rounds_up = out.fraction.size() > slots && out.fraction[slots] >= '5';
  out.fraction.resize(slots);
  if (rounds_up && increment(out.fraction) && increment(out.whole)) out.whole.insert(0, 1, '1');
  out.whole.erase(0, out.whole.find_first_not_of('0'));
  const bool is_zero = out.whole.empty() && out.fraction.find_first_not_of('0') == std::string::npos;
  if (is_zero) out.is_negative = false;
  if (out.whole.empty()) out.whole = "0";
  return out;
}

Result<std::string> NumberPattern::write(std::string_view number) const {
  if (has(Field::power)) {
    // One digit before the point: 1.25e+02.
    std::string_view digits = number;
    const bool is_negative = digits.starts_with('-');
    if (is_negative) digits.remove_prefix(1);
    const size_t point = std::min(digits.find('.'), digits.size());
    std::string all(digits.substr(0, point));
    if (point < digits.size()) all += digits.substr(point + 1);
    const size_t first = all.find_first_not_of('0');
    int power = first == std::string::npos ? 0 : static_cast<int>(point) - static_cast<int>(first) - 1;
    all = first == std::string::npos ? "0" : all.substr(first);
    const auto wanted = static_cast<size_t>(fraction_slots_) + 1;
    const bool rounds_up = all.size() > wanted && all[wanted] >= '5';
    all.resize(wanted, '0');
    if (rounds_up && increment(all)) {
      all.insert(0, 1, '1');
      all.resize(wanted);
      ++power;
    }
    if (wanted > 1) all.insert(1, 1, '.');
    char exponent[16];
    std::snprintf(exponent, sizeof exponent, "e%+03d", power);
    return (is_negative ? "-" : " ") + all + exponent;
  }
  Digits digits = digits_of(number);
  if (has(Field::roman)) return roman(digits);
  if (static_cast<int>(digits.whole.size()) > whole_slots_) {
    digits.is_overflow = true;
    digits.whole.assign(static_cast<size_t>(whole_slots_), '#');
    digits.fraction.assign(digits.fraction.size(), '#');
  }
  return laid_out(digits);
}

Result<std::string> NumberPattern::write(double number) const {
  constexpr int kDigits = 15;  // that a double holds for certain
  if (!std::isfinite(number)) {
    return laid_out({.is_negative = std::signbit(number) && !std::isnan(number),
                     .is_overflow = true,
                     .whole = std::string(static_cast<size_t>(whole_slots_), '#'),
                     .fraction = std::string(static_cast<size_t>(fraction_slots_), '#')});
  }
  char text[512];
  if (has(Field::power)) {
    std::snprintf(text, sizeof text, "% .*e", std::min(fraction_slots_, 100), number);
    return std::string(text);
  }
  const int whole = number == 0 ? 1 : std::max(1, static_cast<int>(std::floor(std::log10(std::fabs(number)))) + 1);
  const int behind = std::clamp(kDigits - whole, 0, fraction_slots_ + shift_);
  std::snprintf(text, sizeof text, "%.*f", behind, number);
  return write(std::string_view(text));
}

std::string NumberPattern::roman(const Digits& digits) const {
  constexpr size_t kWidth = 15;
  int number = 0;
  const bool is_known =
      !digits.is_negative && digits.whole.size() <= 4 &&
      std::from_chars(digits.whole.data(), digits.whole.data() + digits.whole.size(), number).ec == std::errc() &&
      number >= 1 && number <= 3999;
  std::string out;
  for (const Part& part : parts_) {
    if (part.field == Field::literal) out += part.text;
    if (part.field != Field::roman) continue;
    std::string text = is_known ? roman_of(number) : std::string(kWidth, '#');
    if (!part.is_upper) text = to_lower(text);
    if (is_filled_ && text.size() < kWidth) text.insert(0, kWidth - text.size(), ' ');
    out += text;
  }
  return out;
}

// What is written of a number, from left to right.
struct NumberPattern::Layout {
  Layout(const NumberPattern& pattern_in, const Digits& digits)
      : pattern(pattern_in), is_negative(digits.is_negative), whole(digits.whole), fraction(digits.fraction) {
    if (!pattern.is_filled_ && pattern.has(Field::point)) {
      const size_t last = fraction.find_last_not_of('0');
      fraction.resize(std::max(last == std::string::npos ? 0 : last + 1, static_cast<size_t>(pattern.zeros_kept_)));
    }
    // Nothing stands before the point of 0.5, if no 0 asks for it.
    const bool is_only_fraction = whole == "0" && pattern.first_zero_ < 0 && pattern.fraction_slots_ > 0;
    if (is_only_fraction && (pattern.is_filled_ || !fraction.empty())) whole.clear();
    sign_is_behind =
        pattern.has(Field::sign) && (pattern.slots_at_sign_ < 0 || pattern.slots_at_sign_ == pattern.whole_slots_);
    is_signed = pattern.has(Field::minus) || pattern.has(Field::plus_minus) || sign_is_behind;
  }

  void blank() {
    if (pattern.is_filled_) out += ' ';
  }
  // Before the first digit or point.
  void sign() {
    if (std::exchange(is_signed, true)) return;
    if (pattern.has(Field::sign)) {
      out += is_negative ? '-' : '+';
    } else if (is_negative) {
      out += pattern.has(Field::brackets) ? '<' : '-';
    } else {
      blank();
    }
  }
  void digit() {
    const int blanks = pattern.whole_slots_ - static_cast<int>(whole.size());
    const int in_fraction = slot - pattern.whole_slots_;
    if (is_behind) {
      if (in_fraction < static_cast<int>(fraction.size())) out += fraction[static_cast<size_t>(in_fraction)];
    } else if (slot >= blanks) {
      sign();
      out += whole[static_cast<size_t>(slot - blanks)];
      has_digit = true;
    } else if (pattern.first_zero_ >= 0 && slot >= pattern.first_zero_) {
      sign();
      out += '0';
      has_digit = true;
    } else {
      blank();
    }
    if (++slot == pattern.whole_slots_ + pattern.fraction_slots_) end();
  }
  void end() {
    sign();
    if (sign_is_behind) out += is_negative ? '-' : '+';
    if (!pattern.has(Field::brackets)) return;
    if (is_negative) {
      out += '>';
    } else {
      blank();
    }
  }
  void point() {
    is_behind = true;
    if (pattern.fraction_slots_ == 0) return;
    sign();
    out += '.';
  }

  const NumberPattern& pattern;
  const bool is_negative;
  std::string whole, fraction, out;
  bool sign_is_behind = false, is_signed = false, has_digit = false, is_behind = false;
  int slot = 0;
};

std::string NumberPattern::laid_out(const Digits& digits) const {
  Layout layout(*this, digits);
  const bool is_negative = digits.is_negative;
  const auto one_or_blank = [&](bool is_one, char sign) {
    if (is_one) {
      layout.out += sign;
    } else {
      layout.blank();
    }
  };
  for (const Part& part : parts_) {
    switch (part.field) {
      case Field::digit:
      case Field::zero:
        layout.digit();
        break;
      case Field::point:
        layout.point();
        break;
      case Field::comma:
        one_or_blank(layout.has_digit, ',');
        break;
      case Field::minus:
        one_or_blank(is_negative, '-');
        break;
      case Field::plus:
        one_or_blank(!is_negative, '+');
        break;
      case Field::plus_minus:
        layout.out += is_negative ? '-' : '+';
        break;
      case Field::currency:
        layout.out += ' ';
        break;
      case Field::ordinal:
        if (is_negative || digits.is_overflow || has(Field::point)) break;
        layout.out += ordinal_of(digits.whole, part.is_upper);
        break;
      case Field::literal:
        layout.out += part.text;
        break;
      case Field::shift:
      case Field::sign:
      case Field::brackets:
      case Field::roman:
      case Field::power:
        break;
    }
  }
  return layout.out;
}

Result<std::string> NumberPattern::read(std::string_view text) const {
  for (const Field refused : {Field::roman, Field::power, Field::shift}) {
    if (has(refused)) return Error(Code::unsupported, "RN, EEEE and V of a pattern are for writing only");
  }
  const std::string_view all = text;
  const auto wrong = [&](const char* what) {
    return Error(Code::invalid, "the text " + shown(all) + " is no number of the pattern: " + what);
  };
  if (text.size() > kPatternBytesMax) return wrong("it is longer than 1000 bytes");
  std::string whole, fraction;
  bool is_negative = false, is_behind = false;
  const auto skip_blanks = [&] {
    while (!text.empty() && (text[0] == ' ' || text[0] == '\t')) text.remove_prefix(1);
  };
  const auto sign = [&] {
    skip_blanks();
    const std::string_view signs = has(Field::brackets) ? "-+<>" : "-+";
    if (text.empty() || signs.find(text[0]) == std::string_view::npos) return;
    if (text[0] == '-' || text[0] == '<') is_negative = true;
    text.remove_prefix(1);
  };
  for (const Part& part : parts_) {
    switch (part.field) {
      case Field::digit:
      case Field::zero:
        if (whole.empty() && fraction.empty() && !is_behind) sign();
        if (text.empty()) break;
        if (is_digit(text[0])) {
          (is_behind ? fraction : whole) += text[0];
          text.remove_prefix(1);
        } else if (std::string_view(" .,-+>").find(text[0]) == std::string_view::npos) {
          return wrong("a digit is expected");
        }
        break;
      case Field::point:
        if (whole.empty()) sign();
        if (!text.empty() && text[0] == '.') text.remove_prefix(1);
        is_behind = true;
        break;
      case Field::comma:
        if (!text.empty() && text[0] == ',') text.remove_prefix(1);
        break;
      case Field::sign:
      case Field::minus:
      case Field::plus:
      case Field::plus_minus:
      case Field::brackets:
        sign();
        break;
      case Field::currency:
      case Field::literal:
        if (!text.empty() && !is_digit(text[0])) text.remove_prefix(std::max<size_t>(1, utf8_sequence(text, 0)));
        break;
      case Field::ordinal:
        if (text.size() >= 2) text.remove_prefix(2);
        break;
      case Field::shift:
      case Field::roman:
      case Field::power:
        break;
    }
  }
  if (has(Field::sign) || has(Field::minus) || has(Field::brackets)) sign();
  if (whole.empty() && fraction.empty()) return wrong("it has no digit");
  const bool has_more =
      !text.empty() && (is_digit(text[0]) || (text[0] == ',' && text.size() > 1 && is_digit(text[1])));
  if (has_more && !is_behind) return wrong("it has more digits than the pattern");
  return (is_negative ? "-" : "") + (whole.empty() ? "0" : whole) + (fraction.empty() ? "" : "." + fraction);
}

}  // namespace weir::engine
