#include "surface/pgwire/parameter.h"

#include <bit>

#include "core/base/text.h"
#include "surface/pgwire/message.h"
#include "surface/pgwire/types.h"

namespace weir::pgwire {

namespace {

constexpr int64_t kEpochDays = 10'957;  // of 2000-01-01
constexpr int64_t kEpochMicros = kEpochDays * 86'400'000'000;
constexpr int kDecimalDigitsMax = 38;  // of the engine

Error wrong(std::string message, const char* sqlstate = "22P03") {
  return with_state(Error(Code::invalid, std::move(message)), sqlstate);
}

Error wrong_size(uint32_t type, size_t bytes) {
  return wrong("a binary value of type " + std::string(type_name(type)) + " has " + std::to_string(bytes) + " bytes");
}

// Big-endian and signed; 2, 4 or 8 bytes.
int64_t whole_of(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  if (bytes.size() == 2) return static_cast<int16_t>(value);
  if (bytes.size() == 4) return static_cast<int32_t>(value);
  return static_cast<int64_t>(value);
}

std::string day_text(int64_t days) {
  if (days == INT32_MAX) return "infinity";
  if (days == INT32_MIN) return "-infinity";
  std::string out;
  append_date(out, days + kEpochDays);
  return out;
}

std::string instant_text(int64_t micros, bool has_zone) {
  if (micros == INT64_MAX) return "infinity";
  if (micros == INT64_MIN) return "-infinity";
  std::string out;
  if (micros > INT64_MAX - kEpochMicros) return "infinity";
  append_timestamp(out, micros + kEpochMicros);
  if (has_zone) out += "+00";
  return out;
}

std::string interval_text(std::string_view bytes) {
  return std::to_string(whole_of(bytes.substr(12, 4))) + " months " + std::to_string(whole_of(bytes.substr(8, 4))) +
         " days " + std::to_string(whole_of(bytes.substr(0, 8))) + " microseconds";
}

Result<std::string> text_of_binary(uint32_t type, std::string_view bytes);

Result<std::string> list_of_binary(std::string_view bytes) {
  if (bytes.size() < 12) return wrong("a binary array ends too early");
  const int64_t dimensions = whole_of(bytes.substr(0, 4));
  const auto element = static_cast<uint32_t>(whole_of(bytes.substr(8, 4)));
  if (dimensions == 0) return std::string("[]");
  if (dimensions != 1 || bytes.size() < 20) return wrong("arrays have one dimension here", "0A000");
  const int64_t count = whole_of(bytes.substr(12, 4));
  bytes.remove_prefix(20);
  std::string out = "[";
  for (int64_t i = 0; i < count; ++i) {
    if (bytes.size() < 4) return wrong("a binary array ends too early");
    const int64_t size = whole_of(bytes.substr(0, 4));
    bytes.remove_prefix(4);
    if (i > 0) out += ", ";
    if (size == -1) {
      out += "NULL";
      continue;
    }
    if (size < 0 || static_cast<size_t>(size) > bytes.size()) return wrong("a binary array ends too early");
    TRY_ASSIGN(const std::string text, text_of_binary(element, bytes.substr(0, static_cast<size_t>(size))));
    bytes.remove_prefix(static_cast<size_t>(size));
    out += '"';
    for (const char character : text) {
      if (character == '"' || character == '\\') out += '\\';
      out += character;
    }
    out += '"';
  }
  return out + "]";
}

Result<std::string> fixed_text(uint32_t type, std::string_view bytes) {
  const int16_t size = type_of(engine_type_of(type)).size;
  if (size > 0 && bytes.size() != static_cast<size_t>(type == oid::kOid ? 4 : size))
    return wrong_size(type, bytes.size());
  std::string out;
  switch (type) {
    case oid::kBool:
      return std::string(bytes[0] != 0 ? "true" : "false");
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
      return std::to_string(whole_of(bytes));
    case oid::kOid:
      return std::to_string(static_cast<uint32_t>(whole_of(bytes)));
    case oid::kFloat4:
      append_float4(out, std::bit_cast<float>(static_cast<int32_t>(whole_of(bytes))));
      return out;
    case oid::kFloat8:
      append_float8(out, std::bit_cast<double>(whole_of(bytes)));
      return out;
    case oid::kDate:
      return day_text(whole_of(bytes));
    case oid::kTime:
      append_time(out, whole_of(bytes));
      return out;
    case oid::kTimestamp:
    case oid::kTimestamptz:
      return instant_text(whole_of(bytes), type == oid::kTimestamptz);
    case oid::kInterval:
      return interval_text(bytes);
    case oid::kUuid:
      append_uuid(out, {whole_of(bytes.substr(0, 8)), static_cast<uint64_t>(whole_of(bytes.substr(8, 8)))});
      return out;
    default:
      return with_state(
          Error(Code::unsupported, std::string("binary values of type ") + type_name(type) + " are not read here",
                "send it as text"),
          "0A000");
  }
}

Result<std::string> text_of_binary(uint32_t type, std::string_view bytes) {
  switch (type) {
    case oid::kBytea:
    case oid::kText:
    case oid::kVarchar:
    case oid::kBpchar:
    case oid::kName:
    case oid::kJson:
    case oid::kUnknown:
    case 0:
      return std::string(bytes);
    case oid::kJsonb:
      if (bytes.empty() || bytes[0] != 1) return wrong("jsonb of an unknown version");
      return std::string(bytes.substr(1));
    case oid::kNumeric:
      return numeric_text(bytes);
    default:
      if (element_of(type) != 0) return list_of_binary(bytes);
      return fixed_text(type, bytes);
  }
}

// bytea in text: \x and digits, or the older form with \ooo.
Result<std::string> bytes_of_text(std::string_view text) {
  if (text.starts_with("\\x")) {
    Result<std::string> bytes = hex_decode(to_lower(text.substr(2)));
    if (!bytes) return wrong("a bytea has " + bytes.error().message, "22P02");
    return bytes;
  }
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      out += '\\';
      ++i;
    } else if (i + 3 < text.size() && text.substr(i + 1, 3).find_first_not_of("01234567") == std::string_view::npos) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      return wrong("a bytea has a \\ that begins nothing", "22P02");
    }
  }
  return out;
}

