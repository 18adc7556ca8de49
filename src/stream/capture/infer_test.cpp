// Goal: an inferred declaration reads without a mistake, whatever the samples, and takes the samples it was made from.
// Method: small samples for each guess; random and hostile events from a seed, inferred, parsed, and judged.
#include "stream/capture/infer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/json.h"
#include "stream/capture/declaration.h"
#include "stream/capture/event_judge.h"
#include "stream/capture/random_streams.h"
#include "stream/capture/samples.h"

namespace weir::capture {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string inferred(const std::string& samples, const std::string& name = "orders") {
  auto yaml = infer_stream(samples, name);
  EXPECT_TRUE(yaml) << yaml.error().text();
  return yaml ? *yaml : "";
}

Stream stream_of(const std::string& yaml) {
  ParsedStream out = parse_stream(yaml, "streams/orders.yaml", "orders");
  for (const Error& error : out.errors) ADD_FAILURE() << error.text() << "\n" << yaml;
  return out.stream;
}
Stream stream_from(const std::string& samples) {
  return stream_of(inferred(samples));
}
// Of a single field `f` that has these values.
Field field_from(const std::vector<std::string>& values) {
  std::string samples;
  for (const std::string& value : values) samples += R"({"f":)" + value + "}\n";
  const Stream stream = stream_from(samples);
  EXPECT_EQ(stream.fields.size(), 1u) << samples;
  return stream.fields.empty() ? Field() : stream.fields[0];
}

constexpr const char* kUuid = R"("0190a5b2-7c3d-7e4f-8a1b-2c3d4e5f607)";
std::string uuid(int digit) {
  return kUuid + std::to_string(digit) + '"';
}

TEST(Infer, reads_a_shop_as_a_person_would) {
  std::string samples;
  for (int i = 0; i < 60; ++i) {
    samples += R"({"order_id":"o-)" + std::to_string(i) + R"(","customer_id":7,"state":")" + (i % 2 ? "paid" : "open") +
               R"(","created_at":"2026-01-02T03:04:05Z","total":)" + std::to_string(i) +
               ".5,\"gift\":null,\"lines\":[{\"sku\":\"a\",\"n\":1}]" +
               (i == 0 ? "" : ",\"note\":\"n" + std::to_string(i) + "\"") + "}\n";
  }
  EXPECT_EQ(inferred(samples), R"(# Inferred from 60 events for the stream orders. It is a guess:
# read it, correct it, then `weir plan` shows what it would do.
fields:
  order_id: {type: string, required: true}
  customer_id: {type: integer, required: true}
  state: {type: string, required: true}  # values: ["open", "paid"] is all that was seen
  created_at: {type: timestamp, required: true}
  total: {type: number, required: true}
  gift: {type: json, required: true, nullable: true}  # only null was seen
  lines:
    type: array
    required: true
    items:
      type: object
      fields:
        sku: {type: string, required: true}  # values: ["a"] is all that was seen
        n: {type: integer, required: true}
  note: string  # in 59 of 60

key: order_id  # different in all 60 events
time: created_at  # decides the day; older than past_max (30d) at its arrival goes to quarantine
unknown: keep  # fields that are not declared go to the column _extra; or drop, refuse
write: key  # weir token create --write STREAM; public lets anybody on this machine write
)");
  const Stream stream = stream_from(samples);
  EXPECT_EQ(stream.key, "order_id");
  EXPECT_FALSE(stream.assign_key);
  EXPECT_EQ(stream.time_field, "created_at");
}

TEST(Infer, each_kind_of_value_has_its_type) {
  EXPECT_EQ(field_from({"true", "false"}).type, FieldType::boolean);
  EXPECT_EQ(field_from({"1", "-9223372036854775808"}).type, FieldType::integer);
  EXPECT_EQ(field_from({"1", "1.5"}).type, FieldType::number);
  EXPECT_EQ(field_from({"1", "18446744073709551615"}).type, FieldType::json);
  EXPECT_EQ(field_from({uuid(1), uuid(1) + " "}).type, FieldType::uuid);
  EXPECT_EQ(field_from({"\"2026-01-02\"", "\"2026-01-03\""}).type, FieldType::date);
  EXPECT_EQ(field_from({"\"2026-01-02 03:04:05\"", "\"2026-01-02T03:04:05.123+02:00\""}).type, FieldType::timestamp);
  EXPECT_EQ(field_from({"\"2026-01-02\"", "\"2026-01-02T03:04:05Z\""}).type, FieldType::string);
  EXPECT_EQ(field_from({"\"2026-02-30\""}).type, FieldType::string);
  EXPECT_EQ(field_from({uuid(1), "\"\""}).type, FieldType::string);
  EXPECT_EQ(field_from({"\"1\"", "1"}).type, FieldType::json);
  EXPECT_EQ(field_from({"[1]", "[]"}).type, FieldType::array);
  EXPECT_EQ(field_from({"[1]", "[2.5]"}).items[0].type, FieldType::number);
  EXPECT_EQ(field_from({"[1]", "[\"a\"]"}).items[0].type, FieldType::json);
  EXPECT_TRUE(field_from({"[1]", "[null]"}).items[0].nullable);
  EXPECT_EQ(field_from({"[]", "[null]"}).type, FieldType::json);
  EXPECT_EQ(field_from({"{}"}).type, FieldType::json);
  EXPECT_EQ(field_from({"{\"a\":1}", "{\"b\":2}"}).type, FieldType::object);
  EXPECT_EQ(field_from({"{\"a\":1}", "[1]"}).type, FieldType::json);
  EXPECT_TRUE(field_from({"1", "null"}).nullable);
}

