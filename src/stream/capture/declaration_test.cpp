// Goal: a declaration that reads without mistakes means exactly what it says, and a wrong one names every mistake at
// its place. Method: small files as people write them, and the whole list of messages where it matters.
#include "stream/capture/declaration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::capture {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ParsedStream parsed(const std::string& text, const std::string& name = "clicks") {
  return parse_stream(text, "streams/" + name + ".yaml", name);
}

std::vector<std::string> mistakes(const std::string& text, const std::string& name = "clicks") {
  std::vector<std::string> out;
  for (const Error& error : parsed(text, name).errors) out.push_back(error.text());
  return out;
}

Stream good(const std::string& text, const std::string& name = "clicks") {
  EXPECT_THAT(mistakes(text, name), IsEmpty()) << text;
  return parsed(text, name).stream;
}

// The mistake of one field's rules, which stand in line 2.
std::vector<std::string> field_mistakes(const std::string& rules) {
  return mistakes("fields:\n  f: " + rules + "\n");
}

std::string nested(int levels) {
  std::string spec = "string";
  for (int i = 1; i < levels; ++i) spec = "{type: object, fields: {f: " + spec + "}}";
  return "fields: {f: " + spec + "}\n";
}

TEST(Declaration, reads_the_seeds_stream) {
  const Stream stream = good(R"(
description: Somebody clicked an ad that was shown before.
fields:
  click_id: uuid               # assigned if the sender leaves it out
  impression_id: {type: uuid, required: true}
  occurred_at: {type: timestamp, required: true}
key: click_id
time: occurred_at
unknown: refuse
write: public
cors: ["*"]
beacon: {path: /clicks, batch: clicks}
tags: {team: advertising}
)");
  EXPECT_EQ(stream.name, "clicks");
  ASSERT_EQ(stream.fields.size(), 3u);
  EXPECT_EQ(stream.fields[0].type, FieldType::uuid);
  EXPECT_FALSE(stream.fields[0].required);
  EXPECT_TRUE(stream.fields[1].required);
  EXPECT_EQ(stream.key, "click_id");
  EXPECT_TRUE(stream.assign_key);
  EXPECT_EQ(stream.time_field, "occurred_at");
  EXPECT_EQ(stream.unknown, UnknownFields::refuse);
  EXPECT_EQ(stream.write, WhoWrites::anyone);
  EXPECT_THAT(stream.cors_origins, ElementsAre("*"));
  EXPECT_EQ(stream.beacon, (Beacon{"/clicks", "clicks", 500}));
  EXPECT_EQ(stream.tags.at("team"), "advertising");
  EXPECT_EQ(stream.find("impression_id"), &stream.fields[1]);
  EXPECT_EQ(stream.find("absent"), nullptr);
}

TEST(Declaration, defaults_are_those_of_the_contract) {
  const Stream stream = good("fields: {user_id: string}\n");
  Stream expected;
  expected.name = "clicks";
  expected.fields.resize(1);
  expected.fields[0].name = "user_id";
  EXPECT_EQ(stream, expected);
}

TEST(Declaration, a_stream_may_have_no_fields_of_its_own) {
  EXPECT_THAT(good("fields: {}\n").fields, IsEmpty());
}

TEST(Declaration, reads_every_rule_of_a_field) {
  const Stream stream = good(R"(
fields:
  kind: {type: string, values: [a, "no", 1], default: "no", description: What it was., subject: true, was: sort}
  amount: {type: decimal, precision: 9, scale: 2, min: 0, max: 10.5, default: 1.10}
  count: {type: integer, min: -5, max: 9007199254740992, nullable: true, required: true}
  code: {type: string, pattern: "[A-Z]{3}", min_length: 3, max_length: 3, default: EUR}
  items:
    type: array
    min_length: 1
    items: {type: object, nullable: true, fields: {sku: {type: string, required: true}, price: number}}
    default: [{sku: a, price: 1}, null]
  address: {type: object, fields: {city: string, since: date}, default: {city: Bern, since: 2023-01-31}}
  anything: {type: json, default: [1, {a: null}]}
  select: boolean
)");
  const auto& fields = stream.fields;
  EXPECT_THAT(fields[0].values, ElementsAre("a", "no", "1"));
  EXPECT_EQ(fields[0].otherwise, Json("no"));
  EXPECT_EQ(fields[0].was, "sort");
  EXPECT_TRUE(fields[0].subject);
  EXPECT_EQ(fields[1].precision, 9);
  EXPECT_EQ(fields[1].scale, 2);
  EXPECT_EQ(fields[1].maximum, 10.5);
  EXPECT_EQ(fields[1].otherwise, Json(1.1));
  EXPECT_EQ(fields[2].minimum, -5);
  EXPECT_TRUE(fields[2].nullable);
  EXPECT_EQ(fields[3].pattern, "[A-Z]{3}");
  EXPECT_EQ(fields[3].length_max, 3);
  ASSERT_EQ(fields[4].items.size(), 1u);
  EXPECT_TRUE(fields[4].items[0].fields[0].required);
  EXPECT_EQ(fields[4].otherwise->dump(), R"([{"sku":"a","price":1},null])");
  EXPECT_EQ(fields[5].otherwise->dump(), R"({"city":"Bern","since":"2023-01-31"})");
  EXPECT_EQ(fields[6].otherwise->dump(), R"([1,{"a":null}])");
  EXPECT_EQ(fields[7].name, "select");
}

