// Values between DuckDB and the house: result vectors to cells, parameters to values, columns to types.
#include <charconv>

#include "core/base/check.h"
#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

using duckdb::LogicalTypeId;

// Nested values as JSON; scalars inside them as JSON scalars where JSON has them, as SQL text otherwise.
Json to_json(const duckdb::Value& value) {
  if (value.IsNull()) return nullptr;
  switch (value.type().id()) {
    case LogicalTypeId::BOOLEAN:
      return value.GetValue<bool>();
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER:
      return value.GetValue<int64_t>();
    case LogicalTypeId::UBIGINT:
      return value.GetValue<uint64_t>();
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
      return value.GetValue<double>();
    case LogicalTypeId::DECIMAL:  // up to 15 digits a double prints the same number again
      if (duckdb::DecimalType::GetWidth(value.type()) <= 15) return value.GetValue<double>();
      return value.ToString();
    case LogicalTypeId::VARCHAR: {
      const std::string& text = duckdb::StringValue::Get(value);
      if (value.type().IsJSONType()) {
        if (Result<Json> parsed = Json::parse(text)) return std::move(*parsed);
      }
      return text;
    }
    case LogicalTypeId::LIST:
    case LogicalTypeId::ARRAY: {
      const auto& children = value.type().id() == LogicalTypeId::LIST ? duckdb::ListValue::GetChildren(value)
                                                                      : duckdb::ArrayValue::GetChildren(value);
      Json::Array array;
      for (const auto& child : children) array.push_back(to_json(child));
      return array;
    }
    case LogicalTypeId::STRUCT: {
      const auto& types = duckdb::StructType::GetChildTypes(value.type());
      const auto& children = duckdb::StructValue::GetChildren(value);
      Json::Object object;
      for (size_t i = 0; i < children.size(); ++i) object.emplace_back(types[i].first, to_json(children[i]));
      return object;
    }
    case LogicalTypeId::MAP: {
      Json::Object object;
      for (const auto& entry : duckdb::MapValue::GetChildren(value)) {
        const auto& pair = duckdb::StructValue::GetChildren(entry);
        object.emplace_back(pair[0].ToString(), to_json(pair[1]));
      }
      return object;
    }
    default:
      return value.ToString();
  }
}

}  // namespace

std::string nested_text(const duckdb::Value& value) {
  return to_json(value).dump();
}

namespace {

bool is_nested(LogicalTypeId type) {
  return type == LogicalTypeId::LIST || type == LogicalTypeId::ARRAY || type == LogicalTypeId::STRUCT ||
         type == LogicalTypeId::MAP;
}

using Rows = std::vector<std::vector<Cell>>;

template <class From, class To>
void fill_plain(duckdb::Vector& vector, size_t first, size_t count, size_t column, Rows& rows) {
  duckdb::UnifiedVectorFormat format;
  vector.ToUnifiedFormat(count, format);
  const From* data = duckdb::UnifiedVectorFormat::GetData<From>(format);
  for (size_t i = 0; i < count; ++i) {
    const duckdb::idx_t at = format.sel->get_index(i);
    if (format.validity.RowIsValid(at)) rows[first + i][column] = static_cast<To>(data[at]);
  }
}

void fill_text(duckdb::Vector& vector, size_t first, size_t count, size_t column, Rows& rows) {
  duckdb::UnifiedVectorFormat format;
  vector.ToUnifiedFormat(count, format);
  const auto* data = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format);
  for (size_t i = 0; i < count; ++i) {
    const duckdb::idx_t at = format.sel->get_index(i);
    if (format.validity.RowIsValid(at)) rows[first + i][column] = data[at].GetString();
  }
}

// Wide integers: as an integer where it fits, as text beyond.
void fill_values(duckdb::Vector& vector, size_t first, size_t count, size_t column, Rows& rows) {
  const LogicalTypeId id = vector.GetType().id();
  for (size_t i = 0; i < count; ++i) {
    const duckdb::Value value = vector.GetValue(i);
    if (value.IsNull()) continue;
    Cell& cell = rows[first + i][column];
    if (is_nested(id)) {
      cell = nested_text(value);
      continue;
    }
    const std::string text = value.ToString();
    int64_t number = 0;
    const bool is_wide = id == LogicalTypeId::HUGEINT || id == LogicalTypeId::UHUGEINT || id == LogicalTypeId::UBIGINT;
    if (is_wide && std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc()) {
      cell = number;
    } else {
      cell = text;
    }
  }
}

void fill_column(duckdb::Vector& vector, size_t first, size_t count, size_t column, Rows& rows) {
  switch (vector.GetType().id()) {
    case LogicalTypeId::BOOLEAN:
      return fill_plain<bool, bool>(vector, first, count, column, rows);
    case LogicalTypeId::TINYINT:
      return fill_plain<int8_t, int64_t>(vector, first, count, column, rows);
    case LogicalTypeId::SMALLINT:
      return fill_plain<int16_t, int64_t>(vector, first, count, column, rows);
    case LogicalTypeId::INTEGER:
      return fill_plain<int32_t, int64_t>(vector, first, count, column, rows);
    case LogicalTypeId::BIGINT:
      return fill_plain<int64_t, int64_t>(vector, first, count, column, rows);
    case LogicalTypeId::UTINYINT:
      return fill_plain<uint8_t, int64_t>(vector, first, count, column, rows);
    case LogicalTypeId::USMALLINT:
      return fill_plain<uint16_t, int64_t>(vector, first, count, column, rows);
    case LogicalTypeId::UINTEGER:
      return fill_plain<uint32_t, int64_t>(vector, first, count, column, rows);
    case LogicalTypeId::FLOAT:
      return fill_plain<float, double>(vector, first, count, column, rows);
    case LogicalTypeId::DOUBLE:
      return fill_plain<double, double>(vector, first, count, column, rows);
    case LogicalTypeId::VARCHAR:
      return fill_text(vector, first, count, column, rows);
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::UUID:
    case LogicalTypeId::INTERVAL: {
      duckdb::Vector text(duckdb::LogicalType::VARCHAR, count);
      duckdb::VectorOperations::DefaultCast(vector, text, count);
      return fill_text(text, first, count, column, rows);
    }
    default:
      return fill_values(vector, first, count, column, rows);
  }
}

}  // namespace

