// Live windows as people declare them: every mistake in one pass with its place, the canonical JSON, what changes.
#include "stream/live/declaration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/live/plan.h"

namespace weir::live {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kTraffic = R"(description: Impressions and clicks by minute.
size: 1m
keep: 2h
allowed_lateness: 30m
settle: 5s
keys: [ad_id]
keys_max: 50
beyond_keys: drop
measures:
  impressions: {count: impressions}
  clicks: {count: clicks}
  rate: {ratio: clicks / impressions}
  paid: {sum: clicks.price}
tags: {team: ads}
)";

std::vector<std::string> texts(const std::vector<Error>& errors) {
  std::vector<std::string> out;
  for (const Error& error : errors) out.push_back(error.text());
  return out;
}
std::vector<std::string> mistakes(const std::string& text, const std::string& name = "traffic") {
  return texts(parse_live(text, "live/" + name + ".yaml", name).errors);
}
Declaration good(const std::string& text) {
  ParsedLive parsed = parse_live(text, "live/traffic.yaml", "traffic");
  EXPECT_THAT(texts(parsed.errors), IsEmpty());
  return parsed.live;
}

TEST(LiveDeclaration, says_windows_keys_and_measures) {
  const Declaration live = good(kTraffic);
  EXPECT_EQ(live.size, minutes(1));
  EXPECT_EQ(live.allowed_lateness, minutes(30));
  EXPECT_EQ(live.beyond_keys, Beyond::drop);
  EXPECT_THAT(live.streams(), ElementsAre("impressions", "clicks"));
  ASSERT_EQ(live.measures.size(), 4u);
  EXPECT_EQ(live.measures[2].dividend, "clicks");
  EXPECT_EQ(live.measures[2].divisor, "impressions");
  EXPECT_EQ(operand_text(live.measures[3]), "clicks.price");
}

TEST(LiveDeclaration, corrects_as_long_as_it_keeps_unless_it_says_otherwise) {
  const Declaration live = good("size: 1h\nkeep: 7d\nmeasures: {n: {count: clicks}}\n");
  EXPECT_EQ(live.allowed_lateness, days(7));
  EXPECT_EQ(good("size: 1d\nmeasures: {n: {count: clicks}}\n").keep, days(1));
}

TEST(LiveDeclaration, tells_every_mistake_with_its_place) {
  EXPECT_THAT(mistakes(R"(size: 7m
keep: 10s
keys: [late]
mesures: {}
measures:
  n: {count: clicks, sum: clicks.price}
  s: {sum: clicks}
  r: {ratio: n / nothing}
  q: {ratio: n}
)"),
              ElementsAre(HasSubstr("live/traffic.yaml:1:7: size: 7m does not divide a day"),
                          HasSubstr("live/traffic.yaml:2:7: keep"),
                          HasSubstr("live/traffic.yaml:3:8: keys: 'late' is a column of the windows already"),
                          HasSubstr("live/traffic.yaml:4:1: "),
                          HasSubstr("live/traffic.yaml:6:6: a measure is one of count, sum"),
                          HasSubstr("live/traffic.yaml:7:12: sum: 'clicks' names no field (write clicks.FIELD)"),
                          HasSubstr("live/traffic.yaml:8:14: ratio: there is no measure 'nothing'"),
                          HasSubstr("live/traffic.yaml:9:14: ratio: 'n' is no ratio")));
}

TEST(LiveDeclaration, refuses_what_would_not_fit_into_memory) {
  EXPECT_THAT(mistakes("size: 1s\nkeep: 30d\nmeasures: {n: {count: clicks}}\n"),
              ElementsAre(HasSubstr("2592000 windows of 1s, allowed are 100000")));
  EXPECT_THAT(mistakes("size: 1m\nkeep: 1d\nkeys: [ad]\nkeys_max: 1000\nmeasures: {n: {count: clicks}}\n"),
              ElementsAre(HasSubstr("rows in memory, allowed are 500000")));
}

