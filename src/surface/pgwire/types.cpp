#include "surface/pgwire/types.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/base/json.h"
#include "core/base/text.h"
#include "surface/pgwire/message.h"

namespace weir::pgwire {

namespace {

struct Row {
  uint32_t number, array;
  int16_t size;
  const char* engine;  // the name by which the engine says it
  const char* name;    // PostgreSQL's
};

constexpr std::array<Row, 22> kRows = {{
    {oid::kBool, 1000, 1, "BOOLEAN", "boolean"},
    {oid::kBytea, 1001, -1, "BLOB", "bytea"},
    {oid::kInt8, 1016, 8, "BIGINT", "bigint"},
    {oid::kInt2, 1005, 2, "SMALLINT", "smallint"},
    {oid::kInt4, 1007, 4, "INTEGER", "integer"},
    {oid::kVarchar, 1015, -1, "VARCHAR", "character varying"},
    {oid::kText, 1009, -1, "VARCHAR", "text"},
    {oid::kBpchar, 1014, -1, "VARCHAR", "character"},
    {oid::kName, 1003, 64, "VARCHAR", "name"},
    {oid::kJson, 199, -1, "JSON", "json"},
    {oid::kJsonb, 3807, -1, "JSON", "jsonb"},
    {oid::kFloat4, 1021, 4, "FLOAT", "real"},
    {oid::kFloat8, 1022, 8, "DOUBLE", "double precision"},
    {oid::kDate, 1182, 4, "DATE", "date"},
    {oid::kTime, 1183, 8, "TIME", "time"},
    {oid::kTimetz, 1270, 12, "TIME WITH TIME ZONE", "time with time zone"},
    {oid::kTimestamp, 1115, 8, "TIMESTAMP", "timestamp"},
    {oid::kTimestamptz, 1185, 8, "TIMESTAMP WITH TIME ZONE", "timestamp with time zone"},
    {oid::kInterval, 1187, 16, "INTERVAL", "interval"},
    {oid::kNumeric, 1231, -1, "DECIMAL", "numeric"},
    {oid::kUuid, 2951, 16, "UUID", "uuid"},
    {oid::kOid, 1028, 4, "BIGINT", "oid"},
}};

const Row* row_of(uint32_t number) {
  const auto found =
      std::find_if(kRows.begin(), kRows.end(), [number](const Row& row) { return row.number == number; });
  return found == kRows.end() ? nullptr : &*found;
}

// Those of the engine's that have another name, or none, in PostgreSQL.
struct Other {
  const char* engine;
  uint32_t number;
};
constexpr std::array<Other, 14> kOthers = {{
    {"TINYINT", oid::kInt2},
    {"UTINYINT", oid::kInt2},
    {"USMALLINT", oid::kInt4},
    {"UINTEGER", oid::kInt8},
    {"UBIGINT", oid::kNumeric},
    {"HUGEINT", oid::kNumeric},
    {"UHUGEINT", oid::kNumeric},
    {"REAL", oid::kFloat4},
    {"TEXT", oid::kText},
    {"BPCHAR", oid::kBpchar},
    {"TIMESTAMP_S", oid::kTimestamp},
    {"TIMESTAMP_MS", oid::kTimestamp},
    {"TIMESTAMP_NS", oid::kTimestamp},
    {"TIMESTAMPTZ", oid::kTimestamptz},
}};

uint32_t number_of(std::string_view engine_type) {
  for (const Row& row : kRows) {
    if (engine_type == row.engine) return row.number;
  }
  for (const Other& other : kOthers) {
    if (engine_type == other.engine) return other.number;
  }
  return oid::kText;
}

// The numbers in the brackets of "DECIMAL(18,3)"; -1 where there is none.
std::pair<int, int> modifiers_of(std::string_view type) {
  std::pair<int, int> out{-1, -1};
  const size_t open = type.find('(');
  if (open == std::string_view::npos) return out;
  const char* const end = type.data() + type.size();
  const auto first = std::from_chars(type.data() + open + 1, end, out.first);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == ',') std::from_chars(first.ptr + 1, end, out.second);
  return out;
}

WireType plain_type(uint32_t number) {
  WireType out;
  out.number = number;
  if (const Row* row = row_of(number)) out.size = row->size;
  return out;
}

}  // namespace

