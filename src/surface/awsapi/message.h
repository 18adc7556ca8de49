// Calls of the AWS dialects that speak JSON, as their operations see them: who calls, with which members, and the way
// to answer. Plain values; an Answer may be used from any thread, once.
//
// Source: "AWS JSON 1.1 protocol" (Smithy): POST /, X-Amz-Target names the operation, errors are {"__type","Message"}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "platform/access/access.h"
#include "surface/http/http.h"

namespace weir::awsapi {

struct Caller {
  std::string key_id, region;
  access::IdentityPtr identity;
  std::string peer;  // address and port
};

// An error in AWS's words. `fields`: what else the error's shape has.
struct Refusal {
  std::string type;  // "ValidationException"
  std::string message;
  int status = 400;
  std::vector<std::pair<std::string, std::string>> fields = {};
};
// By the table of surface/errors; what is internal is not told.
Refusal refusal_of(const Error& error);
Refusal validation(std::string message);

class Answer {
 public:
  explicit Answer(http::Responder responder) : responder_(std::move(responder)) {}
  void json(const Json& body) const { text(body.dump()); }
  void text(std::string body) const;  // JSON already
  void fail(const Refusal& refusal) const;
  void fail(const Error& error) const { fail(refusal_of(error)); }

 private:
  http::Responder responder_;
};

// The members of a call; those that nobody knows are ignored, as AWS ignores them. Errors are `invalid` and name the
// member.
class Members {
 public:
  explicit Members(const Json& body) : body_(body) {}
  bool has(std::string_view name) const;
  Result<std::string> text(std::string_view name, size_t bytes_max = 2048) const;  // required
  Result<std::string> text_or(std::string_view name, std::string otherwise, size_t bytes_max = 2048) const;
  Result<int64_t> integer_or(std::string_view name, int64_t otherwise, int64_t min, int64_t max) const;
  Result<bool> flag_or(std::string_view name, bool otherwise) const;
  const Json::Array& list(std::string_view name) const { return body_[name].array(); }
  const Json& object(std::string_view name) const { return body_[name]; }

 private:
  const Json& body_;
};

double epoch_seconds(int64_t micros);  // as timestamps are told, to the millisecond

// Pages of lists that are whole in memory: a token is a place in the list.
std::string place_token(size_t place);
Result<size_t> place_of_token(const std::string& token);

}  // namespace weir::awsapi
