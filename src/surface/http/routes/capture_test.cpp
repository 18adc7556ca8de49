// Goal: senders of events get the verdicts that are promised, in the seed's words where the seed's clients listen.
// Method: every room for real in a temporary folder, requests over real sockets.
#include "surface/http/routes/capture.h"

#include "core/io/compression.h"
#include "surface/http/routes/event_reply.h"
#include "surface/http/routes/rooms_testing.h"

namespace weir::http {
namespace {

using testing::get;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::post;
using testing::Reply;

constexpr const char* kAd = "0b8f6f0e-6d5a-4b8e-9f00-2d1c7a1b2c3d";

std::string impression(int number) {
  char id[37];
  std::snprintf(id, sizeof(id), "00000000-0000-4000-8000-%012d", number);
  return std::string(R"({"impression_id":")") + id + R"(","ad_id":")" + kAd +
         R"(","occurred_at":"2026-11-20 08:09:10.123"})";
}
std::string batch(const std::string& records) {
  return R"({"impressions":[)" + records + "]}";
}

class EventDoors : public testing::RoomsFixture {};

TEST_F(EventDoors, the_seeds_beacon_answers_in_its_own_words) {
  EXPECT_EQ(ask(post("/impressions", batch(impression(1)))).body, R"({"failed_count":0,"records":[{"failed":false}]})");
  // Sent again, alone and inside a batch: a duplicate has not failed.
  EXPECT_EQ(ask(post("/Prod/impressions", batch(impression(1) + "," + impression(2)))).body,
            R"({"failed_count":0,"records":[{"failed":false},{"failed":false}]})");
  EXPECT_EQ(sql("SELECT count(*) FROM impressions")["rows"].dump(), "[[2]]");
}

TEST_F(EventDoors, one_bad_record_of_a_beacon_batch_fails_alone_and_is_kept) {
  const Reply reply =
      ask(post("/impressions", batch(impression(1) + R"(,{"ad_id":"x","occurred_at":"yesterday"},)" + impression(2))));
  EXPECT_EQ(reply.status, 200);
  const Json body = *Json::parse(reply.body);
  EXPECT_EQ(body["failed_count"].as_int(), 1);
  ASSERT_EQ(body["records"].array().size(), 3u);
  EXPECT_FALSE(body["records"].array()[0]["failed"].as_bool(true));
  EXPECT_TRUE(body["records"].array()[1]["failed"].as_bool());
  EXPECT_EQ(body["records"].array()[1]["error_code"].as_string(), "wrong_type");
  EXPECT_THAT(body["records"].array()[1]["error_message"].as_string(), HasSubstr("ad_id"));
  EXPECT_EQ(sql("SELECT count(*) FROM impressions_quarantine")["rows"].dump(), "[[1]]");
}

TEST_F(EventDoors, a_beacon_of_the_wrong_shape_is_refused_as_the_seed_did) {
  std::string many = impression(0);
  for (int number = 1; number <= 500; ++number) many += "," + impression(number);
  const std::pair<std::string, const char*> scenarios[] = {
      {"not json", R"({"error":")"},
      {R"({"clicks":[]})", R"({"error":"batch key \"impressions\" not given"})"},
      {R"({"impressions":[],"clicks":[]})", R"({"error":"too many keys: 2"})"},
      {batch(many), R"({"error":")"},
      {batch(""), R"({"error":")"},
  };
  for (const auto& [body, expected] : scenarios) {
    const Reply reply = ask(post("/impressions", body));
    EXPECT_EQ(reply.status, 400) << body.substr(0, 60);
    EXPECT_THAT(reply.body, ::testing::StartsWith(expected)) << body.substr(0, 60);
    EXPECT_THAT(reply.body, Not(HasSubstr("hint")));
  }
}

TEST_F(EventDoors, a_stream_answers_with_a_verdict_for_each_record) {
  const Json reply = ask_json(
      post("/v1/streams/orders",
           R"([{"order_id":"a","amount":1.5},{"order_id":"a","amount":1.5},{"order_id":"b","amount":-1}])", writer));
  EXPECT_EQ(reply["accepted"].as_int(), 1);
  EXPECT_EQ(reply["duplicates"].as_int(), 1);
  EXPECT_EQ(reply["quarantined"].as_int(), 1);
  EXPECT_EQ(reply["refused"].as_int(), 0);
  const Json::Array& records = reply["records"].array();
  EXPECT_EQ(records[0].dump(), R"({"status":"accepted","id":"a"})");
  EXPECT_EQ(records[1].dump(), R"({"status":"duplicate","id":"a","duplicate":true})");
  EXPECT_EQ(records[2]["status"].as_string(), "quarantined");
  EXPECT_EQ(records[2]["code"].as_string(), "out_of_range");
  EXPECT_EQ(records[2]["field"].as_string(), "amount");
}