Result<std::string> truth_of_text(std::string_view text) {
  const std::string word = to_lower(trim(text));
  for (const char* yes : {"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"}) {
    if (word == yes) return std::string("true");
  }
  for (const char* no : {"f", "fa", "fal", "fals", "false", "n", "no", "off", "0"}) {
    if (word == no) return std::string("false");
  }
  return wrong(shown(text) + " is no boolean", "22P02");
}

// The narrowest decimal that holds the text, as the engine's DECIMAL alone would round to three digits.
std::string decimal_type(std::string_view text) {
  text = trim(text);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos) return "DOUBLE";
  const auto whole = static_cast<int>(point);
  const auto scale = static_cast<int>(point < text.size() ? text.size() - point - 1 : 0);
  if (whole + scale > kDecimalDigitsMax) return scale == 0 && whole <= kDecimalDigitsMax + 1 ? "HUGEINT" : "DOUBLE";
  return "DECIMAL(" + std::to_string(std::max(1, whole + scale)) + "," + std::to_string(scale) + ")";
}

Result<std::string> plain_text(uint32_t type, std::string_view bytes) {
  if (type == oid::kBytea) return bytes_of_text(bytes);
  if (type == oid::kBool) return truth_of_text(bytes);
  if (element_of(type) != 0) return list_text(bytes);
  return std::string(bytes);
}

}  // namespace

Result<std::string> engine_text(uint32_t type, std::string_view bytes, bool is_binary) {
  return is_binary ? text_of_binary(type, bytes) : plain_text(type, bytes);
}

