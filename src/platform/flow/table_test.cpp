// Goal: a table's file means exactly what it says, and a wrong one names every mistake at its place. Method: small
// files as people write them, and the whole list of messages where it matters.
#include "platform/flow/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/project/settings.h"
#include "platform/flow/broken_texts.h"

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ParsedTable parsed(const std::string& text, const std::string& name = "advertising") {
  return parse_table(text, "tables/" + name + ".sql", name);
}
std::vector<std::string> mistakes(const std::string& text, const std::string& name = "advertising") {
  std::vector<std::string> out;
  for (const Error& error : parsed(text, name).errors) out.push_back(error.text());
  return out;
}
// Of a front matter that begins in line 2.
std::vector<std::string> front_mistakes(const std::string& front) {
  return mistakes("---\n" + front + "\n---\nSELECT 1\n");
}
Table good(const std::string& text) {
  EXPECT_THAT(mistakes(text), IsEmpty()) << text;
  return parsed(text).table;
}
Table good_front(const std::string& front) {
  return good("---\n" + front + "\n---\nSELECT 1\n");
}

constexpr const char* kAdvertising = R"(---
description: Impressions and clicks of each ad, hour by hour.
stored: lake
partition: day
inputs:
  impressions: {affects: day}
  clicks: {affects: "day, day-1"}     # a click may come after midnight
  ads: {affects: all}
grain: [day, hour, ad_id]
columns:
  ad_id:
    description: The ad.
    tests: [not_null, {relation: {table: ads, column: id}}]
  kind: {tests: [{accepted_values: [banner, 2, true, "2"], severity: warn}]}
  hour: {description: 0 to 23.}
tests:
  - not_null: [day, hour]
  - accepted_values: {column: hour, values: [0, 1, 2]}
    severity: warn
    name: hours
  - relation: {column: ad_id, table: publishers, to: ad}
  - sql: |
      SELECT * FROM advertising
      WHERE clicks > impressions;
    name: no_more_clicks_than_impressions
time_limit: 10m
tags: {team: ads}
---

SELECT date_trunc('day', at) AS day, count(*) AS impressions
FROM impressions GROUP BY 1;
)";

TEST(Table, reads_a_whole_declaration) {
  const Table table = good(kAdvertising);
  EXPECT_EQ(table.name, "advertising");
  EXPECT_EQ(table.stored, Stored::lake);
  EXPECT_EQ(table.partition, "day");
  ASSERT_EQ(table.inputs.size(), 3u);
  EXPECT_EQ(table.inputs[0].name, "ads");
  EXPECT_TRUE(table.inputs[0].affects.all);
  EXPECT_THAT(words_of(table.find_input("clicks")->affects), ElementsAre("day-1..day"));
  EXPECT_EQ(table.find_input("nothing"), nullptr);
  EXPECT_THAT(table.grain, ElementsAre("day", "hour", "ad_id"));
  EXPECT_EQ(table.columns.at("ad_id"), "The ad.");
  EXPECT_EQ(table.columns.size(), 2u);
  EXPECT_EQ(table.time_limit, minutes(10));
  EXPECT_EQ(table.tags.at("team"), "ads");
  EXPECT_EQ(table.select, "SELECT date_trunc('day', at) AS day, count(*) AS impressions\nFROM impressions GROUP BY 1");
}

TEST(Table, every_promise_about_its_rows_becomes_a_test) {
  const Table table = good(kAdvertising);
  std::vector<std::string> names;
  for (const RowTest& test : table.tests) names.push_back(test.name);
  EXPECT_THAT(names,
              ElementsAre("grain", "not_null_ad_id", "relation_ad_id_ads", "accepted_values_kind", "not_null_day_hour",
                          "hours", "relation_ad_id_publishers", "no_more_clicks_than_impressions"));
  EXPECT_EQ(table.tests[0].kind, TestKind::unique);
  EXPECT_EQ(table.tests[0].columns, table.grain);
  EXPECT_EQ(table.tests[2].table, "ads");
  EXPECT_EQ(table.tests[2].to, "id");
  EXPECT_EQ(table.tests[3].values, (std::vector<Json>{Json("banner"), Json(2), Json(true), Json("2")}));
  EXPECT_EQ(table.tests[3].severity, Severity::warn);
  EXPECT_EQ(table.tests[5].severity, Severity::warn);
  EXPECT_EQ(table.tests[6].to, "ad");
  EXPECT_EQ(table.tests[7].sql, "SELECT * FROM advertising\nWHERE clicks > impressions");
  EXPECT_EQ(table.tests[7].severity, Severity::error);
}

