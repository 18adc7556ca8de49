#include "platform/endpoint/parameter.h"

#include <charconv>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::endpoint {
namespace {

std::optional<int64_t> whole(std::string_view text) {
  if (text.starts_with('+')) return std::nullopt;
  int64_t out = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return out;
}

// `today`, `today-7`
std::optional<int32_t> day_word(std::string_view text, int32_t today) {
  constexpr std::string_view kToday = "today";
  constexpr int64_t kFarthest = 36'600;
  if (!text.starts_with(kToday)) return std::nullopt;
  text.remove_prefix(kToday.size());
  if (text.empty()) return today;
  const char sign = text.front();
  const auto days = whole(text.substr(1));
  if ((sign != '+' && sign != '-') || !days || *days < 0 || *days > kFarthest) return std::nullopt;
  return today + static_cast<int32_t>(sign == '+' ? *days : -*days);
}

}  // namespace

const char* type_word(ParameterType type) {
  switch (type) {
    case ParameterType::uuid:
      return "uuid";
    case ParameterType::date:
      return "date";
    case ParameterType::integer:
      return "integer";
    case ParameterType::text:
      return "text";
    case ParameterType::boolean:
      return "boolean";
  }
  return "";
}

const char* use_word(ParameterUse use) {
  switch (use) {
    case ParameterUse::equals:
      return "equals";
    case ParameterUse::from:
      return "from";
    case ParameterUse::to:
      return "to";
  }
  return "";
}

std::string expected_text(const Parameter& parameter) {
  std::string out;
  switch (parameter.type) {
    case ParameterType::uuid:
      out = "a UUID";
      break;
    case ParameterType::date:
      out = "a day as YYYY-MM-DD";
      break;
    case ParameterType::integer:
      out = "a whole number";
      break;
    case ParameterType::text:
      out = "a text of 1 to " + std::to_string(kTextBytesMax) + " bytes";
      break;
    case ParameterType::boolean:
      out = "true or false";
      break;
  }
  if (parameter.min) out += " from " + *parameter.min;
  if (parameter.max) out += std::string(parameter.min ? "" : " up") + " to " + *parameter.max;
  return out;
}

std::optional<Value> read_value(ParameterType type, std::string_view text) {
  switch (type) {
    case ParameterType::uuid: {
      Uuid uuid;
      if (!parse_uuid_fast(text, uuid)) return std::nullopt;
      return Value{format_uuid(uuid), 0};
    }
    case ParameterType::date: {
      const auto day = parse_date(text);
      if (!day) return std::nullopt;
      return Value{format_date(*day), *day};
    }
    case ParameterType::integer: {
      const auto number = whole(text);
      if (!number) return std::nullopt;
      return Value{std::to_string(*number), *number};
    }
    case ParameterType::text:
      if (text.empty() || text.size() > kTextBytesMax || !valid_utf8(text)) return std::nullopt;
      return Value{std::string(text), 0};
    case ParameterType::boolean:
      if (text != "true" && text != "false") return std::nullopt;
      return Value{std::string(text), text == "true" ? 1 : 0};
  }
  return std::nullopt;
}

std::optional<Value> read_written(ParameterType type, std::string_view text, int32_t today) {
  if (type == ParameterType::date) {
    if (const auto day = day_word(text, today)) return Value{format_date(*day), *day};
  }
  return read_value(type, text);
}

Result<Value> read_parameter(const Parameter& parameter, const std::optional<std::string>& text, int32_t today) {
  const auto wrong = [&](const std::string& found) {
    return Error(Code::invalid,
                 "parameter '" + parameter.name + "' is " + found + ": expected " + expected_text(parameter));
  };
  std::optional<Value> value;
  if (text) {
    value = read_value(parameter.type, *text);
  } else if (parameter.otherwise) {
    value = read_written(parameter.type, *parameter.otherwise, today);
  } else {
    return wrong("missing");
  }
  if (!value) return wrong(text ? shown(*text) : "missing");
  const auto bound = [&](const std::optional<std::string>& written) {
    return written ? read_written(parameter.type, *written, today) : std::nullopt;
  };
  const auto min = bound(parameter.min), max = bound(parameter.max);
  // A default stands whatever the bounds say: it is the declaration's own.
  if (text && ((min && value->number < min->number) || (max && value->number > max->number)))
    return wrong(shown(*text));
  return std::move(*value);
}

}  // namespace weir::endpoint
