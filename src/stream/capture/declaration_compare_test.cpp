// Goal: every change of a declaration is told once, with what becomes of the data, and those that would make data
// unreadable are refused with a way out. Method: two small files each, and random streams against each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/capture/declaration.h"
#include "stream/capture/random_streams.h"

namespace weir::capture {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Stream declared(const std::string& text) {
  ParsedStream out = parse_stream(text, "streams/orders.yaml", "orders");
  for (const Error& error : out.errors) ADD_FAILURE() << error.text() << "\n" << text;
  return out.stream;
}

// Each change as "yes: sentence" or "no: sentence | way out".
std::vector<std::string> changes(const std::string& before, const std::string& after) {
  std::vector<std::string> out;
  for (const Change& change : compare(declared(before), declared(after))) {
    EXPECT_EQ(change.compatible, change.way_out.empty()) << change.what;
    out.push_back(change.compatible ? "yes: " + change.what : "no: " + change.what + " | " + change.way_out);
  }
  return out;
}

// Of one field `f`, from one spec to another.
std::vector<std::string> field(const std::string& before, const std::string& after) {
  return changes("fields: {f: " + before + "}", "fields: {f: " + after + "}");
}
// Of the settings beside the fields.
std::vector<std::string> setting(const std::string& before, const std::string& after) {
  const std::string fields = "fields: {id: uuid, other: string, at: timestamp, seen: timestamp}\n";
  return changes(fields + before, fields + after);
}
auto yes(const std::string& part) {
  return ElementsAre(AllOf(testing::StartsWith("yes: "), HasSubstr(part)));
}
auto no(const std::string& part, const std::string& way_out) {
  return ElementsAre(AllOf(testing::StartsWith("no: "), HasSubstr(part), HasSubstr(" | "), HasSubstr(way_out)));
}

TEST(Compare, equal_streams_have_no_changes) {
  EXPECT_THAT(field("string", "{type: string}"), IsEmpty());
}

TEST(Compare, a_new_field_is_optional_or_has_a_default) {
  EXPECT_THAT(changes("fields: {}", "fields: {f: string}"),
              ElementsAre("yes: field f is added (string); earlier events read as NULL in it (values that they brought "
                          "under this name stay in _extra)"));
  EXPECT_THAT(changes("fields: {}\nunknown: drop", "fields: {f: string}\nunknown: drop"),
              ElementsAre("yes: field f is added (string); earlier events read as NULL in it"));
  EXPECT_THAT(changes("fields: {}", "fields: {f: {type: string, required: true}}"),
              no("as required", "give it a default"));
  EXPECT_THAT(changes("fields: {}", "fields: {f: {type: string, required: true, default: x}}"), yes("is added"));
}

TEST(Compare, a_removed_field_leaves_sql_and_stays_in_the_files) {
  EXPECT_THAT(
      changes("fields: {f: {type: decimal, precision: 9, scale: 2}}", "fields: {}"),
      ElementsAre("yes: field f is removed: its column leaves SQL, its values stay in the archive and the Parquet "
                  "files; it is kept in _extra if new events bring it. If it comes back, it must have the type "
                  "decimal(9,2)"));
  EXPECT_THAT(changes("fields: {f: string}\nunknown: refuse", "fields: {}\nunknown: refuse"),
              yes("refused if new events"));
}

TEST(Compare, a_rename_says_was) {
  EXPECT_THAT(changes("fields: {a: string}", "fields: {b: {type: string, was: a}}"), yes("field a is renamed to b"));
  EXPECT_THAT(changes("fields: {b: {type: string, was: a}}", "fields: {b: string}"),
              yes("its former name a is no longer read"));
  EXPECT_THAT(changes("fields: {a: string}", "fields: {b: {type: integer, was: a}}"),
              ElementsAre(HasSubstr("renamed"), AllOf(HasSubstr("no: field b: the type changes from string to integer"),
                                                      HasSubstr("CAST(\"a\" AS BIGINT)"))));
  EXPECT_THAT(changes("fields: {a: string}", "fields: {b: string}"), testing::SizeIs(2)) << "without was: two fields";
}

TEST(Compare, a_renamed_key_and_time_stay_key_and_time) {
  EXPECT_THAT(changes("fields: {a: uuid, t: timestamp}\nkey: a\ntime: t",
                      "fields: {b: {type: uuid, was: a}, u: {type: timestamp, was: t}}\nkey: b\ntime: u"),
              ElementsAre(HasSubstr("yes: field a is renamed to b"), HasSubstr("yes: field t is renamed to u")));
}

TEST(Compare, a_column_keeps_its_type) {
  EXPECT_THAT(field("integer", "number"), no("the type changes from integer to number", "CAST(\"f\" AS DOUBLE)"));
  EXPECT_THAT(field("string", "uuid"), no("cannot be read so", "add a new one, or declare a new stream"));
  EXPECT_THAT(field("date", "timestamp"), no("from date to timestamp", "orders_2.yaml"));
  EXPECT_THAT(field("string", "json"), no("from string to json", "new stream"));
  EXPECT_THAT(field("{type: decimal, precision: 9, scale: 2}", "{type: decimal, precision: 10, scale: 2}"),
              no("from decimal(9,2) to decimal(10,2)", "CAST(\"f\" AS DECIMAL(10,2))"));
  EXPECT_THAT(field("{type: array, items: string}", "{type: array, items: integer}"), no("field f[]", "new stream"));
  EXPECT_THAT(field("{type: object, fields: {a: string}}", "{type: object, fields: {a: integer}}"),
              no("field f.a: the type changes", "new stream"));
  EXPECT_THAT(field("{type: object, fields: {a: string}}", "{type: array, items: string}"),
              no("object to array", "new"));
}

TEST(Compare, objects_and_arrays_are_json_already) {
  EXPECT_THAT(field("{type: object, fields: {a: string}}", "json"), yes("any JSON fits"));
  EXPECT_THAT(field("json", "{type: array, items: string}"), yes("go to quarantine from now on"));
}

TEST(Compare, nested_fields_are_compared_by_their_path) {
  EXPECT_THAT(field("{type: array, items: {type: object, fields: {a: string, b: string}}}",
                    "{type: array, items: {type: object, fields: {b: string, c: {type: string, required: true}}}}"),
              ElementsAre(HasSubstr("no: field f[].c is added (string) as required"),
                          HasSubstr("yes: field f[].a is removed: earlier events keep it")));
  EXPECT_THAT(field("{type: object, fields: {a: string, b: string}}", "{type: object, fields: {b: string, a: string}}"),
              yes("the order of the fields of f changes"));
}

TEST(Compare, rules_decide_about_new_events_only) {
  EXPECT_THAT(field("{type: integer, min: 0}", "integer"), ElementsAre("yes: field f: min changes from 0.0 to none"));
  EXPECT_THAT(field("integer", "{type: integer, max: 9}"), yes("max changes from none to 9.0; events that do not fit"));
  EXPECT_THAT(field("{type: integer, max: 9}", "{type: integer, max: 10}"), ElementsAre(Not(HasSubstr("quarantine"))));
  EXPECT_THAT(field("{type: string, min_length: 2}", "{type: string, min_length: 3}"), yes("quarantine"));
  EXPECT_THAT(field("{type: string, values: [a, b]}", "{type: string, values: [b, c]}"),
              ElementsAre(HasSubstr("also 'c' may be sent"), HasSubstr("'a' may no longer be sent")));
  EXPECT_THAT(field("{type: string, values: [a, b]}", "{type: string, values: [b, a]}"), yes("another order"));
  EXPECT_THAT(field("{type: string, values: [a, b]}", "string"), yes("any text is allowed"));
  EXPECT_THAT(field("string", "{type: string, values: [a, b, c, d, e, f]}"), yes("and 1 more may be sent"));
  EXPECT_THAT(field("{type: string, pattern: a}", "string"), yes("the pattern 'a' is removed"));
  EXPECT_THAT(field("string", "{type: string, pattern: a}"), yes("the pattern changes to 'a'; events that do not fit"));
  EXPECT_THAT(field("{type: integer, default: 1}", "{type: integer, default: 2}"),
              yes("the default changes from 1 to 2"));
  EXPECT_THAT(field("string", "{type: string, description: x, subject: true}"), testing::SizeIs(2));
}

TEST(Compare, optional_becomes_required_only_with_a_default) {
  EXPECT_THAT(field("{type: string, required: true}", "string"), yes("no longer required"));
  EXPECT_THAT(field("string", "{type: string, required: true}"), no("becomes required", "leave it optional"));
  EXPECT_THAT(field("{type: string, default: x}", "{type: string, required: true, default: x}"),
              yes("becomes required"));
  EXPECT_THAT(field("{type: string, required: true, nullable: true}", "{type: string, required: true}"),
              yes("null is no longer allowed"));
}

TEST(Compare, key_time_and_partition_stay) {
  EXPECT_THAT(setting("key: id", "key: other"), no("the key changes from id to other", "declare a new stream"));
  EXPECT_THAT(setting("", "key: id"), no("from none to id", "declare a new stream"));
  EXPECT_THAT(setting("key: id", ""), no("from id to none", "declare a new stream"));
  EXPECT_THAT(setting("time: at", "time: seen"), no("the time changes from at to seen", "use the other time in SQL"));
  EXPECT_THAT(setting("time: at", ""), no("from at to the arrival", "new stream"));
  EXPECT_THAT(setting("", "partition: year_month"), no("from day to year_month", "year(dt)"));
  EXPECT_THAT(setting("partition: year_month", ""), no("from year_month to day", "new stream"));
  EXPECT_THAT(setting("key: id\nassign_key: false", "key: id"), yes("a missing key is assigned"));
  EXPECT_THAT(setting("key: id", "key: id\nassign_key: false"), yes("no longer assigned"));
}

TEST(Compare, policies_may_change_and_say_what_follows) {
  EXPECT_THAT(setting("", "unknown: drop"), yes("the column _extra leaves SQL"));
  EXPECT_THAT(setting("unknown: refuse", ""), yes("kept in the column _extra"));
  EXPECT_THAT(setting("", "write: public"), yes("anybody may write"));
  EXPECT_THAT(setting("write: public", ""), yes("weir token create --write orders"));
  EXPECT_THAT(setting("write: public", "write: public\noff_loopback: true"), yes("other machines"));
  EXPECT_THAT(setting("", "cors: [\"*\"]"), yes("origins may write: '*'"));
  EXPECT_THAT(setting("", "beacon: {path: /o, batch: o}"), yes("POST /o"));
  EXPECT_THAT(setting("beacon: {path: /o, batch: o}", ""), yes("POST /o no longer takes events"));
  EXPECT_THAT(setting("beacon: {path: /o, batch: o}", "beacon: {path: /p, batch: q, records_max: 1}"),
              testing::SizeIs(3));
  EXPECT_THAT(setting("", "enabled: false"), yes("the stream is disabled"));
  EXPECT_THAT(setting("", "tags: {team: a}"), yes("tags"));
  EXPECT_THAT(setting("", "description: a"), yes("description"));
  EXPECT_THAT(setting("", "dedup_window: 1d"), yes("from 7d to 1d: resends of older events are taken as new"));
  EXPECT_THAT(setting("", "past_max: 60d\nfuture_max: 2h"), testing::SizeIs(2));
  EXPECT_THAT(setting("", "retention: 90d"),
              yes("from forever to 90d: days of events older than that will be deleted"));
  EXPECT_THAT(setting("retention: 90d", ""), yes("does not come back"));
}

TEST(Compare, the_order_of_columns_may_change) {
  EXPECT_THAT(changes("fields: {a: string, b: string}", "fields: {b: string, a: string}"), yes("order of the columns"));
}

TEST(Compare, two_different_streams_always_differ_in_something) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const Stream one = RandomStreams(seed).stream(), other = RandomStreams(seed + 1'000).stream();
    ASSERT_THAT(compare(one, one), testing::SizeIs(0)) << seed;
    ASSERT_EQ(one == other, compare(one, other).empty()) << seed;
    for (const Change& change : compare(one, other))
      ASSERT_EQ(change.compatible, change.way_out.empty()) << change.what;
  }
}

}  // namespace
}  // namespace weir::capture