TEST(Declaration, reads_every_setting_of_a_stream) {
  const Stream stream = good(R"(
fields: {id: string, at: timestamp, dt: date}
key: id
assign_key: false
time: at
enabled: false
write: public
off_loopback: true
cors: [https://shop.example, "http://localhost:5173", "http://[::1]:80"]
beacon: {path: /v2/clicks.d, batch: Clicks-1, records_max: 10000}
partition: year_month
dedup_window: 90d
past_max: 5d
future_max: 0s
retention: 7d
)");
  EXPECT_FALSE(stream.assign_key);
  EXPECT_TRUE(stream.fields[0].required) << "a key that is not assigned is required";
  EXPECT_FALSE(stream.enabled);
  EXPECT_TRUE(stream.public_off_loopback);
  EXPECT_EQ(stream.cors_origins.size(), 3u);
  EXPECT_EQ(stream.beacon->records_max, 10'000);
  EXPECT_EQ(stream.partition, PartitionBy::year_month);
  EXPECT_EQ(stream.dedup_window, days(90));
  EXPECT_EQ(stream.past_max, days(5));
  EXPECT_EQ(stream.future_max, seconds(0));
  EXPECT_EQ(stream.retention, days(7));
}

TEST(Declaration, past_max_follows_a_shorter_retention) {
  EXPECT_EQ(good("fields: {a: string}\nretention: 7d\n").past_max, days(7));
  EXPECT_EQ(good("fields: {a: string}\nretention: 300d\n").past_max, days(30));
  EXPECT_THAT(mistakes("fields: {a: string}\nretention: 7d\npast_max: 8d\n"),
              ElementsAre("streams/clicks.yaml:3:11: past_max: is longer than retention 7d: an accepted event could be "
                          "deleted at once (write past_max: 7d)"));
}

TEST(Declaration, names_all_mistakes_at_once_with_their_places) {
  EXPECT_THAT(mistakes(R"(feilds: {}
fields:
  User: string
  amount: {type: strin, max: x}
  count: {type: integer, patern: a}
  nothing:
  list: [a]
key: kount
time: count
unknown: ignore
write: public
off_loopback: yes
)"),
              ElementsAre("streams/clicks.yaml:1:1: unknown key 'feilds' in the stream (did you mean 'fields'?)",
                          "streams/clicks.yaml:3:3: field 'User' is no name: a name is a-z, 0-9 and _, begins with a "
                          "letter and has at most 63 characters (did you mean 'user'?)",
                          "streams/clicks.yaml:4:18: field 'amount' has the type 'strin', expected one of boolean, "
                          "integer, number, decimal, string, uuid, timestamp, date, json, object, array (did you mean "
                          "'string'?)",
                          "streams/clicks.yaml:5:26: unknown key 'patern' in field 'count' (did you mean 'pattern'?)",
                          "streams/clicks.yaml:6:3: field 'nothing' needs a type, found nothing; expected one of "
                          "boolean, integer, number, decimal, string, uuid, timestamp, date, json, object, array (for "
                          "example: nothing: string)",
                          "streams/clicks.yaml:7:9: field 'list' needs a type, found a list; expected one of boolean, "
                          "integer, number, decimal, string, uuid, timestamp, date, json, object, array (for example: "
                          "list: string)",
                          "streams/clicks.yaml:8:6: key: 'kount' is no top-level field of the stream (did you mean "
                          "'count'?)",
                          "streams/clicks.yaml:9:7: time: 'count' is of type integer, expected a timestamp (without "
                          "time, the arrival decides the partition)",
                          "streams/clicks.yaml:10:10: unknown: expected one of keep, drop, refuse, found 'ignore'",
                          "streams/clicks.yaml:12:15: off_loopback: expected true or false, found 'yes' (write true; "
                          "yes and on are plain text here)"));
}

TEST(Declaration, a_field_with_a_mistake_is_not_missed_as_key_or_time) {
  EXPECT_THAT(mistakes("fields: {id: uid, at: {type: tme}}\nkey: id\ntime: at\n"), testing::SizeIs(2));
}

TEST(Declaration, broken_yaml_and_wrong_shapes_are_one_clear_mistake) {
  EXPECT_THAT(mistakes("fields: {a: \"x\n"), ElementsAre(HasSubstr("streams/clicks.yaml:")));
  EXPECT_THAT(mistakes("- a\n- b\n"), ElementsAre(HasSubstr("the stream must be a mapping of keys to values")));
  EXPECT_THAT(mistakes(""), ElementsAre("streams/clicks.yaml:1:1: fields: expected a mapping of names to types, found "
                                        "nothing (for example fields: {user_id: string})"));
  EXPECT_THAT(mistakes("fields:\n  - a: string\n"), ElementsAre(HasSubstr("without the '- '")));
  EXPECT_THAT(mistakes("fields: {a: string, a: uuid}\n"), ElementsAre(HasSubstr("'a' appears twice")));
  EXPECT_THAT(mistakes("fields:\n"), ElementsAre(HasSubstr("fields: expected a mapping")));
}

TEST(Declaration, the_files_name_is_the_streams_name) {
  const std::string fields = "fields: {a: string}\n";
  EXPECT_THAT(mistakes(fields + "name: other\n"), ElementsAre(HasSubstr("the file's name is the stream's name")));
  EXPECT_THAT(mistakes(fields, "Page-Views"), ElementsAre(HasSubstr("stream 'Page-Views' is no name")));
  EXPECT_THAT(mistakes(fields, "_x"), ElementsAre(HasSubstr("weir's own")));
  EXPECT_THAT(mistakes(fields, std::string(64, 'a')), testing::SizeIs(1));
  EXPECT_THAT(mistakes(fields, std::string(63, 'a')), IsEmpty());
  EXPECT_THAT(mistakes(fields, "clicks_quarantine"), ElementsAre(HasSubstr("_quarantine are weir's own")));
  EXPECT_THAT(mistakes(fields, "weir_streams"), ElementsAre(HasSubstr("views of the system")));
  EXPECT_THAT(mistakes(fields, "select"), IsEmpty());
}

TEST(Declaration, suggests_our_word_for_the_types_of_others) {
  EXPECT_THAT(field_mistakes("varchar"), ElementsAre(HasSubstr("did you mean 'string'?")));
  EXPECT_THAT(field_mistakes("BIGINT"), ElementsAre(HasSubstr("did you mean 'integer'?")));
  EXPECT_THAT(field_mistakes("{type: datetime}"), ElementsAre(HasSubstr("did you mean 'timestamp'?")));
  EXPECT_THAT(field_mistakes("{required: true}"), ElementsAre(HasSubstr("field 'f' needs 'type'")));
  EXPECT_THAT(field_mistakes("{fields: {a: string}}"), ElementsAre(HasSubstr("for example type: object")));
}

TEST(Declaration, a_rule_belongs_to_its_types) {
  EXPECT_THAT(field_mistakes("{type: string, min: 3}"),
              ElementsAre("streams/clicks.yaml:2:26: min: belongs to integer, number, decimal; field 'f' is of type "
                          "string (for lengths there is min_length)"));
  EXPECT_THAT(field_mistakes("{type: integer, values: [1]}"),
              ElementsAre(HasSubstr("for numbers there are min and max")));
  EXPECT_THAT(field_mistakes("{type: uuid, pattern: a}"), ElementsAre(HasSubstr("pattern: belongs to string")));
  EXPECT_THAT(field_mistakes("{type: number, scale: 1}"), ElementsAre(HasSubstr("scale: belongs to decimal")));
  EXPECT_THAT(field_mistakes("{type: string, items: string}"), ElementsAre(HasSubstr("items: belongs to array")));
  EXPECT_THAT(field_mistakes("{type: json, fields: {a: string}}"), ElementsAre(HasSubstr("fields: belongs to object")));
  EXPECT_THAT(field_mistakes("{type: number, subject: true}"), ElementsAre(HasSubstr("subject: names a person")));
}

TEST(Declaration, bounds_are_ordered_and_of_the_fields_type) {
  EXPECT_THAT(field_mistakes("{type: integer, min: 5, max: 4}"), ElementsAre(HasSubstr("max: '4' is below min '5'")));
  EXPECT_THAT(field_mistakes("{type: integer, min: 5, max: 5}"), IsEmpty());
  EXPECT_THAT(field_mistakes("{type: integer, min: 1.5}"), ElementsAre(HasSubstr("expected a whole number")));
  EXPECT_THAT(field_mistakes("{type: integer, max: 9007199254740993}"), ElementsAre(HasSubstr("9007199254740992")));
  EXPECT_THAT(field_mistakes("{type: number, min: .nan}"), ElementsAre(HasSubstr("expected a number")));
  EXPECT_THAT(field_mistakes("{type: decimal, precision: 4, scale: 2, max: 101}"),
              ElementsAre(HasSubstr("-100 to 100")));
  EXPECT_THAT(field_mistakes("{type: string, min_length: 2, max_length: 1}"),
              ElementsAre(HasSubstr("below min_length 2")));
  EXPECT_THAT(field_mistakes("{type: string, min_length: -1}"), ElementsAre(HasSubstr("0 to 1048576")));
  EXPECT_THAT(field_mistakes("{type: decimal, precision: 19}"), ElementsAre(HasSubstr("1 to 18")));
  EXPECT_THAT(field_mistakes("{type: decimal, precision: 4, scale: 5}"),
              ElementsAre(HasSubstr("scale: 5 is above the precision 4")));
  EXPECT_EQ(good("fields: {f: {type: decimal, precision: 2}}\n").fields[0].scale, 2);
}

TEST(Declaration, patterns_compile_and_values_fit_the_other_rules) {
  EXPECT_THAT(field_mistakes("{type: string, pattern: 'a('}"), ElementsAre(HasSubstr("missing )")));
  EXPECT_THAT(field_mistakes("{type: string, pattern: 'a(?=b)'}"), ElementsAre(HasSubstr("does not compile")));
  EXPECT_THAT(field_mistakes("{type: string, pattern: '((a{100}){100}){100}'}"), testing::SizeIs(1));
  EXPECT_THAT(field_mistakes("{type: string, pattern: '" + std::string(1001, 'a') + "'}"),
              ElementsAre(HasSubstr("1001 bytes")));
  EXPECT_THAT(field_mistakes("{type: string, values: []}"), ElementsAre(HasSubstr("no event would fit")));
  EXPECT_THAT(field_mistakes("{type: string, values: [a, b, a]}"),
              ElementsAre(HasSubstr(":2:36: values: 'a' is listed twice")));
  EXPECT_THAT(field_mistakes("{type: string, values: [aa, b], pattern: '..'}"),
              ElementsAre(HasSubstr("'b' does not match the pattern '..'")));
  EXPECT_THAT(field_mistakes("{type: string, values: [\"ää\"], max_length: 2}"), IsEmpty()) << "characters, not bytes";
}

TEST(Declaration, a_default_fits_its_own_field) {
  EXPECT_THAT(field_mistakes("{type: boolean, default: \"true\"}"), ElementsAre(HasSubstr("expected true or false")));
  EXPECT_THAT(field_mistakes("{type: integer, default: 1.0}"),
              ElementsAre(HasSubstr("expected an integer of 64 bits")));
  EXPECT_THAT(field_mistakes("{type: integer, default: 9223372036854775808}"), testing::SizeIs(1));
  EXPECT_THAT(field_mistakes("{type: integer, default: -9223372036854775808}"), IsEmpty());
  EXPECT_THAT(field_mistakes("{type: integer, default: 0}"), IsEmpty());
  EXPECT_THAT(field_mistakes("{type: integer, min: 1, default: 0}"), ElementsAre(HasSubstr("'0' is below min 1")));
  EXPECT_THAT(field_mistakes("{type: number, max: 1, default: 1.5}"), ElementsAre(HasSubstr("'1.5' is above max 1")));
  EXPECT_THAT(field_mistakes("{type: number, default: '1'}"), ElementsAre(HasSubstr("remove the quotes")));
  EXPECT_THAT(field_mistakes("{type: decimal, precision: 3, scale: 1, default: 1.25}"), testing::SizeIs(1));
  EXPECT_THAT(field_mistakes("{type: decimal, default: 1234567890123456}"), ElementsAre(HasSubstr("15 digits")));
  EXPECT_THAT(field_mistakes("{type: string, max_length: 1, default: ab}"), ElementsAre(HasSubstr("max_length is 1")));
  EXPECT_THAT(field_mistakes("{type: string, values: [red, green], default: gren}"),
              ElementsAre(HasSubstr("did you mean 'green'?")));
  EXPECT_THAT(field_mistakes("{type: uuid, default: 123}"), ElementsAre(HasSubstr("expected a uuid")));
  EXPECT_THAT(field_mistakes("{type: timestamp, default: 2023-02-29T00:00:00Z}"), testing::SizeIs(1));
  EXPECT_THAT(field_mistakes("{type: date, default: 2024-02-29}"), IsEmpty());
  EXPECT_THAT(field_mistakes("{type: string, default: [a]}"), ElementsAre(HasSubstr("found a list")));
  EXPECT_THAT(field_mistakes("{type: string, default: }"), ElementsAre(HasSubstr("found nothing")));
  EXPECT_THAT(field_mistakes("{type: array, items: integer, default: [1, x]}"),
              ElementsAre(HasSubstr(":2:49: default:")));
  EXPECT_THAT(field_mistakes("{type: array, items: integer, max_length: 1, default: [1, 2]}"), testing::SizeIs(1));
  EXPECT_THAT(field_mistakes("{type: object, fields: {abc: string}, default: {abd: x}}"),
              ElementsAre(HasSubstr("did you mean 'abc'?")));
  EXPECT_THAT(field_mistakes("{type: object, fields: {abc: {type: string, required: true}}, default: {}}"),
              ElementsAre(HasSubstr("the required field 'abc' is missing")));
}

TEST(Declaration, a_secret_is_never_a_default_or_a_value) {
  auto root =
      parse_yaml("fields: {a: {type: json, default: [\"${secret:x}\"]}, b: {type: string, values: [\"${secret:x}\"]}}",
                 {"streams/clicks.yaml", 1});
  ASSERT_TRUE(root);
  std::vector<Error> errors;
  expand_yaml(
      *root,
      [](std::string_view) {
        return Result<YamlExpansion>(YamlExpansion{"hunter2", true});
      },
      errors);
  const ParsedStream out = parse_stream(*root, "clicks");
  EXPECT_EQ(out.errors.size(), 2u);
  for (const Error& error : out.errors) EXPECT_THAT(error.text(), testing::Not(HasSubstr("hunter2")));
}

TEST(Declaration, nesting_and_number_of_fields_have_limits) {
  EXPECT_THAT(mistakes(nested(kFieldDepthMax)), IsEmpty());
  EXPECT_THAT(mistakes(nested(kFieldDepthMax + 1)), ElementsAre(HasSubstr("deeper than 8 levels")));
  std::string many = "fields:\n";
  for (size_t i = 0; i < kFieldsMax; ++i) many += "  f" + std::to_string(i) + ": string\n";
  EXPECT_THAT(mistakes(many), IsEmpty());
  EXPECT_THAT(mistakes(many + "  one_more: string\n  two_more: string\n"),
              ElementsAre(HasSubstr("streams/clicks.yaml:1002:13: more than 1000 fields")));
}

TEST(Declaration, objects_need_fields_and_arrays_one_type_of_items) {
  EXPECT_THAT(field_mistakes("object"), ElementsAre(HasSubstr("needs 'fields'")));
  EXPECT_THAT(field_mistakes("array"), ElementsAre(HasSubstr("needs 'items'")));
  EXPECT_THAT(field_mistakes("{type: object}"), ElementsAre(HasSubstr("needs its fields, found nothing")));
  EXPECT_THAT(field_mistakes("{type: object, fields: {}}"), ElementsAre(HasSubstr("found none")));
  EXPECT_THAT(field_mistakes("{type: object, fields: [a]}"), ElementsAre(HasSubstr("found a list")));
  EXPECT_THAT(field_mistakes("{type: array}"), ElementsAre(HasSubstr("needs the type of its items")));
  EXPECT_THAT(field_mistakes("{type: array, items: [string]}"), ElementsAre(HasSubstr("field 'f[]' needs a type")));
  EXPECT_THAT(field_mistakes("{type: array, items: {type: string, required: true}}"),
              ElementsAre(HasSubstr("required: has no meaning for the items")));
  EXPECT_THAT(field_mistakes("{type: object, fields: {a: {type: string, was: b}}}"),
              ElementsAre(HasSubstr("only top-level fields can be renamed")));
}

TEST(Declaration, reserved_names_are_refused_where_they_would_collide) {
  EXPECT_THAT(mistakes("fields: {_seq: string}\n"), ElementsAre(HasSubstr("names that begin with _ are weir's own")));
  EXPECT_THAT(mistakes("fields: {dt: date}\n"), ElementsAre(HasSubstr("partition column")));
  EXPECT_THAT(mistakes("fields: {year: integer, month: integer}\n"), IsEmpty());
  EXPECT_THAT(mistakes("fields: {year: integer, month: integer}\npartition: year_month\n"), testing::SizeIs(2));
  EXPECT_THAT(mistakes("fields: {dt: date}\npartition: year_month\n"), IsEmpty());
  EXPECT_THAT(mistakes("fields: {o: {type: object, fields: {dt: date}}}\n"), IsEmpty()) << "nested is no column";
}

TEST(Declaration, a_key_identifies) {
  const auto key = [](const std::string& spec, const std::string& more = "") {
    return mistakes("fields:\n  k: " + spec + "\nkey: k\n" + more);
  };
  for (const char* type : {"uuid", "string", "integer", "decimal", "timestamp", "date"})
    EXPECT_THAT(key(type), IsEmpty());
  EXPECT_THAT(key("json"), ElementsAre(HasSubstr("key: 'k' is of type json, expected uuid, string")));
  EXPECT_THAT(key("boolean"), testing::SizeIs(1));
  EXPECT_THAT(key("number"), testing::SizeIs(1));
  EXPECT_THAT(key("{type: array, items: string}"), testing::SizeIs(1));
  EXPECT_THAT(key("{type: uuid, nullable: true}"), ElementsAre(HasSubstr("null identifies nothing")));
  EXPECT_THAT(key("{type: string, default: x}"), ElementsAre(HasSubstr("the same event")));
  EXPECT_THAT(key("{type: uuid, required: true}", "assign_key: true\n"), ElementsAre(HasSubstr("never missing")));
  EXPECT_THAT(key("integer", "assign_key: true\n"), ElementsAre(HasSubstr("only a uuid or string key")));
  EXPECT_THAT(key("{type: integer, required: false}"), ElementsAre(HasSubstr("write required: true")));
  EXPECT_THAT(key("{type: string, pattern: '[0-9]+'}"),
              ElementsAre(HasSubstr("assigned as a UUID, which does not fit")));
  EXPECT_THAT(key("{type: string, pattern: '[0-9]+'}", "assign_key: false\n"), IsEmpty());
  EXPECT_THAT(key("{type: string, max_length: 35}"), testing::SizeIs(1));
  EXPECT_THAT(key("{type: string, max_length: 36}"), IsEmpty());
  EXPECT_THAT(mistakes("fields: {a: string}\nassign_key: true\n"), ElementsAre(HasSubstr("there is no key")));
  EXPECT_THAT(mistakes("fields: {o: {type: object, fields: {k: uuid}}}\nkey: k\n"),
              ElementsAre(HasSubstr("no top-level field")));

  const Stream required_key = good("fields: {k: {type: uuid, required: true}}\nkey: k\n");
  EXPECT_FALSE(required_key.assign_key);
  const Stream number_key = good("fields: {k: integer}\nkey: k\n");
  EXPECT_FALSE(number_key.assign_key);
  EXPECT_TRUE(number_key.fields[0].required);
}

TEST(Declaration, former_names_are_free_and_taken_once) {
  EXPECT_THAT(mistakes("fields: {a: {type: string, was: b}, b: string}\n"),
              ElementsAre(HasSubstr("'b' is still declared")));
  EXPECT_THAT(mistakes("fields: {a: {type: string, was: c}, b: {type: string, was: c}}\n"),
              ElementsAre(HasSubstr("already the former name of 'a'")));
  EXPECT_THAT(mistakes("fields: {a: {type: string, was: a}}\n"), ElementsAre(HasSubstr("the field's own name")));
  EXPECT_THAT(mistakes("fields: {a: {type: string, was: B}}\n"), ElementsAre(HasSubstr("former name 'B' is no name")));
}

TEST(Declaration, origins_are_origins) {
  const auto cors = [](const std::string& list) { return mistakes("fields: {}\ncors: " + list + "\n"); };
  EXPECT_THAT(cors("[https://shop.example/]"), ElementsAre(HasSubstr("did you mean 'https://shop.example'?")));
  EXPECT_THAT(cors("[Shop.example]"), ElementsAre(HasSubstr("did you mean 'https://shop.example'?")));
  EXPECT_THAT(cors("[ftp://a.b]"), testing::SizeIs(1));
  EXPECT_THAT(cors("[\"https://a.b:70000\"]"), testing::SizeIs(1));
  EXPECT_THAT(cors("[\"https://a b\"]"), testing::SizeIs(1));
  EXPECT_THAT(cors("[\"https://\"]"), testing::SizeIs(1));
  EXPECT_THAT(cors("[\"https://[\"]"), testing::SizeIs(1));
  EXPECT_THAT(cors("[\"\"]"), testing::SizeIs(1));
  EXPECT_THAT(cors("[\"*\", https://a.b]"), ElementsAre(HasSubstr("allows every origin")));
  EXPECT_THAT(cors("[https://a.b, https://a.b]"), ElementsAre(HasSubstr("listed twice")));
  EXPECT_THAT(cors("\"*\""), ElementsAre(HasSubstr("expected a list of texts")));
}

TEST(Declaration, a_beacons_path_is_plain_and_not_weirs_own) {
  const auto path = [](const std::string& text) {
    return mistakes("fields: {}\nbeacon: {path: \"" + text + "\", batch: b}\n");
  };
  EXPECT_THAT(path("/a/b-c_d.e~f"), IsEmpty());
  EXPECT_THAT(path("clicks"), ElementsAre(HasSubstr("must begin with /")));
  for (const char* bad : {"", "/", "//a", "/a/", "/a//b", "/../etc", "/a?b", "/a b", "/a%20b", "/ä", "/{x}", "/a#b",
                          "/v1/streams", "/health", "/metrics/x"}) {
    EXPECT_THAT(path(bad), testing::SizeIs(1)) << bad;
  }
  EXPECT_THAT(mistakes("fields: {}\nbeacon: {path: /a}\n"), ElementsAre(HasSubstr("the beacon needs 'batch'")));
  EXPECT_THAT(mistakes("fields: {}\nbeacon: {path: /a, batch: 'a b'}\n"), ElementsAre(HasSubstr("is no name")));
  EXPECT_THAT(mistakes("fields: {}\nbeacon: {path: /a, batch: b, records_max: 0}\n"),
              ElementsAre(HasSubstr("1 to 10000")));
  EXPECT_THAT(mistakes("fields: {}\nbeacon: {path: /a, batch: b, max: 0}\n"),
              ElementsAre(HasSubstr("unknown key 'max'")));
}

TEST(Declaration, policies_that_contradict_are_refused) {
  EXPECT_THAT(mistakes("fields: {}\noff_loopback: true\n"), ElementsAre(HasSubstr("belongs to write: public")));
  EXPECT_THAT(mistakes("fields: {}\ndedup_window: 91d\n"), ElementsAre(HasSubstr("1m to 90d")));
  EXPECT_THAT(mistakes("fields: {}\nretention: 30\n"), ElementsAre(HasSubstr("it has no unit")));
  EXPECT_THAT(mistakes("fields: {}\ntags: {Team: a}\n"), ElementsAre(HasSubstr("tag 'Team' is no name")));
  EXPECT_THAT(mistakes("fields: {}\ntags: {team: " + std::string(257, 'a') + "}\n"), testing::SizeIs(1));
  EXPECT_THAT(mistakes("fields: {}\ndescription: " + std::string(4097, 'a') + "\n"), testing::SizeIs(1));
}

}  // namespace
}  // namespace weir::capture
