#include "surface/loadgen/batch.h"

#include <gtest/gtest.h>

#include "core/base/json.h"

namespace weir::loadgen {
namespace {

Action impression() {
  Action out;
  out.id = out.impression = {1, 2};
  out.ad = {3, 4};
  return out;
}

TEST(Batch, writes_the_request_of_the_original_beacons) {
  Batch batch;
  append_record(batch, impression(), {1'700'000'000'123'456}, false);
  append_record(batch, impression(), {1'700'000'000'123'456}, true);
  auto body = Json::parse(finished_body(batch));
  ASSERT_TRUE(body) << body.error().text();
  const auto& records = (*body)["impressions"].array();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0]["occurred_at"].as_string(), "2023-11-14 22:13:20.123");
  EXPECT_EQ(records[0]["ad_id"].as_string(), "00000000-0000-0003-0000-000000000004");
  EXPECT_EQ(records[1].find("ad_id"), nullptr);
}

TEST(Batch, reads_one_flag_a_record) {
  auto flags =
      read_failed_flags(R"({"failed_count":1,"records":[{"failed":false},{"failed": true,"error_code":"x"}]})");
  ASSERT_TRUE(flags);
  EXPECT_EQ(*flags, (std::vector<bool>{false, true}));
  EXPECT_FALSE(read_failed_flags(R"({"error":"no"})"));
}

TEST(Target, is_read_from_a_base_url) {
  auto target = parse_target("http://127.0.0.1:8480/Prod/");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->host, "127.0.0.1");
  EXPECT_EQ(target->port, "8480");
  EXPECT_EQ(target->prefix, "/Prod");
  EXPECT_EQ(parse_target("https://example.com").error().code, Code::unsupported);
  EXPECT_EQ(parse_target("http://").error().code, Code::invalid);
}

}  // namespace
}  // namespace weir::loadgen
