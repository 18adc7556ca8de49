// Reading alerts/*.yaml: what is understood, every mistake with its place, and the canonical form.
#include "analysis/alarm/declaration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::alarm {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const MetricKinds& kinds() {
  static const MetricKinds kKinds = {{"weir_capture_records_total", MetricKind::counter},
                                     {"weir_lake_lag_records", MetricKind::gauge},
                                     {"weir_http_request_seconds", MetricKind::histogram}};
  return kKinds;
}

ParsedAlerts parse(const std::string& text, bool with_secrets = true) {
  auto root = parse_yaml(text, {"alerts/oncall.yaml", 1});
  if (!root) throw std::runtime_error(root.error().text());
  std::vector<Error> errors;
  if (with_secrets) {
    expand_yaml(
        *root,
        [](std::string_view name) -> Result<YamlExpansion> {
          return YamlExpansion{"s3cret", name.starts_with("secret:")};
        },
        errors);
  }
  return parse_alerts(*root, kinds());
}

std::vector<std::string> mistakes(const std::string& text) {
  std::vector<std::string> out;
  for (const Error& error : parse(text).errors) out.push_back(error.text());
  return out;
}

std::string alarm(const std::string& keys) {
  return "alarms:\n  a: {" + keys + "}\n";
}
constexpr const char* kGood = "metric: weir_capture_records_total, statistic: avg, above: 4000";

TEST(AlertFile, reads_what_the_guide_shows) {
  const auto parsed = parse(R"(
channels:
  hook: {kind: webhook, url: "https://chat.example/${secret:HOOK}", headers: {X-Key: "${secret:KEY}"}}
  mail: {kind: mail, server: "smtp://mail.example:587", from: weir@shop.example, to: [oncall@shop.example],
         user: weir, password: "${secret:SMTP}"}
alarms:
  records:
    metric: weir_capture_records_total
    labels: {stream: impressions}
    statistic: avg
    above: 4000
    period: 60s
    datapoints: 3 of 5
    missing: ok
    severity: critical
    notify: [page, hook]
  silence: {sql: SELECT count(*) FROM clicks, below: 1}
)");
  ASSERT_THAT(parsed.errors, IsEmpty());
  ASSERT_EQ(parsed.file.alarms.size(), 2u);
  const Alarm& first = parsed.file.alarms[0];
  EXPECT_EQ(first.breaching, 3);
  EXPECT_EQ(first.of, 5);
  EXPECT_EQ(first.period, minutes(1));
  EXPECT_EQ(first.condition(), "avg of weir_capture_records_total {stream=impressions} is above 4000");
  EXPECT_THAT(first.notify, ElementsAre("page", "hook"));
  const Alarm& second = parsed.file.alarms[1];
  EXPECT_TRUE(second.is_sql());
  EXPECT_EQ(second.of, 1);
  EXPECT_THAT(second.notify, ElementsAre("page", "log", "hook", "mail")) << "everybody in the file";
}

TEST(AlertFile, never_stores_a_secret) {
  const auto parsed = parse("channels:\n  hook: {kind: webhook, url: 'https://x/${secret:HOOK}'}\n");
  ASSERT_THAT(parsed.errors, IsEmpty());
  const std::string stored = to_json(parsed.file).dump();
  EXPECT_THAT(stored, HasSubstr("${secret:HOOK}"));
  EXPECT_EQ(stored.find("s3cret"), std::string::npos);
  std::vector<std::string> secrets;
  const auto filled = notify::fill_in(
      parsed.file.channels[0].url, [](std::string_view name) -> Result<std::string> { return std::string(name) + "!"; },
      secrets);
  EXPECT_EQ(*filled, "https://x/HOOK!");
  EXPECT_THAT(secrets, ElementsAre("HOOK!"));
}

TEST(AlertFile, reads_back_as_it_was) {
  const auto parsed = parse(R"(
tags: {team: ads}
channels:
  hook: {kind: webhook, url: "http://127.0.0.1:9/x", headers: {A: b}, time_limit: 3s}
  mail: {kind: mail, server: "smtps://m", from: a@b, to: [c@d, e@f], tls: false, ca_file: ca.pem}
alarms:
  a: {metric: weir_http_request_seconds, statistic: p95, at_least: 0.5, period: 5m, datapoints: 2 of 3, missing: breaching,
      description: slow, todo: look, severity: info, enabled: false, labels: {route: /metrics}}
  b: {sql: SELECT 1, at_most: -1e-9}
)");
  ASSERT_THAT(parsed.errors, IsEmpty());
  const Json json = to_json(parsed.file);
  const auto back = alerts_from_json(*Json::parse(json.dump()));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->alarms, parsed.file.alarms);
  EXPECT_EQ(back->channels, parsed.file.channels);
  EXPECT_EQ(to_json(*back), json);
  Json broken = json;
  broken.set("format", 2);
  EXPECT_EQ(alerts_from_json(broken).error().code, Code::unsupported);
  EXPECT_EQ(alerts_from_json(Json(Json::Object{{"alarms", Json(Json::Array{Json(1)})}})).error().code, Code::corrupt);
}

