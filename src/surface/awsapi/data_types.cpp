#include "surface/awsapi/data_types.h"

#include <algorithm>
#include <charconv>

namespace weir::awsapi {
namespace {

struct Known {
  std::string_view engine;
  RedshiftType type;
};

// Lengths, precisions and scales as Redshift's driver tells them.
const Known kKnown[] = {
    {"BOOLEAN", {.name = "bool", .length = 0, .precision = 1}},
    {"TINYINT", {.name = "int2", .precision = 5, .is_signed = true}},
    {"SMALLINT", {.name = "int2", .precision = 5, .is_signed = true}},
    {"UTINYINT", {.name = "int2", .precision = 5, .is_signed = true}},
    {"INTEGER", {.name = "int4", .precision = 10, .is_signed = true}},
    {"USMALLINT", {.name = "int4", .precision = 10, .is_signed = true}},
    {"BIGINT", {.name = "int8", .precision = 19, .is_signed = true}},
    {"UINTEGER", {.name = "int8", .precision = 19, .is_signed = true}},
    {"UBIGINT", {.name = "numeric", .precision = 20, .is_signed = true}},
    {"HUGEINT", {.name = "numeric", .precision = 38, .is_signed = true}},
    {"FLOAT", {.name = "float4", .precision = 8, .scale = 8, .is_signed = true}},
    {"DOUBLE", {.name = "float8", .precision = 17, .scale = 17, .is_signed = true}},
    {"DATE", {.name = "date", .precision = 13}},
    {"TIME", {.name = "time", .precision = 15, .scale = 6}},
    {"TIMESTAMP", {.name = "timestamp", .precision = 29, .scale = 6}},
    {"TIMESTAMP WITH TIME ZONE", {.name = "timestamptz", .precision = 35, .scale = 6}},
    {"INTERVAL", {.name = "interval", .precision = 49}},
    {"BLOB", {.name = "varbyte", .precision = 65535}},
    {"JSON", {.name = "super", .precision = 65535}},
    {"UUID", {.name = "varchar", .precision = 36, .is_case_sensitive = true}},
};

}  // namespace

RedshiftType redshift_type(std::string_view engine_type) {
  for (const Known& one : kKnown) {
    if (one.engine == engine_type) return one.type;
  }
  constexpr std::string_view kDecimal = "DECIMAL(";
  if (engine_type.substr(0, kDecimal.size()) == kDecimal) {
    RedshiftType out{.name = "numeric", .is_signed = true};
    const char* at = engine_type.data() + kDecimal.size();
    const char* end = engine_type.data() + engine_type.size();
    at = std::from_chars(at, end, out.precision).ptr;
    if (at < end) std::from_chars(at + 1, end, out.scale);
    return out;
  }
  const bool is_nested = engine_type.find_first_of("[(") != std::string_view::npos && engine_type != "VARCHAR";
  return {.name = is_nested ? "super" : "varchar", .precision = 65535, .is_case_sensitive = true};
}

Json column_metadata(const std::string& name, const RedshiftType& type) {
  Json out{Json::Object{}};
  out.set("isCaseSensitive", type.is_case_sensitive);
  out.set("isCurrency", false);
  out.set("isSigned", type.is_signed);
  out.set("label", name);
  out.set("length", type.length);
  out.set("name", name);
  out.set("nullable", 1);
  out.set("precision", type.precision);
  out.set("scale", type.scale);
  out.set("schemaName", "");
  out.set("tableName", "");
  out.set("typeName", type.name);
  return out;
}

}  // namespace weir::awsapi
