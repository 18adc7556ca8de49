// A body taken apart: every shape a request may have, and how far a broken record reaches.
#include "stream/capture/event_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/io/simulated_clock.h"
#include "stream/capture/test_streams.h"

namespace weir::capture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One word a record: its payload if it fits, else its code.
struct Outcome {
  std::vector<std::string> records;
  std::string error;
};

class Reading : public ::testing::Test {
 protected:
  Outcome read(std::string_view body, BodyFormat format = BodyFormat::any_json) {
    Outcome out;
    const Status status = reader_.read(*plan_, body, format, limits_);
    if (!status) {
      out.error = status.error().message;
      code_ = status.error().code;
      return out;
    }
    for (const Candidate& record : reader_.records()) {
      out.records.push_back(record.fits() ? std::string(record.payload) : reader_.problem(record).code);
    }
    return out;
  }
  std::string message(size_t index) { return reader_.problem(reader_.records()[index]).message; }
  std::string text(size_t index) { return std::string(reader_.records()[index].text); }

  static Stream small() {
    Stream out;
    out.name = "small";
    out.fields = {field_of("a", FieldType::integer)};
    out.beacon = Beacon{"/things", "things", 3};
    return out;
  }
  std::shared_ptr<const StreamPlan> plan_ = plan_of(small());
  Limits limits_;
  EventReader reader_;
  Code code_ = Code::internal;
};

TEST_F(Reading, takes_each_line_as_one_record_if_asked_whatever_it_looks_like) {
  const Outcome got =
      read("{\"a\":1}\n[{\"a\":2}]\n{\"a\":3}{\"a\":4}\n}\n{\"a\":\n\n {\"a\":5} \n\"\n{\"a\":6} ", BodyFormat::lines);
  EXPECT_EQ(got.error, "");
  EXPECT_THAT(got.records, ElementsAre("{\"a\":1}", "wrong_type", "syntax", "syntax", "syntax", "syntax", "{\"a\":5}",
                                       "syntax", "{\"a\":6}"));
  EXPECT_EQ(text(2), "{\"a\":3}{\"a\":4}");
  EXPECT_EQ(text(4), "{\"a\":");
  EXPECT_THAT(message(2), HasSubstr("something follows the record"));
  EXPECT_THAT(read("", BodyFormat::lines).records, ElementsAre());
  limits_.records = 1;
  EXPECT_THAT(read("{}\n{}", BodyFormat::lines).error, HasSubstr("more than 1 records"));
}

TEST_F(Reading, takes_an_object_an_array_and_objects_one_after_another) {
  EXPECT_THAT(read(R"({"a":1})").records, ElementsAre(R"({"a":1})"));
  EXPECT_THAT(read(" [ {\"a\":1} , {\"a\":2} ] \n").records, ElementsAre(R"({"a":1})", R"({"a":2})"));
  EXPECT_THAT(read("{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}\n").records,
              ElementsAre(R"({"a":1})", R"({"a":2})", R"({"a":3})"));
  EXPECT_THAT(read(R"({"a":1}{"a":2} {"a":3})").records, ElementsAre(R"({"a":1})", R"({"a":2})", R"({"a":3})"));
  EXPECT_THAT(read("\xEF\xBB\xBF{\"a\":1}").records, ElementsAre(R"({"a":1})"));
  EXPECT_THAT(read("[]").records, ElementsAre());
  EXPECT_EQ(read("[]").error, "");
}

TEST_F(Reading, refuses_a_body_of_another_shape_with_its_place) {
  EXPECT_THAT(read("").error, HasSubstr("empty"));
  EXPECT_THAT(read(" \n ").error, HasSubstr("empty"));
  EXPECT_THAT(read("\n  \"x\"").error, HasSubstr("line 2, column 3"));
  EXPECT_THAT(read("12").error, HasSubstr("neither"));
  EXPECT_THAT(read("[{\"a\":1}").error, HasSubstr("not closed"));
  EXPECT_THAT(read("[{\"a\":1}] x").error, HasSubstr("follows the body's array, at line 1, column 11"));
  EXPECT_THAT(read("[{\"a\":1}\n {\"a\":2}]").error, HasSubstr("line 2, column 2"));
  EXPECT_THAT(read("[{\"a\":1},{\"a\":\"x]").error, HasSubstr("record 2 of the body is broken"));
  EXPECT_EQ(code_, Code::invalid);
}

