#include "core/io/aws_signature.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// "20261122T080910Z"
std::string compact_time(int64_t now_micros) {
  std::string out;
  for (const char c : format_timestamp(now_micros).substr(0, 19)) {
    if (c != '-' && c != ':') out += c;
  }
  return out + "Z";
}

}  // namespace

std::string aws_escaped(std::string_view text, bool keeps_slash) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c) || (keeps_slash && c == '/')) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

std::string AwsScope::text() const {
  std::string out(date);
  out.append("/").append(region).append("/").append(service).append("/").append(kAwsTerminator);
  return out;
}

std::string aws_signing_key(std::string_view secret, const AwsScope& scope) {
  const std::string day = hmac_sha256("AWS4" + std::string(secret), scope.date);
  return hmac_sha256(hmac_sha256(hmac_sha256(day, scope.region), scope.service), kAwsTerminator);
}

std::string aws_canonical_query(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<std::pair<std::string, std::string>> sorted;
  for (const auto& [name, value] : pairs) sorted.emplace_back(aws_escaped(name, false), aws_escaped(value, false));
  std::sort(sorted.begin(), sorted.end());
  std::string out;
  for (const auto& [name, value] : sorted) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string aws_condensed(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c == ' ' && !out.empty() && out.back() == ' ') continue;
    out += c;
  }
  return out;
}

std::string aws_signature(const AwsCanonical& request, std::string_view time, const AwsScope& scope,
                          std::string_view key) {
  std::string canonical;
  for (const std::string_view part :
       {request.method, request.path, request.query, request.headers, request.signed_headers}) {
    canonical.append(part).append("\n");
  }
  canonical.append(request.payload_hash);
  std::string to_sign(kAwsAlgorithm);
  to_sign.append("\n").append(time).append("\n").append(scope.text()).append("\n").append(sha256_hex(canonical));
  return hex_encode(hmac_sha256(key, to_sign));
}

HttpHeaders aws_signed(const AwsRequest& request, const AwsCredentials& credentials, int64_t now_micros) {
  const std::string time = compact_time(now_micros);
  HttpHeaders headers = request.headers;
  headers.emplace_back("x-amz-content-sha256", request.payload_hash);
  headers.emplace_back("x-amz-date", time);
  if (!credentials.session_token.empty()) headers.emplace_back("x-amz-security-token", credentials.session_token);
  std::vector<std::pair<std::string, std::string>> signing{{"host", std::string(request.host)}};
  for (const auto& [name, value] : headers) signing.emplace_back(to_lower(name), aws_condensed(value));
  std::sort(signing.begin(), signing.end());
  std::string lines, names;
  for (const auto& [name, value] : signing) {
    lines.append(name).append(":").append(value).append("\n");
    names.append(names.empty() ? "" : ";").append(name);
  }
  const AwsScope scope{std::string_view(time).substr(0, 8), request.region, request.service};
  const std::string query = aws_canonical_query(request.query);
  const std::string signature = aws_signature({.method = request.method,
                                               .path = request.path,
                                               .query = query,
                                               .headers = lines,
                                               .signed_headers = names,
                                               .payload_hash = request.payload_hash},
                                              time, scope, aws_signing_key(credentials.secret, scope));
  headers.emplace_back("Authorization", std::string(kAwsAlgorithm) + " Credential=" + credentials.key_id + "/" +
                                            scope.text() + ", SignedHeaders=" + names + ", Signature=" + signature);
  return headers;
}

}  // namespace weir
