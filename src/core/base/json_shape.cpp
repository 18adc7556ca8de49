#include "core/base/json_shape.h"

#include <algorithm>

#include "core/base/text.h"

namespace weir {
namespace {

std::string about(std::string_view key, std::string_view what) {
  return std::string(key) + " " + std::string(what);
}

}  // namespace

JsonShape::JsonShape(const Json& json, std::string where, std::string& wrong)
    : json_(json), where_(std::move(where)), wrong_(wrong) {
  if (!json.is_object()) fail("is no object");
}

const Json* JsonShape::need(std::string_view key) {
  asked_.emplace_back(key);
  const Json* found = json_.find(key);
  if (found == nullptr) fail("lacks " + std::string(key));
  return found;
}

void JsonShape::text(std::string_view key, std::string& into) {
  const Json* found = need(key);
  if (found == nullptr) return;
  if (!found->is_string()) return fail(about(key, "is no text"));
  into = found->as_string();
}

void JsonShape::flag(std::string_view key, bool& into) {
  const Json* found = need(key);
  if (found == nullptr) return;
  if (!found->is_bool()) return fail(about(key, "is neither true nor false"));
  into = found->as_bool();
}

void JsonShape::integer(std::string_view key, int64_t& into, int64_t min, int64_t max) {
  const Json* found = need(key);
  if (found == nullptr) return;
  if (!found->is_integer() || *found != Json(found->as_int())) return fail(about(key, "is no integer"));
  const int64_t value = found->as_int();
  if (value < min || value > max) return fail(about(key, "is " + std::to_string(value)));
  into = value;
}

void JsonShape::number(std::string_view key, double& into) {
  const Json* found = need(key);
  if (found == nullptr) return;
  if (!found->is_number()) return fail(about(key, "is no number"));
  into = found->as_double();
}

void JsonShape::duration(std::string_view key, Duration& into) {
  std::string written;
  text(key, written);
  auto value = parse_duration(written);
  if (!value) return fail(about(key, "is no duration"));
  into = *value;
}

void JsonShape::duration(std::string_view key, std::optional<Duration>& into) {
  const Json* found = json_.find(key);
  if (found != nullptr && found->is_null()) {
    asked_.emplace_back(key);
    return into.reset();
  }
  Duration value;
  duration(key, value);
  into = value;
}

const Json::Array* JsonShape::list(std::string_view key) {
  const Json* found = need(key);
  if (found == nullptr) return nullptr;
  if (found->is_array()) return &found->array();
  fail(about(key, "is no list"));
  return nullptr;
}

void JsonShape::texts(std::string_view key, std::vector<std::string>& into) {
  const Json::Array* items = list(key);
  if (items == nullptr) return;
  std::vector<std::string> values;
  for (const Json& item : *items) {
    if (!item.is_string()) return fail(about(key, "has an item that is no text"));
    values.push_back(item.as_string());
  }
  into = std::move(values);
}

void JsonShape::text_map(std::string_view key, std::map<std::string, std::string>& into) {
  const Json* found = need(key);
  if (found == nullptr) return;
  if (!found->is_object()) return fail(about(key, "is no object"));
  std::map<std::string, std::string> values;
  for (const auto& [name, value] : found->object()) {
    if (!value.is_string()) return fail(about(key, "has a value that is no text"));
    values[name] = value.as_string();
  }
  into = std::move(values);
}

void JsonShape::fail(std::string_view what) {
  if (wrong_.empty()) wrong_ = about(where_, what);
}

void JsonShape::finish() {
  for (const auto& [key, value] : json_.object()) {
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) fail("has the unknown key " + shown(key));
  }
}

}  // namespace weir