TEST_F(Reading, gives_a_broken_record_of_an_array_its_own_verdict) {
  EXPECT_THAT(read(R"([{"a":1},{"a":tru},{"a":2}])").records, ElementsAre(R"({"a":1})", "syntax", R"({"a":2})"));
  EXPECT_EQ(text(1), R"({"a":tru})");
  EXPECT_THAT(message(1), HasSubstr("line 1, column 15"));
  EXPECT_THAT(read(R"([{a:"],[,}"}, {"a":2} ])").records, ElementsAre("syntax", R"({"a":2})"));
  EXPECT_THAT(read(R"([1,{"a":2},"x",[{}],null])").records,
              ElementsAre("wrong_type", R"({"a":2})", "wrong_type", "wrong_type", "wrong_type"));
  EXPECT_THAT(message(2), HasSubstr("found a string"));
  EXPECT_THAT(read("[{\"a\":1},{\"b\":\"\xff\"},{\"a\":\"x\"}]").records,
              ElementsAre(R"({"a":1})", "bad_utf8", "wrong_type"));
  EXPECT_EQ(text(1), "{\"b\":\"\xff\"}");
}

TEST_F(Reading, gives_a_broken_line_its_own_verdict) {
  EXPECT_THAT(read("{\"a\":1}\n{\"a\":\n{\"a\":2}\n").records, ElementsAre(R"({"a":1})", "syntax", R"({"a":2})"));
  EXPECT_THAT(read("{\"a\":1}\n{\"b\":\"not closed}\n{\"a\":2}").records,
              ElementsAre(R"({"a":1})", "syntax", R"({"a":2})"));
  EXPECT_EQ(text(1), "{\"b\":\"not closed}");
  EXPECT_THAT(read("{\"a\":1}}\n{\"a\":2}").records, ElementsAre("syntax", R"({"a":2})"));
  EXPECT_THAT(read("{\"a\":1}\ngarbage here\n{\"a\":2}").records, ElementsAre(R"({"a":1})", "syntax", R"({"a":2})"));
  EXPECT_THAT(message(1), HasSubstr("line 2, column 1"));
  EXPECT_THAT(read("{\"a\":1}\n[1,2]\n7\n{\"a\":2}").records,
              ElementsAre(R"({"a":1})", "wrong_type", "wrong_type", R"({"a":2})"));
  EXPECT_THAT(read("{\"a\":1}\n{\"a\":01}").records, ElementsAre(R"({"a":1})", "syntax"));
  EXPECT_THAT(read("{\"a\":01} {\"a\":2}").records, ElementsAre("syntax", R"({"a":2})"));
}

// Seed 004: the frame of POST /impressions, with its error texts.
TEST_F(Reading, takes_the_seeds_batch_and_answers_a_wrong_one_in_its_words) {
  const BodyFormat batch = BodyFormat::batch;
  EXPECT_THAT(read(R"({"things":[{"a":1},{"a":"x"}]})", batch).records, ElementsAre(R"({"a":1})", "wrong_type"));
  EXPECT_THAT(read(R"( { "th\u0069ngs" : [ {"a":1} ] } )", batch).records, ElementsAre(R"({"a":1})"));
  EXPECT_EQ(read(R"({"others":[]})", batch).error, R"(batch key "things" not given)");
  EXPECT_EQ(read("{}", batch).error, R"(batch key "things" not given)");
  EXPECT_EQ(read(R"({"things":[{"a":1}],"x":{"y":[]}})", batch).error, "too many keys: 2");
  EXPECT_EQ(read(R"({"w":0,"things":[{"a":1}],"x":1})", batch).error, "too many keys: 3");
  EXPECT_THAT(read(R"({"things":[]})", batch).error, HasSubstr("expected 1 to 3 records"));
  EXPECT_THAT(read(R"({"things":[{},{},{}]})", batch).records, ElementsAre("{}", "{}", "{}"));
  EXPECT_THAT(read(R"({"things":[{},{},{},{}]})", batch).error, HasSubstr("more than 3 records"));
  EXPECT_EQ(code_, Code::invalid);
  EXPECT_THAT(read(R"({"things":{"a":1}})", batch).error, HasSubstr("must be an array"));
  EXPECT_THAT(read(R"({"things":[{}],"things":[{}]})", batch).error, HasSubstr("twice"));
  for (std::string_view broken :
       {"impressions", "[]", "[{\"a\":1}]", "{\"things\":[{\"a\":1}]", "{\"things\":[{\"a\":1}",
        "{\"things\":[{\"a\":tru}]}", "{\"things\":[{}]} x", "{\"things\":[{}],}", "{\"things\":", "{\"things\"", "{",
        "{\"x\":tru}", "{things:[]}"}) {
    EXPECT_THAT(read(broken, batch).error, ::testing::AnyOf(HasSubstr("not JSON"), HasSubstr("not closed"))) << broken;
  }
  EXPECT_THAT(read("{\"things\":[{\"b\":\"\xff\"},{}]}", batch).records, ElementsAre("bad_utf8", "{}"));
}