TEST(AlertFile, tells_topics_instead_of_the_channels_that_they_use_where_nothing_is_said) {
  const std::string file = R"(
channels:
  hook: {kind: webhook, url: "https://chat.example/"}
  chat: {kind: slack, url: "https://chat.example/"}
  pager: {kind: command, command: [/usr/local/bin/page]}
  journal: {kind: file, path: notices/all.jsonl}
  mail: {kind: mail, server: "smtp://mail.example:587", from: weir@shop.example}
topics:
  oncall: {subscriptions: [{channel: chat, at_least: warning}]}
alarms:
  a: {metric: weir_capture_records_total, statistic: avg, above: 4000}
)";
  const auto parsed = parse(file);
  ASSERT_THAT(parsed.errors, IsEmpty()) << parsed.errors.front().text();
  EXPECT_THAT(parsed.file.alarms[0].notify, ElementsAre("page", "log", "oncall", "hook", "pager", "journal"));
  const auto back = alerts_from_json(to_json(parsed.file));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->topics, parsed.file.topics);
  EXPECT_EQ(back->channels, parsed.file.channels);
  EXPECT_THAT(mistakes(file + "  b: {metric: weir_capture_records_total, statistic: avg, above: 1, notify: [mail]}\n"),
              ElementsAre(HasSubstr("the mail channel 'mail' has no receivers of its own")));
  EXPECT_THAT(mistakes(file + "  b: {metric: weir_capture_records_total, statistic: avg, above: 1, notify: [oncal]}\n"),
              ElementsAre(HasSubstr("did you mean 'oncall'")));
}

TEST(AlertFile, what_was_applied_before_there_were_topics_is_read) {
  auto json = to_json(parse("channels:\n  hook: {kind: webhook, url: \"https://chat.example/\"}\n").file);
  Json channels = json["channels"];
  Json::Object& channel = channels.array()[0].object();
  std::erase_if(channel,
                [](const auto& member) { return member.first == "sign" || member.first.starts_with("retry"); });
  json.set("channels", channels);
  const auto back = alerts_from_json(json);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->channels[0].retry_for, days(3));
}

TEST(AlertFile, tells_what_cannot_be_watched) {
  EXPECT_THAT(mistakes(alarm("metric: weir_capture_record_total, statistic: avg, above: 1")),
              ElementsAre(AllOf(HasSubstr("alerts/oncall.yaml:2:"), HasSubstr("there is no metric"),
                                HasSubstr("did you mean 'weir_capture_records_total'?"))));
  EXPECT_THAT(mistakes(alarm("metric: weir_capture_records_total, statistic: p95, above: 1")),
              ElementsAre(HasSubstr("is a counter: it has no p95")));
  EXPECT_THAT(mistakes(alarm("metric: weir_http_request_seconds, statistic: max, above: 1")),
              ElementsAre(HasSubstr("is a histogram: it has no max")));
  EXPECT_THAT(mistakes(alarm("metric: weir_lake_lag_records, above: 1")), ElementsAre(HasSubstr("statistic")));
  EXPECT_THAT(mistakes(alarm("above: 1")), ElementsAre(HasSubstr("this does neither")));
  EXPECT_THAT(mistakes(alarm("sql: SELECT 1, metric: weir_lake_lag_records, statistic: max, above: 1")),
              ElementsAre(HasSubstr("this does both")));
  EXPECT_THAT(mistakes(alarm("sql: SELECT 1, statistic: max, above: 1")),
              ElementsAre(HasSubstr("statistic belongs to metric")));
}

TEST(AlertFile, tells_wrong_limits_datapoints_and_channels) {
  const std::string metric = "metric: weir_lake_lag_records, statistic: max";
  EXPECT_THAT(mistakes(alarm(metric)), ElementsAre(HasSubstr("this has none")));
  EXPECT_THAT(mistakes(alarm(metric + ", above: 1, below: 2")), ElementsAre(HasSubstr("this has above and below")));
  for (const char* bad : {"5 of 3", "0 of 3", "3", "3 of", "3 of 101", "a of b", "3 von 5", "-1 of 5"}) {
    EXPECT_THAT(mistakes(alarm(std::string(kGood) + ", datapoints: " + bad)), ElementsAre(HasSubstr("M of N"))) << bad;
  }
  EXPECT_THAT(mistakes(alarm(std::string(kGood) + ", period: 500ms")), ElementsAre(HasSubstr("period")));
  EXPECT_THAT(mistakes(alarm(std::string(kGood) + ", missing: bad")), ElementsAre(HasSubstr("missing")));
  EXPECT_THAT(mistakes(alarm(std::string(kGood) + ", notify: [pag]")),
              ElementsAre(AllOf(HasSubstr("there is no channel 'pag'"), HasSubstr("did you mean 'page'?"))));
  EXPECT_THAT(mistakes(alarm(std::string(kGood) + ", treshold: 1")), ElementsAre(HasSubstr("treshold")));
}

