// Which columns of a result Parquet keeps as they are. DuckDB 1.4.4 writes a HUGEINT as a DOUBLE and an INTERVAL in
// milliseconds without a word, so what is kept is a list of what is known to come back, not of what is known to fail.
#include <algorithm>

#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

bool comes_back(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::BLOB:
    case LogicalTypeId::UUID:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
      return true;
    case LogicalTypeId::LIST:
      return comes_back(duckdb::ListType::GetChildType(type));
    case LogicalTypeId::MAP:
      return comes_back(duckdb::MapType::KeyType(type)) && comes_back(duckdb::MapType::ValueType(type));
    case LogicalTypeId::STRUCT: {
      const auto& members = duckdb::StructType::GetChildTypes(type);
      return std::all_of(members.begin(), members.end(), [](const auto& member) { return comes_back(member.second); });
    }
    default:
      return false;
  }
}

// Text without a collation, and numbers: as streams have them.
std::optional<ColumnType> plain_type(const std::string& type) {
  for (const ColumnType one :
       {ColumnType::boolean, ColumnType::int32, ColumnType::int64, ColumnType::float64, ColumnType::text,
        ColumnType::uuid, ColumnType::timestamp, ColumnType::date, ColumnType::json}) {
    Column column;
    column.type = one;
    if (sql_type(column) == type) return one;
  }
  return std::nullopt;
}

}  // namespace

Result<Engine::Stored> Engine::stored_column(const ResultColumn& column) {
  Stored out;
  out.column.name = column.name;
  if (const auto plain = plain_type(column.type)) {
    out.column.type = *plain;
    return out;
  }
  out.column.type = ColumnType::engine;
  out.column.engine_type = column.type;
  if (column.type == "HUGEINT") {
    out.cast = "DECIMAL(38,0)";
    return out;
  }
  try {
    const LogicalType type = duckdb::TransformStringToLogicalType(column.type);
    if (type.id() == LogicalTypeId::DECIMAL && duckdb::DecimalType::GetWidth(type) <= 18) {
      out.column.type = ColumnType::decimal;
      out.column.engine_type.clear();
      out.column.precision = duckdb::DecimalType::GetWidth(type);
      out.column.scale = duckdb::DecimalType::GetScale(type);
      return out;
    }
    if (comes_back(type)) return out;
  } catch (const std::exception&) {  // a type without a written form
  }
  return Error(Code::unsupported,
               "column " + column.name + " is of type " + column.type + ", which Parquet does not keep as it is",
               "CAST it in the SELECT, for example to VARCHAR");
}

}  // namespace weir::engine
