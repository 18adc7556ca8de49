// Results as text: what a spreadsheet, jq and a page must read back.
#include "platform/warehouse/result_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/json.h"

namespace weir::warehouse {
namespace {

std::string csv(const ResultRow& row) {
  std::string out;
  append_csv_row(out, row);
  return out;
}

std::string json(const ResultRow& row) {
  std::string out;
  append_json_row(out, row);
  return out;
}

TEST(ResultText, csv_tells_null_from_an_empty_text) {
  EXPECT_EQ(csv({nullptr, std::string(), std::string("a")}), ",\"\",a\r\n");
}

TEST(ResultText, csv_quotes_what_would_break_the_record) {
  EXPECT_EQ(csv({std::string("a,b"), std::string("say \"hi\""), std::string("\"")}),
            "\"a,b\",\"say \"\"hi\"\"\",\"\"\"\"\r\n");
  EXPECT_EQ(csv({std::string("line\nbreak"), std::string("carriage\r"), std::string(" spaces ")}),
            "\"line\nbreak\",\"carriage\r\", spaces \r\n");
}

TEST(ResultText, csv_header_quotes_names_too) {
  std::string out;
  append_csv_header(out, {{.name = "id", .type = "UUID"}, {.name = "count(*), all", .type = "BIGINT"}});
  EXPECT_EQ(out, "id,\"count(*), all\"\r\n");
}

TEST(ResultText, numbers_are_exact) {
  const int64_t least = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(csv({least, int64_t{9007199254740993}, 0.1, 1e300, -0.0, true, false}),
            "-9223372036854775808,9007199254740993,0.1,1e+300,-0,true,false\r\n");
  EXPECT_EQ(json({least, 0.30000000000000004, 5.0}), "[-9223372036854775808,0.30000000000000004,5]");
}

TEST(ResultText, numbers_that_json_does_not_know_are_texts) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(json({std::nan(""), infinity, -infinity, nullptr}), R"(["NaN","Infinity","-Infinity",null])");
  EXPECT_EQ(csv({std::nan(""), infinity, -infinity}), "NaN,Infinity,-Infinity\r\n");
}

TEST(ResultText, json_rows_survive_any_text) {
  const std::string ugly = std::string("q\"b\\ \n\t\x01 ") + "\xE2\x80\xA8 \xF0\x9F\x8C\x8A";
  const auto parsed = Json::parse(json({ugly, std::string("\xFF")}));
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ(parsed->array()[0].as_string(), ugly);
  EXPECT_EQ(parsed->array()[1].as_string(), "\xEF\xBF\xBD");  // no valid UTF-8: the replacement character
}

TEST(ResultText, ndjson_nests_what_is_json_and_keeps_each_row_on_one_line) {
  const NdjsonWriter writer(
      {{.name = "a b", .type = "INTEGER"}, {.name = "payload", .type = "JSON"}, {.name = "tags", .type = "VARCHAR[]"}});
  std::string out;
  writer.append_row(out, {int64_t{1}, std::string("{\n  \"x\": [1, 2]\n}"), std::string(R"(["u","v"])")});
  writer.append_row(out, {nullptr, nullptr, nullptr});
  writer.append_row(out, {int64_t{2}, std::string("{broken"), std::string("[]")});
  EXPECT_EQ(out,
            "{\"a b\":1,\"payload\":{\"x\":[1,2]},\"tags\":[\"u\",\"v\"]}\n"
            "{\"a b\":null,\"payload\":null,\"tags\":null}\n"
            "{\"a b\":2,\"payload\":\"{broken\",\"tags\":[]}\n");
}

TEST(ResultText, ndjson_never_writes_a_key_twice) {
  EXPECT_EQ(distinct_names({{.name = "a", .type = ""},
                            {.name = "a", .type = ""},
                            {.name = "a_1", .type = ""},
                            {.name = "a", .type = ""},
                            {.name = "", .type = ""},
                            {.name = "", .type = ""}}),
            (std::vector<std::string>{"a", "a_2", "a_1", "a_3", "", "_1"}));
}

}  // namespace
}  // namespace weir::warehouse