TEST(LiveDeclaration, refuses_names_metrics_and_bounds_without_their_other_half) {
  EXPECT_THAT(mistakes("size: 1m\nmeasures: {n: {count: clicks, metric: N}}\n"),
              ElementsAre(HasSubstr("metrics_namespace: is missing")));
  EXPECT_THAT(mistakes("size: 1m\nkeys_max: 5\nmeasures: {n: {count: clicks}}\n"),
              ElementsAre(HasSubstr("there are no keys that it would bound")));
  EXPECT_THAT(mistakes("size: 1m\nmeasures: {}\n"), ElementsAre(HasSubstr("there is no measure")));
  EXPECT_THAT(mistakes("measures: {n: {count: clicks}}\n"), ElementsAre(HasSubstr("size")));
  EXPECT_THAT(mistakes("size: 1m\nmeasures: {n: {count: clicks}}\n", "Traffic"),
              ElementsAre(HasSubstr("live/Traffic.yaml:1:1: live windows 'Traffic'")));
}

TEST(LiveDeclaration, is_the_same_after_json_and_text) {
  const Declaration live = good(kTraffic);
  const auto text = Json::parse(to_json(live).dump());
  ASSERT_TRUE(text);
  const auto back = live_from_json(*text);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, live);
  Json newer = to_json(live);
  newer.set("format", 2);
  EXPECT_EQ(live_from_json(newer).error().code, Code::unsupported);
  Json broken = to_json(live);
  broken.set("size", "often");
  EXPECT_EQ(live_from_json(broken).error().code, Code::corrupt);
}

TEST(LiveDeclaration, says_what_changes_and_what_becomes_of_the_windows) {
  const Declaration before = good(kTraffic);
  Declaration after = before;
  after.description = "other";
  ASSERT_EQ(compare(before, after).size(), 1u);
  EXPECT_EQ(compare(before, after)[0].detail, "the description changes");
  after = before;
  after.size = minutes(5);
  after.measures.pop_back();
  const auto changes = compare(before, after);
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[0].detail, "size changes from 1m to 5m");
  EXPECT_EQ(changes[1].detail, "measure paid is removed");
  EXPECT_THAT(changes[2].detail, HasSubstr("counted again"));
  EXPECT_TRUE(compare(before, before).empty());
}

std::vector<capture::AppliedStream> streams() {
  auto clicks = std::make_shared<capture::Stream>();
  clicks->name = "clicks";
  for (const auto& [name, type] :
       {std::pair("ad_id", capture::FieldType::uuid), std::pair("price", capture::FieldType::decimal),
        std::pair("where", capture::FieldType::object)}) {
    capture::Field field;
    field.name = name;
    field.type = type;
    clicks->fields.push_back(field);
  }
  auto impressions = std::make_shared<capture::Stream>(*clicks);
  impressions->name = "impressions";
  return {{1, 1, impressions}, {2, 1, clicks}};
}

std::vector<std::string> misfits(const std::string& text) {
  return texts(bind_live(std::make_shared<const Declaration>(good(text)), streams()).errors);
}

TEST(LivePlan, says_what_is_not_there_and_what_is_no_number) {
  EXPECT_THAT(misfits(kTraffic), IsEmpty());
  EXPECT_THAT(misfits("size: 1m\nmeasures: {n: {count: klicks}}\n"),
              ElementsAre(HasSubstr("stream 'klicks', which is not declared (did you mean 'clicks'?)")));
  EXPECT_THAT(misfits("size: 1m\nkeys: [ad]\nmeasures: {n: {sum: clicks.prize}}\n"),
              ElementsAre(HasSubstr("stream clicks has no field 'ad'"), HasSubstr("no field 'prize'")));
  EXPECT_THAT(misfits("size: 1m\nkeys: [where]\nmeasures: {n: {max: clicks.ad_id}}\n"),
              ElementsAre(HasSubstr("its key 'where' is an object"), HasSubstr("it takes an integer")));
}

}  // namespace
}  // namespace weir::live