TEST(Infer, required_means_always_there) {
  const Stream stream =
      stream_from("{\"a\":1,\"o\":{\"x\":1,\"y\":1}}\n{\"a\":null,\"b\":2}\n{\"a\":3,\"o\":{\"x\":2}}\n");
  EXPECT_TRUE(stream.find("a")->required);
  EXPECT_TRUE(stream.find("a")->nullable);
  EXPECT_FALSE(stream.find("b")->required);
  EXPECT_FALSE(stream.find("o")->required);
  EXPECT_TRUE(stream.find("o")->fields[0].required) << "wherever its object is";
  EXPECT_FALSE(stream.find("o")->fields[1].required);
}

TEST(Infer, nesting_ends_in_json) {
  const Stream stream = stream_from(R"({"a":{"b":{"c":{"d":1},"e":1}},"l":[[[[1]]]]})");
  const Field& b = stream.fields[0].fields[0];
  EXPECT_EQ(b.fields[0].type, FieldType::json);
  EXPECT_EQ(b.fields[1].type, FieldType::integer);
  EXPECT_EQ(stream.fields[1].items[0].items[0].type, FieldType::json);
}

TEST(Infer, an_object_whose_keys_are_data_is_json) {
  std::string samples;
  for (int i = 0; i < 3000; ++i) samples += "{\"by_user\":{\"u" + std::to_string(i) + "\":1},\"after\":true}\n";
  const std::string yaml = inferred(samples);
  EXPECT_THAT(yaml, HasSubstr("by_user: {type: json, required: true}  # more than 200 keys: they look like data"));
  EXPECT_THAT(yaml, AllOf(HasSubstr("after: {type: boolean, required: true}"), Not(HasSubstr("different fields"))));
  EXPECT_EQ(stream_of(yaml).fields.size(), 2u);
  EXPECT_EQ(field_from({R"({"user name":1})"}).type, FieldType::json) << "a key that is no name";
}

TEST(Infer, a_key_is_unique_and_never_null) {
  const auto key = [](const std::string& samples) { return stream_from(samples).key; };
  EXPECT_EQ(key("{\"id\":1}\n{\"id\":2}\n"), "id");
  EXPECT_EQ(key("{\"id\":1,\"v\":1}\n{\"id\":1,\"v\":2}\n"), "");
  EXPECT_EQ(key("{\"id\":1}\n{\"id\":2}\n{\"id\":1}\n"), "id") << "an exact repeat is a resend";
  EXPECT_EQ(key("{\"id\":1}\n{\"id\":null}\n"), "");
  EXPECT_EQ(key("{\"id\":1}\n{\"v\":2}\n"), "");
  EXPECT_EQ(key("{\"id\":1.5}\n{\"id\":2.5}\n"), "");
  EXPECT_EQ(key("{\"id\":\"\"}\n{\"id\":\"a\"}\n"), "");
  EXPECT_EQ(key("{\"name\":\"a\"}\n{\"name\":\"b\"}\n"), "") << "unique by chance";
  EXPECT_EQ(key("{\"name\":" + uuid(1) + "}\n{\"name\":" + uuid(2) + "}\n"), "name");
  EXPECT_EQ(key("{\"user_id\":1,\"order_id\":5}\n{\"user_id\":2,\"order_id\":6}\n"), "order_id") << "the stream's own";
  EXPECT_EQ(key("{\"user_id\":1,\"u\":" + uuid(1) + "}\n{\"user_id\":2,\"u\":" + uuid(2) + "}\n"), "u");
  EXPECT_EQ(key("{\"id\":" + std::string("\"") + std::string(2000, 'x') + "\"}\n{\"id\":\"y\"}\n"), "") << "too long";
  EXPECT_EQ(key("{\"id\":1}\n"), "") << "one event proves nothing";
  EXPECT_THAT(inferred("{\"id\":1}\n"), HasSubstr("# key: id  # one event does not show"));
}

