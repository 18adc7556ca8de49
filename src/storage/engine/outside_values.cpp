#include "storage/engine/outside_values.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <set>

#include "core/base/text.h"

namespace weir::engine {
namespace {

constexpr size_t kStatesMax = 4'096;
constexpr int kModifierOffset = 4;  // of every type modifier: PostgreSQL's VARHDRSZ

// pg_type.dat of PostgreSQL 15; Redshift has the same numbers.
enum Type : uint32_t {
  kBool = 16,
  kBytea = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kOid = 26,
  kJson = 114,
  kFloat4 = 700,
  kFloat8 = 701,
  kDate = 1082,
  kTime = 1083,
  kTimestamp = 1114,
  kTimestampTz = 1184,
  kInterval = 1186,
  kNumeric = 1700,
  kUuid = 2950,
  kJsonb = 3802,
};

// An Error holds a literal: each of the codes that servers say is kept for good, which are a few hundred.
const char* kept_state(std::string_view state) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> known;
  if (state.size() != 5) return nullptr;
  const std::lock_guard lock(mutex);
  if (const auto found = known.find(state); found != known.end()) return found->c_str();
  return known.size() < kStatesMax ? known.emplace(state).first->c_str() : nullptr;
}

std::string valid_text(std::string_view text) {
  if (valid_utf8(text)) return std::string(text);
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_sequence(text, at);
    out += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length);
    at += std::max<size_t>(length, 1);
  }
  return out;
}

Position place_of(std::string_view sql, int character) {
  Position place{.file = {}, .line = 1, .column = 1};
  for (size_t at = 0; at < sql.size() && --character > 0; at += std::max<size_t>(1, utf8_sequence(sql, at))) {
    const bool is_break = sql[at] == '\n';
    place.column = is_break ? 1 : place.column + 1;
    place.line += is_break ? 1 : 0;
  }
  return place;
}

bool is_state(std::string_view text) {
  return text.size() == 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

}  // namespace

std::string outside_type(uint32_t oid, int modifier) {
  switch (oid) {
    case kBool:
      return "BOOLEAN";
    case kBytea:
      return "BLOB";
    case kInt8:
    case kOid:
      return "BIGINT";
    case kInt2:
      return "SMALLINT";
    case kInt4:
      return "INTEGER";
    case kFloat4:
      return "FLOAT";
    case kFloat8:
      return "DOUBLE";
    case kDate:
      return "DATE";
    case kTime:
      return "TIME";
    case kTimestamp:
      return "TIMESTAMP";
    case kTimestampTz:
      return "TIMESTAMP WITH TIME ZONE";
    case kInterval:
      return "INTERVAL";
    case kUuid:
      return "UUID";
    case kJson:
    case kJsonb:
      return "JSON";
    case kNumeric: {
      if (modifier < kModifierOffset) return "DECIMAL";
      const int both = modifier - kModifierOffset;
      return "DECIMAL(" + std::to_string((both >> 16) & 0xffff) + "," + std::to_string(both & 0x7ff) + ")";
    }
    default:
      return "VARCHAR";
  }
}

Cell outside_cell(uint32_t oid, std::string_view text) {
  switch (oid) {
    case kBool:
      return text == "t" || text == "true";
    case kInt8:
    case kInt2:
    case kInt4:
    case kOid: {
      int64_t value = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
      if (parsed.ec == std::errc()) return value;
      return valid_text(text);
    }
    case kFloat4:
    case kFloat8: {
      double value = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
      if (parsed.ec == std::errc()) return value;
      return valid_text(text);  // beyond a double
    }
    default:
      return valid_text(text);
  }
}

// PostgreSQL 15, "PostgreSQL Error Codes".
Code outside_code(std::string_view state) {
  if (state.starts_with("28")) return Code::unauthenticated;
  if (state == "42501" || state == "25006") return Code::denied;
  if (state == "3D000") return Code::not_found;
  if (state == "57014") return Code::cancelled;
  if (state.starts_with("08") || state.starts_with("57P")) return Code::unavailable;
  if (state.starts_with("40")) return Code::conflict;
  if (state.starts_with("53")) return Code::busy;
  if (state.starts_with("54")) return Code::too_large;
  if (state.starts_with("0A")) return Code::unsupported;
  return Code::invalid;
}

Error outside_error(const OutsideReport& report, std::string_view sql) {
  Error error(outside_code(report.sqlstate), valid_text(report.message), valid_text(report.hint));
  if (error.message.empty()) error.message = "the server gave no reason";
  if (!report.detail.empty()) error.message += ": " + valid_text(report.detail);
  error.sqlstate = kept_state(report.sqlstate);
  int character = 0;
  std::from_chars(report.position.data(), report.position.data() + report.position.size(), character);
  if (character > 0) error.position = place_of(sql, character);
  return error;
}

// "connection to server at "db", port 5432 failed: FATAL:  28P01: password authentication failed for user "x""
std::string_view outside_connect_state(std::string_view report) {
  constexpr std::string_view kSeverityEnd = ":  ";
  for (size_t at = report.find(kSeverityEnd); at != std::string_view::npos; at = report.find(kSeverityEnd, at + 1)) {
    const std::string_view behind = report.substr(at + kSeverityEnd.size());
    if (behind.size() > 6 && behind[5] == ':' && is_state(behind.substr(0, 5))) return behind.substr(0, 5);
  }
  return {};
}

std::string outside_report_line(std::string_view report) {
  std::string out;
  for (std::string_view line : split(report, '\n')) {
    line = trim(line);
    if (line.empty() || line.starts_with("LOCATION:")) continue;
    if (!out.empty()) out += ' ';
    out += line;
  }
  return valid_text(out);
}

std::string outside_version(std::string_view parameter) {
  return std::string(parameter.substr(0, parameter.find(' ')));
}

}  // namespace weir::engine
