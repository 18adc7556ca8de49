// The door: every request is verified, sorted by what it asks for, and handed to its dialect.
#include <array>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "surface/awsapi/awsapi.h"
#include "surface/awsapi/operations.h"
#include "surface/awsapi/query_api.h"
#include "surface/awsapi/s3.h"
#include "surface/awsapi/sigv4.h"

namespace weir::awsapi {

namespace {

constexpr size_t kJsonBytesMax = 8 << 20;
constexpr size_t kObjectBytesMax = 64 << 20;

bool has_prefix(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Headers of AWS that were sent and not signed could have been put there by anybody.
Status check_signed(const http::Request& request, const Claim& claim) {
  for (const http::Header& header : request.headers) {
    const std::string name = to_lower(header.name);
    if (!has_prefix(name, "x-amz-")) continue;
    bool is_signed = false;
    for (const std::string& one : claim.signed_headers) is_signed = is_signed || one == name;
    if (!is_signed) return Error(Code::unauthenticated, "the header " + shown(name) + " was sent and not signed");
  }
  return {};
}

class WholeApi final : public Api {
 public:
  WholeApi(const Parts& parts, const Facts& facts) : parts_(parts), query_(parts, facts), s3_(parts) {
    add_data_api(operations_, parts);
    add_firehose(operations_, parts);
    add_secrets_manager(operations_, parts);
    add_serverless(operations_, query_);
  }

  void add_to(http::Router& router) override {
    for (const http::Method method : {http::Method::get, http::Method::post, http::Method::put, http::Method::erase}) {
      http::Route route;
      route.method = method;
      route.pattern = "{object}";
      route.access = http::Access::anyone;
      route.runs = http::Runs::on_lane;
      route.summary = "A call of AWS's dialects.";
      route.body_bytes_max = method == http::Method::put ? kObjectBytesMax : kJsonBytesMax;
      route.handler = [this](http::Request& request, const http::Responder& responder) { take(request, responder); };
      routes_[static_cast<size_t>(method)] = &router.keep(std::move(route));
    }
    router.add_resolver([this](http::Method method, std::string_view, std::vector<http::Method>& allowed) {
      const http::Route* found = routes_[static_cast<size_t>(method)];
      if (found == nullptr) allowed = {http::Method::get, http::Method::post, http::Method::put, http::Method::erase};
      return found;
    });
  }

 private:
  enum class Dialect { json, query, s3 };

  void take(http::Request& request, const http::Responder& responder) {
    if (!request.header("x-amz-target").empty()) return take_json(request, Answer(responder));
    const std::string_view type = request.header("content-type");
    if (request.method == http::Method::post && request.path == "/" &&
        has_prefix(type, "application/x-www-form-urlencoded")) {
      const auto caller = verified(request, Dialect::query, query_.service_of(request));
      if (!caller) return query_.fail(caller.error(), responder);
      return query_.take(request, *caller, responder);
    }
    std::string unpacked;  // the body, if it came in pieces
    const auto caller = verified(request, Dialect::s3, "s3", &unpacked);
    if (!caller) return s3_.fail(caller.error(), request, responder);
    s3_.take(request, *caller, responder);
  }

  void take_json(http::Request& request, const Answer& answer) {
    const std::string target(request.header("x-amz-target"));
    const auto found = operations_.find(target);
    if (found == operations_.end()) {
      return answer.fail({.type = "UnknownOperationException",
                          .message = "the operation " + shown(target) + " is not answered here; docs/guides/aws.md"});
    }
    const Operation& operation = found->second;
    const auto caller = verified(request, Dialect::json, operation.service);
    if (!caller) return answer.fail(unsigned_refusal(request, caller.error()));
    const auto body = Json::parse(request.body.empty() ? "{}" : request.body, kJsonBytesMax);
    if (!body || !body->is_object()) {
      return answer.fail({.type = "SerializationException", .message = "the request's body is no JSON object"});
    }
    const Members members(*body);
    const Status done = operation.run({*caller, members}, answer);
    if (!done) answer.fail(operation.refuse(done.error()));
  }

  static Refusal unsigned_refusal(const http::Request& request, const Error& error) {
    Refusal out = refusal_of(error);
    if (error.code != Code::unauthenticated && error.code != Code::invalid) return out;
    const auto claim = claim_of(request);
    out.status = 403;
    out.type = !claim                                                ? "IncompleteSignatureException"
               : !*claim                                             ? "MissingAuthenticationTokenException"
               : has_prefix(error.message, "there is no access key") ? "UnrecognizedClientException"
                                                                     : "InvalidSignatureException";
    return out;
  }

  // Who signed it; `unauthenticated` if nobody did, or the signature does not fit what came.
  Result<Caller> verified(http::Request& request, Dialect dialect, std::string_view service,
                          std::string* unpacked = nullptr) {
    TRY_ASSIGN(const std::optional<Claim> claim, claim_of(request));
    if (!claim) return Error(Code::unauthenticated, "the request is not signed", "weir token create --access-key");
    return checked(request, dialect, service, *claim, unpacked);
  }

  Result<Caller> checked(http::Request& request, Dialect dialect, std::string_view service, const Claim& claim,
                         std::string* unpacked) {
    if (claim.service != service) {
      return Error(Code::unauthenticated, "the request is signed for the service " + shown(claim.service) +
                                              ", this is " + std::string(service));
    }
    TRY(check_time(claim, parts_.clock.wall().micros));
    TRY(check_signed(request, claim));
    TRY_ASSIGN(const access::AccessKey key, parts_.access.access_key(claim.key_id));
    TRY_ASSIGN(const std::string hash, payload_hash(request, dialect, claim));
    TRY(verify({.request = request, .claim = claim, .payload_hash = hash, .is_s3 = dialect == Dialect::s3},
               key.secret));
    if (unpacked != nullptr && has_prefix(hash, "STREAMING-")) {
      TRY_ASSIGN(*unpacked, unpack(request, claim, key.secret, hash));
      request.body = *unpacked;
    }
    return Caller{claim.key_id, claim.region, key.identity, request.peer->address};
  }

  static Result<std::string> payload_hash(const http::Request& request, Dialect dialect, const Claim& claim) {
    if (claim.is_in_query) return std::string(kUnsignedPayload);
    const std::string_view said = request.header("x-amz-content-sha256");
    if (dialect == Dialect::s3 && (said == kUnsignedPayload || has_prefix(said, "STREAMING-")))
      return std::string(said);
    const std::string hash = sha256_hex(request.body);
    if (!said.empty() && said != hash)
      return Error(Code::unauthenticated, "x-amz-content-sha256 is not that of the body");
    return hash;
  }

  static Result<std::string> unpack(const http::Request& request, const Claim& claim, std::string_view secret,
                                    const std::string& form) {
    const std::string key = signing_key(secret, claim);
    return decode_chunked({.body = request.body,
                           .claim = claim,
                           .key = key,
                           .is_signed = form != "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                           .bytes_max = kObjectBytesMax});
  }

  const Parts parts_;
  Operations operations_;
  QueryApi query_;
  S3 s3_;
  std::array<const http::Route*, 8> routes_{};
};

}  // namespace

std::unique_ptr<Api> Api::make(const Parts& parts, const Facts& facts) {
  return std::make_unique<WholeApi>(parts, facts);
}

}  // namespace weir::awsapi
