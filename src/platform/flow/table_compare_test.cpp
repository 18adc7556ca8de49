// Goal: every change of a table is told once, and what is computed again is told exactly when the content's hash
// changes. Method: two small files each, and random tables against each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/flow/random_tables.h"
#include "platform/flow/table.h"

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Table declared(const std::string& text) {
  ParsedTable out = parse_table(text, "tables/orders.sql", "orders");
  for (const Error& error : out.errors) ADD_FAILURE() << error.text() << "\n" << text;
  return out.table;
}
std::string with(const std::string& front, const std::string& select = "SELECT a FROM b") {
  return "---\n" + front + "\n---\n" + select;
}
bool recomputes(const std::vector<project::Difference>& differences) {
  return std::any_of(differences.begin(), differences.end(),
                     [](const auto& one) { return one.detail.ends_with("its content is computed again"); });
}
std::vector<std::string> changes(const std::string& before, const std::string& after) {
  const Table from = declared(before), to = declared(after);
  const auto differences = compare(from, to);
  EXPECT_EQ(recomputes(differences), content_hash(from) != content_hash(to)) << before << "\n" << after;
  std::vector<std::string> out;
  for (const project::Difference& one : differences) {
    EXPECT_TRUE(one.compatible) << one.detail;
    out.push_back(one.detail);
  }
  return out;
}

TEST(TableCompare, a_changed_select_is_computed_again) {
  EXPECT_THAT(changes("SELECT a FROM b", "SELECT a, c FROM b"),
              ElementsAre("the SELECT changes; its content is computed again"));
  EXPECT_THAT(changes("SELECT a FROM b", "SELECT a FROM b;\n"), IsEmpty());
  EXPECT_THAT(changes("SELECT a FROM b", "-- why\nSELECT a\nFROM b"),
              ElementsAre("the SELECT is laid out differently, with the same words; nothing is computed again"));
}

TEST(TableCompare, partition_place_and_affects_are_computed_again) {
  EXPECT_THAT(changes(with(""), with("partition: day")),
              ElementsAre("the partition changes from none to day; its content is computed again"));
  EXPECT_THAT(changes(with("partition: day"), with("partition: week")),
              ElementsAre("the partition changes from day to week; its content is computed again"));
  EXPECT_THAT(changes(with(""), with("stored: lake")),
              ElementsAre("it is stored in the lake instead of the engine; its content is computed again"));
  EXPECT_THAT(
      changes(with("partition: d\ninputs: {x: {}}"), with("partition: d\ninputs: {x: {affects: [day, day-1]}}")),
      ElementsAre("input x: a day of it touches day-1..day, it was day; its content is computed again"));
  EXPECT_THAT(changes(with("partition: d\ninputs: {x: {}}"), with("partition: d\ninputs: {y: {affects: month}}")),
              ElementsAre("input y is added (a day of it touches: month); its content is computed again",
                          "input x is removed; its content is computed again"));
  EXPECT_THAT(changes(with("inputs: {x: {}}"), with("inputs: {y: {}}")),
              ElementsAre("input y is added", "input x is removed"));
}

TEST(TableCompare, what_is_said_about_the_rows_computes_nothing) {
  EXPECT_THAT(changes(with("description: a\ntags: {a: b}\ntime_limit: 1m"), with("enabled: false\ntags: {a: c}")),
              ElementsAre("the description changes", "it is no longer kept up to date; what is there stays",
                          "the tags change", "time_limit changes from 1m to none"));
  EXPECT_THAT(changes(with("grain: [a]"), with("grain: [a, b]")),
              ElementsAre("the grain changes from a to a, b", "test grain changes"));
  EXPECT_THAT(changes(with("columns: {a: {description: x}, b: {description: y}}"),
                      with("columns: {a: {description: z}, c: {description: y}}")),
              ElementsAre("the descriptions of columns change: a, c, b"));
  EXPECT_THAT(changes(with("tests: [{unique: [a]}, {not_null: [a]}]"),
                      with("tests: [{unique: [a], severity: warn}, {not_null: [b]}]")),
              ElementsAre("test unique_a: a failure is now of severity warn", "test not_null_b is added",
                          "test not_null_a is removed"));
  EXPECT_THAT(changes(with("tests: [{unique: [a]}, {not_null: [a]}]"), with("tests: [{not_null: [a]}, {unique: [a]}]")),
              ElementsAre("the tests run in another order"));
}

TEST(TableCompare, random_tables_differ_exactly_if_something_is_told) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const Table a = RandomTables(seed).table(), b = RandomTables(seed + 1'000).table();
    EXPECT_THAT(compare(a, a), IsEmpty()) << seed;
    EXPECT_EQ(compare(a, b).empty(), a == b) << seed;
    EXPECT_EQ(recomputes(compare(a, b)), content_hash(a) != content_hash(b)) << seed;
  }
}

TEST(TableCompare, the_hash_is_of_the_content_alone) {
  Table table;
  table.select = "SELECT 1";
  const uint64_t first = content_hash(table);
  table.name = "other";
  table.description = "x";
  EXPECT_EQ(content_hash(table), first);
  table.select = "SELECT 2";
  EXPECT_NE(content_hash(table), first);
}

TEST(TableCompare, what_a_newer_weir_applied_is_not_overwritten) {
  const project::Kind kind = table_kind();
  const Json to = to_json(declared("SELECT 1"));
  Json from = to;
  from.set("format", 9);
  const auto differences = kind.compare(from, to);
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_FALSE(differences[0].compatible);
  EXPECT_THAT(differences[0].reason, HasSubstr("format 9"));
}

}  // namespace
}  // namespace weir::flow