WireType type_of(std::string_view engine_type) {
  if (engine_type.starts_with("STRUCT(") || engine_type.starts_with("MAP(") || engine_type.starts_with("UNION(")) {
    const bool is_list = engine_type.ends_with("]");
    return plain_type(engine_type.starts_with("UNION(") || is_list ? oid::kText : oid::kJson);
  }
  if (engine_type.ends_with("]")) {
    const std::string_view element = engine_type.substr(0, engine_type.rfind('['));
    if (element.ends_with("]")) return plain_type(oid::kJson);
    const WireType of = type_of(element);
    // What lists hold is JSON by now: bytes and spans of time have no form of their own in it.
    const bool has_array = array_of(of.number) != 0 && of.number != oid::kBytea && of.number != oid::kInterval;
    if (!has_array) return plain_type(oid::kText);
    WireType out;
    out.number = array_of(of.number);
    out.element = of.number;
    return out;
  }
  const auto [first, second] = modifiers_of(engine_type);
  const size_t open = engine_type.find('(');
  const std::string_view name = engine_type.substr(0, open);
  WireType out = plain_type(name == "CHAR" ? oid::kBpchar : number_of(name));
  if (out.number == oid::kNumeric && first > 0) out.modifier = (first << 16 | std::max(0, second)) + 4;
  if ((out.number == oid::kVarchar || out.number == oid::kBpchar) && first > 0) out.modifier = first + 4;
  return out;
}

std::string engine_type_of(uint32_t number) {
  if (const Row* row = row_of(number)) return row->engine;
  if (const Row* row = row_of(element_of(number))) return std::string(row->engine) + "[]";
  return {};
}

uint32_t array_of(uint32_t element) {
  const Row* row = row_of(element);
  return row == nullptr ? 0 : row->array;
}

uint32_t element_of(uint32_t array) {
  for (const Row& row : kRows) {
    if (row.array == array) return row.number;
  }
  return 0;
}

const char* type_name(uint32_t number) {
  const Row* row = row_of(number);
  return row == nullptr ? "unknown" : row->name;
}

// --- texts ---------------------------------------------------------------------------------------------------------

namespace {

using uint128 = unsigned __int128;

constexpr int64_t kDayMicros = 86'400'000'000;

template <class T>
void append_integer(std::string& out, T value) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value);
  out.append(text, end.ptr);
}

void append_padded(std::string& out, int64_t value, size_t width) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value);
  const auto size = static_cast<size_t>(end.ptr - text);
  if (size < width) out.append(width - size, '0');
  out.append(text, size);
}

// Six digits without the zeros at their end.
void append_fraction(std::string& out, int64_t micros) {
  if (micros == 0) return;
  out += '.';
  append_padded(out, micros, 6);
  while (out.back() == '0') out.pop_back();
}