TEST(AlertFile, tells_channels_that_cannot_be_or_would_leak) {
  const auto channel = [](const std::string& keys) { return mistakes("channels:\n  c: {" + keys + "}\n"); };
  EXPECT_THAT(channel("kind: webhook"), ElementsAre(HasSubstr("url")));
  EXPECT_THAT(channel("kind: webhook, url: ftp://x"), ElementsAre(HasSubstr("no web address")));
  EXPECT_THAT(channel("kind: webhook, url: 'http://x', headers: {'a b': c}"),
              ElementsAre(HasSubstr("no name of an HTTP header")));
  EXPECT_THAT(channel("kind: webhook, url: 'http://x', headers: {a: \"b\\r\\nc: d\"}"),
              ElementsAre(HasSubstr("control characters")));
  EXPECT_THAT(channel("kind: pigeon, url: 'http://x'"), ElementsAre(HasSubstr("kind")));
  const std::string mail = "kind: mail, server: 'smtp://m', from: a@b, to: [c@d]";
  EXPECT_THAT(channel(mail), IsEmpty());
  EXPECT_THAT(channel(mail + ", user: u, password: hunter2"), ElementsAre(HasSubstr("does not stand in a file")));
  EXPECT_THAT(channel(mail + ", user: u"), ElementsAre(HasSubstr("go together")));
  EXPECT_THAT(channel(mail + ", user: u, password: '${secret:P}', tls: false"),
              ElementsAre(HasSubstr("not sent in the clear")));
  EXPECT_THAT(channel("kind: mail, server: 'smtp://m', from: a, to: []").size(), 2u);
  EXPECT_THAT(mistakes("channels:\n  log: {kind: webhook, url: 'http://x'}\n"), ElementsAre(HasSubstr("always there")));
}

TEST(AlertKind, an_sql_mistake_has_its_place_in_the_file) {
  const auto kind = alert_kind(
      [] { return kinds(); },
      [](const std::string& sql) -> Status {
        if (sql.find("bad") == std::string::npos) return {};
        const size_t at = sql.find("bad");
        const auto line = static_cast<int>(std::count(sql.begin(), sql.begin() + static_cast<long>(at), '\n'));
        const size_t start = sql.rfind('\n', at) + 1;
        return Error(Code::invalid, "bad SQL").at({"sql", 1 + line, static_cast<int>(at - start) + 1});
      });
  const auto place = [&](const std::string& text) -> std::string {
    const auto root = parse_yaml(text, {"alerts/x.yaml", 1});
    project::Settings settings;
    const auto declared =
        kind.parse({.root = *root, .text = text, .file = "alerts/x.yaml", .name = "x", .settings = settings});
    if (declared.errors.size() != 1) return std::to_string(declared.errors.size());
    const Position at = *declared.errors[0].position;
    return at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  };
  EXPECT_EQ(place("alarms:\n  a: {sql: SELECT bad, above: 1}\n"), "alerts/x.yaml:2:19");
  EXPECT_EQ(place("alarms:\n  a:\n    above: 1\n    sql: |\n      SELECT 1,\n        bad\n").substr(0, 15),
            "alerts/x.yaml:6");
  EXPECT_EQ(place("alarms:\n  a: {sql: SELECT 1, above: 1}\n"), "0");
}

TEST(AlertKind, says_what_changes) {
  const auto kind = alert_kind({}, {});
  const auto body = [&](const std::string& text) { return to_json(parse(text).file); };
  const Json before = body(alarm(kGood));
  EXPECT_THAT(kind.compare(before, before), IsEmpty());
  const auto changed = kind.compare(
      before, body("channels:\n  h: {kind: webhook, url: 'http://x'}\nalarms:\n  b: {" + std::string(kGood) + "}\n"));
  std::vector<std::string> details;
  for (const auto& one : changed) details.push_back(one.detail);
  EXPECT_THAT(details, ElementsAre("channel h: added", "alarm b: added", "alarm a: removed"));
}

TEST(AlertKind, has_a_schema_with_channels) {
  const Json schema = alert_schema();
  EXPECT_TRUE(schema["$defs"]["channel"]["properties"]["url"].is_object());
  EXPECT_TRUE(schema["properties"]["tags"].is_object());
}

}  // namespace
}  // namespace weir::alarm