TEST_F(EventDoors, bodies_come_packed_in_any_declared_way) {
  const std::string events = "{\"order_id\":\"n1\"}\n{\"order_id\":\"n2\"}\n";
  const auto gzip = gzip_member(events);
  const auto zstd = zstd_compress(events);
  ASSERT_TRUE(gzip && zstd);
  EXPECT_EQ(ask_json(post("/v1/streams/orders", *gzip, writer + "Content-Encoding: gzip\r\n"))["accepted"].as_int(), 2);
  EXPECT_EQ(ask_json(post("/v1/streams/orders", *zstd, writer + "Content-Encoding: zstd\r\n"))["duplicates"].as_int(),
            2);
  EXPECT_EQ(ask(post("/v1/streams/orders", events, writer + "Content-Encoding: br\r\n")).status, 415);
  EXPECT_EQ(
      ask(post("/v1/streams/orders", events, writer + "Content-Type: multipart/form-data; boundary=x\r\n")).status,
      415);
  EXPECT_EQ(ask(post("/v1/streams/orders", "garbage", writer + "Content-Encoding: gzip\r\n")).status, 400);
  EXPECT_EQ(ask(post("/v1/streams/orders", events, writer + "Content-Type: text/plain;charset=UTF-8\r\n")).status, 200);
}

TEST_F(EventDoors, a_bomb_is_too_large_whether_it_is_small_or_large_on_the_wire) {
  const auto bomb = gzip_member(std::string(32 << 20, ' '));
  ASSERT_TRUE(bomb);
  const Reply reply = ask(post("/v1/streams/orders", *bomb, writer + "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(ask("POST /v1/streams/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16777217\r\n" + writer + "\r\n")
                .status,
            413);
}

TEST_F(EventDoors, a_large_batch_is_taken_too) {
  std::string body;
  for (int number = 0; number < 20'000; ++number)
    body += "{\"order_id\":\"large-" + std::to_string(number) + "\",\"amount\":1}\n";
  ASSERT_GT(body.size(), 512u << 10);
  EXPECT_EQ(ask_json(post("/v1/streams/orders", body, writer))["accepted"].as_int(), 20'000);
}

TEST_F(EventDoors, only_who_is_declared_may_write) {
  const std::string event = R"({"order_id":"x"})";
  EXPECT_EQ(ask(post("/v1/streams/orders", event)).status, 401);
  EXPECT_EQ(ask(post("/v1/streams/orders", event, reader)).status, 403);
  EXPECT_EQ(ask(post("/v1/streams/orders", event, admin)).status, 200);
  EXPECT_EQ(ask(post("/v1/streams/impressions", impression(1))).status, 200);
  EXPECT_EQ(ask(post("/v1/streams/impressions", impression(1), "Authorization: Bearer wrong\r\n")).status, 401);
  const Reply unknown = ask(post("/v1/streams/impresions", event));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("impressions"));
}

TEST_F(EventDoors, pages_of_declared_origins_may_send_and_read_the_answer) {
  const std::string shop = "Origin: https://shop.example\r\n", evil = "Origin: https://evil.example\r\n";
  const Reply taken = ask(post("/impressions", batch(impression(1)), shop));
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(taken.headers.at("access-control-allow-origin"), "https://shop.example");
  EXPECT_EQ(taken.headers.at("vary"), "Origin");
  const Reply refused = ask(post("/impressions", batch(impression(2)), evil));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.headers.count("access-control-allow-origin"), 0u);
  // An error is readable too for a page that may send.
  EXPECT_EQ(ask(post("/impressions", "not json", shop)).headers.at("access-control-allow-origin"),
            "https://shop.example");
  const std::string ask_first =
      "OPTIONS /v1/streams/impressions HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: POST\r\n";
  const Reply may = ask(ask_first + shop + "\r\n");
  EXPECT_EQ(may.status, 204);
  EXPECT_EQ(may.headers.at("access-control-allow-origin"), "https://shop.example");
  EXPECT_THAT(may.headers.at("access-control-allow-headers"), HasSubstr("Content-Type"));
  EXPECT_EQ(ask(ask_first + evil + "\r\n").status, 403);
  EXPECT_EQ(ask("OPTIONS /Prod/impressions HTTP/1.1\r\nHost: localhost\r\n" + shop + "\r\n").status, 204);
}

TEST_F(EventDoors, the_pixel_types_its_values_by_the_schema_and_is_always_a_picture) {
  const Reply good = ask(get("/v1/streams/orders/pixel.gif?order_id=p1&amount=2.50&paid=true&count=3", writer));
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.headers.at("content-type"), "image/gif");
  EXPECT_EQ(good.headers.at("x-weir-status"), "accepted");
  EXPECT_EQ(good.headers.at("cache-control"), "no-store");
  EXPECT_TRUE(good.body.starts_with("GIF89a"));
  const Reply bad = ask(get("/v1/streams/orders/pixel.gif?order_id=p2&count=many", writer));
  EXPECT_EQ(bad.status, 200);
  EXPECT_EQ(bad.headers.at("x-weir-status"), "quarantined");
  EXPECT_EQ(bad.headers.at("x-weir-code"), "wrong_type");
  EXPECT_EQ(sql("SELECT amount, paid, count FROM orders WHERE order_id = 'p1'")["rows"].dump(), "[[2.5,true,3]]");
  EXPECT_EQ(ask(get("/v1/streams/orders/pixel.gif?order_id=p3")).status, 401);
}