void append_clock(std::string& out, int64_t micros) {
  append_padded(out, micros / 3'600'000'000, 2);
  out += ':';
  append_padded(out, micros / 60'000'000 % 60, 2);
  out += ':';
  append_padded(out, micros / 1'000'000 % 60, 2);
  append_fraction(out, micros % 1'000'000);
}

struct CalendarDay {
  int64_t year = 0, month = 0, day = 0;  // year 0 is 1 BC
};

// Of days since 1970-01-01, in the Gregorian calendar, however far away.
CalendarDay calendar_day(int64_t days) {
  const int64_t shifted = days + 719'468;  // from 0000-03-01, so that leap days are at the end of a year
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  return {.year = year_of_era + era * 400 + (month <= 2 ? 1 : 0),
          .month = month,
          .day = day_of_year - (153 * month_from_march + 2) / 5 + 1};
}

// True: before Christ.
bool append_calendar_day(std::string& out, int64_t days) {
  const CalendarDay at = calendar_day(days);
  append_padded(out, at.year > 0 ? at.year : 1 - at.year, 4);
  out += '-';
  append_padded(out, at.month, 2);
  out += '-';
  append_padded(out, at.day, 2);
  return at.year <= 0;
}

bool append_infinite(std::string& out, int64_t value) {
  if (value == engine::kInfinity) out += "infinity";
  if (value == -engine::kInfinity) out += "-infinity";
  return value == engine::kInfinity || value == -engine::kInfinity;
}

int64_t floor_days(int64_t micros) {
  return micros / kDayMicros - (micros % kDayMicros < 0 ? 1 : 0);
}

// The shortest digits that mean this number, in printf's %g shape, as PostgreSQL 12 and later print it.
template <class T>
void append_shortest(std::string& out, T value, int fixed_below) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  if (value == 0) {
    out += std::signbit(value) ? "-0" : "0";
    return;
  }
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  std::string_view written(text, static_cast<size_t>(end.ptr - text));
  if (written.front() == '-') out += '-';
  if (written.front() == '-') written.remove_prefix(1);
  const size_t e = written.find('e');
  int exponent = 0;
  const char* const digits_of_exponent = written.data() + e + (written[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, written.data() + written.size(), exponent);
  std::string digits(1, written[0]);
  if (e > 2) digits += written.substr(2, e - 2);
  const auto count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= fixed_below) {
    out += digits[0];
    if (count > 1) out += '.' + digits.substr(1);
    out += exponent < 0 ? "e-" : "e+";
    append_padded(out, std::abs(exponent), 2);
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    out += digits;
  } else if (count <= exponent + 1) {
    out += digits;
    out.append(static_cast<size_t>(exponent + 1 - count), '0');
  } else {
    out += digits.substr(0, static_cast<size_t>(exponent + 1)) + '.' + digits.substr(static_cast<size_t>(exponent + 1));
  }
}

void append_unit(std::string& out, int64_t value, const char* unit, bool& is_first, bool& is_before) {
  if (value == 0) return;
  if (!is_first) out += ' ';
  if (is_before && value > 0) out += '+';
  append_integer(out, value);
  out += ' ';
  out += unit;
  if (value != 1) out += 's';
  is_before = value < 0;
  is_first = false;
}

}  // namespace

void append_decimal(std::string& out, engine::Wide value, int scale) {
  auto left = static_cast<uint128>(static_cast<uint64_t>(value.high)) << 64 | value.low;
  if (value.high < 0) {
    out += '-';
    left = ~left + 1;
  }
  char digits[40];
  size_t at = sizeof digits;
  // Pieces of nine digits: dividing 128 bits is slow.
  while (left > UINT64_MAX) {
    auto piece = static_cast<uint64_t>(left % 1'000'000'000);
    left /= 1'000'000'000;
    for (int i = 0; i < 9; ++i, piece /= 10) digits[--at] = static_cast<char>('0' + piece % 10);
  }
  for (auto piece = static_cast<uint64_t>(left); piece > 0; piece /= 10) {
    digits[--at] = static_cast<char>('0' + piece % 10);
  }
  const size_t wanted = static_cast<size_t>(scale) + 1;
  std::string_view text(digits + at, sizeof digits - at);
  std::string padded;
  if (text.size() < wanted) {
    padded.assign(wanted - text.size(), '0');
    padded += text;
    text = padded;
  }
  out += text.substr(0, text.size() - static_cast<size_t>(scale));
  if (scale > 0) out += '.';
  out += text.substr(text.size() - static_cast<size_t>(scale));
}

void append_float8(std::string& out, double value) {
  append_shortest(out, value, 15);
}
void append_float4(std::string& out, float value) {
  append_shortest(out, value, 6);
}

void append_date(std::string& out, int64_t days) {
  if (append_infinite(out, days)) return;
  if (append_calendar_day(out, days)) out += " BC";
}

void append_time(std::string& out, int64_t micros) {
  append_clock(out, micros);
}

void append_timestamp(std::string& out, int64_t micros) {
  if (append_infinite(out, micros)) return;
  const int64_t day = floor_days(micros);
  const bool is_bc = append_calendar_day(out, day);
  out += ' ';
  append_clock(out, micros - day * kDayMicros);
  if (is_bc) out += " BC";
}

void append_timestamp_tz(std::string& out, int64_t micros, const flow::Zone& zone) {
  if (append_infinite(out, micros)) return;
  const int64_t local = zone.local_of(micros);
  const int64_t day = floor_days(local);
  const bool is_bc = append_calendar_day(out, day);
  out += ' ';
  append_clock(out, local - day * kDayMicros);
  const int64_t offset = (local - micros) / 1'000'000;
  const int64_t size = std::abs(offset);
  out += offset < 0 ? '-' : '+';
  append_padded(out, size / 3600, 2);
  if (size % 3600 != 0) {
    out += ':';
    append_padded(out, size / 60 % 60, 2);
  }
  if (size % 60 != 0) {
    out += ':';
    append_padded(out, size % 60, 2);
  }
  if (is_bc) out += " BC";
}

void append_interval(std::string& out, const engine::Interval& interval) {
  bool is_first = true, is_before = false;
  append_unit(out, interval.months / 12, "year", is_first, is_before);
  append_unit(out, interval.months % 12, "mon", is_first, is_before);
  append_unit(out, interval.days, "day", is_first, is_before);
  if (!is_first && interval.micros == 0) return;
  if (!is_first) out += ' ';
  if (interval.micros < 0) {
    out += '-';
  } else if (is_before) {
    out += '+';
  }
  append_clock(out, interval.micros < 0 ? -interval.micros : interval.micros);
}

void append_uuid(std::string& out, engine::Wide value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const uint64_t halves[2] = {static_cast<uint64_t>(value.high), value.low};
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) out += '-';
    out += kDigits[halves[digit / 16] >> (60 - digit % 16 * 4) & 0xF];
  }
}

