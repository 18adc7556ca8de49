// `default:` of a field: the value an event would carry, judged like one.
#include <algorithm>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "stream/capture/declaration_fields.h"
#include "stream/capture/values.h"

namespace weir::capture {
namespace {

constexpr size_t kDecimalDigitsMax = 15;  // as many as a JSON number keeps for certain

Error misfit(const Yaml& node, std::string message, std::string hint = {}) {
  Error error(Code::invalid, std::move(message), std::move(hint));
  error.at(node.at);
  return error;
}

Error expected(const Yaml& node, const std::string& what, std::string hint = {}) {
  return misfit(node, "expected " + what + ", found " + node.described(), std::move(hint));
}

bool holds_secret(const Yaml& node) {
  return node.secret || std::any_of(node.items.begin(), node.items.end(), holds_secret) ||
         std::any_of(node.entries.begin(), node.entries.end(),
                     [](const YamlEntry& entry) { return holds_secret(entry.value); });
}

Result<Json> within_bounds(const Field& field, const Yaml& node, Json value) {
  const double number = value.as_double();
  if (field.minimum && number < *field.minimum) {
    return misfit(node, node.described() + " is below min " + Json(*field.minimum).dump());
  }
  if (field.maximum && number > *field.maximum) {
    return misfit(node, node.described() + " is above max " + Json(*field.maximum).dump());
  }
  return value;
}

Result<Json> number_default(const Field& field, const Yaml& node) {
  Json value = plain_json(node);
  if (field.type == FieldType::integer) {
    const bool fits = value.is_integer() && (value.as_int() != 0 || value.as_uint() == 0u);
    if (!fits) return expected(node, "an integer of 64 bits", node.quoted ? "remove the quotes" : "");
    return within_bounds(field, node, std::move(value));
  }
  if (!value.is_number()) return expected(node, "a number", node.quoted ? "remove the quotes" : "");
  if (field.type == FieldType::decimal) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    int64_t scaled = 0;
    const auto digits = static_cast<size_t>(std::count_if(node.text.begin(), node.text.end(), is_digit));
    const bool fits = parse_decimal(node.text, field.precision, field.scale, scaled) == DecimalFit::exact;
    if (!fits || digits > kDecimalDigitsMax) {
      return expected(node, type_label(field) + " of at most " + std::to_string(kDecimalDigitsMax) + " digits");
    }
  }
  return within_bounds(field, node, std::move(value));
}

Result<Json> text_default(const Field& field, const Yaml& node) {
  const std::string& text = node.text;
  int64_t micros = 0;
  Uuid uuid;
  if (field.type == FieldType::uuid && !parse_uuid_fast(text, uuid)) return expected(node, type_label(field));
  if (field.type == FieldType::timestamp && !parse_timestamp_fast(text, micros)) {
    return expected(node, type_label(field));
  }
  if (field.type == FieldType::date && !parse_date(text)) return expected(node, type_label(field));
  if (field.type == FieldType::string) {
    std::string wrong = text_misfit(field, text);
    if (!wrong.empty()) return misfit(node, std::move(wrong));
  }
  return Json(text);
}

Result<Json> object_default(const Field& field, const Yaml& node) {
  if (!node.is_mapping()) return expected(node, "a mapping, as the field is an object");
  Json::Object out;
  std::vector<std::string> names;
  for (const Field& member : field.fields) {
    names.push_back(member.name);
    if (member.required && node.find(member.name) == nullptr) {
      return misfit(node, "the required field " + shown(member.name) + " is missing");
    }
  }
  for (const YamlEntry& entry : node.entries) {
    auto member = std::find(names.begin(), names.end(), entry.key);
    if (member == names.end()) {
      Error error(Code::invalid, shown(entry.key) + " is no field of it", did_you_mean(entry.key, names));
      error.at(entry.key_at);
      return error;
    }
    const Field& declared = field.fields[static_cast<size_t>(member - names.begin())];
    if (entry.value.is_null() && (declared.nullable || !declared.required)) {
      out.emplace_back(entry.key, Json());
      continue;
    }
    TRY_ASSIGN(Json value, default_value(declared, entry.value));
    out.emplace_back(entry.key, std::move(value));
  }
  return Json(std::move(out));
}

Result<Json> array_default(const Field& field, const Yaml& node) {
  if (!node.is_sequence()) return expected(node, "a list, as the field is an array");
  const auto length = static_cast<int64_t>(node.items.size());
  if ((field.length_min && length < *field.length_min) || (field.length_max && length > *field.length_max)) {
    return misfit(node, std::to_string(length) + " items are outside of min_length and max_length");
  }
  Json::Array out;
  for (const Yaml& item : node.items) {
    if (field.items.empty()) break;  // already an error
    if (item.is_null() && field.items.front().nullable) {
      out.emplace_back();
      continue;
    }
    TRY_ASSIGN(Json value, default_value(field.items.front(), item));
    out.push_back(std::move(value));
  }
  return Json(std::move(out));
}

}  // namespace

Result<Json> default_value(const Field& field, const Yaml& node) {
  if (holds_secret(node)) return misfit(node, "a secret would be shown in plans and events", "write the value itself");
  if (node.is_null()) return misfit(node, "expected " + type_label(field) + ", found nothing", "remove the line");
  switch (field.type) {
    case FieldType::json:
      return plain_json(node);
    case FieldType::object:
      return object_default(field, node);
    case FieldType::array:
      return array_default(field, node);
    case FieldType::boolean:
    case FieldType::integer:
    case FieldType::number:
    case FieldType::decimal:
    case FieldType::string:
    case FieldType::uuid:
    case FieldType::timestamp:
    case FieldType::date:
      break;
  }
  if (!node.is_scalar()) return expected(node, type_label(field));
  if (field.type == FieldType::boolean) {
    Json value = plain_json(node);
    return value.is_bool() ? Result<Json>(std::move(value)) : expected(node, "true or false");
  }
  const bool numeric =
      field.type == FieldType::integer || field.type == FieldType::number || field.type == FieldType::decimal;
  return numeric ? number_default(field, node) : text_default(field, node);
}

}  // namespace weir::capture
