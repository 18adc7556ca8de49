// Goal: what the control database keeps is the table, whatever the table; and the schema knows the keys that the reader
// knows. Method: random tables from a seed through JSON text and back; the reader's own list of keys against the
// schema.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/json_fixture.h"
#include "platform/flow/random_tables.h"
#include "platform/flow/table.h"

namespace weir::flow {
namespace {

using testing::HasSubstr;

TEST(TableJson, random_tables_survive_the_way_through_json_text) {
  expect_survives_json([](uint32_t seed) { return RandomTables(seed).table(); }, table_from_json);
}

TEST(TableJson, every_key_is_written) {
  Table table;
  table.name = "a";
  table.select = "SELECT 1";
  EXPECT_EQ(to_json(table).dump(),
            R"({"format":1,"name":"a","description":"","enabled":true,"tags":{},"stored":"engine","partition":"",)"
            R"("inputs":[],"grain":[],"columns":{},"tests":[],"time_limit":null,"select":"SELECT 1"})");
}

TEST(TableJson, a_newer_format_is_refused_with_the_reason) {
  Json json = to_json(RandomTables(1).table());
  json.set("format", 2);
  auto read = table_from_json(json);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::unsupported);
  EXPECT_THAT(read.error().text(), HasSubstr("newer weir"));
}

TEST(TableJson, what_was_not_written_by_us_is_corrupt) {
  const Json good = to_json(RandomTables(3).table());
  expect_refuses_damage(good, table_from_json);
  Json more = good;
  more.set("more", 1);
  EXPECT_FALSE(table_from_json(more));
  EXPECT_FALSE(table_from_json(Json()));
  for (const char* tests :
       {R"([{"kind":"best","name":"x","severity":"error","columns":["a"]}])",
        R"([{"kind":"unique","name":"x","severity":"error","columns":[]}])",
        R"([{"kind":"relation","name":"x","severity":"error","columns":["a"],"table":"b"}])", "[1]"}) {
    Json broken = good;
    broken.set("tests", *Json::parse(tests));
    EXPECT_FALSE(table_from_json(broken)) << tests;
  }
  Json inputs = good;
  inputs.set("inputs", *Json::parse(R"([{"name":"a","affects":["tomorrow"]}])"));
  EXPECT_THAT(table_from_json(inputs).error().text(), HasSubstr("'tomorrow' is no day of a table"));
}

// The reader names the keys it knows when one is unknown.
TEST(TableJson, the_schema_has_the_keys_of_the_reader) {
  const Json schema = table_schema();
  for (const char* key :
       {"description", "stored", "partition", "inputs", "grain", "columns", "tests", "time_limit", "enabled", "tags"}) {
    EXPECT_NE(schema["properties"].find(key), nullptr) << key;
  }
  EXPECT_EQ(schema["properties"].object().size(), 10u);
  for (const char* name : {"test", "column_rule"}) {
    for (const auto& [key, property] : schema["$defs"][name]["properties"].object()) {
      const std::string text = std::string("---\n") +
                               (std::string(name) == "test" ? "tests: [{" : "columns: {a: {tests: [{") + key +
                               ": ''}]" + (std::string(name) == "test" ? "" : "}}") + "\n---\nSELECT 1";
      for (const Error& error : parse_table(text, "tables/a.sql", "a").errors) {
        EXPECT_THAT(error.text(), testing::Not(HasSubstr("unknown key"))) << text;
      }
    }
  }
}

}  // namespace
}  // namespace weir::flow