void append_bytes(std::string& out, std::string_view bytes) {
  out += "\\x";
  out += hex_encode(bytes);
}

namespace {

void append_element(std::string& out, std::string_view text) {
  const bool is_plain = !text.empty() && text.find_first_of("{},\"\\ \t\r\n\v\f") == std::string_view::npos &&
                        !equal_ignoring_case(text, "null");
  if (is_plain) {
    out += text;
    return;
  }
  out += '"';
  for (const char character : text) {
    if (character == '"' || character == '\\') out += '\\';
    out += character;
  }
  out += '"';
}

// What a JSON value inside of a list is as a text of that type.
std::string element_text(const Json& value, uint32_t element) {
  if (value.is_bool())
    return element == oid::kBool ? (value.as_bool() ? "t" : "f") : (value.as_bool() ? "true" : "false");
  if (value.is_string() && element != oid::kJson) return value.as_string();
  if (value.is_number() && !value.is_integer()) {
    std::string text;
    if (element == oid::kFloat4) {
      append_float4(text, static_cast<float>(value.as_double()));
    } else {
      append_float8(text, value.as_double());
    }
    return text;
  }
  return value.dump();
}

}  // namespace

void append_array(std::string& out, std::string_view json, uint32_t element) {
  const Result<Json> list = Json::parse(json, SIZE_MAX);
  if (!list || !list->is_array()) {
    out += json;
    return;
  }
  out += '{';
  bool is_first = true;
  for (const Json& value : list->array()) {
    if (!is_first) out += ',';
    is_first = false;
    if (value.is_null()) {
      out += "NULL";
    } else {
      append_element(out, element_text(value, element));
    }
  }
  out += '}';
}

