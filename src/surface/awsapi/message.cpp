#include "surface/awsapi/message.h"

#include <charconv>
#include <cmath>

#include "core/base/text.h"
#include "surface/errors/errors.h"

namespace weir::awsapi {
namespace {

constexpr std::string_view kJson = "application/x-amz-json-1.1";
constexpr std::string_view kPlacePrefix = "p";

Error wrong_member(std::string_view name, const std::string& expected) {
  return Error(Code::invalid, std::string(name) + " must be " + expected);
}

}  // namespace

Refusal refusal_of(const Error& error) {
  Refusal out;
  out.type = errors::aws_error(error.code);
  out.status = errors::http_status(error.code) >= 500 ? errors::http_status(error.code) : 400;
  if (error.code == Code::unsupported) out.status = 400;
  out.message = errors::is_internal(error.code) ? "the server failed; its log has the reason" : error.message;
  if (!error.hint.empty() && !errors::is_internal(error.code)) out.message += " (" + error.hint + ")";
  return out;
}

Refusal validation(std::string message) {
  return {.type = "ValidationException", .message = std::move(message)};
}

void Answer::text(std::string body) const {
  http::Response response;
  response.content_type = kJson;
  response.body = std::move(body);
  responder_.send(std::move(response));
}

void Answer::fail(const Refusal& refusal) const {
  Json body{Json::Object{}};
  body.set("__type", refusal.type);
  body.set("Message", refusal.message);
  for (const auto& [name, value] : refusal.fields) body.set(name, value);
  http::Response response;
  response.status = refusal.status;
  response.content_type = kJson;
  response.headers.emplace_back("x-amzn-ErrorType", refusal.type);
  response.body = body.dump();
  responder_.send(std::move(response));
}

bool Members::has(std::string_view name) const {
  const Json* found = body_.find(name);
  return found != nullptr && !found->is_null();
}

Result<std::string> Members::text(std::string_view name, size_t bytes_max) const {
  if (!has(name)) return Error(Code::invalid, std::string(name) + " is missing");
  return text_or(name, "", bytes_max);
}

Result<std::string> Members::text_or(std::string_view name, std::string otherwise, size_t bytes_max) const {
  if (!has(name)) return otherwise;
  const Json& value = body_[name];
  if (!value.is_string()) return wrong_member(name, "a text");
  if (value.as_string().size() > bytes_max)
    return wrong_member(name, "a text of at most " + std::to_string(bytes_max) + " bytes");
  return value.as_string();
}

Result<int64_t> Members::integer_or(std::string_view name, int64_t otherwise, int64_t min, int64_t max) const {
  if (!has(name)) return otherwise;
  const Json& value = body_[name];
  if (!value.is_integer() || value.as_int() < min || value.as_int() > max)
    return wrong_member(name, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return value.as_int();
}

Result<bool> Members::flag_or(std::string_view name, bool otherwise) const {
  if (!has(name)) return otherwise;
  if (!body_[name].is_bool()) return wrong_member(name, "true or false");
  return body_[name].as_bool();
}

double epoch_seconds(int64_t micros) {
  return std::floor(static_cast<double>(micros) / 1000.0) / 1000.0;
}

std::string place_token(size_t place) {
  return std::string(kPlacePrefix) + std::to_string(place);
}

Result<size_t> place_of_token(const std::string& token) {
  size_t place = 0;
  if (token.empty()) return place;
  const char* end = token.data() + token.size();
  const bool is_place = token.substr(0, 1) == kPlacePrefix;
  const auto read = std::from_chars(token.data() + 1, end, place);
  if (!is_place || read.ec != std::errc() || read.ptr != end)
    return Error(Code::invalid, "NextToken is none that was handed out");
  return place;
}

}  // namespace weir::awsapi
