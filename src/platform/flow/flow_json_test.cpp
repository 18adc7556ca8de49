// Goal: what the control database keeps is the flow, whatever the flow; every change is told once; and the schema knows
// the keys that the reader knows. Method: random flows from a seed through JSON text and back, and against each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/json_fixture.h"
#include "platform/flow/random_flows.h"

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

FlowDeclaration declared(const std::string& text) {
  ParsedFlow out = parse_flow(text, "flows/daily.yaml", "daily", {});
  for (const Error& error : out.errors) ADD_FAILURE() << error.text() << "\n" << text;
  return out.flow;
}
std::vector<std::string> changes(const std::string& before, const std::string& after) {
  std::vector<std::string> out;
  for (const project::Difference& one : compare(declared(before), declared(after))) {
    EXPECT_TRUE(one.compatible) << one.detail;
    out.push_back(one.detail);
  }
  return out;
}
std::vector<std::string> beside(const std::string& before, const std::string& after) {
  return changes("steps: [{sql: x}]\n" + before, "steps: [{sql: x}]\n" + after);
}

TEST(FlowJson, random_flows_survive_the_way_through_json_text) {
  expect_survives_json([](uint32_t seed) { return RandomFlows(seed).flow(); }, flow_from_json);
}

TEST(FlowJson, what_was_not_written_by_us_is_corrupt) {
  const Json good = to_json(declared("steps: [{sql: x}]\ntime_limit: 1m\n"));
  expect_refuses_damage(good, flow_from_json);
  Json newer = good;
  newer.set("format", 5);
  EXPECT_EQ(flow_from_json(newer).error().code, Code::unsupported);
  Json empty = good;
  empty.set("steps", Json(Json::Array{}));
  EXPECT_THAT(flow_from_json(empty).error().text(), HasSubstr("has no steps"));
  Json step = good["steps"].array()[0];
  step.set("kind", "load");
  Json broken = good;
  broken.set("steps", Json::Array{step});
  EXPECT_THAT(flow_from_json(broken).error().text(), HasSubstr("a step lacks file"));
}

TEST(FlowJson, the_schema_has_the_keys_of_the_reader) {
  const Json schema = flow_schema();
  std::vector<std::string> keys;
  for (const auto& [key, property] : schema["properties"].object()) keys.push_back(key);
  EXPECT_THAT(keys,
              testing::UnorderedElementsAre("description", "schedule", "zone", "triggers", "window", "order", "steps",
                                            "retries", "time_limit", "max_active", "on_failure", "enabled", "tags"));
  const auto unknown_in = [](const std::string& text) {
    for (const Error& error : parse_flow(text, "f", "daily", {}).errors) {
      if (error.message.starts_with("unknown key")) return error.message;
    }
    return std::string();
  };
  for (const auto& [key, property] : schema["$defs"]["step"]["properties"].object()) {
    EXPECT_EQ(unknown_in("steps: [{" + key + ": x}]"), "");
    for (const auto& [inner, unused] : property["properties"].object()) {
      EXPECT_EQ(unknown_in("steps: [{" + key + ": {" + inner + ": x}}]"), "");
    }
  }
  for (const auto& [key, property] : schema["$defs"]["trigger"]["properties"].object()) {
    EXPECT_EQ(unknown_in("steps: [{sql: x}]\ntriggers: [{" + key + ": x}]"), "");
  }
  EXPECT_NE(unknown_in("steps: [{sql: x, more: 1}]"), "");
}

TEST(FlowCompare, every_change_is_told) {
  EXPECT_THAT(beside("", ""), IsEmpty());
  EXPECT_THAT(beside("description: a\ntags: {a: b}", "enabled: false\ntags: {a: c}"),
              ElementsAre("the description changes", "it is no longer started by its schedule and triggers",
                          "the tags change"));
  EXPECT_THAT(beside("schedule: a", "schedule: [b, c]\nzone: Europe/Berlin"),
              ElementsAre("schedule changes from a to b, c", "zone changes from UTC to Europe/Berlin"));
  EXPECT_THAT(beside("triggers: [{stale: a}]", "triggers: [{arrival: b}, {run: c}]"),
              ElementsAre("it starts by arrival of b (quiet for 10s)", "it starts by run of c (done)",
                          "it no longer starts by stale of a"));
  EXPECT_THAT(
      beside("window: {days: 7}\norder: parallel\nretries: 1", "time_limit: 1h\nmax_active: 2\non_failure: continue"),
      ElementsAre("window changes from 7 days with offset -1 to 1 day with offset -1",
                  "order changes from parallel to serial", HasSubstr("retries changes from {\"times\":1"),
                  "time_limit changes from none to 1h", "max_active changes from 1 to 2",
                  "on_failure changes from cascade to continue"));
}

TEST(FlowCompare, steps_are_known_by_their_names) {
  EXPECT_THAT(changes("steps: [{name: a, sql: x}, {name: b, tables: [t]}]",
                      "steps: [{name: b, tables: [t, u], retries: 1}, {name: c, sql: x}]"),
              ElementsAre("step b: tables and retries change", "step c is added", "step a is removed"));
  EXPECT_THAT(changes("steps: [{name: a, sql: x}]", "steps: [{name: a, tables: [t]}]"),
              ElementsAre("step a: is tables, it was sql"));
  EXPECT_THAT(changes("steps: [{name: a, sql: x}, {name: b, sql: x}]", "steps: [{name: b, sql: x}, {name: a, sql: x}]"),
              ElementsAre("the steps are listed in another order"));
}

TEST(FlowCompare, random_flows_differ_exactly_if_something_is_told) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const FlowDeclaration a = RandomFlows(seed).flow(), b = RandomFlows(seed + 1'000).flow();
    EXPECT_THAT(compare(a, a), IsEmpty()) << seed;
    EXPECT_FALSE(compare(a, b).empty()) << seed;
    FlowDeclaration c = a;
    c.steps.back().on_failure =
        a.steps.back().on_failure == StepFailure::stop ? StepFailure::keep_going : StepFailure::stop;
    ASSERT_EQ(compare(a, c).size(), 1u) << seed;
    EXPECT_EQ(compare(a, c)[0].detail, "step " + c.steps.back().name + ": on_failure changes") << seed;
  }
}

}  // namespace
}  // namespace weir::flow
