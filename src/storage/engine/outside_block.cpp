#include "storage/engine/outside_block.h"

#include <algorithm>
#include <charconv>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::engine {
namespace {

constexpr int kPrecisionMax = 18;

// "DECIMAL(10,2)"; nothing if it is wider than whole numbers are.
std::optional<Column> decimal_column(const ResultColumn& from) {
  constexpr std::string_view kBegin = "DECIMAL(";
  const std::string& type = from.type;
  const size_t comma = type.find(',');
  if (!type.starts_with(kBegin) || comma == std::string::npos) return {};
  Column out{.name = from.name, .type = ColumnType::decimal};
  const char* const end = type.data() + type.size();
  const bool is_read = std::from_chars(type.data() + kBegin.size(), end, out.precision).ec == std::errc() &&
                       std::from_chars(type.data() + comma + 1, end, out.scale).ec == std::errc();
  const bool fits =
      out.precision >= 1 && out.precision <= kPrecisionMax && out.scale >= 0 && out.scale <= out.precision;
  return is_read && fits ? std::optional(std::move(out)) : std::nullopt;
}

Column column_of(const ResultColumn& from) {
  if (auto decimal = decimal_column(from)) return std::move(*decimal);
  Column out{.name = from.name, .type = ColumnType::text};
  if (from.type == "BOOLEAN") out.type = ColumnType::boolean;
  if (from.type == "SMALLINT" || from.type == "INTEGER") out.type = ColumnType::int32;
  if (from.type == "BIGINT") out.type = ColumnType::int64;
  if (from.type == "FLOAT" || from.type == "DOUBLE") out.type = ColumnType::float64;
  if (from.type == "DATE") out.type = ColumnType::date;
  if (from.type.starts_with("TIMESTAMP")) out.type = ColumnType::timestamp;
  if (from.type == "UUID") out.type = ColumnType::uuid;
  if (from.type == "JSON") out.type = ColumnType::json;
  return out;
}

// "-12.5" with two digits behind the point is -1250; nothing if it has more of them, or is no number.
std::optional<int64_t> scaled(std::string_view text, int scale) {
  std::string digits;
  const size_t point = text.find('.');
  const std::string_view behind = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (behind.size() > static_cast<size_t>(scale)) return {};
  digits.append(text.substr(0, point)).append(behind).append(static_cast<size_t>(scale) - behind.size(), '0');
  int64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(value) : std::nullopt;
}

// False: the type has no such value.
bool add_text(ColumnValues& values, const Column& column, const std::string& text) {
  if (column.type == ColumnType::text || column.type == ColumnType::json) {
    values.add_text(text);
    return true;
  }
  if (column.type == ColumnType::uuid) {
    const auto uuid = parse_uuid(text);
    if (uuid) values.add_uuid(uuid->high, uuid->low);
    return uuid.has_value();
  }
  std::optional<int64_t> value;
  if (column.type == ColumnType::decimal) value = scaled(text, column.scale);
  if (column.type == ColumnType::date) {
    if (const auto day = parse_date(text)) value = *day;
  }
  if (column.type == ColumnType::timestamp) {
    int64_t micros = 0;
    if (parse_timestamp_fast(text, micros)) value = micros;
  }
  if (value) values.add_int(*value);
  return value.has_value();
}

bool add_cell(ColumnValues& values, const Column& column, const Cell& cell) {
  if (std::holds_alternative<std::nullptr_t>(cell)) {
    values.add_null();
  } else if (const bool* truth = std::get_if<bool>(&cell)) {
    values.add_bool(*truth);
  } else if (const int64_t* whole = std::get_if<int64_t>(&cell)) {
    values.add_int(*whole);
  } else if (const double* number = std::get_if<double>(&cell)) {
    values.add_double(*number);
  } else {
    return add_text(values, column, std::get<std::string>(cell));
  }
  return true;
}

}  // namespace

Result<RowBlock> block_of(const OutsideResult& result) {
  std::vector<Column> columns;
  for (const ResultColumn& one : result.columns) columns.push_back(column_of(one));
  RowBlock out(columns);
  for (const auto& row : result.rows) {
    for (size_t i = 0; i < columns.size(); ++i) {
      if (add_cell(out.column(i), columns[i], row[i])) continue;
      const auto* text = std::get_if<std::string>(&row[i]);
      return Error(Code::unsupported,
                   "the column " + shown(columns[i].name) + " of type " + result.columns[i].type + " holds " +
                       shown(text == nullptr ? "" : *text) + ", which it cannot hold here",
                   "cast it to text in the statement");
    }
  }
  return out;
}

}  // namespace weir::engine
