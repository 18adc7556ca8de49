// Topics: what a filter lets through, what a file may say, and that it comes back from JSON as it was. Zones and
// schedules are in platform/flow/calendar_test.cpp.
#include "platform/notify/topic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/yaml.h"

namespace weir::notify {
namespace {

using ::testing::HasSubstr;

struct Read {
  std::vector<Topic> topics;
  std::vector<Error> errors;
};

Read read(const std::string& text) {
  const auto yaml = parse_yaml(text, {"alerts/a.yaml", 1});
  Read out;
  if (!yaml) {
    out.errors.push_back(yaml.error());
    return out;
  }
  YamlReader in(*yaml, "the alarms");
  Channel mail, hook;
  mail.name = "mail";
  mail.kind = ChannelKind::mail;
  hook.name = "hook";
  out.topics = read_topics(in, {mail, hook}, {});
  out.errors = in.finish();
  return out;
}

std::string mistake(const std::string& text) {
  const Read found = read(text);
  return found.errors.empty() ? "" : found.errors.front().text();
}

TEST(Topic, a_pattern_fits_with_stars_and_question_marks) {
  EXPECT_TRUE(matches("alarm/*", "alarm/orders"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a*b*c", "axxbyybc"));
  EXPECT_TRUE(matches("run/tot?ls", "run/totals"));
  EXPECT_FALSE(matches("a*b", "ac"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_FALSE(matches("alarm", "alarm/x"));
  EXPECT_FALSE(matches(std::string(40, '*') + "b", std::string(100'000, 'a'))) << "in time";
}

TEST(Topic, a_filter_wants_severities_and_names) {
  Subscription one;
  EXPECT_TRUE(one.wants(Severity::info, "alarm/a", "alarm"));
  one.severities = {Severity::critical};
  EXPECT_FALSE(one.wants(Severity::warning, "alarm/a", "alarm"));
  EXPECT_TRUE(one.wants(Severity::critical, "alarm/a", "alarm"));
  one.names = {"run", "alarm/orders_*"};
  EXPECT_FALSE(one.wants(Severity::critical, "alarm/a", "alarm"));
  EXPECT_TRUE(one.wants(Severity::critical, "alarm/orders_late", "alarm"));
  EXPECT_TRUE(one.wants(Severity::critical, "run/totals", "run")) << "by the source";
}

TEST(Topic, what_a_file_says_comes_back_from_json) {
  const Read found = read(R"(topics:
  oncall:
    description: Who is woken
    subscriptions:
      - {channel: hook, at_least: warning, names: ["alarm/*"], deduplicate: 30m}
      - {mail: [ada@shop.example], severity: [critical], digest: 1h, quiet_hours: {from: "22:00", to: 07:00, except: critical}}
)");
  ASSERT_TRUE(found.errors.empty()) << found.errors.front().text();
  ASSERT_EQ(found.topics.size(), 1u);
  const Topic& topic = found.topics.front();
  EXPECT_EQ(topic.through, "mail") << "the only one";
  ASSERT_EQ(topic.subscriptions.size(), 2u);
  EXPECT_EQ(topic.subscriptions[0].severities, (std::vector<Severity>{Severity::warning, Severity::critical}));
  EXPECT_EQ(topic.subscriptions[1].channel, "mail");
  EXPECT_EQ(topic.subscriptions[1].quiet->from, 22 * 60);
  std::string wrong;
  EXPECT_EQ(topic_from_json(to_json(topic), wrong), topic) << to_json(topic).dump();
  EXPECT_EQ(wrong, "");
}

TEST(Topic, mistakes_are_told_with_their_place) {
  const auto one = [](const std::string& subscription) {
    return mistake("topics:\n  t:\n    subscriptions:\n      - " + subscription + "\n");
  };
  EXPECT_THAT(one("{channel: hok}"), HasSubstr("alerts/a.yaml:4:19: channel: there is no channel 'hok'"));
  EXPECT_THAT(one("{at_least: info}"), HasSubstr("this has neither"));
  EXPECT_THAT(one("{channel: hook, mail: [a@b]}"), HasSubstr("this has both"));
  EXPECT_THAT(one("{mail: [nobody]}"), HasSubstr("no mail address"));
  EXPECT_THAT(one("{mail: [a@b.example], through: hook}"), HasSubstr("no mail channel 'hook'"));
  EXPECT_THAT(one("{channel: hook, severity: [dire]}"), HasSubstr("'dire' is no severity"));
  EXPECT_THAT(one("{channel: hook, severity: [info], at_least: info}"), HasSubstr("in two ways"));
  EXPECT_THAT(one("{channel: hook, digest: 10d}"), HasSubstr("not from 1s to 7d"));
  EXPECT_THAT(one("{channel: hook, digest: often}"), HasSubstr("no schedules here"));
  EXPECT_THAT(one("{channel: hook, deduplicate: 2d}"), HasSubstr("deduplicate"));
  EXPECT_THAT(one("{channel: hook, zone: Europe/Berlin}"), HasSubstr("no time zones here"));
  EXPECT_THAT(one("{channel: hook, quiet_hours: {from: 25:00, to: 07:00}}"), HasSubstr("no time of the day"));
  EXPECT_THAT(one("{channel: hook, quiet_hours: {from: 07:00, to: 07:00}}"), HasSubstr("end when they begin"));
  EXPECT_THAT(mistake("topics:\n  hook: {}\n"), HasSubstr("is a channel"));
  EXPECT_THAT(mistake("topics:\n  page: {}\n"), HasSubstr("is a channel"));
  EXPECT_THAT(mistake("topics:\n  T: {}\n"), HasSubstr("no name of a topic"));
}

TEST(Topic, quiet_hours_of_utc_need_no_calendar) {
  Subscription night;
  night.quiet = QuietHours{22 * 60, 7 * 60, "UTC", Severity::critical};
  const WallTime late{*parse_timestamp("2026-01-15 23:30:00")};
  EXPECT_EQ(format_timestamp(night.due({}, Severity::warning, late)->micros).substr(0, 16), "2026-01-16T07:00");
  EXPECT_EQ(night.due({}, Severity::critical, late)->micros, late.micros);
}

}  // namespace
}  // namespace weir::notify
