// Goal: every change of a declaration is told once, with what becomes of the data, and those that would make data
// unreadable are refused with a way out. Method: two small files each, and random streams against each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/capture/declaration.h"
#include "stream/capture/random_streams.h"
#include "stream/capture/rows.h"

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
  EXPECT_THAT(changes("fields: {}\nunknown: drop", "fields: {f: {type: string, default: x}}\nunknown: drop"),
              ElementsAre("yes: field f is added (string); earlier events read as \"x\" in it"));
  EXPECT_THAT(changes("fields: {}", "fields: {f: {type: string, required: true}}"),
              no("as required", "give it a default"));
  EXPECT_THAT(changes("fields: {}", "fields: {f: {type: string, required: true, default: x}}"), yes("is added"));
}

TEST(Compare, a_removed_field_leaves_sql_and_stays_in_the_files) {
  EXPECT_THAT(
      changes("fields: {f: {type: decimal, precision: 9, scale: 2}}", "fields: {}"),
      ElementsAre("yes: field f is removed: its column leaves SQL, its values stay in the archive and the Parquet "
                  "files; it is kept in _extra if new events bring it. If it comes back, it must have the type "
                  "decimal(9,2), and they are shown again"));
  EXPECT_THAT(changes("fields: {f: string}\nunknown: refuse", "fields: {}\nunknown: refuse"),
              yes("refused if new events"));
}

