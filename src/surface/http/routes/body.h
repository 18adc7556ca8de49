// A request's JSON body as named values: what is missing, of another type or unknown is said by name. Pure.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/base/result.h"
#include "surface/http/http.h"

namespace weir::http {

class JsonBody {
 public:
  // An object with no other keys than these.
  static Result<JsonBody> parse(const Request& request, std::initializer_list<const char*> known);

  Result<std::string> text(std::string_view key) const;  // required
  Result<std::string> text_or(std::string_view key, std::string otherwise) const;
  Result<bool> flag_or(std::string_view key, bool otherwise) const;
  // Whole and within the bounds, both included.
  struct Bounds {
    int64_t min = 0, max = 0;
  };
  Result<int64_t> integer_or(std::string_view key, int64_t otherwise, Bounds bounds) const;
  Result<Json::Array> array_or_empty(std::string_view key) const;
  const Json* find(std::string_view key) const { return json_.find(key); }
  size_t size() const { return json_.object().size(); }

 private:
  Json json_;
};

// ?name= as a whole number within the bounds.
Result<int64_t> query_integer_or(const Request& request, std::string_view name, int64_t otherwise,
                                 JsonBody::Bounds bounds);

std::string json_time(int64_t micros);  // ISO 8601 text
Json json_time_or_null(const std::optional<WallTime>& time);
Response json_reply(const Json& body, int status = 200);
Handler json_answers(std::function<Result<Json>(Request&)> function);  // answers() with a JSON body
// A member as a day, "2026-11-21", since 1970; nothing if it is missing or null.
Result<std::optional<int32_t>> day_in(const JsonBody& body, std::string_view key);

}  // namespace weir::http
