// Functions over texts. Characters are Unicode's code points; a result is at most kTextBytesMax long where an argument
// says how long it is.
#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "storage/engine/bounds.h"
#include "storage/engine/by_row.h"
#include "storage/engine/platform_functions.h"

namespace weir::engine {
namespace {

using duckdb::LogicalType;

size_t character_bytes(std::string_view text, size_t at) {
  return std::max<size_t>(1, utf8_sequence(text, at));
}

// Where the character number `count` begins, the end if there is none.
size_t offset_of_character(std::string_view text, int64_t count, size_t from = 0) {
  size_t at = from;
  for (; count > 0 && at < text.size(); --count) at += character_bytes(text, at);
  return std::min(at, text.size());
}

int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// --- INITCAP ---------------------------------------------------------------------------------------------------------

struct Letter {
  uint32_t upper = 0, lower = 0;  // the same if it has no cases
};

// Latin with its accents, Greek and Cyrillic; others are letters without cases.
Letter letter_of(uint32_t point) {
  const auto shifted = [&](uint32_t first, uint32_t last, uint32_t by) -> std::optional<Letter> {
    if (point >= first && point <= last) return Letter{point, point + by};
    if (point >= first + by && point <= last + by) return Letter{point - by, point};
    return std::nullopt;
  };
  if (const auto found = shifted('A', 'Z', 32)) return *found;
  if (point != 0xD7 && point != 0xF7) {
    if (const auto found = shifted(0xC0, 0xDE, 32)) return *found;
  }
  const bool odd_is_upper = (point >= 0x139 && point <= 0x148) || (point >= 0x179 && point <= 0x17E);
  if (odd_is_upper) return point % 2 == 1 ? Letter{point, point + 1} : Letter{point - 1, point};
  const bool is_pair = point >= 0x100 && point <= 0x177 && point != 0x130 && point != 0x131 && point != 0x138;
  if (is_pair) return point % 2 == 0 ? Letter{point, point + 1} : Letter{point - 1, point};
  if (point != 0x3C2) {
    if (const auto found = shifted(0x391, 0x3A9, 32)) return *found;
  }
  if (const auto found = shifted(0x410, 0x42F, 32)) return *found;
  if (const auto found = shifted(0x400, 0x40F, 80)) return *found;
  return {point, point};
}

uint32_t point_of(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(character[i])); };
  switch (character.size()) {
    case 2:
      return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
    case 3:
      return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    case 4:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    default:
      return byte(0);
  }
}

std::string initcap(const Row& row) {
  const std::string_view text = row.text(0);
  std::string out;
  bool is_in_word = false;
  for (size_t at = 0; at < text.size();) {
    const std::string_view character = text.substr(at, character_bytes(text, at));
    const uint32_t point = point_of(character);
    const Letter letter = letter_of(point);
    const uint32_t wanted = is_in_word ? letter.lower : letter.upper;
    if (wanted < 0x80) {
      out += static_cast<char>(wanted);
    } else if (wanted < 0x800) {
      out += static_cast<char>(0xC0 | wanted >> 6);
      out += static_cast<char>(0x80 | (wanted & 0x3F));
    } else {
      out += character;  // no letter with cases
    }
    is_in_word = point >= 0x80 || letter.upper != letter.lower || (point >= '0' && point <= '9');
    at += character.size();
  }
  return out;
}

// --- parts of a text -------------------------------------------------------------------------------------------------

// As PostgreSQL: what lies before the text counts, but is not there.
Result<std::string> substring(const Row& row) {
  const std::string_view text = row.text(0);
  const int64_t first = row.get<int64_t>(1), count = row.get<int64_t>(2);
  if (count < 0) {
    return Error(Code::invalid, "substring() takes no negative length as argument 3; found " + std::to_string(count));
  }
  const int64_t end = first > INT64_MAX - count ? INT64_MAX : first + count;
  if (end <= 1) return std::string();
  const size_t from = offset_of_character(text, std::max<int64_t>(first, 1) - 1);
  const size_t to = offset_of_character(text, end - std::max<int64_t>(first, 1), from);
  return std::string(text.substr(from, to - from));
}

// overlay(text, by, first[, count]).
Result<std::string> overlay(const Row& row) {
  const std::string_view text = row.text(0), by = row.text(1);
  const int64_t first = row.get<int64_t>(2);
  const int64_t count = row.count() > 3 ? row.get<int64_t>(3) : characters(by);
  if (first < 1) return Error(Code::invalid, "overlay() begins at character 1; found " + std::to_string(first));
  if (count < 0) return Error(Code::invalid, "overlay() takes no negative length; found " + std::to_string(count));
  const size_t from = offset_of_character(text, first - 1), to = offset_of_character(text, count, from);
  return std::string(text.substr(0, from)) + std::string(by) + std::string(text.substr(to));
}

