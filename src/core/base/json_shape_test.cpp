// Goal: what was written reads back, and anything else is told by its first difference. Method: small objects.
#include "core/base/json_shape.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

struct Thing {
  std::string name;
  bool is_on = false;
  int64_t count = 0;
  double ratio = 0;
  Duration wait;
  std::optional<Duration> limit = seconds(1);
  std::vector<std::string> words;
  std::map<std::string, std::string> tags;
  int colour = 0;
};

constexpr const char* kGood = R"({"name":"a","is_on":true,"count":3,"ratio":0.5,"wait":"5s","limit":null,
  "words":["x","y"],"tags":{"k":"v"},"colour":"red"})";

std::string read(const std::string& text, Thing& into) {
  const auto json = Json::parse(text);
  EXPECT_TRUE(json) << text;
  std::string wrong;
  JsonShape in(*json, "the thing", wrong);
  in.text("name", into.name);
  in.flag("is_on", into.is_on);
  in.integer("count", into.count, 0, 9);
  in.number("ratio", into.ratio);
  in.duration("wait", into.wait);
  in.duration("limit", into.limit);
  in.texts("words", into.words);
  in.text_map("tags", into.tags);
  in.choice("colour", into.colour, {{"red", 1}, {"blue", 2}});
  in.finish();
  return wrong;
}

std::string with(const std::string& key, const std::string& value) {
  Json json = *Json::parse(kGood);
  json.set(key, *Json::parse(value));
  Thing thing;
  return read(json.dump(), thing);
}

TEST(JsonShape, reads_what_was_written) {
  Thing thing;
  EXPECT_EQ(read(kGood, thing), "");
  EXPECT_EQ(thing.name, "a");
  EXPECT_TRUE(thing.is_on);
  EXPECT_EQ(thing.count, 3);
  EXPECT_EQ(thing.ratio, 0.5);
  EXPECT_EQ(thing.wait, seconds(5));
  EXPECT_FALSE(thing.limit.has_value());
  EXPECT_EQ(thing.words, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(thing.tags, (std::map<std::string, std::string>{{"k", "v"}}));
  EXPECT_EQ(thing.colour, 1);
  EXPECT_EQ(with("limit", "\"2s\""), "");
}

TEST(JsonShape, says_what_is_not_as_it_was_written) {
  EXPECT_EQ(with("name", "1"), "the thing name is no text");
  EXPECT_EQ(with("is_on", "1"), "the thing is_on is neither true nor false");
  EXPECT_EQ(with("count", "1.5"), "the thing count is no integer");
  EXPECT_EQ(with("count", "10"), "the thing count is 10");
  EXPECT_EQ(with("count", "18446744073709551615"), "the thing count is no integer");
  EXPECT_EQ(with("ratio", "\"1\""), "the thing ratio is no number");
  EXPECT_EQ(with("wait", "\"5\""), "the thing wait is no duration");
  EXPECT_EQ(with("limit", "5"), "the thing limit is no text");
  EXPECT_EQ(with("words", "\"x\""), "the thing words is no list");
  EXPECT_EQ(with("words", "[1]"), "the thing words has an item that is no text");
  EXPECT_EQ(with("tags", "[]"), "the thing tags is no object");
  EXPECT_EQ(with("tags", "{\"k\":1}"), "the thing tags has a value that is no text");
  EXPECT_EQ(with("colour", "\"green\""), "the thing colour is 'green'");
  EXPECT_EQ(with("more", "1"), "the thing has the unknown key 'more'");
  Thing thing;
  EXPECT_EQ(read("{}", thing), "the thing lacks name");
  EXPECT_EQ(read("[]", thing), "the thing is no object");
}

}  // namespace
}  // namespace weir
