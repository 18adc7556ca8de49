#include "surface/http/routes/body.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::http {

namespace {

Error wrong_type(std::string_view key, const char* expected) {
  return Error(Code::invalid, "'" + std::string(key) + "' in the request's body must be " + expected);
}

Error out_of_bounds(std::string_view key, const std::string& found, JsonBody::Bounds bounds) {
  return Error(Code::invalid, "'" + std::string(key) + "' is " + found + ", allowed are " + std::to_string(bounds.min) +
                                  " to " + std::to_string(bounds.max));
}

}  // namespace

Result<JsonBody> JsonBody::parse(const Request& request, std::initializer_list<const char*> known) {
  JsonBody body;
  TRY_ASSIGN(body.json_, Json::parse(request.body.empty() ? std::string_view("{}") : request.body));
  if (!body.json_.is_object()) return Error(Code::invalid, "the request's body must be a JSON object");
  for (const auto& [key, value] : body.json_.object()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return Error(Code::invalid, "unknown key " + shown(key) + " in the request's body",
                 did_you_mean(key, std::vector<std::string>(known.begin(), known.end())));
  }
  return body;
}

Result<std::string> JsonBody::text(std::string_view key) const {
  const Json* found = json_.find(key);
  if (!found || !found->is_string()) return wrong_type(key, "a text");
  return found->as_string();
}

Result<std::string> JsonBody::text_or(std::string_view key, std::string otherwise) const {
  const Json* found = json_.find(key);
  if (!found || found->is_null()) return otherwise;
  return text(key);
}

Result<bool> JsonBody::flag_or(std::string_view key, bool otherwise) const {
  const Json* found = json_.find(key);
  if (!found || found->is_null()) return otherwise;
  if (!found->is_bool()) return wrong_type(key, "true or false");
  return found->as_bool();
}

Result<int64_t> JsonBody::integer_or(std::string_view key, int64_t otherwise, Bounds bounds) const {
  const Json* found = json_.find(key);
  if (!found || found->is_null()) return otherwise;
  if (!found->is_integer()) return wrong_type(key, "a whole number");
  const int64_t value = found->as_int(INT64_MAX);
  if (value < bounds.min || value > bounds.max) return out_of_bounds(key, found->dump(), bounds);
  return value;
}

Result<Json::Array> JsonBody::array_or_empty(std::string_view key) const {
  const Json* found = json_.find(key);
  if (!found || found->is_null()) return Json::Array{};
  if (!found->is_array()) return wrong_type(key, "a list");
  return found->array();
}

Result<int64_t> query_integer_or(const Request& request, std::string_view name, int64_t otherwise,
                                 JsonBody::Bounds bounds) {
  const std::optional<std::string> text = request.query_value(name);
  if (!text) return otherwise;
  int64_t value = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size() || value < bounds.min ||
      value > bounds.max) {
    return out_of_bounds(name, shown(*text), bounds);
  }
  return value;
}

std::string json_time(int64_t micros) {
  return format_timestamp(micros);
}

Json json_time_or_null(const std::optional<WallTime>& time) {
  return time ? Json(format_timestamp(time->micros)) : Json();
}

Response json_reply(const Json& body, int status) {
  return json_response(body.dump(), status);
}

Handler json_answers(std::function<Result<Json>(Request&)> function) {
  return answers([function = std::move(function)](Request& request) -> Result<Response> {
    TRY_ASSIGN(const Json json, function(request));
    return json_reply(json);
  });
}

Result<std::optional<int32_t>> day_in(const JsonBody& body, std::string_view key) {
  const Json* found = body.find(key);
  if (found == nullptr || found->is_null()) return std::optional<int32_t>();
  if (!found->is_string()) return Error(Code::invalid, "'" + std::string(key) + "' must be a day, as 2026-11-21");
  TRY_ASSIGN(const int32_t day, parse_date(found->as_string()));
  return std::optional<int32_t>(day);
}

}  // namespace weir::http
