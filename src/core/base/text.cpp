#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "core/base/time.h"

namespace weir {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr std::string_view kStandardAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

uint8_t byte_at(std::string_view text, size_t at) {
  return static_cast<uint8_t>(text[at]);
}
bool continues(std::string_view text, size_t at) {
  return at < text.size() && (byte_at(text, at) & 0xC0u) == 0x80u;
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string encode_64(std::string_view bytes, std::string_view alphabet, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? byte_at(bytes, i + k) : 0u);
    for (size_t k = 0; k <= count; ++k) out += alphabet[group >> (18 - 6 * k) & 63u];
    if (padded) out.append(3 - count, '=');
  }
  return out;
}

std::array<int16_t, 256> reverse_of(std::string_view alphabet) {
  std::array<int16_t, 256> table;
  table.fill(-1);
  for (size_t i = 0; i < alphabet.size(); ++i) table[byte_at(alphabet, i)] = static_cast<int16_t>(i);
  return table;
}

// Strict: no white space, and the bits left over in the last character must be zero, so that one value has one text.
Result<std::string> decode_64(std::string_view text, std::string_view alphabet, const char* what) {
  auto table = reverse_of(alphabet);
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int bit_count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    int value = table[byte_at(text, i)];
    if (value < 0) {
      return Error(Code::invalid, std::string(what) + " has " + shown(text.substr(i, 1)) + " at offset " +
                                      std::to_string(i) + ", which is not in its alphabet");
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      out += static_cast<char>(bits >> bit_count & 0xFFu);
    }
  }
  if (text.size() % 4 == 1) return Error(Code::invalid, std::string(what) + " is cut: its length cannot be right");
  if ((bits & ((1u << bit_count) - 1)) != 0) {
    return Error(Code::invalid, std::string(what) + " ends with bits that belong to no byte");
  }
  return out;
}

}  // namespace

size_t utf8_sequence(std::string_view text, size_t at) noexcept {
  uint8_t lead = byte_at(text, at);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || !continues(text, at + 1)) return 0;
  if (lead < 0xE0) return 2;
  uint8_t second = byte_at(text, at + 1);
  if (!continues(text, at + 2)) return 0;
  if (lead < 0xF0) {
    bool overlong = lead == 0xE0 && second < 0xA0;
    bool surrogate = lead == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (!continues(text, at + 3)) return 0;
  bool overlong = lead == 0xF0 && second < 0x90;
  bool beyond = lead == 0xF4 && second > 0x8F;
  return overlong || beyond ? 0 : 4;
}

bool valid_utf8(std::string_view text) noexcept {
  size_t at = 0;
  while (at < text.size()) {
    uint64_t eight;
    // Eight ASCII bytes at a time: nearly all text is ASCII.
    if (at + 8 <= text.size()) {
      std::memcpy(&eight, text.data() + at, 8);
      if ((eight & 0x8080808080808080u) == 0) {
        at += 8;
        continue;
      }
    }
    size_t length = utf8_sequence(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string shown(std::string_view text, size_t bytes_max) {
  std::string out = "'";
  size_t at = 0;
  while (at < text.size() && at < bytes_max) {
    uint8_t c = byte_at(text, at);
    size_t length = utf8_sequence(text, at);
    // C1 controls (U+0080..U+009F) move a terminal's cursor as well as C0 does.
    bool control = c < 0x20 || c == 0x7F || (c == 0xC2 && length == 2 && byte_at(text, at + 1) < 0xA0);
    if (length == 0 || control) {
      out += "\\x";
      out += kHexDigits[c >> 4];
      out += kHexDigits[c & 15u];
      ++at;
    } else {
      out += text.substr(at, length);
      at += length;
    }
  }
  if (at < text.size()) return out + "…' (" + std::to_string(text.size()) + " bytes)";
  return out + "'";
}

std::string shown_time(int64_t micros) {
  std::string out = format_timestamp(micros);
  for (int cuts = 0; cuts < 2 && out.ends_with("000Z"); ++cuts) out.erase(out.size() - 4, 3);
  if (out.ends_with(".Z")) out.erase(out.size() - 2, 1);
  return out;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr size_t kLengthMax = 128;  // beyond it nobody mistyped, and the comparison is quadratic
  if (name.empty() || name.size() > kLengthMax) return std::nullopt;
  const std::string* best = nullptr;
  size_t best_distance = 0;
  std::string lowered = to_lower(name);
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLengthMax) continue;
    size_t distance = edit_distance(lowered, to_lower(candidate));
    size_t allowed = std::max<size_t>(1, std::max(name.size(), candidate.size()) / 3);
    if (distance <= allowed && distance < candidate.size() && (best == nullptr || distance < best_distance)) {
      best = &candidate;
      best_distance = distance;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  if (auto near = nearest(name, candidates)) return "did you mean " + shown(*near) + "?";
  if (candidates.empty()) return "nothing is known here";
  constexpr size_t kListedMax = 20;
  std::string out = "known: ";
  for (size_t i = 0; i < candidates.size() && i < kListedMax; ++i) out += (i > 0 ? ", " : "") + candidates[i];
  if (candidates.size() > kListedMax) out += " and " + std::to_string(candidates.size() - kListedMax) + " more";
  return out;
}

std::string hex_encode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    out += kHexDigits[byte_at(bytes, i) >> 4];
    out += kHexDigits[byte_at(bytes, i) & 15u];
  }
  return out;
}

Result<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return Error(Code::invalid, "hex text has an odd number of digits");
  std::string out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) {
      return Error(Code::invalid, "hex text has " + shown(text.substr(i, 2)) + " at offset " + std::to_string(i));
    }
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string base64_encode(std::string_view bytes) {
  return encode_64(bytes, kStandardAlphabet, true);
}
std::string base64url_encode(std::string_view bytes) {
  return encode_64(bytes, kUrlAlphabet, false);
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return Error(Code::invalid, "base64 text is not a multiple of 4 characters");
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  return decode_64(text.substr(0, text.size() - padding), kStandardAlphabet, "base64 text");
}

Result<std::string> base64url_decode(std::string_view text) {
  return decode_64(text, kUrlAlphabet, "base64url text");
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  volatile uint8_t difference = 0;  // volatile: the compiler may not stop at the first difference
  for (size_t i = 0; i < a.size(); ++i) difference = difference | (byte_at(a, i) ^ byte_at(b, i));
  return difference == 0;
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::string html_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

bool is_identifier(std::string_view text) noexcept {
  if (text.empty() || text.size() > 63 || text[0] < 'a' || text[0] > 'z') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace weir
