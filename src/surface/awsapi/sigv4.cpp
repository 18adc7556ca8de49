#include "surface/awsapi/sigv4.h"

#include <algorithm>
#include <charconv>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "surface/http/url.h"

namespace weir::awsapi {
namespace {

constexpr int64_t kSkewMicros = 15LL * 60 * 1'000'000;
constexpr int64_t kExpiresMax = 7 * 24 * 3600;
constexpr size_t kSignedHeadersMax = 64;
constexpr size_t kQueryPairsMax = 256;

Error malformed(const std::string& what) {
  return Error(Code::invalid, "the request's signature is malformed: " + what);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Bytes as they were meant; an escape that is none stays as it is written. Unlike http::percent_decode() it takes bytes
// that are no text.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// "a/20261122/us-east-1/s3/aws4_request"
Status take_credential(std::string_view text, Claim& claim) {
  std::vector<std::string_view> parts;
  while (parts.size() < 6) {
    const size_t end = text.find('/');
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  if (parts.size() != 5 || parts[4] != kAwsTerminator)
    return malformed("Credential is not KEY/DATE/REGION/SERVICE/aws4_request");
  for (const std::string_view part : parts) {
    if (part.empty() || part.size() > 128) return malformed("Credential has a part that is empty or too long");
  }
  claim.key_id = parts[0];
  claim.date = parts[1];
  claim.region = parts[2];
  claim.service = parts[3];
  return {};
}

Status take_headers(std::string_view text, Claim& claim) {
  while (!text.empty()) {
    const size_t end = text.find(';');
    claim.signed_headers.push_back(to_lower(text.substr(0, end)));
    if (claim.signed_headers.size() > kSignedHeadersMax) return malformed("SignedHeaders names too many");
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  if (!std::is_sorted(claim.signed_headers.begin(), claim.signed_headers.end()))
    return malformed("SignedHeaders is not sorted");
  if (std::find(claim.signed_headers.begin(), claim.signed_headers.end(), "host") == claim.signed_headers.end())
    return malformed("SignedHeaders does not name host");
  return {};
}

Status take_signature(std::string_view text, Claim& claim) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (text.size() != 64 || !std::all_of(text.begin(), text.end(), is_digit))
    return malformed("Signature is not 64 hexadecimal digits");
  claim.signature = text;
  return {};
}

Status check_whole(const Claim& claim) {
  if (claim.key_id.empty()) return malformed("Credential is missing");
  if (claim.signed_headers.empty()) return malformed("SignedHeaders is missing");
  if (claim.signature.empty()) return malformed("Signature is missing");
  if (claim.time.size() != 16 || claim.time.substr(0, 8) != claim.date)
    return malformed("X-Amz-Date is missing or not of the credential's day");
  return {};
}

Result<Claim> claim_of_header(std::string_view text, std::string_view time) {
  Claim claim;
  claim.time = trim(time);
  text.remove_prefix(kAwsAlgorithm.size());
  while (!text.empty()) {
    const size_t end = text.find(',');
    const std::string_view part = trim(text.substr(0, end));
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) return malformed("Authorization has a part without '='");
    const std::string_view name = part.substr(0, equals), value = part.substr(equals + 1);
    if (name == "Credential") {
      TRY(take_credential(value, claim));
    }
    if (name == "SignedHeaders") {
      TRY(take_headers(value, claim));
    }
    if (name == "Signature") {
      TRY(take_signature(value, claim));
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  TRY(check_whole(claim));
  return claim;
}

Result<Claim> claim_of_query(const http::Request& request) {
  Claim claim;
  claim.is_in_query = true;
  if (request.query_value("X-Amz-Algorithm") != std::string(kAwsAlgorithm))
    return malformed("X-Amz-Algorithm is not AWS4-HMAC-SHA256");
  TRY(take_credential(request.query_value("X-Amz-Credential").value_or(""), claim));
  TRY(take_headers(request.query_value("X-Amz-SignedHeaders").value_or(""), claim));
  TRY(take_signature(request.query_value("X-Amz-Signature").value_or(""), claim));
  claim.time = request.query_value("X-Amz-Date").value_or("");
  const std::string expires = request.query_value("X-Amz-Expires").value_or("");
  const auto read = std::from_chars(expires.data(), expires.data() + expires.size(), claim.expires_s);
  if (read.ec != std::errc() || read.ptr != expires.data() + expires.size() || claim.expires_s < 1 ||
      claim.expires_s > kExpiresMax) {
    return malformed("X-Amz-Expires is not 1 to 604800");
  }
  TRY(check_whole(claim));
  return claim;
}

std::optional<int64_t> micros_of(const std::string& time) {
  if (time.size() != 16 || time[8] != 'T' || time[15] != 'Z') return std::nullopt;
  const std::string iso = time.substr(0, 4) + "-" + time.substr(4, 2) + "-" + time.substr(6, 2) + "T" +
                          time.substr(9, 2) + ":" + time.substr(11, 2) + ":" + time.substr(13, 2) + "Z";
  int64_t micros = 0;
  if (!parse_timestamp_fast(iso, micros)) return std::nullopt;
  return micros;
}

std::string canonical_query(std::string_view query, bool leaves_signature_out) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty() && pairs.size() <= kQueryPairsMax) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    if (!pair.empty()) {
      const size_t equals = pair.find('=');
      std::string name = unescaped(pair.substr(0, equals));
      std::string value = equals == std::string_view::npos ? std::string() : unescaped(pair.substr(equals + 1));
      if (!leaves_signature_out || name != "X-Amz-Signature") pairs.emplace_back(std::move(name), std::move(value));
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return aws_canonical_query(pairs);
}

Result<std::string> canonical_headers(const http::Request& request, const Claim& claim) {
  std::string out;
  for (const std::string& name : claim.signed_headers) {
    std::string values;
    bool is_there = false;
    for (const http::Header& header : request.headers) {
      if (!equal_ignoring_case(header.name, name)) continue;
      if (is_there) values += ',';
      values += aws_condensed(header.value);
      is_there = true;
    }
    if (!is_there) return malformed("the signed header " + shown(name) + " was not sent");
    out.append(name).append(":").append(values).append("\n");
  }
  return out;
}

std::string joined_headers(const Claim& claim) {
  std::string out;
  for (const std::string& name : claim.signed_headers) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

// One piece's size and signature: "10000;chunk-signature=…".
struct ChunkHead {
  uint64_t size = 0;
  std::string_view signature;
};

Result<ChunkHead> chunk_head(std::string_view line) {
  ChunkHead out;
  const size_t semicolon = line.find(';');
  const std::string_view size = line.substr(0, semicolon);
  const auto read = std::from_chars(size.data(), size.data() + size.size(), out.size, 16);
  if (size.empty() || read.ec != std::errc() || read.ptr != size.data() + size.size())
    return Error(Code::invalid, "a piece of the body has no size");
  constexpr std::string_view kSignature = "chunk-signature=";
  if (semicolon != std::string_view::npos) {
    const std::string_view rest = line.substr(semicolon + 1);
    if (rest.substr(0, kSignature.size()) == kSignature) out.signature = rest.substr(kSignature.size());
  }
  return out;
}

}  // namespace

Result<std::optional<Claim>> claim_of(const http::Request& request) {
  const std::string_view authorization = request.header("authorization");
  if (authorization.substr(0, kAwsAlgorithm.size()) == kAwsAlgorithm) {
    TRY_ASSIGN(Claim claim, claim_of_header(authorization, request.header("x-amz-date")));
    return std::optional<Claim>(std::move(claim));
  }
  if (request.query.find("X-Amz-Signature=") == std::string_view::npos) return std::optional<Claim>();
  TRY_ASSIGN(Claim claim, claim_of_query(request));
  return std::optional<Claim>(std::move(claim));
}

Status check_time(const Claim& claim, int64_t now_micros) {
  const auto at = micros_of(claim.time);
  if (!at) return malformed("X-Amz-Date is no time");
  if (claim.is_in_query) {
    if (now_micros < *at - kSkewMicros) return Error(Code::unauthenticated, "the signed address is not valid yet");
    if (now_micros > *at + claim.expires_s * 1'000'000)
      return Error(Code::unauthenticated, "the signed address has expired");
    return {};
  }
  if (now_micros > *at + kSkewMicros || now_micros < *at - kSkewMicros) {
    return Error(Code::unauthenticated,
                 "the request was signed at " + claim.time + ", which is more than 15 minutes from now, " +
                     format_timestamp(now_micros),
                 "set the clock of the machine that signs");
  }
  return {};
}

std::string signing_key(std::string_view secret, const Claim& claim) {
  return aws_signing_key(secret, claim.signing_scope());
}

Result<std::string> signature_of(const SignedRequest& given, std::string_view secret) {
  const http::Request& request = given.request;
  // S3 signs the path as it is sent; the others escape what is sent once more.
  const std::string path = aws_escaped(given.is_s3 ? unescaped(request.path) : std::string(request.path), true);
  TRY_ASSIGN(const std::string headers, canonical_headers(request, given.claim));
  const std::string query = canonical_query(request.query, given.claim.is_in_query),
                    names = joined_headers(given.claim);
  return aws_signature({.method = http::method_name(request.method),
                        .path = path.empty() ? "/" : path,
                        .query = query,
                        .headers = headers,
                        .signed_headers = names,
                        .payload_hash = given.payload_hash},
                       given.claim.time, given.claim.signing_scope(), signing_key(secret, given.claim));
}

Status verify(const SignedRequest& given, std::string_view secret) {
  TRY_ASSIGN(const std::string expected, signature_of(given, secret));
  if (constant_time_equal(expected, given.claim.signature)) return {};
  return Error(Code::unauthenticated, "the request's signature does not fit what was sent",
               "check the secret access key");
}

Result<std::string> decode_chunked(const ChunkedBody& given) {
  std::string out;
  std::string_view rest = given.body;
  std::string before = given.claim.signature;
  const std::string empty_hash = sha256_hex("");
  for (;;) {
    const size_t end = rest.find("\r\n");
    if (end == std::string_view::npos || end > 256) return Error(Code::invalid, "a piece of the body has no size");
    TRY_ASSIGN(const ChunkHead head, chunk_head(rest.substr(0, end)));
    rest.remove_prefix(end + 2);
    if (head.size > rest.size() || out.size() + head.size > given.bytes_max)
      return Error(Code::invalid, "the body ends within a piece of it, or is larger than allowed");
    const std::string_view piece = rest.substr(0, head.size);
    if (given.is_signed) {
      const std::string to_sign = std::string(kAwsAlgorithm) + "-PAYLOAD\n" + given.claim.time + "\n" +
                                  given.claim.scope() + "\n" + before + "\n" + empty_hash + "\n" + sha256_hex(piece);
      const std::string expected = hex_encode(hmac_sha256(given.key, to_sign));
      if (!constant_time_equal(expected, head.signature))
        return Error(Code::unauthenticated, "the signature of a piece of the body does not fit");
      before = expected;
    }
    if (head.size == 0) return out;  // trailing headers may follow
    out.append(piece);
    rest.remove_prefix(head.size);
    if (rest.substr(0, 2) != "\r\n") return Error(Code::invalid, "a piece of the body is longer than it says");
    rest.remove_prefix(2);
  }
}

}  // namespace weir::awsapi
