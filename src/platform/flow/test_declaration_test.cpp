#include "platform/flow/test_declaration.h"

#include <gtest/gtest.h>

#include "core/io/simulated_files.h"

namespace weir::flow {
namespace {

ParsedProjectTest parse(const std::string& text) {
  auto root = parse_yaml(text, {"tests/t.yaml", 1});
  EXPECT_TRUE(root) << root.error().text();
  return parse_project_test(*root, "tests/t.yaml", "t");
}

std::string mistakes(const std::string& text) {
  std::string out;
  for (const Error& error : parse(text).errors) out += error.text() + "\n";
  return out;
}

TEST(ProjectTest, OneStepIsWrittenWithoutSteps) {
  const ParsedProjectTest parsed = parse(R"(
description: A click after midnight.
now: 2026-11-21 06:00:00
given:
  impressions:
    - {ad_id: "17", cost: 1.5}
  ads: {file: tests/fixtures/ads.csv}
run: daily
expect:
  ad_traffic:
    - {day: 2026-11-20, clicks: 1, note: null}
    - {note: "null", clicks: 2, day: 2026-11-21}
  clicks: {count: 0}
checks: ["SELECT * FROM ad_traffic WHERE clicks > impressions;"]
)");
  ASSERT_TRUE(parsed.errors.empty()) << parsed.errors.front().text();
  const ProjectTest& test = parsed.test;
  EXPECT_EQ(format_timestamp(test.now->micros), "2026-11-21T06:00:00.000000Z");
  ASSERT_EQ(test.steps.size(), 1u);
  const TestStep& step = test.steps[0];
  ASSERT_EQ(step.given.size(), 2u);
  EXPECT_EQ(step.given[0].rows[0].value.dump(), R"({"ad_id":"17","cost":1.5})");
  EXPECT_EQ(step.given[0].rows[0].line, 6);
  EXPECT_EQ(step.given[1].file, "tests/fixtures/ads.csv");
  EXPECT_EQ(step.run, std::vector<std::string>{"daily"});
  ASSERT_EQ(step.expect.size(), 2u);
  EXPECT_EQ(step.expect[0].columns, (std::vector<std::string>{"day", "clicks", "note"}));
  EXPECT_EQ(step.expect[0].rows[0].cells[2], std::nullopt);
  EXPECT_EQ(step.expect[0].rows[1].cells, (std::vector<std::optional<std::string>>{"2026-11-21", "2", "null"}));
  EXPECT_EQ(step.expect[1].count, 0u);
  EXPECT_EQ(step.checks[0].select, "SELECT * FROM ad_traffic WHERE clicks > impressions");
}

TEST(ProjectTest, EveryMistakeIsToldWithItsPlace) {
  const std::string told = mistakes(R"(
now: yesterday
given:
  Clicks: []
  clicks: {file: /etc/passwd}
  impressions: [5]
expcet: {}
checks: ["DROP TABLE x"]
)");
  for (const char* part : {"tests/t.yaml:2:6", "'yesterday' is no time", "tests/t.yaml:4:3", "tests/t.yaml:5:18",
                           "no path below the project's folder", "a row is a mapping", "expect", "tests/t.yaml:8"}) {
    EXPECT_NE(told.find(part), std::string::npos) << part << " in\n" << told;
  }
}

TEST(ProjectTest, ATestExpectsSomethingAndStepsStandAlone) {
  EXPECT_NE(mistakes("given: {clicks: [{a: 1}]}").find("the test expects nothing"), std::string::npos);
  EXPECT_NE(mistakes("run: daily\nsteps: [{run: daily}]").find("stands beside steps"), std::string::npos);
  EXPECT_NE(mistakes("expect: {t: [{a: 1}, {b: 2}]}").find("does not say b"), std::string::npos);
}

TEST(ProjectTest, AFileWithMistakesKeepsTheOthers) {
  SimulatedFiles files;
  ASSERT_TRUE(files.make_directories("/p/tests/fixtures"));
  ASSERT_TRUE(replace_file(files, "/p/tests/good.yaml", "checks: [SELECT 1 WHERE false]"));
  ASSERT_TRUE(replace_file(files, "/p/tests/bad.yaml", "checks: 5: 6"));
  ASSERT_TRUE(replace_file(files, "/p/tests/notes.txt", "not a test"));
  std::vector<Error> errors;
  auto tests = read_project_tests(files, "/p", errors);
  ASSERT_TRUE(tests);
  ASSERT_EQ(tests->size(), 1u);
  EXPECT_EQ(tests->front().name, "good");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors.front().position->file, "tests/bad.yaml");
}

}  // namespace
}  // namespace weir::flow
