// The examples that AWS publishes: its test suite's "get-vanilla", and those of the S3 user guide.
#include "surface/awsapi/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/hash.h"
#include "core/base/time.h"

namespace weir::awsapi {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

struct Sent {
  std::vector<http::Header> headers;
  http::Request request;

  Sent(http::Method method, std::string_view path, std::string_view query, std::vector<http::Header> given)
      : headers(std::move(given)) {
    request.method = method;
    request.path = path;
    request.query = query;
    request.headers = headers;
  }
};

TEST(Sigv4, TestSuiteGetVanilla) {
  Sent sent(http::Method::get, "/", "",
            {{"Host", "example.amazonaws.com"},
             {"X-Amz-Date", "20150830T123600Z"},
             {"Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
              "SignedHeaders=host;x-amz-date, "
              "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"}});
  const auto claim = claim_of(sent.request);
  ASSERT_TRUE(claim && *claim);
  EXPECT_EQ((*claim)->key_id, "AKIDEXAMPLE");
  const std::string empty = sha256_hex("");
  EXPECT_TRUE(verify({.request = sent.request, .claim = **claim, .payload_hash = empty},
                     "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
  EXPECT_FALSE(verify({.request = sent.request, .claim = **claim, .payload_hash = empty}, "another"));
}

TEST(Sigv4, S3ObjectWithARange) {
  const std::string empty = sha256_hex("");
  Sent sent(http::Method::get, "/test.txt", "",
            {{"Host", "examplebucket.s3.amazonaws.com"},
             {"Range", "bytes=0-9"},
             {"x-amz-content-sha256", empty},
             {"x-amz-date", "20130524T000000Z"},
             {"Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
              "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
              "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"}});
  const auto claim = claim_of(sent.request);
  ASSERT_TRUE(claim && *claim);
  EXPECT_TRUE(verify({.request = sent.request, .claim = **claim, .payload_hash = empty, .is_s3 = true}, kSecret));
}

TEST(Sigv4, S3PresignedAddress) {
  Sent sent(http::Method::get, "/test.txt",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
            "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&"
            "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
            {{"Host", "examplebucket.s3.amazonaws.com"}});
  const auto claim = claim_of(sent.request);
  ASSERT_TRUE(claim && *claim);
  EXPECT_TRUE(
      verify({.request = sent.request, .claim = **claim, .payload_hash = kUnsignedPayload, .is_s3 = true}, kSecret));
  const int64_t signed_at = parse_timestamp("2013-05-24T00:00:00Z").value_or(0);
  EXPECT_TRUE(check_time(**claim, signed_at + 86'399'000'000));
  EXPECT_THAT(check_time(**claim, signed_at + 86'401'000'000).error().message, HasSubstr("expired"));
  EXPECT_THAT(check_time(**claim, signed_at - 901'000'000).error().message, HasSubstr("not valid yet"));
}

TEST(Sigv4, S3BodyInSignedPieces) {
  Claim claim{.key_id = "AKIAIOSFODNN7EXAMPLE",
              .date = "20130524",
              .region = "us-east-1",
              .service = "s3",
              .time = "20130524T000000Z",
              .signed_headers = {"host"},
              .signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"};
  const std::string large(65536, 'a'), small(1024, 'a');
  const std::string body =
      "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + large +
      "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + small +
      "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
  const std::string key = signing_key(kSecret, claim);
  ChunkedBody given{.body = body, .claim = claim, .key = key, .is_signed = true, .bytes_max = 1 << 20};
  const auto decoded = decode_chunked(given);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, large + small);
  std::string changed = body;
  changed[200] = 'b';
  given.body = changed;
  EXPECT_THAT(decode_chunked(given).error().message, HasSubstr("does not fit"));
  given.body = body;
  given.bytes_max = 1000;
  EXPECT_THAT(decode_chunked(given).error().message, HasSubstr("larger than allowed"));
}

TEST(Sigv4, BodyInPiecesThatMakesNoSense) {
  const Claim claim;
  for (const char* body : {"", "zz\r\n", "5\r\nab", "2\r\nabc\r\n", "fffffffffffffffff\r\n", "3\r\nabc\r\n"}) {
    EXPECT_FALSE(decode_chunked({.body = body, .claim = claim, .key = "", .is_signed = false, .bytes_max = 100}))
        << body;
  }
  EXPECT_EQ(*decode_chunked({.body = "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
                             .claim = claim,
                             .key = "",
                             .is_signed = false,
                             .bytes_max = 100}),
            "abc");
}

TEST(Sigv4, ClaimsThatMakeNoSenseSayWhy) {
  const auto error = [](std::string_view authorization, std::string_view date = "20150830T123600Z") {
    Sent sent(http::Method::get, "/", "", {{"Host", "x"}, {"X-Amz-Date", date}, {"Authorization", authorization}});
    const auto claim = claim_of(sent.request);
    return claim ? std::string() : claim.error().message;
  };
  const std::string digits(64, 'a');
  const std::string good =
      "AWS4-HMAC-SHA256 Credential=a/20150830/b/c/aws4_request,SignedHeaders=host,Signature=" + digits;
  EXPECT_EQ(error(good), "");
  EXPECT_THAT(error("AWS4-HMAC-SHA256 Credential=a/b,SignedHeaders=host,Signature=" + digits), HasSubstr("Credential"));
  EXPECT_THAT(error("AWS4-HMAC-SHA256 Credential=a/20150830/b/c/aws4_request,SignedHeaders=date,Signature=" + digits),
              HasSubstr("host"));
  EXPECT_THAT(error("AWS4-HMAC-SHA256 Credential=a/20150830/b/c/aws4_request,SignedHeaders=host,Signature=zz"),
              HasSubstr("64 hexadecimal"));
  EXPECT_THAT(error(good, "20150831T123600Z"), HasSubstr("X-Amz-Date"));
  EXPECT_THAT(error("AWS4-HMAC-SHA256 nonsense"), HasSubstr("without '='"));
  Sent nobody(http::Method::get, "/", "", {{"Host", "x"}, {"Authorization", "Bearer t"}});
  EXPECT_FALSE(*claim_of(nobody.request));
}

TEST(Sigv4, ClocksMayDifferByAQuarterOfAnHour) {
  Claim claim;
  claim.time = "20150830T123600Z";
  const int64_t at = parse_timestamp("2015-08-30T12:36:00Z").value_or(0);
  EXPECT_TRUE(check_time(claim, at + 899'000'000));
  EXPECT_TRUE(check_time(claim, at - 899'000'000));
  EXPECT_THAT(check_time(claim, at + 901'000'000).error().message, HasSubstr("more than 15 minutes"));
  EXPECT_FALSE(check_time(claim, at - 901'000'000));
}

}  // namespace
}  // namespace weir::awsapi
