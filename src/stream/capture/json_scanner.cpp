#include "stream/capture/json_scanner.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "core/base/text.h"

namespace weir::capture {
namespace {

constexpr size_t kPairwiseMax = 8;  // objects with so few keys are compared pair by pair, without sorting

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') <= 9;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Four hexadecimal digits, or -1.
int hex4(const char* p) {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    int digit = hex_value(p[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

bool is_high_surrogate(int unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
bool is_low_surrogate(int unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

void append_utf8(uint32_t point, std::string& out) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | point >> 12);
    out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | point >> 18);
    out += static_cast<char>(0x80 | (point >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

// The power of ten of a number that is beyond a double: positive for the huge, negative for the tiny, 0 for zero.
long decimal_order(std::string_view raw) {
  constexpr long kFarAway = 100'000'000;
  const size_t e = raw.find_first_of("eE");
  std::string_view digits = raw.substr(0, e);
  if (digits.front() == '-') digits.remove_prefix(1);
  const size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return 0;
  const size_t point = std::min(digits.find('.'), digits.size());
  long order = static_cast<long>(point) - static_cast<long>(first);
  if (e == std::string_view::npos) return order;
  const bool negative = raw[e + 1] == '-';
  long exponent = 0;
  for (char c : raw.substr(e + 1)) {
    if (is_digit(c) && exponent < kFarAway) exponent = exponent * 10 + (c - '0');
  }
  return negative ? order - exponent : order + exponent;
}

uint64_t load8(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, 8);
  return word;
}

}  // namespace

uint64_t name_hash(const char* name, size_t size) noexcept {
  constexpr uint64_t kFirst = 0x9e3779b97f4a7c15u, kSecond = 0xc2b2ae3d27d4eb4fu;
  uint64_t head = load8(name);
  uint64_t tail = 0;
  if (size < 8) {
    head &= size == 0 ? 0 : ~uint64_t{0} >> (64 - 8 * size);
  } else {
    tail = load8(name + size - 8);
  }
  uint64_t mixed = (head ^ (size << 56)) * kFirst ^ std::rotl(tail * kSecond, 31);
  mixed *= kFirst;
  return mixed ^ mixed >> 32;
}

void JsonScanner::start(const char* from, const char* end, std::vector<Cut>* cuts, int depth_max) {
  at_ = from;
  end_ = end;
  cuts_ = cuts;
  depth_max_ = depth_max;
  failure_ = {};
  keys_.clear();
  if (!decoded_keys_.empty()) decoded_keys_.clear();
}

bool JsonScanner::fail(const char* code, const char* where, const char* what) {
  failure_ = {code, where, what, {}};
  return false;
}

void JsonScanner::slow_space() {
  const char* from = at_;
  while (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t') ++at_;
  if (cuts_ != nullptr && at_ != from) cuts_->push_back({from, at_});
}

bool JsonScanner::colon() {
  space();
  if (*at_ != ':') return fail("syntax", at_, "after an object's key a colon must follow");
  ++at_;
  space();
  return true;
}

bool JsonScanner::string(Text& out) {
  const char* begin = at_ + 1;
  const char* p = begin;
  out.escaped = false;
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  // Signed: below a space are the control characters and, being negative, all bytes beyond ASCII.
  const __m128i blank = _mm_set1_epi8(' ');
  while (true) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                       _mm_cmplt_epi8(bytes, blank));
    const unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(found));
    if (mask == 0) {
      p += 16;
      continue;
    }
    p += std::countr_zero(mask);
    if (*p == '"') {
      out.raw = {begin, static_cast<size_t>(p - begin)};
      at_ = p + 1;
      return true;
    }
    if (!special(p, out)) return false;
  }
}

// At an escape, a character beyond ASCII or something that may not be there.
bool JsonScanner::special(const char*& p, Text& out) {
  if (*p == '\\') {
    out.escaped = true;
    return escape(p);
  }
  if (static_cast<signed char>(*p) < 0) {
    const size_t length = utf8_sequence({p, static_cast<size_t>(end_ - p)}, 0);
    if (length == 0) return fail("bad_utf8", p, "a string holds bytes that are not UTF-8");
    p += length;
    return true;
  }
  if (p >= end_) return fail("syntax", at_, "a string is not closed");
  return fail("syntax", p, "a control character in a string must be escaped");
}

bool JsonScanner::escape(const char*& p) {
  const char* begin = p;
  switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      p += 2;
      return true;
    case 'u':
      break;
    default:
      return fail("syntax", begin, "an unknown escape in a string");
  }
  const int unit = hex4(p + 2);
  if (unit < 0) return fail("syntax", begin, "four hexadecimal digits must follow \\u");
  p += 6;
  if (is_low_surrogate(unit)) return fail("bad_utf8", begin, "a \\u escape is half of a surrogate pair");
  if (is_high_surrogate(unit)) {
    if (p[0] != '\\' || p[1] != 'u' || !is_low_surrogate(hex4(p + 2))) {
      return fail("bad_utf8", begin, "a \\u escape is half of a surrogate pair");
    }
    p += 6;
  }
  return true;
}

std::string_view JsonScanner::decode(const Text& text, std::string& scratch) {
  if (!text.escaped) return text.raw;
  scratch.clear();
  const char* p = text.raw.data();
  const char* end = p + text.raw.size();
  while (p < end) {
    if (*p != '\\') {
      const auto* found = static_cast<const char*>(std::memchr(p, '\\', static_cast<size_t>(end - p)));
      const char* stop = found == nullptr ? end : found;
      scratch.append(p, stop);
      p = stop;
      continue;
    }
    const char c = p[1];
    p += 2;
    if (c != 'u') {
      constexpr std::string_view kLetters = "bfnrt", kMeanings = "\b\f\n\r\t";
      const size_t index = kLetters.find(c);
      scratch += index == std::string_view::npos ? c : kMeanings[index];
      continue;
    }
    auto point = static_cast<uint32_t>(hex4(p));
    p += 4;
    if (is_high_surrogate(static_cast<int>(point))) {
      const auto low = static_cast<uint32_t>(hex4(p + 2));
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
      p += 6;
    }
    append_utf8(point, scratch);
  }
  return scratch;
}

bool JsonScanner::number(Number& out) {
  const char* begin = at_;
  const char* p = at_;
  out.negative = *p == '-';
  if (out.negative) ++p;
  if (!is_digit(*p)) return fail("syntax", begin, "a value is expected here");
  const char* digits = p;
  uint64_t magnitude = 0;
  bool overflow = false;
  if (*p == '0') {
    ++p;
    if (is_digit(*p)) return fail("syntax", begin, "a number may not begin with 0");
  } else {
    while (is_digit(*p)) {
      overflow |= __builtin_mul_overflow(magnitude, 10u, &magnitude) ||
                  __builtin_add_overflow(magnitude, static_cast<uint64_t>(*p - '0'), &magnitude);
      ++p;
    }
  }
  const bool long_whole = p - digits > 300;
  out.whole = true;
  bool exponent = false;
  if (*p == '.') {
    out.whole = false;
    if (!is_digit(*++p)) return fail("syntax", begin, "a digit must follow the decimal point");
    while (is_digit(*p)) ++p;
  }
  if (*p == 'e' || *p == 'E') {
    out.whole = false;
    exponent = true;
    ++p;
    if (*p == '+' || *p == '-') ++p;
    if (!is_digit(*p)) return fail("syntax", begin, "a digit must follow the exponent");
    while (is_digit(*p)) ++p;
  }
  out.raw = {begin, static_cast<size_t>(p - begin)};
  out.magnitude = magnitude;
  if (out.whole) {
    if (overflow || (out.negative && magnitude > uint64_t{1} << 63)) {
      return fail("integer_range", begin, "an integer does not fit in 64 bits");
    }
  } else if ((exponent || long_whole) && !check_finite(out)) {
    return false;
  }
  at_ = p;
  return true;
}

bool JsonScanner::check_finite(const Number& number) {
  double value = 0;
  const auto read = std::from_chars(number.raw.data(), number.raw.data() + number.raw.size(), value);
  if (read.ec != std::errc::result_out_of_range) return true;
  // Out of range is also what is too small to tell from zero; that is a number like any other.
  return decimal_order(number.raw) <= 0 || fail("not_finite", number.raw.data(), "a number is beyond a double's range");
}

double JsonScanner::to_double(const Number& number) {
  double value = 0;
  if (number.whole) {
    value = static_cast<double>(number.magnitude);
    return number.negative ? -value : value;
  }
  const auto read = std::from_chars(number.raw.data(), number.raw.data() + number.raw.size(), value);
  if (read.ec == std::errc()) return value;
  return number.negative ? -0.0 : 0.0;  // too small: number() refused what is too large
}

bool JsonScanner::word(std::string_view expected) {
  if (std::memcmp(at_, expected.data(), expected.size()) != 0) return fail("syntax", at_, "a value is expected here");
  at_ += expected.size();
  return true;
}

bool JsonScanner::skip_value(int depth) {
  Text text;
  Number number_value;
  switch (*at_) {
    case '"':
      return string(text);
    case '{':
      return skip_object(depth + 1);
    case '[':
      return skip_array(depth + 1);
    case 't':
      return word("true");
    case 'f':
      return word("false");
    case 'n':
      return word("null");
    default:
      if (at_end()) return fail("syntax", at_, "the text ends where a value is expected");
      return number(number_value);
  }
}

bool JsonScanner::skip_object(int depth) {
  if (depth > depth_max_) return fail("too_deep", at_, "objects and arrays are nested too deeply");
  ++at_;
  space();
  if (*at_ == '}') {
    ++at_;
    return true;
  }
  const size_t mark = open_keys();
  while (true) {
    if (*at_ != '"') return fail("syntax", at_, "an object's key in double quotes is expected here");
    Text key;
    if (!string(key)) return false;
    add_key(key);
    if (!colon() || !skip_value(depth)) return false;
    space();
    if (*at_ == '}') break;
    if (*at_ != ',') return fail("syntax", at_, "a comma or } must follow in an object");
    ++at_;
    space();
  }
  ++at_;
  return close_keys(mark);
}

bool JsonScanner::skip_array(int depth) {
  if (depth > depth_max_) return fail("too_deep", at_, "objects and arrays are nested too deeply");
  ++at_;
  space();
  if (*at_ == ']') {
    ++at_;
    return true;
  }
  while (true) {
    if (!skip_value(depth)) return false;
    space();
    if (*at_ == ']') break;
    if (*at_ != ',') return fail("syntax", at_, "a comma or ] must follow in an array");
    ++at_;
    space();
  }
  ++at_;
  return true;
}

void JsonScanner::add_key(const Text& key) {
  if (!key.escaped) {
    keys_.push_back({name_hash(key.raw.data(), key.raw.size()), key.raw, key.raw.data()});
    return;
  }
  std::string& stored = decoded_keys_.emplace_back();
  decode(key, stored);
  stored.append(kPadding, '\0');  // for name_hash
  const std::string_view name(stored.data(), stored.size() - kPadding);
  keys_.push_back({name_hash(name.data(), name.size()), name, key.raw.data()});
}

bool JsonScanner::close_keys(size_t mark) {
  const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(mark);
  const Key* twice = nullptr;
  if (keys_.size() - mark <= kPairwiseMax) {
    for (auto a = first; a != keys_.end() && twice == nullptr; ++a) {
      for (auto b = a + 1; b != keys_.end(); ++b) {
        if (a->hash == b->hash && a->name == b->name) twice = &*b;
      }
    }
  } else {
    // The hash is no secret: whoever makes all of them equal gets a comparison of names, never more than n log n.
    std::sort(first, keys_.end(),
              [](const Key& a, const Key& b) { return a.hash != b.hash ? a.hash < b.hash : a.name < b.name; });
    const auto found = std::adjacent_find(
        first, keys_.end(), [](const Key& a, const Key& b) { return a.hash == b.hash && a.name == b.name; });
    if (found != keys_.end())
      twice = &*std::max_element(found, found + 2, [](const Key& a, const Key& b) { return a.at < b.at; });
  }
  if (twice != nullptr) {
    fail("duplicate_key_in_json", twice->at, "a key is given twice in one object");
    failure_.key = twice->name;
    return false;
  }
  keys_.resize(mark);
  return true;
}

}  // namespace weir::capture
