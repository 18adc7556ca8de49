#include "stream/capture/example.h"

#include <algorithm>
#include <cmath>

namespace weir::capture {
namespace {

Json example_value(const Field& field, WallTime now);

Json example_object(const std::vector<Field>& fields, WallTime now) {
  Json out{Json::Object{}};
  for (const Field& field : fields) {
    if (field.required) out.set(field.name, example_value(field, now));
  }
  return out;
}

double number_within(const Field& field, double wanted) {
  if (field.minimum) wanted = std::max(wanted, *field.minimum);
  if (field.maximum) wanted = std::min(wanted, *field.maximum);
  return wanted;
}

std::string text_for(const Field& field) {
  if (!field.values.empty()) return field.values.front();
  if (!field.pattern.empty()) return "…";
  constexpr int64_t kLongest = 100;
  const auto least = static_cast<size_t>(std::min(field.length_min.value_or(0), kLongest));
  const auto most = static_cast<size_t>(std::min(field.length_max.value_or(kLongest), kLongest));
  std::string text = "something";
  if (text.size() < least) text.resize(least, 'x');
  return text.substr(0, most);
}

Json array_for(const Field& field, WallTime now) {
  Json out{Json::Array{}};
  constexpr int64_t kItemsMost = 10;
  const int64_t count = std::min(field.length_min.value_or(0), kItemsMost);
  for (int64_t i = 0; i < count && !field.items.empty(); ++i) out.push(example_value(field.items.front(), now));
  return out;
}

Json example_value(const Field& field, WallTime now) {
  switch (field.type) {
    case FieldType::boolean:
      return true;
    case FieldType::integer:
      return static_cast<int64_t>(std::ceil(number_within(field, 1)));
    case FieldType::number:
    case FieldType::decimal:
      return number_within(field, 1);
    case FieldType::string:
      return text_for(field);
    case FieldType::uuid:
      return "11111111-1111-4111-8111-111111111111";
    case FieldType::timestamp:
      return format_timestamp(now.micros / 1'000'000 * 1'000'000).substr(0, 19) + "Z";
    case FieldType::date:
      return format_timestamp(now.micros).substr(0, 10);
    case FieldType::json:
      return Json{Json::Object{}};
    case FieldType::object:
      return example_object(field.fields, now);
    case FieldType::array:
      return array_for(field, now);
  }
  return {};
}

}  // namespace

std::string example_event(const Stream& stream, WallTime now) {
  Json event = example_object(stream.fields, now);
  if (!event.object().empty()) return event.dump();
  // An empty object says nothing; any field that is not assigned anyway does.
  for (const Field& field : stream.fields) {
    if (field.name == stream.key) continue;
    event.set(field.name, example_value(field, now));
    break;
  }
  return event.dump();
}

}  // namespace weir::capture