namespace {

void append_text_form(std::string& out, const engine::ResultVector& column, size_t row, const WireType& type,
                      const flow::Zone& zone) {
  switch (column.kind) {
    case engine::VectorKind::boolean:
      out += column.truth(row) ? 't' : 'f';
      return;
    case engine::VectorKind::integer:
      return append_integer(out, column.integer(row));
    case engine::VectorKind::wide:
      return append_decimal(out, column.wide(row), 0);
    case engine::VectorKind::float32:
      return append_float4(out, static_cast<float>(column.real(row)));
    case engine::VectorKind::float64:
      return append_float8(out, column.real(row));
    case engine::VectorKind::decimal:
      return append_decimal(out, column.wide(row), column.scale);
    case engine::VectorKind::date:
      return append_date(out, column.integer(row));
    case engine::VectorKind::time:
      return append_time(out, column.integer(row));
    case engine::VectorKind::timestamp:
      return append_timestamp(out, column.integer(row));
    case engine::VectorKind::timestamp_tz:
      return append_timestamp_tz(out, column.integer(row), zone);
    case engine::VectorKind::interval:
      return append_interval(out, column.interval(row));
    case engine::VectorKind::uuid:
      return append_uuid(out, column.wide(row));
    case engine::VectorKind::bytes:
      return append_bytes(out, column.text(row));
    case engine::VectorKind::text:
      if (type.is_array()) return append_array(out, column.text(row), type.element);
      out += column.text(row);
      return;
  }
}

void store_length(char* at, uint32_t length) {
  for (size_t i = 4; i-- > 0; length >>= 8) at[i] = static_cast<char>(length & 0xFF);
}

// The length of what `write` appends, before it.
template <class Write>
void append_sized(std::string& out, const Write& write) {
  const size_t at = out.size();
  out.append(4, '\0');
  write();
  store_length(out.data() + at, static_cast<uint32_t>(out.size() - at - 4));
}

// A short value, appended with its length in one go: millions of them are written.
class ShortText {
 public:
  char* begin() { return bytes_ + 4; }
  char* limit() { return bytes_ + sizeof bytes_; }
  void append_to(std::string& out, const char* end) {
    store_length(bytes_, static_cast<uint32_t>(end - begin()));
    out.append(bytes_, static_cast<size_t>(end - bytes_));
  }

 private:
  char bytes_[4 + 44];
};

char* write_two(char* at, int64_t value) {
  *at++ = static_cast<char>('0' + value / 10);
  *at++ = static_cast<char>('0' + value % 10);
  return at;
}

// Null: it is none of the years 1 to 9999.
char* write_day(char* at, int64_t days) {
  constexpr int64_t kFirst = -719'162, kLast = 2'932'896;
  if (days < kFirst || days > kLast) return nullptr;
  const CalendarDay day = calendar_day(days);
  at = write_two(write_two(at, day.year / 100), day.year % 100);
  *at++ = '-';
  at = write_two(at, day.month);
  *at++ = '-';
  return write_two(at, day.day);
}

// Null: it takes more than 64 bits.
char* write_decimal(char* at, const engine::Wide& value, int scale) {
  const bool is_negative = value.high < 0;
  if (value.high != (is_negative ? -1 : 0) || (value.low >> 63 != 0) != is_negative) return nullptr;
  uint64_t left = is_negative ? ~value.low + 1 : value.low;
  char digits[44];
  char* first = digits + sizeof digits;
  for (int i = 0; i < scale; ++i, left /= 10) *--first = static_cast<char>('0' + left % 10);
  if (scale > 0) *--first = '.';
  do {
    *--first = static_cast<char>('0' + left % 10);
    left /= 10;
  } while (left > 0);
  if (is_negative) *--first = '-';
  return std::copy(first, digits + sizeof digits, at);
}

// False: it takes the longer way.
bool append_short(std::string& out, const engine::ResultVector& column, size_t row) {
  ShortText text;
  char* end = nullptr;
  switch (column.kind) {
    case engine::VectorKind::integer:
      end = std::to_chars(text.begin(), text.limit(), column.integer(row)).ptr;
      break;
    case engine::VectorKind::date:
      end = write_day(text.begin(), column.integer(row));
      break;
    case engine::VectorKind::decimal:
      end = write_decimal(text.begin(), column.wide(row), column.scale);
      break;
    default:
      break;
  }
  if (end == nullptr) return false;
  text.append_to(out, end);
  return true;
}

}  // namespace

void append_text_value(std::string& out, const engine::ResultVector& column, size_t row, const WireType& type,
                       const flow::Zone& zone) {
  if (column.is_null(row)) return append_int32(out, -1);
  if (append_short(out, column, row)) return;
  append_sized(out, [&] { append_text_form(out, column, row, type, zone); });
}

}  // namespace weir::pgwire
