#include "surface/http/response_text.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "core/base/json.h"
#include "surface/errors/errors.h"
#include "surface/http/security.h"

namespace weir::http {

const char* status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

namespace {

void append_number(std::string& into, uint64_t number) {
  const fmt::format_int text(number);
  into.append(text.data(), text.size());
}

// A header value comes from our own code, but may quote what a client sent: a line end in it would start another
// header.
void append_value(std::string& into, std::string_view value) {
  for (const char character : value) {
    into += static_cast<unsigned char>(character) < ' ' || character == '\x7f' ? ' ' : character;
  }
}

}  // namespace

void append_head(std::string& into, const Response& response, const HeadContext& context,
                 std::optional<uint64_t> body_bytes) {
  into += "HTTP/1.1 ";
  append_number(into, static_cast<uint64_t>(response.status));
  into += ' ';
  into += status_text(response.status);
  into += "\r\nServer: weir\r\nDate: ";
  into += context.date;
  into += "\r\nX-Request-Id: ";
  into += context.process;
  fmt::format_to(std::back_inserter(into), "-{:x}\r\n", context.number);
  into += fixed_headers(response.kind);
  if (response.status != 204 && response.status != 304) {
    into += "Content-Type: ";
    into += response.content_type;
    if (body_bytes) {
      into += "\r\nContent-Length: ";
      append_number(into, *body_bytes);
    } else if (context.http11) {
      into += "\r\nTransfer-Encoding: chunked";
    }
    into += "\r\n";
  }
  for (const auto& [name, value] : response.headers) {
    into += name;
    into += ": ";
    append_value(into, value);
    into += "\r\n";
  }
  if (!context.keep_alive) {
    into += "Connection: close\r\n";
  } else if (!context.http11) {
    into += "Connection: keep-alive\r\n";
  }
  into += "\r\n";
}

void append_chunk(std::string& into, std::string_view piece) {
  if (piece.empty()) return;
  fmt::format_to(std::back_inserter(into), "{:x}\r\n", piece.size());
  into += piece;
  into += "\r\n";
}

std::string http_date(WallTime time) {
  constexpr std::array<const char*, 7> kDays = {"Thu", "Fri", "Sat", "Sun",
                                                "Mon", "Tue", "Wed"};  // 1970-01-01: Thursday
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const CivilTime civil = civil_from_micros(time.micros);
  const int weekday = ((day_number(time.micros) % 7) + 7) % 7;
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[static_cast<size_t>(weekday)], civil.day,
                     kMonths[static_cast<size_t>(civil.month - 1)], civil.year, civil.hour, civil.minute, civil.second);
}

std::string request_id(std::string_view process, uint64_t number) {
  return fmt::format("{}-{:x}", process, number);
}

Response error_response(const Error& error, const ErrorView& view) {
  Error shown = error;
  if (errors::is_internal(error.code) && !view.sees_internals) {
    shown = Error(error.code, fmt::format("the server could not do this; its log has the reason under request {}",
                                          view.request_id));
  }
  Json body{Json::Object{}};
  if (view.shape == ErrorShape::text) {
    body.set("error", shown.message);
  } else {
    body.set("error", errors::to_json(shown));
  }
  Response response = json_response(body.dump(), errors::http_status(error.code));
  if (error.code == Code::busy || error.code == Code::unavailable) response.headers.emplace_back("Retry-After", "1");
  if (error.code == Code::unauthenticated) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace weir::http