TEST(Table, a_select_alone_is_a_table) {
  Table expected;
  expected.name = "advertising";
  expected.select = "SELECT 1";
  EXPECT_EQ(good("SELECT 1"), expected);
  EXPECT_EQ(good("---\n---\nSELECT 1;\n"), expected);
  EXPECT_EQ(good_front("# nothing yet"), expected);
}

TEST(Table, mistakes_come_at_once_with_the_lines_of_the_file) {
  EXPECT_THAT(
      mistakes(R"(---
storde: lake
partition: Day
inputs: {clicks: {affects: [day, yesterday]}, Clicks: {}, advertising: {}}
tests:
  - unique: [a, a]
  - {}
---
SELECT 'a
)"),
      ElementsAre(HasSubstr("tables/advertising.sql:2:1: unknown key 'storde' in the table (did you mean 'stored'?)"),
                  HasSubstr("tables/advertising.sql:3:12: partition: expected a name"),
                  HasSubstr(":4:28: affects: 'yesterday' is no day of a table (expected day,"),
                  HasSubstr(":4:47: input 'Clicks' is no name"),
                  HasSubstr(":4:59: the table 'advertising' cannot be an input of itself"),
                  HasSubstr(":6:17: unique: column 'a' is listed twice"),
                  HasSubstr(":7:5: a test is one of unique, not_null, accepted_values, relation, sql; this names"),
                  HasSubstr(":9:8: a text in ' is opened and never closed")));
}

TEST(Table, its_name_is_the_files) {
  EXPECT_THAT(mistakes("SELECT 1", "Ads"), ElementsAre(HasSubstr("tables/Ads.sql:1:1: table 'Ads' is no name")));
  EXPECT_THAT(mistakes("SELECT 1", "weir_ads"), ElementsAre(HasSubstr("views of the system")));
  EXPECT_THAT(mistakes("SELECT 1", "ads_quarantine"), ElementsAre(HasSubstr("weir's own")));
  EXPECT_THAT(front_mistakes("name: ads"), ElementsAre(HasSubstr("2:7: name: the file's name is the table's name")));
}

TEST(Table, what_an_input_affects_needs_a_partition) {
  EXPECT_THAT(front_mistakes("inputs: {a: {affects: day}}"),
              ElementsAre(HasSubstr("the table has no partition (remove it, or declare partition)")));
  EXPECT_THAT(front_mistakes("partition: d\ninputs: {a: {affects: [week, all]}}"),
              ElementsAre(HasSubstr("3:23: affects: all touches every partition")));
  EXPECT_THAT(front_mistakes("partition: d\ninputs: {a: {affects: []}}"), ElementsAre(HasSubstr("no day is named")));
  EXPECT_THAT(front_mistakes("partition: d\ninputs: {a: {affects: {}}}"), ElementsAre(HasSubstr("a list of texts")));
  EXPECT_THAT(front_mistakes("inputs:\n  a:"), ElementsAre(HasSubstr("an input must be a mapping, found nothing")));
  EXPECT_THAT(front_mistakes("inputs: [a]"), ElementsAre(HasSubstr("expected a mapping of names to mappings")));
}

