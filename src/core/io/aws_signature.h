// AWS Signature Version 4, as who signs and who verifies need it: the canonical request and the chain of keys. Pure
// functions, any thread.
//
// Source: "AWS Signature Version 4 for API requests". Amazon S3 signs the path as it is sent; its canonical form is
// each segment escaped once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/io/http_client.h"

namespace weir {

inline constexpr std::string_view kAwsAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kAwsTerminator = "aws4_request";

// Everything but A-Z a-z 0-9 - . _ ~ becomes %XX; `keeps_slash`: of a path.
std::string aws_escaped(std::string_view text, bool keeps_slash);

// Of a credential: what the key of a day, region and service is derived for.
struct AwsScope {
  std::string_view date, region, service;  // date: "20261122"
  std::string text() const;                // "20261122/us-east-1/s3/aws4_request"
};
std::string aws_signing_key(std::string_view secret, const AwsScope& scope);

// Names and values as they were meant; sorts and escapes them.
std::string aws_canonical_query(const std::vector<std::pair<std::string, std::string>>& pairs);
std::string aws_condensed(std::string_view value);  // of a header: trimmed, runs of spaces become one

struct AwsCanonical {
  std::string_view method, path, query;  // path and query in their canonical form
  std::string_view headers;              // "name:value\n" each, in the order of signed_headers
  std::string_view signed_headers;       // "host;x-amz-date"
  std::string_view payload_hash;
};
// 64 lower-case hexadecimal digits. `time`: "20261122T080910Z"; `key`: aws_signing_key() of the scope.
std::string aws_signature(const AwsCanonical& request, std::string_view time, const AwsScope& scope,
                          std::string_view key);

// --- who signs -------------------------------------------------------------------------------------------------------

struct AwsCredentials {
  std::string key_id, secret, session_token;  // no token: long-lived keys
};
struct AwsRequest {
  std::string_view method, host, path;  // path escaped, as it is sent
  std::vector<std::pair<std::string, std::string>> query{};
  HttpHeaders headers{};  // that are signed beside host and the x-amz-… that signing adds
  std::string_view payload_hash;
  std::string_view region, service;
};
// The request's headers with those of the signature, all but Host, which the transport writes. `now`: UTC micros.
HttpHeaders aws_signed(const AwsRequest& request, const AwsCredentials& credentials, int64_t now_micros);

}  // namespace weir