Result<std::string> numeric_text(std::string_view bytes) {
  if (bytes.size() < 8) return wrong_size(oid::kNumeric, bytes.size());
  const int64_t groups = whole_of(bytes.substr(0, 2));
  const int64_t weight = whole_of(bytes.substr(2, 2));
  const auto sign = static_cast<uint16_t>(whole_of(bytes.substr(4, 2)));
  const auto scale = static_cast<uint16_t>(whole_of(bytes.substr(6, 2)));
  if (groups < 0 || bytes.size() != 8 + 2 * static_cast<size_t>(groups)) return wrong_size(oid::kNumeric, bytes.size());
  if (sign == 0xC000) return std::string("NaN");
  if (sign == 0xD000) return std::string("Infinity");
  if (sign == 0xF000) return std::string("-Infinity");
  const auto digits = [&](int64_t group) {
    const int64_t at = weight - group;  // of the group with this power of 10,000
    std::string out =
        at < 0 || at >= groups ? "0" : std::to_string(whole_of(bytes.substr(8 + 2 * static_cast<size_t>(at), 2)));
    return out.size() < 4 ? std::string(4 - out.size(), '0') + out : out;
  };
  if (weight > 64 || scale > 256) return wrong("a numeric of more digits than the engine's types have", "22003");
  std::string whole, fraction;
  for (int64_t group = weight; group >= 0; --group) whole += digits(group);
  for (int64_t group = -1; fraction.size() < scale; --group) fraction += digits(group);
  fraction.resize(scale);
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  if (whole.empty()) whole = "0";
  return (sign == 0x4000 ? "-" : "") + whole + (scale > 0 ? "." + fraction : "");
}

Result<std::string> list_text(std::string_view array) {
  array = trim(array);
  if (!array.starts_with('{') || !array.ends_with('}'))
    return wrong(shown(array) + " is no array: write {a,b}", "22P02");
  array = array.substr(1, array.size() - 2);
  std::string out = "[";
  size_t count = 0;
  for (size_t i = 0; i < array.size() || (count > 0 && i == array.size());) {
    std::string element;
    bool is_quoted = false;
    while (i < array.size() && array[i] == ' ') ++i;
    if (i < array.size() && array[i] == '{') return wrong("arrays have one dimension here", "0A000");
    if (i < array.size() && array[i] == '"') {
      is_quoted = true;
      for (++i; i < array.size() && array[i] != '"'; ++i) {
        if (array[i] == '\\' && i + 1 < array.size()) ++i;
        element += array[i];
      }
      if (i >= array.size()) return wrong("an array's text is not closed", "22P02");
      ++i;
    }
    for (; i < array.size() && array[i] != ','; ++i) {
      if (!is_quoted) element += array[i];
    }
    if (!is_quoted && trim(element).empty()) return wrong("an array has an empty element", "22P02");
    if (count++ > 0) out += ", ";
    if (!is_quoted && equal_ignoring_case(trim(element), "null")) {
      out += "NULL";
    } else {
      out += '"';
      for (const char character : is_quoted ? std::string_view(element) : trim(element)) {
        if (character == '"' || character == '\\') out += '\\';
        out += character;
      }
      out += '"';
    }
    if (i >= array.size()) break;
    ++i;  // the comma
  }
  return out + "]";
}

Result<engine::Parameter> parameter_of(const SentValue& sent) {
  uint32_t type = sent.type == oid::kUnknown ? 0 : sent.type;
  if (type == 0 && sent.is_binary && !sent.wanted.empty()) type = type_of(sent.wanted).number;
  std::string name = type == 0 ? std::string() : engine_type_of(type);
  if (!sent.bytes) return engine::Parameter(nullptr, name == "DECIMAL" ? "DECIMAL(38,10)" : std::move(name));
  if (type != 0 && name.empty()) {
    return with_state(
        Error(Code::unsupported, "parameters of type number " + std::to_string(type) + " are not known here"), "0A000");
  }
  TRY_ASSIGN(std::string text, sent.is_binary ? text_of_binary(type, *sent.bytes) : plain_text(type, *sent.bytes));
  if (type != oid::kBytea && !valid_utf8(text)) return wrong("a value is not valid UTF-8", "22021");
  if (type == oid::kNumeric) name = decimal_type(text);
  if (name == "DECIMAL[]") name = "DECIMAL(38,10)[]";
  return engine::Parameter(std::move(text), std::move(name));
}

}  // namespace weir::pgwire
