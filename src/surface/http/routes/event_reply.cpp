#include "surface/http/routes/event_reply.h"

#include <fmt/format.h>

#include <array>

#include "core/base/json.h"
#include "surface/errors/errors.h"

namespace weir::http {

namespace {

using capture::Outcome;
using capture::Reply;
using capture::Verdict;

void append_text(std::string& out, const char* key, const std::string& value) {
  if (value.empty()) return;
  out += ",\"";
  out += key;
  out += "\":";
  Json::append_quoted(out, value);
}

// What failed on this machine is the log's to tell: whoever sends events may be a stranger, and paths are not theirs.
const std::string& message_of(const Verdict& verdict) {
  static const std::string full = "the server's disk is full; nothing of it was stored, send it again later";
  static const std::string failed = "the server could not store it; send it again later";
  if (verdict.outcome != Outcome::refused) return verdict.message;
  if (verdict.code == code_name(Code::no_space)) return full;
  for (const Code ours : {Code::io, Code::corrupt, Code::internal, Code::unavailable}) {
    if (verdict.code == code_name(ours)) return failed;
  }
  return verdict.message;
}

void append_verdict(std::string& out, const Verdict& verdict) {
  out += "{\"status\":\"";
  out += verdict.outcome == Outcome::duplicate ? "duplicate" : outcome_name(verdict.outcome);
  out += '"';
  append_text(out, "id", verdict.id);
  if (verdict.outcome == Outcome::duplicate) out += ",\"duplicate\":true";
  append_text(out, "code", verdict.code);
  append_text(out, "field", verdict.field);
  append_text(out, "message", message_of(verdict));
  if (verdict.outcome == Outcome::refused) out += verdict.retryable ? ",\"retryable\":true" : ",\"retryable\":false";
  out += '}';
}

bool has_failed(const Verdict& verdict) {
  return verdict.outcome == Outcome::quarantined || verdict.outcome == Outcome::refused;
}

// The code that every record shares, or nothing.
const std::string* common_code(const Reply& reply) {
  if (reply.verdicts.empty() || reply.refused != reply.verdicts.size()) return nullptr;
  for (const Verdict& verdict : reply.verdicts) {
    if (verdict.code != reply.verdicts.front().code) return nullptr;
  }
  return &reply.verdicts.front().code;
}

int status_of(const Reply& reply) {
  const std::string* code = common_code(reply);
  if (!code) return 200;
  for (const Code refusal :
       {Code::busy, Code::no_space, Code::too_large, Code::unavailable, Code::io, Code::corrupt, Code::internal}) {
    if (*code == code_name(refusal)) return errors::http_status(refusal);
  }
  return 200;
}

Response event_response(std::string body, int status) {
  Response response = json_response(std::move(body), status);
  response.kind = HeadKind::event;
  if (status == 429 || status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

// GIF89a, 1x1, transparent.
constexpr std::array<unsigned char, 43> kPixel = {0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80,
                                                  0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0x21, 0xf9, 0x04,
                                                  0x01, 0x00, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00, 0x01,
                                                  0x00, 0x01, 0x00, 0x00, 0x02, 0x02, 0x44, 0x01, 0x00, 0x3b};

}  // namespace

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::accepted:
      return "accepted";
    case Outcome::duplicate:
      return "duplicate";
    case Outcome::quarantined:
      return "quarantined";
    case Outcome::refused:
      return "refused";
  }
  return "refused";
}

Response v1_reply(const Reply& reply) {
  std::string body;
  body.reserve(128 + reply.verdicts.size() * 72);
  fmt::format_to(std::back_inserter(body),
                 R"({{"accepted":{},"duplicates":{},"quarantined":{},"refused":{},"records":[)", reply.accepted,
                 reply.duplicates, reply.quarantined, reply.refused);
  for (size_t index = 0; index < reply.verdicts.size(); ++index) {
    if (index > 0) body += ',';
    append_verdict(body, reply.verdicts[index]);
  }
  body += "]}";
  return event_response(std::move(body), status_of(reply));
}

Response beacon_reply(const Reply& reply) {
  std::string body;
  body.reserve(64 + reply.verdicts.size() * 20);
  fmt::format_to(std::back_inserter(body), R"({{"failed_count":{},"records":[)", reply.quarantined + reply.refused);
  for (size_t index = 0; index < reply.verdicts.size(); ++index) {
    const Verdict& verdict = reply.verdicts[index];
    if (index > 0) body += ',';
    if (!has_failed(verdict)) {
      body += R"({"failed":false})";
      continue;
    }
    body += R"({"failed":true)";
    const bool later = verdict.outcome == Outcome::refused && verdict.retryable;
    append_text(body, "error_code", later ? "ServiceUnavailableException" : verdict.code);
    append_text(body, "error_message",
                verdict.field.empty() ? message_of(verdict) : verdict.field + ": " + message_of(verdict));
    body += '}';
  }
  body += "]}";
  return event_response(std::move(body), 200);
}

Response pixel_reply(const Reply& reply) {
  Response response;
  response.kind = HeadKind::event;
  response.content_type = "image/gif";
  response.fixed_body = {reinterpret_cast<const char*>(kPixel.data()), kPixel.size()};
  const Verdict* verdict = reply.verdicts.empty() ? nullptr : &reply.verdicts.front();
  response.headers.emplace_back("X-Weir-Status", verdict ? outcome_name(verdict->outcome) : "refused");
  if (verdict && !verdict->code.empty()) response.headers.emplace_back("X-Weir-Code", verdict->code);
  return response;
}

}  // namespace weir::http
