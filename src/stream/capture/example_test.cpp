#include "stream/capture/example.h"

#include <gtest/gtest.h>

namespace weir::capture {
namespace {

constexpr WallTime kNow{1'700'000'000'123'456};

Field field(const char* name, FieldType type, bool required = true) {
  Field out;
  out.name = name;
  out.type = type;
  out.required = required;
  return out;
}

TEST(ExampleEvent, has_what_is_required_and_nothing_else) {
  Stream stream;
  stream.key = "event_id";
  stream.fields = {field("event_id", FieldType::uuid, false), field("type", FieldType::string),
                   field("at", FieldType::timestamp), field("country", FieldType::string, false)};
  EXPECT_EQ(example_event(stream, kNow), R"({"type":"something","at":"2023-11-14T22:13:20Z"})");
}

TEST(ExampleEvent, keeps_to_the_rules_of_the_fields) {
  Field kind = field("kind", FieldType::string), code = field("code", FieldType::string);
  kind.values = {"view", "click"};
  code.length_min = 2;
  code.length_max = 3;
  Field age = field("age", FieldType::integer), share = field("share", FieldType::number);
  age.minimum = 17.5;
  share.maximum = 0.5;
  Field where = field("where", FieldType::object), tags = field("tags", FieldType::array);
  where.fields = {share, field("y", FieldType::string, false)};
  tags.length_min = 1;
  tags.items = {field("", FieldType::date, false)};
  Stream stream;
  stream.fields = {kind, code, age, where, tags};
  EXPECT_EQ(example_event(stream, kNow),
            R"({"kind":"view","code":"som","age":18,"where":{"share":0.5},"tags":["2023-11-14"]})");
}

TEST(ExampleEvent, has_one_field_where_nothing_is_required) {
  Stream stream;
  stream.key = "id";
  stream.fields = {field("id", FieldType::uuid, false), field("user", FieldType::boolean, false)};
  EXPECT_EQ(example_event(stream, kNow), R"({"user":true})");
  stream.fields.pop_back();
  EXPECT_EQ(example_event(stream, kNow), "{}");
}

}  // namespace
}  // namespace weir::capture
