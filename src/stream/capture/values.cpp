#include "stream/capture/values.h"

namespace weir::capture {
namespace {

constexpr int kDigitsMax = 18;

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') <= 9;
}

// Digits without the zeros at both ends, and the power of ten of the last one.
struct Digits {
  uint64_t value = 0;
  int count = 0;
  int64_t exponent = 0;
  int64_t zeros = 0;  // seen after the last digit that counts
  bool too_many = false;

  void add(char c, bool fraction) {
    if (fraction) --exponent;
    if (c == '0') {
      if (count > 0) ++zeros;
      return;
    }
    if (count + zeros + 1 > kDigitsMax) {
      too_many = true;
      return;
    }
    for (; zeros > 0; --zeros, ++count) value *= 10;
    value = value * 10 + static_cast<uint64_t>(c - '0');
    ++count;
  }
};

// The digits after an `e`; saturates far beyond anything that fits.
bool read_exponent(std::string_view text, int64_t& exponent) {
  constexpr int64_t kFarAway = 1'000'000;
  const bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  if (text.empty()) return false;
  int64_t value = 0;
  for (char c : text) {
    if (!is_digit(c)) return false;
    if (value < kFarAway) value = value * 10 + (c - '0');
  }
  exponent = negative ? -value : value;
  return true;
}

}  // namespace

DecimalFit parse_decimal(std::string_view text, int precision, int scale, int64_t& into) noexcept {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  Digits digits;
  size_t at = 0;
  while (at < text.size() && is_digit(text[at])) digits.add(text[at++], false);
  if (at == 0) return DecimalFit::not_a_number;
  if (at < text.size() && text[at] == '.') {
    const size_t first = ++at;
    while (at < text.size() && is_digit(text[at])) digits.add(text[at++], true);
    if (at == first) return DecimalFit::not_a_number;
  }
  int64_t exponent = 0;
  if (at < text.size()) {
    if ((text[at] | 0x20) != 'e' || !read_exponent(text.substr(at + 1), exponent)) return DecimalFit::not_a_number;
  }
  if (digits.too_many) return DecimalFit::too_many_digits;
  if (digits.value == 0) {
    into = 0;
    return DecimalFit::exact;
  }
  // value × 10^shift is the result: the digit before the zeros that were left out stands at exponent + zeros.
  const int64_t shift = digits.exponent + digits.zeros + exponent + scale;
  if (shift < 0 || digits.count + shift > precision) return DecimalFit::too_many_digits;
  auto scaled = static_cast<int64_t>(digits.value);
  for (int64_t i = 0; i < shift; ++i) scaled *= 10;
  into = negative ? -scaled : scaled;
  return DecimalFit::exact;
}

std::string format_decimal(int64_t scaled, int scale) {
  const bool negative = scaled < 0;
  std::string digits = std::to_string(negative ? 0 - static_cast<uint64_t>(scaled) : static_cast<uint64_t>(scaled));
  const auto places = static_cast<size_t>(scale);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  if (places > 0) digits.insert(digits.size() - places, 1, '.');
  return negative ? "-" + digits : digits;
}

const char* type_name(FieldType type) {
  switch (type) {
    case FieldType::boolean:
      return "boolean";
    case FieldType::integer:
      return "integer";
    case FieldType::number:
      return "number";
    case FieldType::decimal:
      return "decimal";
    case FieldType::string:
      return "string";
    case FieldType::uuid:
      return "uuid";
    case FieldType::timestamp:
      return "timestamp";
    case FieldType::date:
      return "date";
    case FieldType::json:
      return "json";
    case FieldType::object:
      return "object";
    case FieldType::array:
      return "array";
  }
  return "";
}

std::string type_label(const Field& field) {
  switch (field.type) {
    case FieldType::boolean:
      return "true or false";
    case FieldType::integer:
      return "an integer";
    case FieldType::number:
      return "a number";
    case FieldType::decimal:
      return "a decimal(" + std::to_string(field.precision) + "," + std::to_string(field.scale) + ")";
    case FieldType::string:
      return "a string";
    case FieldType::uuid:
      return "a uuid (8-4-4-4-12 hexadecimal digits)";
    case FieldType::timestamp:
      return "a timestamp (YYYY-MM-DD HH:MM:SS, fraction and zone optional)";
    case FieldType::date:
      return "a date (YYYY-MM-DD)";
    case FieldType::json:
      return "any JSON value";
    case FieldType::object:
      return "an object";
    case FieldType::array:
      return "an array";
  }
  return "";
}

}  // namespace weir::capture
