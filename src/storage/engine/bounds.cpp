#include "storage/engine/bounds.h"

#include <algorithm>
#include <cmath>

namespace weir::engine {
namespace {

using duckdb::ExpressionClass;
using duckdb::FunctionExpression;
using duckdb::ParsedExpression;

bool reads_columns(const ParsedExpression& expression) {
  if (expression.GetExpressionClass() == ExpressionClass::COLUMN_REF ||
      expression.GetExpressionClass() == ExpressionClass::POSITIONAL_REFERENCE ||
      expression.GetExpressionClass() == ExpressionClass::LAMBDA_REF ||
      expression.GetExpressionClass() == ExpressionClass::PARAMETER ||  // described only: it runs with a constant
      expression.GetExpressionClass() == ExpressionClass::SUBQUERY) {
    return true;
  }
  bool found = false;
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      expression, [&](const ParsedExpression& child) { found = found || reads_columns(child); });
  return found;
}

// The number an expression of plain numbers stands for: 10, -3, 2 * 1000, 5::BIGINT.
std::optional<double> plain_number(const ParsedExpression& expression) {
  switch (expression.GetExpressionClass()) {
    case ExpressionClass::CONSTANT: {
      duckdb::Value value = expression.Cast<duckdb::ConstantExpression>().value;
      if (value.IsNull() || !value.DefaultTryCastAs(duckdb::LogicalType::DOUBLE)) return std::nullopt;
      return value.GetValue<double>();
    }
    case ExpressionClass::CAST:
      return plain_number(*expression.Cast<duckdb::CastExpression>().child);
    case ExpressionClass::FUNCTION: {
      const auto& call = expression.Cast<FunctionExpression>();
      if (call.children.empty() || call.children.size() > 2) return std::nullopt;
      const std::optional<double> left = plain_number(*call.children[0]);
      if (!left) return std::nullopt;
      if (call.children.size() == 1) return call.function_name == "-" ? std::optional(-*left) : std::nullopt;
      const std::optional<double> right = plain_number(*call.children[1]);
      if (!right) return std::nullopt;
      if (call.function_name == "+") return *left + *right;
      if (call.function_name == "-") return *left - *right;
      if (call.function_name == "*") return *left * *right;
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

bool is_null_or_time(const ParsedExpression& expression) {
  if (expression.GetExpressionClass() == ExpressionClass::CONSTANT) {
    const duckdb::Value& value = expression.Cast<duckdb::ConstantExpression>().value;
    return value.IsNull() || value.type().IsTemporal() || value.type().id() == duckdb::LogicalTypeId::INTERVAL;
  }
  if (expression.GetExpressionClass() != ExpressionClass::CAST) return false;
  const duckdb::LogicalType& type = expression.Cast<duckdb::CastExpression>().cast_type;
  return type.IsTemporal() || type.id() == duckdb::LogicalTypeId::INTERVAL;
}

std::string lower(const std::string& name) {
  return duckdb::StringUtil::Lower(name);
}

// Bytes of text an expression builds at most, as far as it is plain; columns and the rest count as 256.
double text_bytes(const ParsedExpression& expression) {
  constexpr double kUnknown = 256;
  if (expression.GetExpressionClass() == ExpressionClass::CONSTANT) {
    const duckdb::Value& value = expression.Cast<duckdb::ConstantExpression>().value;
    return value.type().id() == duckdb::LogicalTypeId::VARCHAR && !value.IsNull()
               ? static_cast<double>(duckdb::StringValue::Get(value).size())
               : 32;
  }
  if (expression.GetExpressionClass() == ExpressionClass::CAST) {
    return text_bytes(*expression.Cast<duckdb::CastExpression>().child);
  }
  if (expression.GetExpressionClass() != ExpressionClass::FUNCTION) return kUnknown;
  const auto& call = expression.Cast<FunctionExpression>();
  const std::string name = lower(call.function_name);
  if (name == "repeat" && call.children.size() == 2) {
    const std::optional<double> times = plain_number(*call.children[1]);
    return text_bytes(*call.children[0]) * std::max(1.0, times.value_or(1));
  }
  if ((name == "lpad" || name == "rpad") && call.children.size() == 3) {
    return plain_number(*call.children[1]).value_or(kUnknown);
  }
  double sum = 0;
  for (const auto& child : call.children) sum += text_bytes(*child);
  return std::max(kUnknown, sum);  // || and concat add up; others are not longer than their arguments by much
}

std::string too_big(const std::string& what, double found, double limit, const char* hint) {
  return what + " is " + std::to_string(static_cast<int64_t>(std::min(found, 9e18))) + ", allowed up to " +
         std::to_string(static_cast<int64_t>(limit)) + hint;
}

std::optional<std::string> number_of_items(const FunctionExpression& call, const std::string& name) {
  double bounds[3] = {0, 0, 1};  // start, stop, step
  size_t at = call.children.size() == 1 ? 1 : 0;
  for (const auto& child : call.children) {
    if (at > 2 || is_null_or_time(*child) || reads_columns(*child)) return std::nullopt;
    const std::optional<double> number = plain_number(*child);
    if (!number) return name + "() takes plain numbers or columns here";
    bounds[at++] = *number;
  }
  const double items = bounds[2] == 0 ? 0 : (bounds[1] - bounds[0]) / bounds[2];
  if (items <= kListItemsMax) return std::nullopt;
  return too_big("the number of items of " + name + "()", items, kListItemsMax,
                 "; as a table, FROM range(…), it may have any number of rows");
}

// A count in the argument at `index`, or a reason to refuse it.
std::optional<std::string> count_argument(const FunctionExpression& call, const std::string& name, size_t index,
                                          double limit) {
  if (call.children.size() <= index) return std::nullopt;
  const ParsedExpression& argument = *call.children[index];
  const std::optional<double> number = plain_number(argument);
  if (number && *number > limit) {
    return too_big("argument " + std::to_string(index + 1) + " of " + name + "()", *number, limit, "");
  }
  if (!number && !reads_columns(argument) && !is_null_or_time(argument)) {
    return name + "() takes a plain number or a column as argument " + std::to_string(index + 1);
  }
  return std::nullopt;
}

bool has_wide_field(const ParsedExpression& format) {
  if (format.GetExpressionClass() != ExpressionClass::CONSTANT) return !reads_columns(format);
  const std::string text = format.Cast<duckdb::ConstantExpression>().value.ToString();
  size_t digits = 0;
  for (const char c : text) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > 4) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> oversized_call(const FunctionExpression& call) {
  const std::string name = lower(call.function_name);
  if (name == "range" || name == "generate_series") return number_of_items(call, name);
  if (name == "repeat") {
    if (auto refused = count_argument(call, name, 1, kListItemsMax)) return refused;
    const double bytes = text_bytes(call);
    if (!reads_columns(*call.children[0]) && bytes > kTextBytesMax)
      return too_big("the text that repeat() builds, in bytes,", bytes, kTextBytesMax, "");
    return std::nullopt;
  }
  if (name == "lpad" || name == "rpad" || name == "bitstring") return count_argument(call, name, 1, kTextBytesMax);
  if (name == "list_resize" || name == "array_resize") return count_argument(call, name, 1, kListItemsMax);
  if (name == "equi_width_bins") return count_argument(call, name, 2, kListItemsMax);
  if (name == "bar") return count_argument(call, name, 3, kTextBytesMax);
  if ((name == "format" || name == "printf") && !call.children.empty() && has_wide_field(*call.children[0])) {
    return name + "() takes a plain text whose fields are at most 9999 wide";
  }
  return std::nullopt;
}

std::optional<std::string> early_call(const FunctionExpression& call) {
  static constexpr std::string_view kLong[] = {"replace",
                                               "regexp_replace",
                                               "weir_regexp_replace",
                                               "regexp_extract_all",
                                               "regexp_split_to_array",
                                               "string_split_regex",
                                               "str_split_regex",
                                               "levenshtein",
                                               "editdist3",
                                               "damerau_levenshtein",
                                               "jaro_similarity",
                                               "jaro_winkler_similarity",
                                               "list_transform",
                                               "array_transform",
                                               "list_apply",
                                               "array_apply",
                                               "apply",
                                               "list_filter",
                                               "array_filter",
                                               "filter",
                                               "list_reduce",
                                               "array_reduce",
                                               "reduce",
                                               "list_intersect",
                                               "array_intersect",
                                               "json_contains",
                                               "json_merge_patch"};
  const std::string name = lower(call.function_name);
  if (std::find(std::begin(kLong), std::end(kLong), name) == std::end(kLong)) return std::nullopt;
  for (const auto& child : call.children) {  // what a lambda calls its parameters looks like columns
    if (child->GetExpressionClass() != ExpressionClass::LAMBDA && reads_columns(*child)) return std::nullopt;
  }
  return name + "() may not stand in LIMIT, OFFSET or the arguments of a table function; compute it in a subquery";
}

}  // namespace weir::engine