TEST(Table, tests_of_a_column_have_their_own_forms) {
  const auto column = [](const std::string& tests) { return front_mistakes("columns: {a: {tests: " + tests + "}}"); };
  EXPECT_THAT(column("[notnull]"),
              ElementsAre(HasSubstr("2:23: expected not_null, unique, or a mapping, found 'notnull' "
                                    "(did you mean 'not_null'?)")));
  EXPECT_THAT(column("[relation]"), ElementsAre(HasSubstr("it says more: accepted_values")));
  EXPECT_THAT(column("not_null"),
              ElementsAre(HasSubstr("expected a list of tests, found 'not_null' (write [not_null")));
  EXPECT_THAT(column("[{not_null: false}]"), ElementsAre(HasSubstr("is false, which tests nothing")));
  EXPECT_THAT(column("[{not_null: true, unique: true}]"), ElementsAre(HasSubstr("this is not_null and unique")));
  EXPECT_THAT(column("[{sql: SELECT 1}]"), testing::Contains(HasSubstr("this names none")));
  EXPECT_THAT(column("[{relation: {column: b}}]"), ElementsAre(HasSubstr("a relation needs 'table'")));
  EXPECT_THAT(column("[not_null, not_null]"),
              ElementsAre(HasSubstr("this is tested already, by 'not_null_a' (tables/")));
  const Table table = good_front("columns: {a: {tests: [{relation: {table: b}}, {unique: true, name: once}]}}");
  EXPECT_EQ(table.tests[0].to, "a");
  EXPECT_EQ(table.tests[1].name, "once");
}

