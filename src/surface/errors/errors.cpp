#include "surface/errors/errors.h"

#include <array>
#include <cstring>

namespace weir::errors {

namespace {

// In the order of the enum, which row() relies on and the test proves.
constexpr std::array<Row, kCodeCount> kRows = {{
    {Code::invalid, 400, "22023", "ValidationException", 2, false},
    {Code::not_found, 404, "42704", "ResourceNotFoundException", 1, false},
    {Code::conflict, 409, "42710", "ConflictException", 1, false},
    {Code::unauthenticated, 401, "28000", "UnrecognizedClientException", 1, false},
    {Code::denied, 403, "42501", "AccessDeniedException", 1, false},
    {Code::busy, 429, "53400", "ThrottlingException", 1, true},
    {Code::too_large, 413, "54000", "RequestEntityTooLargeException", 1, false},
    {Code::timed_out, 504, "57014", "QueryTimeoutException", 1, true},
    {Code::cancelled, 499, "57014", "CancelledException", 1, true},
    {Code::corrupt, 500, "XX001", "InternalFailure", 1, false},
    {Code::io, 500, "58030", "InternalFailure", 1, true},
    {Code::no_space, 507, "53100", "ServiceUnavailableException", 1, true},
    {Code::unsupported, 501, "0A000", "UnsupportedOperationException", 1, false},
    {Code::unavailable, 503, "57P03", "ServiceUnavailableException", 1, true},
    {Code::internal, 500, "XX000", "InternalFailure", 1, false},
}};

}  // namespace

const Row& row(Code code) {
  const auto index = static_cast<size_t>(code);
  return index < kRows.size() ? kRows[index] : kRows.back();
}

Json to_json(const Error& error) {
  Json out{Json::Object{}};
  out.set("code", code_name(error.code));
  out.set("message", error.message);
  if (!error.hint.empty()) out.set("hint", error.hint);
  if (error.sqlstate != nullptr) out.set("sqlstate", error.sqlstate);
  if (error.position) {
    Json position{Json::Object{}};
    if (!error.position->file.empty()) position.set("file", error.position->file);
    if (error.position->line > 0) position.set("line", error.position->line);
    if (error.position->column > 0) position.set("column", error.position->column);
    out.set("position", std::move(position));
  }
  return out;
}

bool is_internal(Code code) {
  return code == Code::internal || code == Code::io || code == Code::corrupt;
}

Code parse_code(std::string_view name) {
  for (const Row& candidate : kRows) {
    if (name == code_name(candidate.code)) return candidate.code;
  }
  return Code::internal;
}

}  // namespace weir::errors
