// A JSON document as a value, for everything that is not a hot path (declarations, replies, catalog entries).
// Events are read by stream/capture with its own limits, never through this. Objects keep the order of their keys.
// Pure values; safe to share between threads while nobody writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/result.h"

namespace weir {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(static_cast<int64_t>(value)) {}
  Json(long value) : value_(static_cast<int64_t>(value)) {}
  Json(long long value) : value_(static_cast<int64_t>(value)) {}
  Json(unsigned value) : value_(static_cast<int64_t>(value)) {}
  Json(unsigned long value) : Json(static_cast<unsigned long long>(value)) {}
  // An integer that fits is held signed, so that equal numbers are equal values.
  Json(unsigned long long value) {
    if (value <= static_cast<unsigned long long>(INT64_MAX)) {
      value_ = static_cast<int64_t>(value);
    } else {
      value_ = static_cast<uint64_t>(value);
    }
  }
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  // Depth at most 64, duplicate keys and integers beyond 64 bits refused, UTF-8 checked. The error's position has line
  // and column (a column counts bytes) and an empty file name for the caller to fill in.
  static Result<Json> parse(std::string_view text, size_t bytes_max = 16u << 20);
  // Compact, or indented by `indent` spaces. Non-finite numbers are written as null; strings must be UTF-8
  // (invalid bytes become U+FFFD).
  std::string dump(int indent = -1) const;
  static void append_quoted(std::string& out, std::string_view text);  // "text" with JSON escapes

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  bool is_integer() const {
    return std::holds_alternative<int64_t>(value_) || std::holds_alternative<uint64_t>(value_);
  }
  bool is_number() const { return is_integer() || std::holds_alternative<double>(value_); }

  // Accessors with a default for a value of another kind.
  bool as_bool(bool otherwise = false) const;
  int64_t as_int(int64_t otherwise = 0) const;   // an integer within int64; a double is another kind
  std::optional<uint64_t> as_uint() const;       // nothing if it is no integer or negative
  double as_double(double otherwise = 0) const;  // integers are converted
  const std::string& as_string() const;          // empty if it is no string
  const Array& array() const;                    // empty if it is no array
  const Object& object() const;                  // empty if it is no object
  Array& array();                                // becomes an array if it was null; CHECKs otherwise
  Object& object();                              // becomes an object if it was null; CHECKs otherwise

  const Json* find(std::string_view key) const;        // nullptr if absent or no object
  const Json& operator[](std::string_view key) const;  // a null if absent
  void set(std::string key, Json value);               // replaces or appends
  void push(Json value);                               // appends to an array

  friend bool operator==(const Json&, const Json&) = default;

 private:
  std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string, Array, Object> value_ = nullptr;
};

}  // namespace weir
