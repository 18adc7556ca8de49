#include "platform/dialect/words.h"

#include <algorithm>
#include <array>
#include <map>

#include "platform/dialect/rewrite.h"

namespace weir::dialect {
namespace {

// Redshift, "Date parts for date or timestamp functions"; the first word of each is the engine's.
constexpr std::array<std::array<std::string_view, 8>, 21> kDateParts = {{
    {"millennium", "millennia", "mil", "mils"},
    {"century", "centuries", "c", "cent", "cents"},
    {"decade", "decades", "dec", "decs"},
    {"year", "years", "y", "yr", "yrs"},
    {"quarter", "quarters", "qtr", "qtrs"},
    {"month", "months", "mon", "mons"},
    {"week", "weeks", "w"},
    {"dow", "dayofweek", "dw", "weekday"},
    {"doy", "dayofyear", "dy", "yearday"},
    {"day", "days", "d"},
    {"hour", "hours", "h", "hr", "hrs"},
    {"minute", "minutes", "m", "min", "mins"},
    {"second", "seconds", "s", "sec", "secs"},
    {"millisecond", "milliseconds", "ms", "msec", "msecs", "msecond", "mseconds", "millisec"},
    {"microsecond", "microseconds", "us", "usec", "usecs", "usecond", "useconds", "microsec"},
    {"epoch"},
    {"timezone"},
    {"timezone_hour"},
    {"timezone_minute"},
    {"isodow"},
    {"isoyear"},
}};

constexpr std::string_view kOfDateParts[] = {"dateadd",   "date_add", "datediff",   "date_diff",
                                             "date_part", "datepart", "date_trunc", "pgdate_part"};

const std::map<std::string_view, std::string_view> kRenamed = {
    {"array_concat", "weir_array_concat"},
    {"btrim", "trim"},
    {"date_add", "dateadd"},
    {"date_diff", "datediff"},
    {"date_trunc", "weir_date_trunc"},
    {"datepart", "date_part"},
    {"dexp", "exp"},
    {"dlog1", "ln"},
    {"dlog10", "log10"},
    {"func_sha1", "sha1"},
    {"is_valid_json", "json_valid"},
    {"isnull", "coalesce"},
    {"json_extract_path_text", "weir_json_text"},
    {"json_parse", "json"},
    {"lpad", "weir_lpad"},
    {"nvl", "coalesce"},
    {"object", "json_object"},
    {"octet_length", "weir_octet_length"},
    {"pgdate_part", "date_part"},
    {"regexp_replace", "weir_regexp_replace"},
    {"replicate", "repeat"},
    {"rpad", "weir_rpad"},
    {"sha", "sha1"},
    {"textlen", "length"},
    {"to_hex", "weir_to_hex"},
};

}  // namespace

std::string_view date_part(std::string_view name) {
  for (const auto& names : kDateParts) {
    for (const std::string_view known : names) {
      if (!known.empty() && known == name) return names.front();
    }
  }
  return {};
}

bool takes_date_part(std::string_view function) {
  return std::find(std::begin(kOfDateParts), std::end(kOfDateParts), function) != std::end(kOfDateParts);
}

std::string_view engine_name(std::string_view function) {
  const auto found = kRenamed.find(function);
  return found == kRenamed.end() ? std::string_view() : found->second;
}

std::string_view engine_name(std::string_view function, size_t arguments) {
  // DuckDB's counts a place below 1 from the end.
  if (arguments == 3 && (function == "substring" || function == "substr")) return "weir_substring";
  // DuckDB's, as PostgreSQL's, leaves NULL out.
  if (arguments == 2 && function == "concat") return "weir_concat";
  return engine_name(function);
}

bool takes_null_if_invalid(std::string_view function) {
  return function == "json_extract_path_text" || function == "json_array_length" ||
         function == "json_extract_array_element_text";
}

std::string_view number_said(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  const bool is_number = !digits.empty() && digits.size() <= 38 && digits.front() != '.' && digits.back() != '.' &&
                         digits.find_first_not_of("0123456789.") == std::string_view::npos &&
                         std::count(digits.begin(), digits.end(), '.') <= 1;
  return is_number ? text : std::string_view();
}

}  // namespace weir::dialect