TEST(Compare, a_rename_says_was) {
  EXPECT_THAT(changes("fields: {a: string}", "fields: {b: {type: string, was: a}}"),
              ElementsAre("yes: field a is renamed to b; what is there reads as b, events may bring either name"));
  EXPECT_THAT(changes("fields: {b: {type: string, was: a}}", "fields: {b: string}"), yes("still reads as b"));
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

// One field after another, each as `fields: {…}`, every step compared with what the steps before left.
class History {
 public:
  explicit History(const std::string& fields) : applied_(declared("fields: {" + fields + "}")) {}
  // The sentences of the step; it is taken if nothing in it is refused.
  std::vector<std::string> step(const std::string& fields) {
    const Stream wanted = declared("fields: {" + fields + "}");
    std::vector<std::string> out;
    bool taken = true;
    for (const Change& change : compare(applied_, wanted)) {
      EXPECT_EQ(change.compatible, change.way_out.empty()) << change.what;
      out.push_back((change.compatible ? "yes: " : "no: ") + change.what +
                    (change.compatible ? "" : " | " + change.way_out));
      taken = taken && change.compatible;
    }
    if (!taken) return out;
    const Stream next = carry(applied_, wanted);
    EXPECT_EQ(carry(next, wanted), next) << "carried again, nothing changes";
    EXPECT_THAT(compare(next, wanted), IsEmpty());
    auto kept = Json::parse(to_json(next).dump());
    EXPECT_EQ(*stream_from_json(*kept), next);
    applied_ = next;
    return out;
  }
  // "b < a < first =7": the columns with former names, and what older rows read.
  std::vector<std::string> columns() const {
    std::vector<std::string> out;
    for (const engine::Column& column : table_columns(applied_)) {
      if (column.name.starts_with("_")) continue;
      std::string text = column.name;
      for (const std::string& former : column.former) text += " < " + former;
      out.push_back(text + (column.missing ? " =" + *column.missing : ""));
    }
    return out;
  }

 private:
  Stream applied_;
};

TEST(Compare, a_chain_of_renames_reads_files_of_every_age) {
  History history("a: string, x: integer");
  EXPECT_THAT(history.step("b: {type: string, was: a}, x: integer"), yes("renamed to b"));
  EXPECT_THAT(history.step("c: {type: string, was: b}, x: integer"), yes("field b is renamed to c"));
  EXPECT_THAT(history.columns(), ElementsAre("c < b < a", "x"));
  EXPECT_THAT(history.step("c: string, x: integer"), yes("still reads as c"));
  EXPECT_THAT(history.columns(), ElementsAre("c < b < a", "x"));
  EXPECT_THAT(history.step("d: {type: string, was: c}, x: integer"), yes("renamed"));
  EXPECT_THAT(history.columns(), ElementsAre("d < c < b < a", "x"));
  EXPECT_THAT(
      history.step("d: {type: string, was: a}, x: integer"),
      ElementsAre(HasSubstr("former name c is no longer written"), HasSubstr("former name a is written here again")));
  EXPECT_THAT(history.columns(), ElementsAre("d < a < c < b", "x"));
}

TEST(Compare, a_rename_can_be_taken_back_with_or_without_a_word) {
  for (const char* back : {"a: {type: string, was: b}", "a: string"}) {
    History history("a: string");
    EXPECT_THAT(history.step("b: {type: string, was: a}"), yes("renamed to b"));
    EXPECT_THAT(history.step(back), yes("field b is renamed to a"));
    EXPECT_THAT(history.columns(), ElementsAre("a < b"));
    EXPECT_THAT(history.step("b: {type: string, was: a}"), yes("renamed to b"));
  }
}

TEST(Compare, a_former_name_belongs_to_its_field) {
  History history("a: string");
  EXPECT_THAT(history.step("b: {type: string, was: a}"), yes("renamed"));
  EXPECT_THAT(
      history.step("b: string, a: integer"),
      testing::Contains(AllOf(HasSubstr("no: field a: a is a former name of b"), HasSubstr("give it another name"))));
  EXPECT_THAT(history.step("b: string, c: {type: string, was: a}"),
              testing::Contains(HasSubstr("no: field c, was: a: a is a former name of b")));
  EXPECT_THAT(history.step("b: string, c: string"), testing::SizeIs(2));
}

TEST(Compare, a_removed_field_comes_back_as_what_it_was_or_under_another_name) {
  History history("price: {type: decimal, precision: 9, scale: 2}, n: integer, o: {type: object, fields: {x: string}}");
  EXPECT_THAT(history.step("n: integer"), testing::SizeIs(2));
  EXPECT_THAT(
      history.step("n: integer, price: string"),
      no("field price was removed and is declared again as string: files that are there hold it as decimal(9,2)",
         "declare it as decimal(9,2), give it another name"));
  EXPECT_THAT(history.step("n: integer, price: {type: decimal, precision: 10, scale: 2}"),
              no("as decimal(10,2)", "new"));
  EXPECT_THAT(history.step("n: integer, cost: {type: string, was: price}"), no("cost was removed", "decimal(9,2)"));
  EXPECT_THAT(history.step("price: {type: integer, was: n}"),
              testing::Contains(AllOf(HasSubstr("no: field n is renamed to price: files that are there hold the values "
                                                "of a field that was removed"),
                                      HasSubstr("another name"))));
  EXPECT_THAT(history.step("n: {type: integer, was: price}"),
              testing::Contains(AllOf(HasSubstr("hold price as decimal(9,2)"), HasSubstr("leave out was"))));
  EXPECT_THAT(history.step("n: integer, cost: {type: decimal, precision: 9, scale: 2, was: price}"),
              yes("the values of then are shown again"));
  EXPECT_THAT(history.columns(), ElementsAre("n", "cost < price"));
  EXPECT_THAT(history.step("n: integer, cost: {type: decimal, precision: 9, scale: 2}, o: json"),
              testing::Contains(HasSubstr("yes: field o was removed and is declared again")))
      << "objects are kept as JSON";
}

TEST(Compare, what_a_field_was_added_with_stays_what_earlier_events_read) {
  History history("a: string");
  EXPECT_THAT(history.step("a: string, f: {type: integer, required: true, default: 7}"), yes("read as 7"));
  EXPECT_THAT(history.columns(), ElementsAre("a", "f =7"));
  EXPECT_THAT(history.step("a: string, f: {type: integer, required: true, default: 8}"), yes("from 7 to 8"));
  EXPECT_THAT(history.columns(), ElementsAre("a", "f =7"));
  EXPECT_THAT(history.step("a: string"), yes("f is removed"));
  EXPECT_THAT(history.step("a: string, g: {type: integer, was: f}"), yes("events from between read as 7"));
  EXPECT_THAT(history.columns(), ElementsAre("a", "g < f =7"));
  EXPECT_THAT(
      history.step("a: string, g: integer, t: {type: timestamp, default: '2026-01-01T01:00:00+01:00'}, j: {type: "
                   "json, default: x}"),
      testing::SizeIs(3));
  EXPECT_THAT(history.columns(), ElementsAre("a", "g < f =7", "t =2026-01-01T00:00:00.000000Z", "j =\"x\""));
}

TEST(Compare, the_list_of_former_names_has_an_end) {
  History history("f0: string");
  for (int i = 1; i <= 20; ++i) {
    const std::string was = "f" + std::to_string(i - 1);
    ASSERT_THAT(history.step("f" + std::to_string(i) + ": {type: string, was: " + was + "}"), yes("renamed"));
  }
  EXPECT_THAT(
      history.step("f21: {type: string, was: f20}"),
      testing::Contains(AllOf(HasSubstr("no: field f21 has had 21 former names, up to 20"), HasSubstr("keep its"))));
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
