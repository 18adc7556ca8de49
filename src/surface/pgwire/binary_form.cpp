// The binary forms of results: what drivers ask for once they know a statement.
#include <bit>
#include <charconv>
#include <cstring>

#include "core/base/ids.h"
#include "core/base/json.h"
#include "core/base/time.h"
#include "surface/pgwire/message.h"
#include "surface/pgwire/types.h"

namespace weir::pgwire {

namespace {

// PostgreSQL counts from 2000-01-01.
constexpr int64_t kEpochDays = 10'957;
constexpr int64_t kEpochMicros = kEpochDays * 86'400'000'000;

void append_whole(std::string& out, int64_t value, int16_t size) {
  switch (size) {
    case 2:
      return append_int16(out, static_cast<int16_t>(value));
    case 4:
      return append_int32(out, static_cast<int32_t>(value));
    default:
      return append_int64(out, value);
  }
}

void append_real(std::string& out, double value, bool is_double) {
  if (is_double) return append_int64(out, std::bit_cast<int64_t>(value));
  append_int32(out, std::bit_cast<int32_t>(static_cast<float>(value)));
}

void append_days(std::string& out, int64_t days) {
  if (days == engine::kInfinity) return append_int32(out, INT32_MAX);
  if (days == -engine::kInfinity) return append_int32(out, INT32_MIN);
  append_int32(out, static_cast<int32_t>(days - kEpochDays));
}

void append_instant(std::string& out, int64_t micros) {
  if (micros == engine::kInfinity) return append_int64(out, INT64_MAX);
  if (micros == -engine::kInfinity) return append_int64(out, INT64_MIN);
  append_int64(out, micros - kEpochMicros);
}

Error no_binary_form(uint32_t number) {
  return with_state(
      Error(Code::unsupported, std::string("values of type ") + type_name(number) + " have no binary form here",
            "ask for the column as text"),
      "0A000");
}

// An element of a list, from its JSON.
Status append_binary_element(std::string& out, const Json& value, uint32_t element) {
  switch (element) {
    case oid::kBool:
      out += value.as_bool() ? '\1' : '\0';
      return {};
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
      append_whole(out, value.as_int(), type_of(engine_type_of(element)).size);
      return {};
    case oid::kFloat4:
    case oid::kFloat8:
      append_real(out, value.as_double(), element == oid::kFloat8);
      return {};
    case oid::kText:
    case oid::kVarchar:
    case oid::kBpchar:
      out += value.is_string() ? value.as_string() : value.dump();
      return {};
    case oid::kJson:
      out += value.dump();
      return {};
    case oid::kNumeric: {
      const std::string text = value.is_string() ? value.as_string() : value.dump();
      if (append_numeric(out, text)) return {};
      return no_binary_form(element);
    }
    case oid::kUuid: {
      TRY_ASSIGN(const Uuid uuid, parse_uuid(value.as_string()));
      append_int64(out, static_cast<int64_t>(uuid.high));
      append_int64(out, static_cast<int64_t>(uuid.low));
      return {};
    }
    case oid::kDate: {
      TRY_ASSIGN(const int32_t days, parse_date(value.as_string()));
      append_days(out, days);
      return {};
    }
    case oid::kTimestamp:
    case oid::kTimestamptz: {
      TRY_ASSIGN(const int64_t micros, parse_timestamp(value.as_string()));
      append_instant(out, micros);
      return {};
    }
    default:
      return no_binary_form(element);
  }
}

Status append_binary_array(std::string& out, std::string_view json, uint32_t element) {
  TRY_ASSIGN(const Json list, Json::parse(json, SIZE_MAX));
  bool has_null = false;
  for (const Json& value : list.array()) has_null = has_null || value.is_null();
  const auto count = static_cast<int32_t>(list.array().size());
  append_int32(out, count == 0 ? 0 : 1);  // dimensions
  append_int32(out, has_null ? 1 : 0);
  append_int32(out, static_cast<int32_t>(element));
  if (count == 0) return {};
  append_int32(out, count);
  append_int32(out, 1);  // the first index
  for (const Json& value : list.array()) {
    if (value.is_null()) {
      append_int32(out, -1);
      continue;
    }
    std::string bytes;
    TRY(append_binary_element(bytes, value, element));
    append_int32(out, static_cast<int32_t>(bytes.size()));
    out += bytes;
  }
  return {};
}

Status append_binary_form(std::string& out, const engine::ResultVector& column, size_t row, const WireType& type) {
  switch (column.kind) {
    case engine::VectorKind::boolean:
      out += column.truth(row) ? '\1' : '\0';
      return {};
    case engine::VectorKind::integer:
      append_whole(out, column.integer(row), type.size);
      return {};
    case engine::VectorKind::wide:
    case engine::VectorKind::decimal: {
      std::string text;
      append_decimal(text, column.wide(row), column.kind == engine::VectorKind::wide ? 0 : column.scale);
      append_numeric(out, text);
      return {};
    }
    case engine::VectorKind::float32:
    case engine::VectorKind::float64:
      append_real(out, column.real(row), column.kind == engine::VectorKind::float64);
      return {};
    case engine::VectorKind::date:
      append_days(out, column.integer(row));
      return {};
    case engine::VectorKind::time:
      append_int64(out, column.integer(row));
      return {};
    case engine::VectorKind::timestamp:
    case engine::VectorKind::timestamp_tz:
      append_instant(out, column.integer(row));
      return {};
    case engine::VectorKind::interval: {
      const engine::Interval interval = column.interval(row);
      append_int64(out, interval.micros);
      append_int32(out, interval.days);
      append_int32(out, interval.months);
      return {};
    }
    case engine::VectorKind::uuid:
      append_int64(out, column.wide(row).high);
      append_int64(out, static_cast<int64_t>(column.wide(row).low));
      return {};
    case engine::VectorKind::bytes:
      out += column.text(row);
      return {};
    case engine::VectorKind::text:
      if (type.is_array()) return append_binary_array(out, column.text(row), type.element);
      if (type.number != oid::kText && type.number != oid::kVarchar && type.number != oid::kBpchar &&
          type.number != oid::kJson) {
        return no_binary_form(type.number);
      }
      out += column.text(row);
      return {};
  }
  return {};
}

}  // namespace

bool append_numeric(std::string& out, std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  std::string whole(text.substr(0, point));
  std::string fraction(text.substr(std::min(text.size(), point + 1)));
  const auto scale = static_cast<int16_t>(fraction.size());
  if (whole.empty() && fraction.empty()) return false;
  if ((whole + fraction).find_first_not_of("0123456789") != std::string::npos) return false;
  whole.insert(0, (4 - whole.size() % 4) % 4, '0');
  fraction.append((4 - fraction.size() % 4) % 4, '0');
  // Groups of four digits, without those at both ends that are zero.
  const std::string digits = whole + fraction;
  std::vector<int16_t> groups;
  for (size_t at = 0; at < digits.size(); at += 4) {
    int16_t group = 0;
    std::from_chars(digits.data() + at, digits.data() + at + 4, group);
    groups.push_back(group);
  }
  auto weight = static_cast<int16_t>(static_cast<int>(whole.size() / 4) - 1);
  size_t first = 0;
  for (; first < groups.size() && groups[first] == 0; ++first) --weight;
  size_t last = groups.size();
  for (; last > first && groups[last - 1] == 0;) --last;
  if (first == last) weight = 0;
  append_int16(out, static_cast<int16_t>(last - first));
  append_int16(out, weight);
  append_int16(out, is_negative && first < last ? 0x4000 : 0);
  append_int16(out, scale);
  for (size_t i = first; i < last; ++i) append_int16(out, groups[i]);
  return true;
}

Status append_binary_value(std::string& out, const engine::ResultVector& column, size_t row, const WireType& type) {
  if (column.is_null(row)) {
    append_int32(out, -1);
    return {};
  }
  const size_t at = out.size();
  out.append(4, '\0');
  TRY(append_binary_form(out, column, row, type));
  std::string length;
  append_int32(length, static_cast<int32_t>(out.size() - at - 4));
  out.replace(at, 4, length);
  return {};
}

}  // namespace weir::pgwire
