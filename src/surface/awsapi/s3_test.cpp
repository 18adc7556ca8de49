#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/xml.h"
#include "surface/awsapi/checksums.h"
#include "surface/awsapi/s3_objects.h"

namespace weir::awsapi {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<Blob> kBlobs = {{"a/1", 1, 0},   {"a/2", 2, 0}, {"b", 3, 0},
                                  {"c/x/1", 4, 0}, {"c/y", 5, 0}, {"d&e", 6, 0}};

TEST(S3List, FoldersAreCommonPrefixes) {
  const std::string text =
      list_text("things", {.prefix = "", .delimiter = "/", .after = "", .is_version_2 = true}, kBlobs);
  EXPECT_THAT(element_texts(text, "Key", 10).value(), ElementsAre("b", "d&e"));
  EXPECT_THAT(text, HasSubstr("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"));
  EXPECT_THAT(text, HasSubstr("<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>"));
  EXPECT_THAT(text, HasSubstr("<KeyCount>4</KeyCount>"));
  EXPECT_THAT(text, HasSubstr("<IsTruncated>false</IsTruncated>"));
}

TEST(S3List, PagesGoOnBehindTheLastKey) {
  ListOrder order{.prefix = "", .delimiter = "/", .after = "", .most = 1, .is_version_2 = true};
  std::vector<std::string> seen;
  for (int pages = 0; pages < 10; ++pages) {
    const std::string text = list_text("things", order, kBlobs);
    const auto keys = element_texts(text, "Key", 10);
    seen.insert(seen.end(), keys->begin(), keys->end());
    if (text.find("<CommonPrefixes>") != std::string::npos) {
      seen.push_back(element_texts(text, "Prefix", 10).value().back());
    }
    const auto token = element_texts(text, "NextContinuationToken", 1);
    if (token->empty()) break;
    http::Request request;
    const std::string query = "list-type=2&delimiter=/&max-keys=1&continuation-token=" + token->front();
    request.query = query;
    order = ListOrder::of(request).value();
  }
  EXPECT_THAT(seen, ElementsAre("a/", "b", "c/", "d&e"));
}

TEST(S3List, KeysCanBeEscapedForXmlThatCannotHoldThem) {
  ListOrder order{.prefix = "d", .delimiter = "", .after = ""};
  EXPECT_THAT(list_text("things", order, {{"d&e", 6, 0}}), HasSubstr("<Key>d&amp;e</Key>"));
  order.is_url_encoded = true;
  EXPECT_THAT(list_text("things", order, {{"d&e", 6, 0}}), HasSubstr("<Key>d%26e</Key>"));
}

TEST(S3Checksums, OfTheBodyThatCame) {
  // The check values of "123456789" in the catalogue of parametrised CRC algorithms, and of RFC 3174, RFC 6234.
  const auto check = [](std::string_view name, std::string_view value) {
    std::vector<http::Header> headers{{name, value}};
    http::Request request;
    request.headers = headers;
    request.body = "123456789";
    return check_body(request).has_value();
  };
  EXPECT_TRUE(check("x-amz-checksum-crc32", "y/Q5Jg=="));
  EXPECT_TRUE(check("x-amz-checksum-crc32c", "4waSgw=="));
  EXPECT_TRUE(check("x-amz-checksum-crc64nvme", "rosUhgp5mIg="));
  EXPECT_TRUE(check("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="));
  EXPECT_TRUE(check("Content-MD5", "JfnnlDI7RTiF9RgfG2JNCw=="));
  EXPECT_FALSE(check("x-amz-checksum-crc32", "y/Q5Jw=="));
  EXPECT_FALSE(check("x-amz-checksum-crc32", "not base64"));
}

}  // namespace
}  // namespace weir::awsapi
