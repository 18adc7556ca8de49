// One event against a schema: every verdict code is met here, at its place, in words that say what was expected.
#include "stream/capture/event_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "core/io/simulated_clock.h"
#include "stream/capture/test_streams.h"
#include "stream/capture/values.h"

namespace weir::capture {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kAd = R"("ad_id":"0a0a0a0a-0000-7000-8000-000000000001")";
constexpr std::string_view kAt = R"("occurred_at":"2023-11-14 22:13:20.123")";

Judgement judged(const Stream& stream, std::string_view event) {
  return judge(*plan_of(stream), event);
}

void expect_refused(const Stream& stream, std::string_view event, std::string_view code, std::string_view field,
                    std::string_view message = "") {
  const Judgement found = judged(stream, event);
  EXPECT_FALSE(found.fits) << event;
  EXPECT_EQ(found.code, code) << event << " " << found.message;
  EXPECT_EQ(found.field, field) << event;
  EXPECT_THAT(found.message, HasSubstr(std::string(message))) << event;
}

void expect_fits(const Stream& stream, std::string_view event, std::string_view payload) {
  const Judgement found = judged(stream, event);
  EXPECT_TRUE(found.fits) << event << " " << found.code << " " << found.field << " " << found.message;
  EXPECT_EQ(found.payload, payload);
}
void expect_fits(const Stream& stream, std::string_view event) {
  expect_fits(stream, event, event);
}

std::string impression(std::string_view id) {
  return "{\"impression_id\":\"" + std::string(id) + "\"," + std::string(kAd) + "," + std::string(kAt) + "}";
}

TEST(Judge, takes_an_event_that_fits_and_names_its_key_and_time) {
  const std::string event = impression("0b0b0b0b-0000-7000-8000-000000000002");
  const Judgement found = judged(impressions(), event);
  EXPECT_TRUE(found.fits);
  EXPECT_EQ(found.payload, event);
  EXPECT_EQ(found.key, "0b0b0b0b-0000-7000-8000-000000000002");
  EXPECT_TRUE(found.has_time);
  EXPECT_EQ(found.event_time.micros, 1'700'000'000'123'000);
}

TEST(Judge, writes_the_key_in_lower_case_because_capitals_are_the_same_uuid) {
  const Judgement found = judged(impressions(), impression("0B0B0B0B-AAAA-7000-8000-00000000000F"));
  EXPECT_EQ(found.key, "0b0b0b0b-aaaa-7000-8000-00000000000f");
  EXPECT_EQ(found.payload, impression("0b0b0b0b-aaaa-7000-8000-00000000000f"));
}

TEST(Judge, leaves_room_for_a_missing_key_at_the_front) {
  const std::string rest = std::string(kAd) + "," + std::string(kAt) + "}";
  const std::string assigned = R"({"impression_id":"000000000000000000000000000000000000",)" + rest;
  for (const std::string& event :
       {"{" + rest, "{\"impression_id\":null," + rest, "{ \"impression_id\" : null , " + rest}) {
    const Judgement found = judged(impressions(), event);
    EXPECT_TRUE(found.fits) << found.message;
    EXPECT_TRUE(found.key_absent);
    EXPECT_EQ(found.payload, assigned);
  }
  Stream lone;
  lone.fields = {field_of("id", FieldType::string)};
  lone.key = "id";
  EXPECT_EQ(judged(lone, "{}").payload, R"({"id":"000000000000000000000000000000000000"})");
  EXPECT_EQ(judged(lone, R"( { "id" : null } )").payload, R"({"id":"000000000000000000000000000000000000"})");
  lone.assign_key = false;
  expect_refused(lone, "{}", "missing_field", "id", "key");
}

TEST(Judge, takes_white_space_out_between_tokens_only) {
  expect_fits(everything(), " {\r\n\t\"name\" : \"a  b\\n\" ,\n \"free\" : [ 1 , { \"x\" : null } , [ ] , { } ] } ",
              R"({"name":"a  b\n","free":[1,{"x":null},[],{}]})");
}

TEST(Judge, names_a_required_field_that_is_missing_or_null) {
  expect_refused(impressions(), "{" + std::string(kAt) + "}", "missing_field", "ad_id", "uuid");
  expect_refused(impressions(), "{\"ad_id\":null," + std::string(kAt) + "}", "wrong_type", "ad_id", "found null");
  expect_refused(everything(), R"({"device":{"cores":1}})", "missing_field", "device.os");
  expect_refused(everything(), R"({"items":[{"sku":"a"},{"price":1}]})", "missing_field", "items[1].sku");
  expect_fits(everything(), R"({"name":null,"count":null,"items":null,"device":null,"at":null})");
}

TEST(Judge, names_a_value_of_the_wrong_type_with_what_was_found) {
  const Stream s = everything();
  expect_refused(s, R"({"flag":"true"})", "wrong_type", "flag", "found the text 'true', expected true or false");
  expect_refused(s, R"({"count":"1"})", "wrong_type", "count", "expected an integer");
  expect_refused(s, R"({"count":1.0})", "wrong_type", "count", "without fraction");
  expect_refused(s, R"({"count":1e3})", "wrong_type", "count", "found the number 1e3");
  expect_refused(s, R"({"ratio":true})", "wrong_type", "ratio", "found true, expected a number");
  expect_refused(s, R"({"name":12})", "wrong_type", "name", "found the number 12, expected a string");
  expect_refused(s, R"({"user":"0b0b0b0b"})", "wrong_type", "user", "expected a uuid");
  expect_refused(s, R"({"at":1700000000})", "wrong_type", "at", "expected a timestamp");
  expect_refused(s, R"({"at":"2023-02-29 00:00:00"})", "wrong_type", "at", "2023-02-29");
  expect_refused(s, R"({"day":"2023-11-14T00:00"})", "wrong_type", "day", "YYYY-MM-DD");
  expect_refused(s, R"({"price":"1,50"})", "wrong_type", "price", "decimal(9,2)");
  expect_refused(s, R"({"device":[]})", "wrong_type", "device", "found an array, expected an object");
  expect_refused(s, R"({"items":{}})", "wrong_type", "items", "found an object, expected an array");
  expect_refused(s, R"({"items":[{"sku":"a","price":"x"}]})", "wrong_type", "items[0].price", "");
  expect_refused(s, R"({"items":[null]})", "wrong_type", "items[0]", "found null");
}

TEST(Judge, takes_every_type_it_declares) {
  expect_fits(everything(),
              R"({"id":"a","flag":false,"count":-9223372036854775808,"ratio":1e-999,"price":"1.50","name":"ü\u00e9",)"
              R"("user":"0B0b0b0b-0000-7000-8000-000000000002","at":"2023-11-14T22:13:20+01:00","day":"2024-02-29",)"
              R"("free":{"any":[1,2.5,"x",null,true]},"device":{"os":"x","cores":8,"more":1},)"
              R"("items":[{"sku":"a","price":1.25},{"sku":"b","other":[]}]})");
  expect_fits(everything(), R"({"price":12345.6e-1,"count":9223372036854775807,"ratio":-0})");
}

TEST(Judge, checks_values_lengths_bounds_and_patterns) {
  Stream s = everything();
  s.fields[5].values = {"red", "green"};
  expect_fits(s, R"({"name":"red"})");
  expect_fits(s, R"({"name":"gr\u0065en"})");
  expect_refused(s, R"({"name":"blue"})", "not_in_values", "name", "found 'blue', expected one of 'red', 'green'");

  s = everything();
  s.fields[5].length_min = 2;
  s.fields[5].length_max = 3;
  expect_fits(s, R"({"name":"äöü"})");
  expect_refused(s, R"({"name":"ä"})", "out_of_range", "name", "found 1 characters, expected at least 2");
  expect_refused(s, R"({"name":"abcd"})", "out_of_range", "name", "at most 3");

  s = everything();
  s.fields[5].pattern = "[a-z]+-\\d+";
  expect_fits(s, R"({"name":"ab-12"})");
  expect_refused(s, R"({"name":"ab-12x"})", "pattern", "name", "whole text");

  s = everything();
  for (size_t i : {2u, 3u, 4u}) {
    s.fields[i].minimum = -1.5;
    s.fields[i].maximum = 10;
  }
  expect_fits(s, R"({"count":10,"ratio":-1.5,"price":-1.50})");
  expect_refused(s, R"({"count":11})", "out_of_range", "count", "found 11, expected at most 10");
  expect_refused(s, R"({"count":-2})", "out_of_range", "count", "at least -1.5");
  expect_refused(s, R"({"ratio":10.01})", "out_of_range", "ratio");
  expect_refused(s, R"({"price":"10.01"})", "out_of_range", "price");
  expect_refused(everything(), R"({"price":1.005})", "out_of_range", "price", "cannot hold exactly");
  expect_refused(everything(), R"({"price":12345678.9})", "out_of_range", "price");

  s = everything();
  s.fields[11].length_max = 1;
  expect_refused(s, R"({"items":[{"sku":"a"},{"sku":"b"}]})", "out_of_range", "items", "found 2 items");
}

TEST(Judge, keeps_drops_or_refuses_unknown_fields_at_every_level) {
  const std::string event = R"({"x":1, "name":"n", "y":[1, 2], "device":{"z":{}, "os":"l", "w":1}, "v":"last"})";
  Stream s = everything();
  expect_fits(s, event, R"({"x":1,"name":"n","y":[1,2],"device":{"z":{},"os":"l","w":1},"v":"last"})");
  s.unknown = UnknownFields::drop;
  expect_fits(s, event, R"({"name":"n","device":{"os":"l"}})");
  expect_fits(s, R"({ "x" : 1 , "y" : 2 })", "{}");
  expect_fits(s, R"({ "x" : 1 , "y" : 2 , "name" : "n" })", R"({"name":"n"})");
  s.unknown = UnknownFields::refuse;
  expect_refused(s, event, "unknown_field", "x", "");
  expect_refused(s, R"({"nane":1})", "unknown_field", "nane", "did you mean 'name'?");
  expect_refused(s, R"({"device":{"os":"x","core":1}})", "unknown_field", "device.core", "cores");
}

TEST(Judge, takes_a_renamed_field_under_its_former_name_too) {
  Stream s = impressions();
  s.fields[1].was = "advert";
  expect_fits(s,
              "{\"impression_id\":\"0b0b0b0b-0000-7000-8000-000000000002\",\"advert\":\"0a0a0a0a-0000-7000-8000-"
              "000000000001\"," +
                  std::string(kAt) + "}");
  expect_refused(
      s, "{\"advert\":\"0a0a0a0a-0000-7000-8000-000000000001\"," + std::string(kAd) + "," + std::string(kAt) + "}",
      "duplicate_key_in_json", "ad_id");
}

TEST(Judge, refuses_a_key_given_twice_at_any_level_however_it_is_written) {
  expect_refused(everything(), R"({"name":"a","name":"b"})", "duplicate_key_in_json", "name");
  expect_refused(everything(), R"({"name":"a","n\u0061me":"b"})", "duplicate_key_in_json", "name");
  expect_refused(everything(), R"({"x":1,"y":2,"x":3})", "duplicate_key_in_json", "");
  expect_refused(everything(), R"({"free":{"a":{"b":1,"\u0062":2}}})", "duplicate_key_in_json", "free");
  std::string many = R"({"free":{)";
  for (int i = 0; i < 5000; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  expect_fits(everything(), many + R"("last":1}})");
  expect_refused(everything(), many + R"("k77":1}})", "duplicate_key_in_json", "free", "given twice");
}

TEST(Judge, refuses_what_json_cannot_carry_before_it_judges_fields) {
  const Stream s = everything();
  expect_refused(s, "{\"name\":\"\xff\"}", "bad_utf8", "name", "byte 9");
  expect_refused(s, "{\"free\":\"\xed\xa0\x80\"}", "bad_utf8", "free");
  expect_refused(s, R"({"name":"\ud800"})", "bad_utf8", "name", "surrogate");
  expect_refused(s, R"({"count":9223372036854775808})", "integer_range", "count");
  expect_refused(s, R"({"x":18446744073709551616})", "integer_range", "x");
  expect_refused(s, R"({"free":[-9223372036854775809]})", "integer_range", "free");
  expect_fits(s, R"({"free":[18446744073709551615,-9223372036854775808]})");
  expect_refused(s, R"({"ratio":1e999})", "not_finite", "ratio");
  expect_refused(s, R"({"x":-1e400})", "not_finite", "x");
  expect_refused(s, R"({"x":1)" + std::string(400, '0') + ".5e-1}", "not_finite", "x");
  expect_fits(s, R"({"x":0.0000000001e-999999999999,"y":0e999999999})");
  expect_refused(s, R"({"count":"wrong","name":tru})", "syntax", "name", "byte 24");
  for (std::string_view broken : {"",
                                  "{",
                                  "{}}",
                                  "[]",
                                  "1",
                                  "{\"a\"}",
                                  "{\"a\":}",
                                  "{\"a\":1,}",
                                  "{a:1}",
                                  "{'a':1}",
                                  "{\"a\":01}",
                                  "{\"a\":+1}",
                                  "{\"a\":.5}",
                                  "{\"a\":1.}",
                                  "{\"a\":1e}",
                                  "{\"a\":\"\n\"}",
                                  "{\"a\":\"\\x\"}",
                                  "{\"a\":\"\\u12\"}",
                                  "{\"a\":[1,]}",
                                  "{\"a\":NaN}",
                                  "{\"a\":nul}",
                                  "{\"a\":\"",
                                  "{\"a\":1 \"b\":2}",
                                  "{\"a\":\"\0\"}"}) {
    expect_refused(
        s, broken, "syntax",
        broken.find("\"a\":") == std::string_view::npos || broken == "{\"a\":1,}" || broken == "{\"a\":1 \"b\":2}"
            ? ""
            : "a");
  }
}

TEST(Judge, refuses_more_than_the_allowed_depth_and_takes_all_of_it) {
  auto nested = [](int levels) {
    return "{\"free\":" + std::string(static_cast<size_t>(levels - 1), '[') +
           std::string(static_cast<size_t>(levels - 1), ']') + "}";
  };
  expect_fits(everything(), nested(32));
  expect_refused(everything(), nested(33), "too_deep", "free");
  expect_refused(everything(), nested(100'000), "too_deep", "free");
}

TEST(Judge, gives_every_scalar_key_one_canonical_text) {
  Stream s;
  auto key_of = [&](FieldType type, std::string_view value) {
    s.fields = {field_of("k", type)};
    s.fields[0].scale = 2;
    s.key = "k";
    return judged(s, "{\"k\":" + std::string(value) + "}").key;
  };
  EXPECT_EQ(key_of(FieldType::integer, "-0"), "0");
  EXPECT_EQ(key_of(FieldType::integer, "-12"), "-12");
  EXPECT_EQ(key_of(FieldType::decimal, "\"1.5\""), "1.50");
  EXPECT_EQ(key_of(FieldType::decimal, "15e-1"), "1.50");
  EXPECT_EQ(key_of(FieldType::string, R"("a\u0062")"), "ab");
  EXPECT_EQ(key_of(FieldType::timestamp, R"("2023-11-14 23:13:20+01:00")"), "2023-11-14T22:13:20.000000Z");
  EXPECT_EQ(key_of(FieldType::date, R"("2023-11-14")"), "2023-11-14");
  s.fields = {field_of("k", FieldType::string)};
  expect_refused(s, R"({"k":""})", "out_of_range", "k", "empty");
  expect_refused(s, "{\"k\":\"" + std::string(1025, 'x') + "\"}", "out_of_range", "k", "1025 bytes");
}

TEST(Decimal, holds_exactly_or_not_at_all) {
  int64_t value = 0;
  auto fits = [&](std::string_view text, int precision, int scale) {
    return parse_decimal(text, precision, scale, value) == DecimalFit::exact;
  };
  EXPECT_TRUE(fits("0.1", 18, 3) && value == 100);
  EXPECT_TRUE(fits("-12.340", 4, 2) && value == -1234);
  EXPECT_TRUE(fits("1500", 4, 0) && value == 1500);
  EXPECT_TRUE(fits("1500e-2", 4, 2) && value == 1500);
  EXPECT_TRUE(fits("000.000", 1, 0) && value == 0);
  EXPECT_TRUE(fits("0e999999999999", 1, 0) && value == 0);
  EXPECT_TRUE(fits("999999999999999999", 18, 0) && value == 999'999'999'999'999'999);
  EXPECT_TRUE(fits("1e17", 18, 0) && value == 100'000'000'000'000'000);
  EXPECT_FALSE(fits("1e18", 18, 0));
  EXPECT_FALSE(fits("0.001", 18, 2));
  EXPECT_FALSE(fits("1234567890123456789", 18, 0));
  for (std::string_view text : {"", "-", ".5", "5.", "1e", "1e+", "+1", "1 ", " 1", "0x1", "1.2.3", "e5"}) {
    EXPECT_EQ(parse_decimal(text, 18, 3, value), DecimalFit::not_a_number) << text;
  }
  EXPECT_EQ(format_decimal(-5, 2), "-0.05");
  EXPECT_EQ(format_decimal(1234, 0), "1234");
  EXPECT_EQ(format_decimal(INT64_MIN, 0), "-9223372036854775808");
}

// The referee: whatever bytes come, what we take is JSON to simdjson too and stays so in canonical form, with the same
// values; and what simdjson refuses, we refuse.
TEST(Judge, agrees_with_simdjson_about_mutated_events) {
  SeededRandom random(20231114);
  simdjson::dom::parser parser;
  const auto plan = plan_of(everything());
  const std::string seed =
      R"({"id":"a","flag":false,"count":-12,"ratio":1.5e3,"price":"1.50","name":"ü\u00e9\n","user":"0B0b0b0b-0000-)"
      R"(7000-8000-000000000002","free":{"any":[1,2.5,"x",null,true,{"k":{}}]},"device":{"os":"x","more":1},"items":[]})";
  constexpr std::string_view kAlphabet = "{}[]\",:\\ \n\t0123456789.eE+-truefalsn/\x01\x80\xc3\xbc\xff";
  size_t taken = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string event = seed;
    const uint64_t changes = 1 + random_below(random, 3);
    for (uint64_t i = 0; i < changes; ++i) {
      const size_t at = random_below(random, event.size());
      const char c = kAlphabet[random_below(random, kAlphabet.size())];
      switch (random_below(random, 3)) {
        case 0:
          event[at] = c;
          break;
        case 1:
          event.insert(at, 1, c);
          break;
        default:
          event.erase(at, 1 + random_below(random, 4));
      }
    }
    const Judgement found = judge(*plan, event);
    simdjson::dom::element element;
    const bool json = parser.parse(event).get(element) == simdjson::SUCCESS && element.is_object();
    if (!json) {
      EXPECT_FALSE(found.fits) << event;
      EXPECT_TRUE(found.code == "syntax" || found.code == "bad_utf8" || found.code == "integer_range" ||
                  found.code == "not_finite" || found.code == "duplicate_key_in_json")
          << event << " " << found.code;
    }
    if (json) {
      EXPECT_TRUE(found.code != "syntax" && found.code != "bad_utf8") << event << " " << found.message;
    }
    if (!found.fits) continue;
    ++taken;
    const std::string before = simdjson::minify(element);
    ASSERT_EQ(parser.parse(found.payload).get(element), simdjson::SUCCESS) << found.payload;
    EXPECT_EQ(before, std::string(simdjson::minify(element))) << event;
    EXPECT_EQ(found.payload.find('\n'), std::string::npos);
  }
  EXPECT_GT(taken, 1000u);
}

}  // namespace
}  // namespace weir::capture
