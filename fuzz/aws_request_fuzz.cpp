// What the AWS dialects read of a request before anybody is known: its claim of a signature, bodies in pieces, XML,
// lists' tokens. Nothing crashes, and what was written is read back.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/xml.h"
#include "surface/awsapi/message.h"
#include "surface/awsapi/s3_objects.h"
#include "surface/awsapi/sigv4.h"

using namespace weir;
using namespace weir::awsapi;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view out = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return out;
  };
  const std::string_view path = line(), query = line(), authorization = line(), date = line(), other = line();
  const std::vector<http::Header> headers = {
      {"host", "localhost"}, {"authorization", authorization}, {"x-amz-date", date}, {"x-amz-meta", other}};
  http::Request request;
  request.method = http::Method::get;
  request.path = path;
  request.query = query;
  request.headers = headers;
  request.body = rest;
  if (const auto claim = claim_of(request); claim && *claim) {
    (void)check_time(**claim, 1'700'000'000'000'000);
    for (const bool is_s3 : {false, true}) {
      const SignedRequest given{.request = request, .claim = **claim, .payload_hash = kUnsignedPayload, .is_s3 = is_s3};
      const auto wanted = signature_of(given, "secret");
      if (wanted && wanted->size() != 64) std::abort();
    }
  }
  const Claim claim;
  for (const bool is_signed : {false, true}) {
    const auto body =
        decode_chunked({.body = rest, .claim = claim, .key = "key", .is_signed = is_signed, .bytes_max = 4096});
    if (body && body->size() > 4096) std::abort();
  }
  (void)element_texts(rest, "Key", 100);
  (void)ListOrder::of(request);
  (void)place_of_token(std::string(other));
  std::string written;
  append_element(written, "Key", rest.substr(0, 1000));
  const auto read = element_texts(written, "Key", 1);
  // A NUL has no form in XML.
  if (rest.substr(0, 1000).find('\0') == std::string_view::npos && (!read || read->front() != rest.substr(0, 1000)))
    std::abort();
  return 0;
}