TEST_F(Reading, names_each_limit_when_it_is_reached) {
  limits_.records = 2;
  EXPECT_EQ(read("[{},{}]").records.size(), 2u);
  EXPECT_THAT(read("[{},{},{}]").error, HasSubstr("more than 2 records"));
  EXPECT_EQ(code_, Code::too_large);
  EXPECT_THAT(read("{}{}{}").error, HasSubstr("more than 2 records"));
  limits_.record_bytes = 20;
  EXPECT_THAT(read(R"([{"x":"1234567890123"},{"x":"123456789012"}])").records,
              ElementsAre("too_large", R"({"x":"123456789012"})"));
  limits_.depth = 3;
  EXPECT_THAT(read(R"([{"x":[[]]},{"x":[[[{"y":1}]]]}])").records, ElementsAre(R"({"x":[[]]})", "too_deep"));
  EXPECT_THAT(message(1), HasSubstr("allowed are 3 levels"));
  limits_.body_bytes = 4;
  EXPECT_THAT(read("{    }").error, HasSubstr("the body has 6B, allowed are 4B"));
  EXPECT_EQ(code_, Code::too_large);
}

TEST_F(Reading, survives_any_bytes_and_places_views_inside_what_was_given) {
  SeededRandom random(5);
  constexpr std::string_view kAlphabet = "{}[]\",:\\ \n01a-\x80\xff\x01";
  const std::string seed = R"([{"a":1,"b":"x\"y"},{"a":2} , {"c":[{}]}])";
  for (int round = 0; round < 20'000; ++round) {
    std::string body = seed;
    if (random_chance(random, 1, 3)) body = "{\"things\":" + body + "}";
    for (uint64_t i = random_below(random, 4); i > 0; --i) {
      body[random_below(random, body.size())] = kAlphabet[random_below(random, kAlphabet.size())];
    }
    body.resize(random_below(random, body.size() + 1));
    for (BodyFormat format : {BodyFormat::any_json, BodyFormat::batch}) {
      if (!reader_.read(*plan_, body, format, limits_)) continue;
      for (const Candidate& record : reader_.records()) {
        EXPECT_NE(body.find(record.text), std::string::npos);
        EXPECT_LE(record.text.size(), body.size());
      }
    }
  }
}

// A hostile body must cost no more than a large one: many failures, many keys, deep nesting.
TEST_F(Reading, takes_time_in_proportion_to_the_body) {
  std::string broken, flat = "{\"x\":{";
  for (int i = 0; i < 90'000; ++i) broken += "{\"a\":tru}\n";
  for (int i = 0; i < 60'000; ++i) flat += "\"k" + std::to_string(i) + "\":0,";
  flat += "\"z\":0}}";
  EXPECT_EQ(read(broken).records.size(), 90'000u);
  EXPECT_EQ(read(flat).records.size(), 1u);
  EXPECT_THAT(read(std::string(1'000'000, '[')).error, HasSubstr("its end cannot be found"));
}

}  // namespace
}  // namespace weir::capture
