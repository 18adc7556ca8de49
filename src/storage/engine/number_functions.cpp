// TO_CHAR of numbers, TO_NUMBER, STRTOL, and hashes of values.
#include <array>
#include <charconv>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "storage/engine/by_row.h"
#include "storage/engine/number_pattern.h"
#include "storage/engine/platform_functions.h"

namespace weir::engine {
namespace {

using duckdb::LogicalType;

using Given = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

// DuckDB's own text of a whole number or decimal is its digits.
duckdb::unique_ptr<duckdb::FunctionData> as_text(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                                                 Given& given) {
  given[0] = duckdb::BoundCastExpression::AddCastToType(context, std::move(given[0]), LogicalType::VARCHAR);
  function.arguments[0] = LogicalType::VARCHAR;
  return nullptr;
}

Result<std::string> write_digits(const Row& row) {
  thread_local LastPattern<NumberPattern> last;
  TRY_ASSIGN(const NumberPattern* pattern, last.of(row.text(1)));
  return pattern->write(row.text(0));
}

Result<std::string> write_double(const Row& row) {
  thread_local LastPattern<NumberPattern> last;
  TRY_ASSIGN(const NumberPattern* pattern, last.of(row.text(1)));
  return pattern->write(row.get<double>(0));
}

constexpr int kDecimalDigits = 38;

// The digits of a decimal text as a number of `scale` digits behind the point.
Result<duckdb::hugeint_t> decimal_of(std::string_view text, int scale) {
  const std::string_view whole_text = text;
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  std::string fraction(point < text.size() ? text.substr(point + 1) : std::string_view());
  fraction.resize(static_cast<size_t>(scale), '0');
  digits += fraction;
  digits.erase(0, digits.find_first_not_of('0'));
  if (digits.size() > kDecimalDigits) {
    return Error(Code::invalid, "the number " + shown(whole_text) + " has more than 38 digits");
  }
  duckdb::hugeint_t value = 0;
  for (const char c : digits) value = value * duckdb::hugeint_t(10) + duckdb::hugeint_t(c - '0');
  return is_negative ? -value : value;
}

// Of a pattern that is no constant nobody knows the digits behind the point before it runs.
constexpr int kScaleUnknown = 10;

duckdb::unique_ptr<duckdb::FunctionData> bind_to_number(duckdb::ClientContext& context,
                                                        duckdb::ScalarFunction& function, Given& given) {
  int scale = kScaleUnknown;
  duckdb::Value constant;
  if (given[1]->IsFoldable() && duckdb::ExpressionExecutor::TryEvaluateScalar(context, *given[1], constant) &&
      !constant.IsNull()) {
    const auto pattern = NumberPattern::parse(constant.ToString());
    if (!pattern) throw_error(pattern.error());
    scale = std::min(pattern->scale(), kDecimalDigits);
  }
  const auto read = [scale](const Row& row) -> Result<duckdb::hugeint_t> {
    thread_local LastPattern<NumberPattern> last;
    TRY_ASSIGN(const NumberPattern* pattern, last.of(row.text(1)));
    std::string number;  // apart from its value: g++ 12 takes it for uninitialized else
    TRY_ASSIGN(number, pattern->read(row.text(0)));
    return decimal_of(number, scale);
  };
  const LogicalType type = LogicalType::DECIMAL(kDecimalDigits, static_cast<uint8_t>(scale));
  function.function = by_row<duckdb::hugeint_t>("to_number", function.arguments, type, read).function;
  function.return_type = type;
  return nullptr;
}

Result<std::optional<int64_t>> strtol_of(const Row& row) {
  const int32_t base = row.get<int32_t>(1);
  if (base < 2 || base > 36) {
    return Error(Code::invalid, "strtol() takes a base of 2 to 36 as argument 2; found " + std::to_string(base));
  }
  std::string_view text = trim(row.text(0));
  if (text.empty()) return std::optional<int64_t>();
  const bool is_negative = text[0] == '-';
  if (is_negative || text[0] == '+') text.remove_prefix(1);
  if (base == 16 && (text.starts_with("0x") || text.starts_with("0X"))) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
    return Error(Code::invalid, "strtol() takes a number of base " + std::to_string(base) + " as argument 1; found " +
                                    shown(row.text(0)));
  }
  const uint64_t most = static_cast<uint64_t>(INT64_MAX) + (is_negative ? 1 : 0);
  if (error == std::errc::result_out_of_range || value > most) {
    return Error(Code::invalid, "strtol() takes a number of 64 bits as argument 1; found " + shown(row.text(0)));
  }
  return std::optional<int64_t>(is_negative ? static_cast<int64_t>(~value + 1) : static_cast<int64_t>(value));
}

constexpr uint64_t kFnvStart = 0xcbf29ce484222325;

// FNV-1a, 64 bits.
uint64_t fnv(std::string_view bytes, uint64_t hash) {
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

template <class T>
int64_t fnv_of_number(const Row& row) {
  const auto number = static_cast<std::make_unsigned_t<T>>(row.get<T>(0));
  std::string bytes;
  for (size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(static_cast<uint64_t>(number) >> (8 * i));
  return static_cast<int64_t>(fnv(bytes, row.count() > 1 ? static_cast<uint64_t>(row.get<int64_t>(1)) : kFnvStart));
}

int64_t fnv_of_text(const Row& row) {
  return static_cast<int64_t>(
      fnv(row.text(0), row.count() > 1 ? static_cast<uint64_t>(row.get<int64_t>(1)) : kFnvStart));
}

// Of a number its digits without the point, of anything else 31 bits of a hash.
int32_t checksum_of(const Row& row) {
  std::string digits;
  for (const char c : row.text(0)) {
    if (c >= '0' && c <= '9') {
      digits += c;
    } else if (c != '.' && c != '-') {
      return static_cast<int32_t>(fnv(row.text(0), kFnvStart) & INT32_MAX);
    }
  }
  uint64_t value = 0;
  for (const char c : digits) value = 10 * value + static_cast<uint64_t>(c - '0');
  return static_cast<int32_t>(value & INT32_MAX);
}

// CRC-32C, as Redshift's is.
uint32_t crc32(std::string_view bytes) {
  static const auto table = [] {
    std::array<uint32_t, 256> out = {};
    for (uint32_t i = 0; i < out.size(); ++i) {
      out[i] = i;
      for (int bit = 0; bit < 8; ++bit) out[i] = (out[i] >> 1) ^ (0x82F63B78u & (0u - (out[i] & 1)));
    }
    return out;
  }();
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<uint8_t>(c)) & 0xFF];
  return ~crc;
}

std::string crc32_text(const Row& row) {
  const uint32_t crc = crc32(row.text(0));
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(crc >> shift);
  return hex_encode(bytes);
}

std::string sha2_text(const Row& row) {
  return sha2_hex(row.get<int32_t>(1) == 0 ? 256 : row.get<int32_t>(1), row.text(0));
}

}  // namespace

