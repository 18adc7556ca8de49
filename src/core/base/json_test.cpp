// JSON values: what parses, what is refused and where, and that a dump reads back to the same value.
#include "core/base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace weir {
namespace {

Json parsed(std::string_view text) {
  auto result = Json::parse(text);
  EXPECT_TRUE(result.has_value()) << text << ": " << (result ? "" : result.error().text());
  return result ? *result : Json();
}

Error refused(std::string_view text, size_t bytes_max = 1 << 20) {
  auto result = Json::parse(text, bytes_max);
  EXPECT_FALSE(result.has_value()) << text;
  return result ? Error(Code::internal, "accepted") : result.error();
}

std::string nested(size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(Json, keeps_kinds_and_the_order_of_keys) {
  Json value = parsed(R"({"z":1,"a":[true,null,"x",-2.5],"m":{"k":18446744073709551615}})");
  EXPECT_EQ(value.object()[0].first, "z");
  EXPECT_EQ(value["z"].as_int(), 1);
  EXPECT_EQ(value["a"].array().size(), 4u);
  EXPECT_TRUE(value["a"].array()[0].as_bool());
  EXPECT_TRUE(value["a"].array()[1].is_null());
  EXPECT_EQ(value["a"].array()[3].as_double(), -2.5);
  EXPECT_EQ(value["m"]["k"].as_uint(), UINT64_MAX);
  EXPECT_EQ(value["m"]["k"].as_int(-7), -7);
  EXPECT_TRUE(value["absent"]["deeper"].is_null());
}

TEST(Json, equal_numbers_are_equal_values_whatever_type_they_came_from) {
  EXPECT_EQ(Json(5), Json(size_t{5}));
  EXPECT_EQ(parsed("5"), Json(5));
  EXPECT_NE(parsed("5.0"), Json(5));
}

TEST(Json, a_dump_reads_back_to_the_same_value) {
  for (const char* text : {R"({"a":[],"b":{},"c":[1,2,{"d":"e"}],"f":1.0,"g":1e+300,"h":-0.1,"i":9223372036854775807})",
                           R"("\u0000\u001f\"\\\n\t\u00e9\ud83d\ude00")", "null", "true", "-9223372036854775808"}) {
    Json value = parsed(text);
    EXPECT_EQ(parsed(value.dump()), value) << text;
    EXPECT_EQ(parsed(value.dump(2)), value) << text;
  }
}

TEST(Json, dump_is_compact_or_indented) {
  Json value;
  value.set("name", "x");
  value.set("list", Json::Array{1, 2});
  value.set("name", "y");
  value.set("empty", Json::Array{});
  EXPECT_EQ(value.dump(), R"({"name":"y","list":[1,2],"empty":[]})");
  EXPECT_EQ(value.dump(2), "{\n  \"name\": \"y\",\n  \"list\": [\n    1,\n    2\n  ],\n  \"empty\": []\n}");
}

TEST(Json, dump_never_writes_what_is_not_json) {
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).dump(), "null");
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).dump(), "null");
  EXPECT_EQ(Json("a\xFF"
                 "b\x01")
                .dump(),
            "\"a\xEF\xBF\xBD"
            "b\\u0001\"");
  EXPECT_EQ(Json(3.0).dump(), "3.0");
}

TEST(Json, errors_name_line_and_column) {
  Error error = refused("{\n  \"a\": 1,\n  \"b\": tru\n}");
  EXPECT_EQ(error.code, Code::invalid);
  ASSERT_TRUE(error.position.has_value());
  EXPECT_EQ(error.position->line, 3);
  EXPECT_GE(error.position->column, 8);
  EXPECT_EQ(error.message.rfind("not JSON: ", 0), 0u) << error.message;
  EXPECT_EQ(error.message.find("exception"), std::string::npos) << error.message;
}

TEST(Json, duplicate_keys_are_refused_at_the_second_one) {
  Error error = refused("{\"a\": 1,\n \"a\": 2}");
  EXPECT_NE(error.message.find("'a' appears twice"), std::string::npos);
  EXPECT_EQ(error.position->line, 2);
  std::string many = "{";
  for (int i = 0; i < 1000; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  EXPECT_TRUE(Json::parse(many + "\"other\":1}").has_value());
  EXPECT_NE(refused(many + "\"k17\":1}").message.find("'k17' appears twice"), std::string::npos);
}

TEST(Json, depth_64_is_read_and_65_is_refused) {
  EXPECT_TRUE(Json::parse(nested(64)).has_value());
  EXPECT_EQ(refused(nested(65)).code, Code::too_large);
  EXPECT_EQ(refused(std::string(1'000'000, '[')).code, Code::too_large);
}

TEST(Json, numbers_that_cannot_be_held_are_refused) {
  EXPECT_EQ(refused("18446744073709551616").code, Code::too_large);
  EXPECT_EQ(refused("-9223372036854775809").code, Code::too_large);
  EXPECT_EQ(refused("1e999").code, Code::invalid);
  EXPECT_EQ(refused("NaN").code, Code::invalid);
  EXPECT_EQ(refused("01").code, Code::invalid);
}

TEST(Json, text_that_is_not_one_document_is_refused) {
  for (const char* text : {"", " ", "{} {}", "[1,]", "{\"a\":1,}", "{a:1}", "'x'", "\"\xFF\"", "\"\xED\xA0\x80\"",
                           "\"\\ud800\"", "\"tab\there\"", "/* c */ 1", "[", "{\"a\"", "{\"a\":"}) {
    EXPECT_EQ(refused(text).code, Code::invalid) << text;
  }
  EXPECT_EQ(refused("[1,2,3]", 6).code, Code::too_large);
  EXPECT_TRUE(Json::parse("[1,2,3]", 7).has_value());
}

TEST(JsonDeath, a_value_of_another_kind_is_not_made_an_array) {
  Json value("text");
  EXPECT_DEATH(value.push(1), "used as an array");
}

}  // namespace
}  // namespace weir