TEST(Infer, the_time_is_a_timestamp_with_a_likely_name) {
  const auto time = [](const std::string& event) { return stream_from(event).time_field; };
  const std::string at = "\"2026-01-02T03:04:05Z\"";
  EXPECT_EQ(time("{\"a\":" + at + ",\"sent_at\":" + at + ",\"ts\":" + at + "}"), "ts");
  EXPECT_EQ(time("{\"a\":" + at + ",\"sent_at\":" + at + "}"), "sent_at");
  EXPECT_EQ(time("{\"a\":" + at + "}"), "a");
  EXPECT_EQ(time("{\"a\":" + at + ",\"occurred_at\":" + at + "}\n{\"a\":" + at + "}"), "a") << "always there is better";
  EXPECT_EQ(time("{\"ts\":1767322800}"), "");
}

TEST(Infer, values_are_suggested_from_fifty_samples_with_at_most_eight) {
  const auto values = [](int samples, int distinct, const std::string& text) {
    std::string out;
    for (int i = 0; i < samples; ++i) {
      out += "{\"n\":" + std::to_string(i) + ",\"s\":" + Json(text + std::to_string(i % distinct)).dump() + "}\n";
    }
    return inferred(out);
  };
  EXPECT_THAT(values(50, 8, "v"), HasSubstr("values: [\"v0\", \"v1\""));
  EXPECT_THAT(values(49, 8, "v"), Not(HasSubstr("values:")));
  EXPECT_THAT(values(50, 9, "v"), Not(HasSubstr("values:")));
  EXPECT_THAT(values(50, 2, "line\nbreak"), Not(HasSubstr("values:")));
  EXPECT_THAT(values(50, 2, "\xC2\x85"), Not(HasSubstr("values:")));
  EXPECT_THAT(values(50, 2, std::string(100, 'a')), Not(HasSubstr("values:")));
  EXPECT_THAT(values(50, 2, "q\"#é"), HasSubstr("values: [\"q\\\"#é0\""));
}

TEST(Infer, names_that_are_none_are_reported_and_left_to_extra) {
  const std::string yaml = inferred(R"({"userId":1,"x\ny":2,"dt":"2026-01-01","_seq":3,"null":true,"no":1,"ok":1})");
  EXPECT_THAT(
      yaml, HasSubstr("#   'userId' (integer in 1 of 1) is no name (a-z, 0-9 and _, a letter first, at most 63); sent "
                      "as user_id it could be declared"));
  EXPECT_THAT(yaml, HasSubstr("#   'x\\x0ay' (integer in 1 of 1)"));
  EXPECT_THAT(yaml, HasSubstr("#   'dt' (date in 1 of 1) is the name of the partition column"));
  const Stream stream = stream_of(yaml);
  ASSERT_EQ(stream.fields.size(), 3u);
  EXPECT_EQ(stream.fields[0].name, "null");
  EXPECT_EQ(stream.fields[1].name, "no");
}

TEST(Infer, broken_lines_are_counted_and_the_first_is_named) {
  const std::string yaml = inferred("\xEF\xBB\xBF{\"a\":1}\r\n\r\nnonsense\n[1]\n{\"a\":1,\"a\":2}\n{\"a\":2}");
  EXPECT_THAT(yaml, HasSubstr("Inferred from 2 events"));
  EXPECT_THAT(yaml, HasSubstr("# 3 lines are no event; the first: line 3: "));
  EXPECT_EQ(stream_of(yaml).fields[0].type, FieldType::integer);
}

TEST(Infer, takes_an_array_and_a_single_event_over_several_lines) {
  EXPECT_EQ(stream_from("[\n {\"a\":1},\n {\"a\":\"x\"}, 5\n]\n").fields[0].type, FieldType::json);
  EXPECT_EQ(stream_from("{\n  \"a\": 1,\n  \"b\": 2\n}\n").fields.size(), 2u);
  EXPECT_EQ(stream_from("{}").fields.size(), 0u);
}

TEST(Infer, no_events_are_an_error_that_says_what_was_expected) {
  for (const char* text : {"", " \n\n", "nonsense", "[]", "[1,2]", "5", "[{\"a\":1}", "{\"a\":"}) {
    auto yaml = infer_stream(text, "x");
    ASSERT_FALSE(yaml) << text;
    EXPECT_EQ(yaml.error().code, Code::invalid) << text;
  }
  EXPECT_THAT(infer_stream("[{\"a\":1}", "x").error().text(), HasSubstr("an array must be whole"));
  EXPECT_THAT(infer_stream("a,b\n1,2\n", "x").error().text(), HasSubstr("one JSON object per line"));
}

