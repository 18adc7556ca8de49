// Types on the wire: PostgreSQL's number of each of the engine's types, and the values of results in PostgreSQL's two
// forms, text and binary.
//
// What PostgreSQL has no type for goes as the nearest one that holds every value: UBIGINT and HUGEINT as numeric,
// structs, maps and lists of lists as json, everything else as text. Texts are what a PostgreSQL 15 prints with its
// default settings: DateStyle ISO, IntervalStyle postgres, bytea in hexadecimal, the shortest text of a float.
// Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "platform/flow/zone.h"
#include "storage/engine/result_block.h"

namespace weir::pgwire {

namespace oid {
inline constexpr uint32_t kBool = 16, kBytea = 17, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25,
                          kOid = 26, kJson = 114, kFloat4 = 700, kFloat8 = 701, kUnknown = 705, kBpchar = 1042,
                          kVarchar = 1043, kDate = 1082, kTime = 1083, kTimestamp = 1114, kTimestamptz = 1184,
                          kInterval = 1186, kTimetz = 1266, kNumeric = 1700, kUuid = 2950, kJsonb = 3802;
}  // namespace oid

struct WireType {
  uint32_t number = oid::kText;
  int16_t size = -1;      // of a value in memory, as pg_type has it; -1: of any size
  int32_t modifier = -1;  // precision and scale, or length
  uint32_t element = 0;   // of an array

  bool is_array() const { return element != 0; }
};

WireType type_of(std::string_view engine_type);
// The engine's name of a type that a client names; empty if there is none.
std::string engine_type_of(uint32_t number);
uint32_t array_of(uint32_t element);     // 0: there is none
uint32_t element_of(uint32_t array);     // 0: it is no array
const char* type_name(uint32_t number);  // for messages: "numeric"

// One value with its length before it, as DataRow has it. `zone`: of instants in text.
void append_text_value(std::string& out, const engine::ResultVector& column, size_t row, const WireType& type,
                       const flow::Zone& zone);
// `unsupported` for the few that have no binary form here.
Status append_binary_value(std::string& out, const engine::ResultVector& column, size_t row, const WireType& type);

// --- the forms themselves ------------------------------------------------------------------------------------------

void append_decimal(std::string& out, engine::Wide value, int scale);
void append_float8(std::string& out, double value);
void append_float4(std::string& out, float value);
void append_date(std::string& out, int64_t days);
void append_time(std::string& out, int64_t micros);
void append_timestamp(std::string& out, int64_t micros);
void append_timestamp_tz(std::string& out, int64_t micros, const flow::Zone& zone);
void append_interval(std::string& out, const engine::Interval& interval);
void append_uuid(std::string& out, engine::Wide value);
void append_bytes(std::string& out, std::string_view bytes);  // \x0a…
// The array that a JSON list is: {1,2,NULL,"a b"}. What is no list is left as it is.
void append_array(std::string& out, std::string_view json, uint32_t element);
// A decimal text ("-12.50") in numeric's binary form, without its length. False if it is none.
bool append_numeric(std::string& out, std::string_view text);

}  // namespace weir::pgwire