TEST_F(EventDoors, beacons_follow_what_is_applied) {
  EXPECT_EQ(ask(post("/clicks", "{}")).status, 404);
  apply({{"clicks", "write: public\nbeacon: {path: /clicks, batch: clicks}\nfields:\n  click_id: uuid\n"}});
  ASSERT_TRUE(site->refresh_streams());
  EXPECT_EQ(ask(post("/clicks", R"({"clicks":[{}]})")).status, 200);
  EXPECT_EQ(ask(get("/clicks")).status, 405);
}

// --- words alone --------------------------------------------------------------------------------------------------

capture::Reply reply_of(std::vector<capture::Verdict> verdicts) {
  capture::Reply reply;
  for (const capture::Verdict& verdict : verdicts) {
    reply.accepted += verdict.outcome == capture::Outcome::accepted;
    reply.duplicates += verdict.outcome == capture::Outcome::duplicate;
    reply.quarantined += verdict.outcome == capture::Outcome::quarantined;
    reply.refused += verdict.outcome == capture::Outcome::refused;
  }
  reply.verdicts = std::move(verdicts);
  return reply;
}
capture::Verdict refused(const char* code, bool retryable) {
  return {.outcome = capture::Outcome::refused,
          .retryable = retryable,
          .id = "",
          .code = code,
          .field = "",
          .message = "why"};
}

TEST(EventReply, only_when_every_record_was_refused_alike_does_the_status_say_so) {
  EXPECT_EQ(v1_reply(reply_of({refused("busy", true), refused("busy", true)})).status, 429);
  EXPECT_EQ(v1_reply(reply_of({refused("no_space", true)})).status, 507);
  EXPECT_EQ(v1_reply(reply_of({refused("too_large", false)})).status, 413);
  EXPECT_EQ(v1_reply(reply_of({refused("unavailable", true)})).status, 503);
  EXPECT_EQ(v1_reply(reply_of({refused("io", true), refused("io", true)})).status, 500);
  EXPECT_EQ(v1_reply(reply_of({refused("busy", true), refused("too_large", false)})).status, 200);
  capture::Verdict accepted;
  accepted.outcome = capture::Outcome::accepted;
  EXPECT_EQ(v1_reply(reply_of({refused("busy", true), accepted})).status, 200);
  EXPECT_EQ(v1_reply(reply_of({})).status, 200);
  EXPECT_THAT(v1_reply(reply_of({refused("busy", true)})).headers,
              ::testing::Contains(::testing::Pair("Retry-After", "1")));
}

TEST(EventReply, what_failed_on_the_servers_machine_is_not_told_to_whoever_sends) {
  for (const char* code : {"no_space", "io", "corrupt", "internal", "unavailable"}) {
    capture::Verdict verdict = refused(code, true);
    verdict.message = "cannot write /srv/shop/.weir/journal/preparing: No space left on device";
    EXPECT_THAT(v1_reply(reply_of({verdict})).body, ::testing::Not(::testing::HasSubstr("/srv"))) << code;
    EXPECT_THAT(beacon_reply(reply_of({verdict})).body, ::testing::Not(::testing::HasSubstr("/srv"))) << code;
    EXPECT_THAT(v1_reply(reply_of({verdict})).body, ::testing::HasSubstr("send it again later")) << code;
  }
  EXPECT_THAT(v1_reply(reply_of({refused("no_space", true)})).body, ::testing::HasSubstr("disk is full"));
}

TEST(EventReply, the_seeds_clients_hear_that_they_may_send_again) {
  EXPECT_EQ(
      beacon_reply(reply_of({refused("busy", true), refused("too_large", false)})).body,
      R"({"failed_count":2,"records":[{"failed":true,"error_code":"ServiceUnavailableException","error_message":"why"},)"
      R"({"failed":true,"error_code":"too_large","error_message":"why"}]})");
}

}  // namespace
}  // namespace weir::http