TEST(Table, accepted_values_are_plain_and_different) {
  const auto values = [](const std::string& list) {
    return front_mistakes("columns: {a: {tests: [{accepted_values: " + list + "}]}}");
  };
  EXPECT_THAT(values("[]"), ElementsAre(HasSubstr("at least one value, found an empty one")));
  EXPECT_THAT(values("a"), ElementsAre(HasSubstr("expected a list of at least one value, found 'a'")));
  EXPECT_THAT(values("[a, a]"), ElementsAre(HasSubstr("'a' is listed twice")));
  EXPECT_THAT(values("[a, null]"), ElementsAre(HasSubstr("found nothing")));
  EXPECT_THAT(values("[[a]]"), ElementsAre(HasSubstr("found a list")));
  EXPECT_THAT(values("[" + std::string(1'025, 'a') + "]"), ElementsAre(HasSubstr("allowed are 1024")));
  EXPECT_THAT(front_mistakes("tests: [{accepted_values: {column: a}}]"), ElementsAre(HasSubstr("values: missing")));
  EXPECT_THAT(front_mistakes("tests: [{accepted_values: {values: [a]}}]"), ElementsAre(HasSubstr("needs 'column'")));
}

TEST(Table, a_test_of_the_list_is_one_thing) {
  EXPECT_THAT(front_mistakes("tests: [{unique: [a], not_null: [a]}]"),
              ElementsAre(HasSubstr("this is unique and not_null (write each in an item of its own)")));
  EXPECT_THAT(front_mistakes("tests: [{unique: [a], severity: fatal}]"),
              ElementsAre(HasSubstr("severity: expected one of error, warn, found 'fatal'")));
  EXPECT_THAT(front_mistakes("tests: [{unique: a}]"), ElementsAre(HasSubstr("write [a]")));
  EXPECT_THAT(front_mistakes("tests: [{unique: [a], name: x}, {unique: [b], name: x}]"),
              ElementsAre(HasSubstr("the test 'x' has the name of another one (tables/advertising.sql:2:9)")));
  EXPECT_THAT(front_mistakes("grain: [a]\ntests: [{unique: [a]}]"),
              ElementsAre(HasSubstr("this is tested already, by 'grain'")));
  EXPECT_THAT(front_mistakes("tests:\n  - sql: |\n      SELECT 1;\n      DELETE FROM a\n"),
              ElementsAre(HasSubstr("sql: expected one SELECT, here a second statement begins (line 2 of the SQL)")));
  const Table table = good_front("tests: [{sql: SELECT 1}, {sql: SELECT 2}]");
  EXPECT_EQ(table.tests[1].name, "sql_2");
}

TEST(Table, a_long_default_name_is_shortened_and_stays_its_own) {
  const std::string a(60, 'a'), b(60, 'b');
  const Table table = good_front("tests: [{unique: [" + a + ", " + b + "]}, {unique: [" + a + ", c" + b + "]}]");
  EXPECT_EQ(table.tests[0].name.size(), 63u);
  EXPECT_NE(table.tests[0].name, table.tests[1].name);
}

TEST(Table, limits_are_named) {
  std::string inputs = "inputs:\n", columns = "columns:\n", tests = "tests:\n";
  for (size_t i = 0; i <= kInputsMax; ++i) inputs += "  i" + std::to_string(i) + ": {affects: day}\n";
  for (size_t i = 0; i <= kColumnsMax; ++i) columns += "  c" + std::to_string(i) + ": {}\n";
  for (size_t i = 0; i < kTestsMax + 2; ++i) tests += "  - unique: [c" + std::to_string(i) + "]\n";
  EXPECT_THAT(front_mistakes(inputs), ElementsAre(HasSubstr("inputs: 101 of them, allowed are 100")));
  EXPECT_THAT(front_mistakes(columns), ElementsAre(HasSubstr("columns: 1001 of them, allowed are 1000")));
  EXPECT_THAT(front_mistakes(tests), ElementsAre(HasSubstr("203:5: more tests than the 200 that a table may have")));
  EXPECT_THAT(front_mistakes("description: " + std::string(4'097, 'x')), ElementsAre(HasSubstr("allowed are 4096")));
  EXPECT_THAT(front_mistakes("time_limit: 500ms"), ElementsAre(HasSubstr("allowed: 1s to 7d")));
  EXPECT_THAT(mistakes("SELECT " + std::string(256 << 10, '1')),
              ElementsAre(HasSubstr("1:1: the SQL has 262151 bytes")));
}

TEST(Table, what_is_no_front_matter_or_no_select_is_placed_in_the_file) {
  EXPECT_THAT(mistakes("---\nstored: lake\nSELECT 1"), ElementsAre(HasSubstr("does not end")));
  EXPECT_THAT(mistakes("---\n- a\n---\nSELECT 1"), ElementsAre(HasSubstr("2:1: the table must be a mapping")));
  EXPECT_THAT(mistakes("---\nstored: lake\n---\n\nDROP TABLE a"), ElementsAre(HasSubstr("sql:5:1: expected a SELECT")));
  EXPECT_THAT(mistakes("---\nstored: lake\n---\n-- later\n"), ElementsAre(HasSubstr("sql:4:1: there is no SQL, only")));
}

TEST(Table, any_text_is_answered_and_a_good_one_keeps) {
  std::mt19937 random(21);
  for (int i = 0; i < 3'000; ++i) {
    const std::string text = broken_text(kAdvertising, random);
    const ParsedTable out = parsed(text);
    if (!out.errors.empty()) continue;
    auto back = table_from_json(*Json::parse(to_json(out.table).dump()));
    ASSERT_TRUE(back) << text << back.error().text();
    EXPECT_EQ(*back, out.table) << text;
  }
}

TEST(Table, its_kind_reads_the_files_of_a_project) {
  project::Registry registry;
  registry.add_kind(table_kind());
  project::ReadOptions options;
  options.process_environment = {{"TEAM", "ads"}};
  const project::Sources sources{{{"tables/a.sql", "---\ntags: {team: \"${TEAM}\"}\n---\nSELECT '${TEAM}'\n"},
                                  {"tables/b.sql", "---\nstored: moon\n---\nSELECT 1\n"}}};
  const project::Project project = project::parse_project(sources, registry, options);
  ASSERT_EQ(project.declarations.size(), 1u);
  EXPECT_EQ(project.declarations[0].body["tags"]["team"], Json("ads"));
  EXPECT_EQ(project.declarations[0].body["select"], Json("SELECT '${TEAM}'"));
  ASSERT_EQ(project.errors.size(), 1u);
  EXPECT_THAT(project.errors[0].text(), HasSubstr("tables/b.sql:2:9: stored: expected one of engine, lake"));
}

}  // namespace
}  // namespace weir::flow
