// What a mail looks like on the wire, and that nothing in it can become a header or a command. Sending is tested
// against a real server in tests/scenario/test_alarms.py.
#include "core/io/mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/text.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Mail mail() {
  return {.from = "weir@shop.example",
          .to = {"oncall@shop.example"},
          .subject = "ALARM impressions_records",
          .text = "It is above 4000.\nLook at it.\n",
          .at = {1'700'000'000'000'000},
          .id = "0190-a"};
}

TEST(Mail, has_the_headers_that_a_reader_wants_and_its_text_as_it_was) {
  const auto wire = render_mail(mail());
  ASSERT_TRUE(wire);
  EXPECT_THAT(*wire, HasSubstr("Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"));
  EXPECT_THAT(*wire, HasSubstr("From: <weir@shop.example>\r\nTo: <oncall@shop.example>\r\n"));
  EXPECT_THAT(*wire, HasSubstr("Message-ID: <0190-a@shop.example>\r\nSubject: ALARM impressions_records\r\n"));
  const std::string body = wire->substr(wire->find("\r\n\r\n") + 4);
  EXPECT_EQ(*base64_decode(body.substr(0, body.find("\r\n"))), "It is above 4000.\r\nLook at it.\r\n");
}

TEST(Mail, a_subject_stays_one_header_whatever_is_in_it) {
  Mail evil = mail();
  evil.subject = "a\r\nBcc: everybody@shop.example\r\n\r\nbody";
  EXPECT_THAT(*render_mail(evil), HasSubstr("Subject: a  Bcc: everybody@shop.example    body\r\n"));
  evil.subject = "Klicks über 4000: " + std::string(300, 'x') + "ü";
  const std::string wire = *render_mail(evil);
  EXPECT_THAT(wire, HasSubstr("Subject: =?UTF-8?B?"));
  for (std::string_view line : split(wire, '\n')) EXPECT_LE(line.size(), 79u);
  evil.subject = "=?UTF-8?B?AAAA?=";
  EXPECT_THAT(*render_mail(evil), Not(HasSubstr("=?UTF-8?B?AAAA?=")));
}

TEST(Mail, addresses_that_could_be_more_than_an_address_are_refused) {
  for (const char* bad : {"", "a", "@b", "a@", "a@b\r\nRCPT TO:<c@d>", "a b@c", "a@b>", "<a@b", "a@b@c", "a,b@c",
                          "\"a b\"@c", "a@b;", "ä@b", "-oops@b"}) {
    EXPECT_FALSE(check_mail_address(bad)) << bad;
    Mail wrong = mail();
    wrong.to = {bad};
    EXPECT_FALSE(render_mail(wrong)) << bad;
    wrong = mail();
    wrong.from = bad;
    EXPECT_FALSE(render_mail(wrong)) << bad;
  }
  EXPECT_TRUE(check_mail_address("first.last+tag@mail.shop.example"));
  Mail nobody = mail();
  nobody.to.clear();
  EXPECT_FALSE(render_mail(nobody));
}

TEST(Mail, html_stands_beside_the_text_and_what_is_attached_behind_both) {
  Mail both = mail();
  both.html = "<p>It is above 4000.</p>";
  both.unsubscribe_url = "https://weir.example/subscriptions/unsubscribe?link=a.b";
  std::string wire = *render_mail(both);
  EXPECT_THAT(wire, HasSubstr("Content-Type: multipart/alternative; boundary=\"--weir-alternative-0190-a\"\r\n\r\n"
                              "----weir-alternative-0190-a\r\nContent-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(wire, HasSubstr("\r\n----weir-alternative-0190-a--\r\n"));
  EXPECT_THAT(wire, HasSubstr("List-Unsubscribe: <https://weir.example/subscriptions/unsubscribe?link=a.b>\r\n"
                              "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
  both.attachments = {{"a\"\r\nX: y.csv", "text/csv", "x,y\n"}};
  wire = *render_mail(both);
  EXPECT_THAT(wire, HasSubstr("Content-Disposition: attachment; filename=\"a___X__y.csv\"\r\n"));
  EXPECT_THAT(wire, HasSubstr("Content-Type: multipart/mixed;"));
  both.attachments[0].content_type = "text/csv\r\nX: y";
  EXPECT_FALSE(render_mail(both));
  both.attachments.clear();
  both.unsubscribe_url = "https://weir.example/>\r\nX: y";
  EXPECT_FALSE(render_mail(both));
}

TEST(Mail, a_server_is_smtp_and_a_host) {
  EXPECT_TRUE(check_mail_server("smtp://localhost:25"));
  EXPECT_TRUE(check_mail_server("smtps://[::1]:465"));
  for (const char* bad : {"", "localhost", "http://localhost", "smtp://", "smtp://a/b", "smtp://user:p@host"}) {
    EXPECT_FALSE(check_mail_server(bad)) << bad;
  }
}

TEST(Mail, nobody_at_the_address_is_unavailable) {
  const Status sent = send_mail({.url = "smtp://127.0.0.1:1", .tls = false, .user = {}}, mail());
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::unavailable);
}

}  // namespace
}  // namespace weir
