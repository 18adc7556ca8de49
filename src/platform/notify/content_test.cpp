// What a delivery says in the form of each kind of channel.
#include "platform/notify/content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/hash.h"
#include "core/base/text.h"

namespace weir::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Site kSite{"shop", "", "https://weir.example"};

Json finding_item(const std::string& event, const std::string& what, const std::string& severity = "warning") {
  Json finding{Json::Object{}};
  for (const auto& [name, value] :
       {std::pair("what", what), std::pair("where", std::string("alarm a")), std::pair("severity", severity),
        std::pair("why", std::string("5 of 5 <b>")), std::pair("since", std::string("2026-01-15T20:00:00.000000Z")),
        std::pair("link", std::string("/alarms/a"))}) {
    finding.set(name, value);
  }
  return Json(Json::Object{{"event", event}, {"finding", finding}});
}

control::Delivery delivery(Json::Array items) {
  control::Delivery out;
  out.id = "0199-1";
  out.body.set("items", Json(std::move(items)));
  return out;
}

TEST(Content, one_finding_is_told_as_it_is_and_several_as_a_digest) {
  const auto one = delivery({finding_item("opened", "too many")});
  const Json json = notice_json(one, kSite);
  EXPECT_EQ(json["id"].as_string(), "0199-1");
  EXPECT_EQ(json["event"].as_string(), "opened");
  EXPECT_EQ(json["finding"]["url"].as_string(), "https://weir.example/alarms/a");
  EXPECT_EQ(notice_subject(one, kSite), "[shop] warning: too many");
  const auto two = delivery({finding_item("opened", "too many"), finding_item("closed", "too few")});
  EXPECT_EQ(notice_json(two, kSite)["event"].as_string(), "digest");
  EXPECT_EQ(notice_json(two, kSite)["items"].array().size(), 2u);
  EXPECT_EQ(notice_subject(two, kSite), "[shop] 2 notices");
  EXPECT_THAT(notice_text(two, kSite), HasSubstr("too few"));
}

TEST(Content, what_comes_from_data_is_text_in_html_and_in_slack) {
  const auto one = delivery({finding_item("opened", "<script>&<!channel>")});
  EXPECT_THAT(notice_html(one, kSite), Not(HasSubstr("<script>")));
  EXPECT_THAT(notice_html(one, kSite), HasSubstr("&lt;script&gt;"));
  const std::string slack = slack_json(one, kSite).dump();
  EXPECT_THAT(slack, Not(HasSubstr("<!channel>")));
  EXPECT_THAT(slack, HasSubstr("&lt;!channel&gt;"));
  EXPECT_THAT(slack, HasSubstr("<https://weir.example/alarms/a|page>"));
  EXPECT_THAT(slack, HasSubstr("#e69500"));
}

TEST(Content, slack_gets_no_more_than_it_takes) {
  Json::Array many;
  for (int i = 0; i < 200; ++i) many.push_back(finding_item("opened", std::string(5'000, 'x')));
  const Json slack = slack_json(delivery(std::move(many)), kSite);
  EXPECT_EQ(slack["attachments"].array().size(), 20u);
  EXPECT_THAT(slack["blocks"].dump(), HasSubstr("180 more are not shown"));
  EXPECT_LT(slack["attachments"].array()[0]["blocks"].array()[0]["text"]["text"].as_string().size(), 3'000u);
}

TEST(Content, a_message_has_its_own_html_and_names_what_is_attached_to_programs) {
  Message message;
  message.subject = "Your report is ready";
  message.text = "look";
  message.html = "<p>look</p></body>";
  message.link = "/reports/1";
  message.attachments = {{"a.csv", "text/csv", "x,y\n"}};
  const auto one = delivery({Json(Json::Object{{"event", "message"}, {"message", message_json(message)}})});
  EXPECT_EQ(notice_html(one, kSite), message.html);
  EXPECT_EQ(notice_subject(one, kSite), "[shop] Your report is ready");
  ASSERT_EQ(notice_attachments(one).size(), 1u);
  EXPECT_EQ(notice_attachments(one)[0].bytes, "x,y\n");
  const std::string json = notice_json(one, kSite).dump();
  EXPECT_THAT(json, HasSubstr("\"a.csv\""));
  EXPECT_THAT(json, Not(HasSubstr(base64_encode("x,y\n"))));
}

TEST(Content, the_signature_is_over_the_time_and_the_body) {
  const std::string header = signature_header("key", {1'700'000'000'500'000}, "{}");
  EXPECT_EQ(header, "t=1700000000,v1=" + hex_encode(hmac_sha256("key", "1700000000.{}")));
}

}  // namespace
}  // namespace weir::notify