// The first bytes of a text, as far as they are whole characters: what VARCHAR(n) holds of it.
Result<std::string> cut(const Row& row) {
  const std::string_view text = row.text(0);
  const int64_t bytes = row.get<int64_t>(1);
  if (bytes < 1) return Error(Code::invalid, "a text type's length is at least 1; found " + std::to_string(bytes));
  if (static_cast<int64_t>(text.size()) <= bytes) return std::string(text);
  auto end = static_cast<size_t>(bytes);
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

Result<std::string> filled(const Row& row, const char* name, bool is_left) {
  const std::string_view text = row.text(0), fill = row.count() > 2 ? row.text(2) : std::string_view(" ");
  const int64_t wanted = row.get<int64_t>(1);
  if (static_cast<double>(wanted) > kTextBytesMax) {
    return Error(Code::too_large, std::string(name) + "() makes a text of at most " +
                                      std::to_string(static_cast<int64_t>(kTextBytesMax)) +
                                      " characters (argument 2); found " + std::to_string(wanted));
  }
  if (wanted <= 0) return std::string();
  const int64_t have = characters(text);
  if (have >= wanted) return std::string(text.substr(0, offset_of_character(text, wanted)));
  if (fill.empty()) return std::string(text);
  std::string between;
  size_t at = 0;
  for (int64_t i = have; i < wanted; ++i) {
    const size_t bytes = character_bytes(fill, at);
    between += fill.substr(at, bytes);
    at = at + bytes >= fill.size() ? 0 : at + bytes;
  }
  return is_left ? between + std::string(text) : std::string(text) + between;
}

Result<std::string> space(const Row& row) {
  const int64_t count = row.get<int64_t>(0);
  if (static_cast<double>(count) > kTextBytesMax) {
    return Error(Code::too_large, "space() makes at most " + std::to_string(static_cast<int64_t>(kTextBytesMax)) +
                                      " blanks (argument 1); found " + std::to_string(count));
  }
  return std::string(static_cast<size_t>(std::max<int64_t>(0, count)), ' ');
}

int32_t octet_index(const Row& row) {
  const size_t found = row.text(1).find(row.text(0));
  return found == std::string_view::npos ? 0 : static_cast<int32_t>(found + 1);
}

// --- SOUNDEX ---------------------------------------------------------------------------------------------------------

// American Soundex: a letter and three digits. H and W part no two letters of one digit, vowels do.
std::string soundex_of(std::string_view text) {
  constexpr std::string_view kDigits = "01230120022455012623010202";  // of A to Z; 0 has none
  std::string out;
  char last = '0';
  for (const char c : text) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (upper < 'A' || upper > 'Z') continue;
    const char digit = kDigits[static_cast<size_t>(upper - 'A')];
    if (out.empty()) {
      out += upper;
    } else if (digit != '0' && digit != last) {
      out += digit;
    }
    if (out.size() == 4) return out;
    if (upper != 'H' && upper != 'W') last = digit;
  }
  if (!out.empty()) out.resize(4, '0');
  return out;
}

int32_t difference(const Row& row) {
  const std::string a = soundex_of(row.text(0)), b = soundex_of(row.text(1));
  int32_t same = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) same += a[i] == b[i] ? 1 : 0;
  return same;
}

}  // namespace

ScalarFunctions text_functions() {
  const LogicalType text = LogicalType::VARCHAR, number = LogicalType::BIGINT, small = LogicalType::INTEGER;
  ScalarFunctions out;
  out.push_back(by_row<std::string>("initcap", {text}, text, initcap));
  out.push_back(by_row<std::string>("weir_substring", {text, number, number}, text, substring));
  out.push_back(by_row<std::string>("overlay", {text, text, number}, text, overlay));
  out.push_back(by_row<std::string>("overlay", {text, text, number, number}, text, overlay));
  out.push_back(by_row<std::string>("weir_cut", {text, number}, text, cut));
  for (const bool is_left : {true, false}) {
    const char* name = is_left ? "lpad" : "rpad";
    const auto fill = [name, is_left](const Row& row) { return filled(row, name, is_left); };
    out.push_back(by_row<std::string>(std::string("weir_") + name, {text, number}, text, fill));
    out.push_back(by_row<std::string>(std::string("weir_") + name, {text, number, text}, text, fill));
  }
  out.push_back(by_row<std::string>("space", {number}, text, space));
  out.push_back(by_row<int32_t>("octetindex", {text, text}, small, octet_index));
  out.push_back(by_row<int32_t>("weir_octet_length", {text}, small,
                                [](const Row& row) { return static_cast<int32_t>(row.text(0).size()); }));
  out.push_back(by_row<int32_t>("weir_octet_length", {LogicalType::BLOB}, small,
                                [](const Row& row) { return static_cast<int32_t>(row.text(0).size()); }));
  out.push_back(by_row<std::string>("soundex", {text}, text, [](const Row& row) { return soundex_of(row.text(0)); }));
  out.push_back(by_row<int32_t>("difference", {text, text}, small, difference));
  out.push_back(by_row<std::string>("+", {text, text}, text,
                                    [](const Row& row) { return std::string(row.text(0)).append(row.text(1)); }));
  return out;
}

}  // namespace weir::engine