ScalarFunctions number_functions() {
  const LogicalType text = LogicalType::VARCHAR, whole = LogicalType::BIGINT, small = LogicalType::INTEGER;
  const LogicalType any_decimal(duckdb::LogicalTypeId::DECIMAL);
  ScalarFunctions out;
  for (const LogicalType& type : {whole, LogicalType(LogicalType::HUGEINT), any_decimal}) {
    out.push_back(by_row<std::string>("to_char", {type, text}, text, write_digits));
    out.back().bind = as_text;
  }
  out.push_back(by_row<std::string>("to_char", {LogicalType::DOUBLE, text}, text, write_double));
  out.push_back(by_row<duckdb::hugeint_t>("to_number", {text, text},
                                          LogicalType::DECIMAL(kDecimalDigits, kScaleUnknown),
                                          [](const Row&) { return duckdb::hugeint_t(0); }));
  out.back().bind = bind_to_number;
  out.push_back(by_row<int64_t>("strtol", {text, small}, whole, strtol_of));
  for (const bool has_seed : {false, true}) {
    const auto with_seed = [&](const LogicalType& first) {
      return has_seed ? duckdb::vector<LogicalType>{first, whole} : duckdb::vector<LogicalType>{first};
    };
    out.push_back(by_row<int64_t>("fnv_hash", with_seed(LogicalType::SMALLINT), whole, fnv_of_number<int16_t>));
    out.push_back(by_row<int64_t>("fnv_hash", with_seed(small), whole, fnv_of_number<int32_t>));
    out.push_back(by_row<int64_t>("fnv_hash", with_seed(whole), whole, fnv_of_number<int64_t>));
    out.push_back(by_row<int64_t>("fnv_hash", with_seed(text), whole, fnv_of_text));
  }
  out.push_back(by_row<int32_t>("checksum", {text}, small, checksum_of));
  for (const LogicalType& type :
       {whole, LogicalType(LogicalType::HUGEINT), any_decimal, LogicalType(LogicalType::DOUBLE)}) {
    out.push_back(by_row<int32_t>("checksum", {type}, small, checksum_of));
    out.back().bind = as_text;
  }
  out.push_back(by_row<std::string>("crc32", {text}, text, crc32_text));
  out.push_back(by_row<std::string>("sha2", {text, small}, text, sha2_text));
  return out;
}

}  // namespace weir::engine
