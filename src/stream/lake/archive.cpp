#include "stream/lake/archive.h"

#include <charconv>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/io/compression.h"

namespace weir::lake {
namespace {

constexpr uint64_t kDecodedMax = 64ull << 30;  // it was checked against its checksum, and is never in memory as a whole
constexpr uint64_t kRatioMax = 2'000;
constexpr size_t kMemberBytes = 2u << 20;  // most are about 256 KiB (tail.h)
constexpr std::string_view kId = "{\"_id\":";
constexpr std::string_view kSequence = ",\"_seq\":";
constexpr std::string_view kArrived = ",\"_arrived_at\":\"";
constexpr std::string_view kForgotten = ",\"_forgotten\":\"";

void append_quarantine_members(const capture::Record& record, std::string& into) {
  into += ",\"reason\":";
  Json::append_quoted(into, record.reason);
  into += ",\"field\":";
  Json::append_quoted(into, record.field);
  into += ",\"message\":";
  Json::append_quoted(into, record.message);
  if (valid_utf8(record.payload)) {
    into += ",\"payload\":";
    Json::append_quoted(into, record.payload);
  } else {
    into += ",\"payload_base64\":\"" + base64_encode(record.payload) + "\"";
  }
  into += "}\n";
}

// The end of the JSON string that begins at `from` (a quote), one past its closing quote; npos if it does not end.
size_t end_of_string(std::string_view line, size_t from) {
  for (size_t i = from + 1; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

Error damaged(const char* what) {
  return Error(Code::corrupt, std::string("archive line: ") + what);
}

void append_head(std::string_view id, uint64_t sequence, int64_t arrived_at, std::string& into) {
  into += kId;
  Json::append_quoted(into, id);
  into += kSequence;
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, sequence);
  into.append(digits, end.ptr);
  into += kArrived;
  into += format_timestamp(arrived_at);
  into += '"';
}

}  // namespace

void append_archive_line(const capture::Record& record, uint64_t sequence, std::string& into) {
  append_head(record.id, sequence, record.arrived_at.micros, into);
  if (record.kind == capture::RecordKind::quarantined) {
    append_quarantine_members(record, into);
    return;
  }
  // The payload is one JSON object, so its members follow ours behind a comma, unless it has none.
  std::string_view members = record.payload.substr(1);
  if (members.find_first_not_of(" \t\r") != members.find('}')) into += ',';
  into += members;
  into += '\n';
}

Result<ArchiveLine> read_archive_line(std::string_view line) {
  ArchiveLine out;
  if (!line.starts_with(kId)) return damaged("does not begin with _id");
  size_t id_end = end_of_string(line, kId.size());
  if (id_end == std::string_view::npos) return damaged("_id does not end");
  const std::string_view quoted = line.substr(kId.size(), id_end - kId.size());
  if (quoted.find('\\') == std::string_view::npos && quoted.front() == '"') {
    out.id = quoted.substr(1, quoted.size() - 2);
  } else {
    TRY_ASSIGN(Json id, Json::parse(quoted));
    out.id = id.as_string();
  }
  std::string_view rest = line.substr(id_end);
  if (!rest.starts_with(kSequence)) return damaged("_seq is missing");
  rest.remove_prefix(kSequence.size());
  auto number = std::from_chars(rest.data(), rest.data() + rest.size(), out.sequence);
  if (number.ec != std::errc()) return damaged("_seq is not a number");
  rest.remove_prefix(static_cast<size_t>(number.ptr - rest.data()));
  if (!rest.starts_with(kArrived)) return damaged("_arrived_at is missing");
  rest.remove_prefix(kArrived.size());
  size_t quote = rest.find('"');
  if (quote == std::string_view::npos) return damaged("_arrived_at does not end");
  TRY_ASSIGN(out.arrived_at, parse_timestamp(rest.substr(0, quote)));
  rest.remove_prefix(quote + 1);
  if (rest.empty() || rest.back() != '}') return damaged("does not end with }");
  if (rest.starts_with(kForgotten)) {
    rest.remove_prefix(kForgotten.size());
    TRY_ASSIGN(out.forgotten_at, parse_timestamp(rest.substr(0, rest.find('"'))));
    return out;
  }
  if (rest.front() == ',') rest.remove_prefix(1);
  out.event.reserve(rest.size() + 1);
  out.event += '{';
  out.event += rest;
  return out;
}

void append_tombstone(const ArchiveLine& line, int64_t forgotten_at, bool with_id, std::string& into) {
  append_head(with_id ? std::string_view(line.id) : std::string_view(), line.sequence, line.arrived_at, into);
  into += kForgotten;
  into += format_timestamp(forgotten_at);
  into += "\"}\n";
}

Status read_lines(std::string_view packed, const std::function<Status(std::string_view)>& take) {
  std::string rest;  // of a line that goes on in the next piece
  const auto take_piece = [&](std::string_view piece) -> Status {
    while (!piece.empty()) {
      const size_t end = piece.find('\n');
      if (end == std::string_view::npos) break;
      if (rest.empty()) {
        TRY(take(piece.substr(0, end)));
      } else {
        rest += piece.substr(0, end);
        TRY(take(rest));
        rest.clear();
      }
      piece.remove_prefix(end + 1);
    }
    rest += piece;
    return {};
  };
  TRY(gunzip_members(packed, {.decoded_bytes_max = kDecodedMax, .ratio_max = kRatioMax}, kMemberBytes, take_piece));
  return rest.empty() ? Status() : take(rest);
}

}  // namespace weir::lake
