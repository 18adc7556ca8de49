// Parameters of an endpoint: their types, and texts of the declaration or of a request as values of them. Pure
// functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir::endpoint {

inline constexpr int kTextBytesMax = 256;

enum class ParameterType { uuid, date, integer, text, boolean };
// equals: the column has the value; from, to: the range column lies within, both ends included.
enum class ParameterUse { equals, from, to };

struct Parameter {
  std::string name;
  std::string description;
  ParameterType type = ParameterType::text;
  ParameterUse use = ParameterUse::equals;
  std::string column;
  bool in_path = false;
  // As they are written. Of a date also `today`, `today-7`, `today+1`: UTC days.
  std::optional<std::string> otherwise;  // `default:`; nothing: the parameter must be given
  std::optional<std::string> min, max;   // of dates and integers, both included
  friend bool operator==(const Parameter&, const Parameter&) = default;
};

// A value in its one canonical form: equal values have equal texts.
struct Value {
  std::string text;
  int64_t number = 0;  // of a date its day since 1970, of an integer itself
};

const char* type_word(ParameterType type);
const char* use_word(ParameterUse use);
// "a UUID", "a day as YYYY-MM-DD": what a request is told.
std::string expected_text(const Parameter& parameter);
// A text of a request, without its bounds. `invalid` without words: the caller knows the parameter.
std::optional<Value> read_value(ParameterType type, std::string_view text);
// A default or a bound: the same, and the words for days.
std::optional<Value> read_written(ParameterType type, std::string_view text, int32_t today);
// A request's text (nothing: the default), judged by type and bounds. `invalid`, naming the parameter and what was
// expected.
Result<Value> read_parameter(const Parameter& parameter, const std::optional<std::string>& text, int32_t today);

}  // namespace weir::endpoint
