// What AWS publishes: the signing key of "Examples of how to derive a signing key", and the requests of the S3 API
// reference, "Signature Calculations for the Authorization Header".
#include "core/io/aws_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

const AwsCredentials kCredentials{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};

std::string authorization(const AwsRequest& request, const AwsCredentials& credentials = kCredentials) {
  const int64_t now = *parse_timestamp("2013-05-24T00:00:00Z");
  for (const auto& [name, value] : aws_signed(request, credentials, now)) {
    if (name == "Authorization") return value;
  }
  return {};
}

TEST(AwsSignature, derives_the_key_as_published) {
  EXPECT_EQ(hex_encode(aws_signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", {"20120215", "us-east-1", "iam"})),
            "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
}

TEST(AwsSignature, signs_a_get_with_a_range) {
  const std::string empty = sha256_hex("");
  EXPECT_THAT(authorization({.method = "GET",
                             .host = "examplebucket.s3.amazonaws.com",
                             .path = "/test.txt",
                             .headers = {{"Range", "bytes=0-9"}},
                             .payload_hash = empty,
                             .region = "us-east-1",
                             .service = "s3"}),
              HasSubstr("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
}

TEST(AwsSignature, signs_a_put_whose_key_is_escaped) {
  const std::string hash = sha256_hex("Welcome to Amazon S3.");
  EXPECT_THAT(authorization({.method = "PUT",
                             .host = "examplebucket.s3.amazonaws.com",
                             .path = "/" + aws_escaped("test$file.text", true),
                             .headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                         {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                             .payload_hash = hash,
                             .region = "us-east-1",
                             .service = "s3"}),
              HasSubstr("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(AwsSignature, signs_queries_with_and_without_values) {
  const std::string empty = sha256_hex("");
  AwsRequest request{.method = "GET",
                     .host = "examplebucket.s3.amazonaws.com",
                     .path = "/",
                     .query = {{"lifecycle", ""}},
                     .payload_hash = empty,
                     .region = "us-east-1",
                     .service = "s3"};
  EXPECT_THAT(authorization(request),
              HasSubstr("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};
  EXPECT_THAT(authorization(request),
              HasSubstr("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(AwsSignature, a_session_token_is_sent_and_signed) {
  AwsCredentials credentials = kCredentials;
  credentials.session_token = "token";
  EXPECT_THAT(
      authorization({.method = "GET", .host = "h", .path = "/", .payload_hash = "", .region = "r", .service = "s3"},
                    credentials),
      HasSubstr("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token"));
}

TEST(AwsSignature, escapes_all_but_the_unreserved) {
  EXPECT_EQ(aws_escaped("dt=2026/a b+c~ä", true), "dt%3D2026/a%20b%2Bc~%C3%A4");
  EXPECT_EQ(aws_escaped("a/b", false), "a%2Fb");
  EXPECT_EQ(aws_canonical_query({{"b", "1"}, {"a", "x y"}, {"a", "="}}), "a=%3D&a=x%20y&b=1");
  EXPECT_EQ(aws_condensed("  a   b  "), "a b");
}

}  // namespace
}  // namespace weir
