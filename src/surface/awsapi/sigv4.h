// AWS Signature Version 4 as a server sees it: what a request claims about itself (its header or its query), and
// whether the signature fits. Pure functions over hostile bytes; any thread.
//
// Source: "AWS Signature Version 4 for API requests" (canonical request, string to sign, signing key), and for S3
// "Authenticating Requests: Using Query Parameters" and "Signature Calculations: Transferring Payload in Multiple
// Chunks". Headers that were signed are those that the client lists, whatever they are; host must be among them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/io/aws_signature.h"
#include "surface/http/http.h"

namespace weir::awsapi {

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

// What a request says of its signature.
struct Claim {
  std::string key_id, date, region, service;  // of the credential's scope; date: "20261122"
  std::string time;                           // "20261122T080910Z"
  std::vector<std::string> signed_headers;    // lower case, as listed
  std::string signature;                      // 64 hexadecimal digits
  bool is_in_query = false;                   // a presigned URL
  int64_t expires_s = 0;                      // of a presigned URL

  AwsScope signing_scope() const { return {date, region, service}; }  // into this claim
  std::string scope() const { return signing_scope().text(); }
};

// Nothing: the request is not signed at all. `invalid`: what it says makes no sense.
Result<std::optional<Claim>> claim_of(const http::Request& request);

// Within 15 minutes of `now` (UTC micros), or a presigned URL that has not expired: else `unauthenticated`.
Status check_time(const Claim& claim, int64_t now_micros);

struct SignedRequest {
  const http::Request& request;
  const Claim& claim;
  std::string_view payload_hash;  // hexadecimal SHA-256 of the body, or what x-amz-content-sha256 says
  bool is_s3 = false;             // the path is taken as it was sent, and not escaped once more
};
// The signature that the request must have, in lower-case digits.
Result<std::string> signature_of(const SignedRequest& given, std::string_view secret);
// `unauthenticated` unless the claim's signature fits. Constant time.
Status verify(const SignedRequest& given, std::string_view secret);

// HMAC chain of date, region, service: what signs strings of this scope.
std::string signing_key(std::string_view secret, const Claim& claim);

// A body in pieces ("aws-chunked"): each with its size, and its signature where the client signs pieces; trailing
// headers behind the last one are read over.
struct ChunkedBody {
  std::string_view body;
  const Claim& claim;
  std::string_view key;  // signing_key()
  bool is_signed = false;
  size_t bytes_max = 0;
};
Result<std::string> decode_chunked(const ChunkedBody& given);

}  // namespace weir::awsapi
