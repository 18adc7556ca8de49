// Turns a Response into the bytes on the wire, from fragments that are built once. Pure functions; `into` is reused by
// its caller.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/time.h"
#include "surface/http/http.h"

namespace weir::http {

const char* status_text(int status);  // "Not Found"

struct HeadContext {
  std::string_view date;     // "Sat, 21 Nov 2026 08:09:10 GMT"
  std::string_view process;  // X-Request-Id, as request_id() writes it
  uint64_t number = 0;
  bool keep_alive = true;
  bool http11 = true;
};

// The length of the body; nothing: chunked (or until the connection's end for HTTP/1.0).
void append_head(std::string& into, const Response& response, const HeadContext& context,
                 std::optional<uint64_t> body_bytes);

// One chunk of a chunked body; an empty piece would end it, so it writes nothing.
void append_chunk(std::string& into, std::string_view piece);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::string http_date(WallTime time);
// "2f9c01d4-1a": which process and which request, for logs and error reports.
std::string request_id(std::string_view process, uint64_t number);

struct ErrorView {
  bool sees_internals = false;
  ErrorShape shape = ErrorShape::object;
  std::string_view request_id;
};
// The error as JSON with the status of surface/errors; `busy` and `unavailable` say when to come back.
Response error_response(const Error& error, const ErrorView& view);

}  // namespace weir::http