TEST(Infer, a_file_name_that_is_no_stream_name_is_said) {
  EXPECT_THAT(inferred("{\"a\":1}", "Page Views"),
              HasSubstr("# 'Page Views' is no name of a stream: save it as streams/page_views.yaml"));
  EXPECT_THAT(inferred("{\"a\":1}", "x\ny: z"), HasSubstr("# 'x\\x0ay: z' is no name"));
}

TEST(Infer, fields_and_events_have_limits_that_are_said) {
  std::string wide = "{";
  for (int i = 0; i < 1100; ++i) wide += (i ? ",\"f" : "\"f") + std::to_string(i) + "\":{\"a\":1}";
  const std::string yaml = inferred(wide + "}");
  EXPECT_THAT(yaml, HasSubstr("# There are more than 1,000 different fields"));
  EXPECT_LE(stream_of(yaml).fields.size(), 1000u);

  std::string many;
  for (uint64_t i = 0; i <= Samples::kEventsMax; ++i) many += "{\"i\":" + std::to_string(i) + "}\n";
  EXPECT_THAT(inferred(many), AllOf(HasSubstr("from 100,000 events"), HasSubstr("Only the first 100,000 were read")));
  many.erase(many.rfind('{'));
  EXPECT_THAT(inferred(many), Not(HasSubstr("Only the first")));
}

// Events with few names, so that fields meet values of several kinds, and names that are hostile to YAML.
class RandomEvents {
 public:
  explicit RandomEvents(uint32_t seed) : random_(seed) {}

  Json event() {
    Json out = object(0);
    out.set("n", ++number_);
    return out;
  }
  size_t below(size_t count) { return random_.below(count); }

 private:
  std::string name() {
    static constexpr const char* kNames[] = {
        "a",    "b", "id",     "u_id", "null",     "true",         "on",   "dt", "_seq", "userId", "x y", "#c",
        "a: b", "",  "q\"u'o", "nl\n", "\xC2\x85", "\xE2\x80\xA8", "\x7F", "ü",  "{",    "- a",    "~"};
    return random_.chance(3) ? kNames[random_.below(std::size(kNames))] : "f" + std::to_string(random_.below(6));
  }
  std::string text() {
    static constexpr const char* kTexts[] = {
        "2026-01-02", "2026-01-02T03:04:05Z", "0190a5b2-7c3d-7e4f-8a1b-2c3d4e5f6071", "", "x", "nl\n", "\xC2\x85", "#"};
    return kTexts[random_.below(std::size(kTexts))];
  }
  Json object(int depth) {
    Json out{Json::Object{}};
    for (size_t i = random_.below(5); i > 0; --i) out.set(name(), value(depth + 1));
    return out;
  }
  Json value(int depth) {
    switch (random_.below(depth < 6 ? 10 : 7)) {
      case 0:
        return {};
      case 1:
        return random_.chance(2);
      case 2:
        return static_cast<int64_t>(random_.below(1000)) - 500;
      case 3:
        return random_.chance(2) ? Json(~uint64_t{0}) : Json(INT64_MIN);
      case 4:
        return 0.25 * static_cast<double>(random_.below(100));
      case 5:
      case 6:
        return text();
      case 7: {
        Json::Array out;
        for (size_t i = random_.below(4); i > 0; --i) out.push_back(value(depth + 1));
        return out;
      }
      default:
        return object(depth);
    }
  }
  RandomStreams random_;
  int64_t number_ = 0;
};

TEST(Infer, whatever_was_sampled_the_result_reads_and_takes_the_samples) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    RandomEvents random(seed);
    std::vector<std::string> events(1 + random.below(seed % 10 == 0 ? 80 : 6));
    std::string samples;
    for (std::string& event : events) samples += (event = random.event().dump()) + "\n";
    const std::string yaml = inferred(samples);
    const Stream stream = stream_of(yaml);
    auto plan = StreamPlan::compile(std::make_shared<const Stream>(stream));
    ASSERT_TRUE(plan) << "seed " << seed;
    for (const std::string& event : events) {
      const Judgement judged = judge(**plan, event);
      ASSERT_TRUE(judged.fits) << "seed " << seed << ": " << judged.field << ": " << judged.message << "\n"
                               << event << "\n"
                               << yaml;
    }
  }
}

TEST(Infer, the_second_time_is_the_same_as_the_first) {
  RandomEvents random(7);
  std::string samples;
  for (int i = 0; i < 50; ++i) samples += random.event().dump() + "\n";
  EXPECT_EQ(inferred(samples), inferred(samples));
}

}  // namespace
}  // namespace weir::capture