void append_cells(duckdb::DataChunk& chunk, Rows& rows) {
  const size_t first = rows.size();
  rows.resize(first + chunk.size(), std::vector<Cell>(chunk.ColumnCount(), nullptr));
  for (size_t column = 0; column < chunk.ColumnCount(); ++column) {
    fill_column(chunk.data[column], first, chunk.size(), column, rows);
  }
}

namespace {

Result<duckdb::Value> plain_value(const Json& given, const std::string& name) {
  if (given.is_null()) return duckdb::Value();
  if (given.is_bool()) return duckdb::Value::BOOLEAN(given.as_bool());
  if (given.is_integer()) {
    // Beyond int64 Json holds an unsigned number; its text is exact.
    const std::string text = given.dump();
    if (text.size() <= 18 && std::abs(given.as_int()) <= INT32_MAX) {
      return duckdb::Value::INTEGER(static_cast<int32_t>(given.as_int()));
    }
    return duckdb::Value(text).DefaultCastAs(text.size() > 18 ? duckdb::LogicalType::HUGEINT
                                                              : duckdb::LogicalType::BIGINT);
  }
  if (given.is_number()) return duckdb::Value::DOUBLE(given.as_double());
  const std::string text = given.is_string() ? given.as_string() : given.dump();
  if (!duckdb::Value::StringIsValid(text)) return Error(Code::invalid, "parameter " + name + " is not valid UTF-8");
  return duckdb::Value(text);
}

}  // namespace

Result<std::vector<duckdb::Value>> parameter_values(const Parameters& parameters) {
  std::vector<duckdb::Value> values;
  for (const Parameter& parameter : parameters) {
    const std::string name = "$" + std::to_string(values.size() + 1);
    if (parameter.type == "BLOB" && parameter.value.is_string()) {  // bytes, which are no text
      const std::string& bytes = parameter.value.as_string();
      values.push_back(duckdb::Value::BLOB(duckdb::const_data_ptr_cast(bytes.data()), bytes.size()));
      continue;
    }
    TRY_ASSIGN(duckdb::Value value, plain_value(parameter.value, name));
    if (parameter.type.empty()) {
      values.push_back(std::move(value));
      continue;
    }
    try {
      const duckdb::LogicalType type =
          parameter.type == "JSON" ? duckdb::LogicalType::JSON() : duckdb::TransformStringToLogicalType(parameter.type);
      if (type.IsJSONType() && parameter.value.is_string()) {  // its text; there is no cast outside of a statement
        const Result<Json> parsed = Json::parse(parameter.value.as_string());
        if (!parsed) return Error(Code::invalid, "parameter " + name + " is no JSON: " + parsed.error().message);
        value.Reinterpret(type);
        values.push_back(std::move(value));
        continue;
      }
      values.push_back(value.DefaultCastAs(type));
    } catch (const std::exception& thrown) {
      const Error why = to_error(thrown, "");
      return Error(Code::invalid, "parameter " + name + ": " + why.message);
    }
  }
  return values;
}

duckdb::LogicalType logical_type(const Column& column) {
  using duckdb::LogicalType;
  switch (column.type) {
    case ColumnType::boolean:
      return LogicalType::BOOLEAN;
    case ColumnType::int32:
      return LogicalType::INTEGER;
    case ColumnType::int64:
      return LogicalType::BIGINT;
    case ColumnType::float64:
      return LogicalType::DOUBLE;
    case ColumnType::decimal:
      CHECK(column.precision >= 1 && column.precision <= 18 && column.scale >= 0 && column.scale <= column.precision,
            "a decimal column has a precision of 1 to 18 and a scale within it");
      return LogicalType::DECIMAL(static_cast<uint8_t>(column.precision), static_cast<uint8_t>(column.scale));
    case ColumnType::text:
      return LogicalType::VARCHAR;
    case ColumnType::uuid:
      return LogicalType::UUID;
    case ColumnType::timestamp:
      return LogicalType::TIMESTAMP;
    case ColumnType::date:
      return LogicalType::DATE;
    case ColumnType::json:
      return LogicalType::JSON();
    case ColumnType::engine:
      return duckdb::TransformStringToLogicalType(column.engine_type);
  }
  CHECK(false, "every ColumnType has a type of the engine");
  return LogicalType::SQLNULL;
}

duckdb::Value missing_value(const Column& column) {
  const duckdb::LogicalType type = logical_type(column);
  if (!column.missing) return duckdb::Value(type);
  duckdb::Value value(*column.missing);
  if (type.InternalType() == duckdb::PhysicalType::VARCHAR) {
    value.Reinterpret(type);  // JSON is its text
  } else if (!value.DefaultTryCastAs(type, true)) {
    return duckdb::Value(type);
  }
  return value;
}

}  // namespace weir::engine
