// Goal: what the control database keeps is the stream, whatever the stream; and the schema knows the keys that the
// reader knows. Method: random streams from a seed through JSON text and back; the reader's own lists of keys against
// the schema.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "core/base/json_fixture.h"
#include "stream/capture/declaration.h"
#include "stream/capture/random_streams.h"

namespace weir::capture {
namespace {

using testing::HasSubstr;

TEST(DeclarationJson, random_streams_survive_the_way_through_json_text) {
  expect_survives_json([](uint32_t seed) { return RandomStreams(seed).stream(); }, stream_from_json);
}

TEST(DeclarationJson, what_is_parsed_survives_too) {
  const ParsedStream parsed = parse_stream(R"(
fields:
  k: integer
  d: {type: decimal, precision: 18, scale: 0, default: -0.0, min: -0.1}
  j: {type: json, default: 18446744073709551615}
key: k
retention: 90m
)",
                                           "streams/x.yaml", "x");
  ASSERT_EQ(parsed.errors.size(), 1u) << "a retention below a day";
  auto back = stream_from_json(*Json::parse(to_json(parsed.stream).dump()));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, parsed.stream);
}

TEST(DeclarationJson, a_newer_format_is_refused_with_the_reason) {
  Json json = to_json(RandomStreams(1).stream());
  json.set("format", 3);
  auto read = stream_from_json(json);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::unsupported);
  EXPECT_THAT(read.error().text(), HasSubstr("newer weir"));
}

TEST(DeclarationJson, a_stream_without_history_is_written_as_an_older_weir_reads_it) {
  Stream stream = RandomStreams(1).stream();
  EXPECT_EQ(to_json(stream)["format"].as_int(), 1);
  stream.fields.front().former = {"first", "second"};
  stream.fields.front().initial = Json("x");
  stream.retired.push_back(stream.fields.front());
  const Json json = to_json(stream);
  EXPECT_EQ(json["format"].as_int(), 2);
  EXPECT_EQ(*stream_from_json(*Json::parse(json.dump())), stream);
}

TEST(DeclarationJson, what_was_not_written_by_us_is_corrupt) {
  const Json good = to_json(RandomStreams(3).stream());
  expect_refuses_damage(good, stream_from_json);
  Json more = good;
  more.set("colour", "red");
  EXPECT_THAT(stream_from_json(more).error().text(), HasSubstr("unknown key 'colour'"));
  for (const Json& nothing : {Json(), Json(1), Json("x"), Json(Json::Array{}), Json(Json::Object{})}) {
    EXPECT_FALSE(stream_from_json(nothing));
  }
}

// The keys that the reader names when a key is far from all of them.
std::set<std::string> known_keys(const std::string& text, const std::string& strange) {
  for (const Error& error : parse_stream(text, "x.yaml", "x").errors) {
    const size_t at = error.hint.find("known: ");
    if (error.message.find(strange) == std::string::npos || at == std::string::npos) continue;
    std::set<std::string> out;
    std::string rest = error.hint.substr(at + 7) + ", ";
    for (size_t end = rest.find(", "); end != std::string::npos; end = rest.find(", ")) {
      out.insert(rest.substr(0, end));
      rest.erase(0, end + 2);
    }
    return out;
  }
  return {};
}

std::set<std::string> keys_of(const Json& properties) {
  std::set<std::string> out;
  for (const auto& [key, value] : properties.object()) out.insert(key);
  return out;
}

TEST(DeclarationJson, the_schema_has_the_keys_that_the_reader_knows) {
  const Json schema = stream_schema();
  std::set<std::string> stream = known_keys("fields: {}\nzzzzzzzzzzzzzzzzzzzz: 1\n", "zzzz");
  EXPECT_EQ(stream.erase("name"), 1u) << "asked for only to be refused with a better message";
  EXPECT_EQ(stream, keys_of(schema["properties"]));
  EXPECT_EQ(known_keys("fields: {f: {type: string, zzzzzzzzzzzzzzzzzzzz: 1}}\n", "zzzz"),
            keys_of(schema["$defs"]["rules"]["properties"]));
  EXPECT_EQ(known_keys("fields: {}\nbeacon: {path: /a, batch: b, zzzzzzzzzzzzzzzzzzzz: 1}\n", "zzzz"),
            keys_of(schema["properties"]["beacon"]["properties"]));
}

TEST(DeclarationJson, the_schema_names_every_type_that_the_reader_takes) {
  const Json schema = stream_schema();
  for (const Json& word : schema["$defs"]["rules"]["properties"]["type"]["enum"].array()) {
    const std::string type = word.as_string();
    const std::string more = type == "object" ? ", fields: {a: string}" : type == "array" ? ", items: string" : "";
    EXPECT_TRUE(parse_stream("fields: {f: {type: " + type + more + "}}", "x.yaml", "x").errors.empty()) << type;
  }
}

}  // namespace
}  // namespace weir::capture
