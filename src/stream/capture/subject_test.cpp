// Who is meant, told by hashes only: in events, and in bytes that were never one.
#include "stream/capture/subject.h"

#include <gtest/gtest.h>

namespace weir::capture {
namespace {

Field field(FieldType type) {
  Field out;
  out.name = "user_id";
  out.type = type;
  out.subject = true;
  out.former = {"uid"};
  return out;
}

Subject subject(FieldType type, const std::string& value) {
  const HashKey key{7, 9};
  const auto canonical = canonical_subject(field(type), value);
  EXPECT_TRUE(canonical) << canonical.error().text();
  return Subject(field(type), {key, {Subject::hash(key, *canonical)}});
}

TEST(Subject, is_named_by_its_field_under_any_of_its_names) {
  Subject person = subject(FieldType::string, "Ada \"L\"");
  EXPECT_TRUE(person.names(R"({"a":1,"user_id":"Ada \"L\"","b":[1,{"user_id":"x"}]})"));
  EXPECT_TRUE(person.names(R"({"uid":"\u0041da \"L\""})"));
  EXPECT_FALSE(person.names(R"({"user_id":"Ada"})"));
  EXPECT_FALSE(person.names(R"({"nested":{"user_id":"Ada \"L\""}})")) << "a field of the event itself";
  EXPECT_FALSE(person.names(R"({"name":"Ada \"L\""})"));
  EXPECT_FALSE(subject(FieldType::string, "null").names(R"({"user_id":null})"));
  EXPECT_FALSE(person.names("")) << "nothing";
  EXPECT_FALSE(person.names("{")) << "broken";
}

TEST(Subject, has_one_form_for_each_type) {
  Subject number = subject(FieldType::integer, "42");
  EXPECT_TRUE(number.names(R"({"user_id":42})"));
  EXPECT_FALSE(number.names(R"({"user_id":420})"));
  Subject uuid = subject(FieldType::uuid, "0190B6C1-7AF1-7000-8000-00000000000A");
  EXPECT_TRUE(uuid.names(R"({"user_id":"0190b6c1-7af1-7000-8000-00000000000a"})"));
  EXPECT_FALSE(canonical_subject(field(FieldType::integer), "42x"));
  EXPECT_FALSE(canonical_subject(field(FieldType::integer), "99999999999999999999"));
  EXPECT_FALSE(canonical_subject(field(FieldType::uuid), "42"));
  EXPECT_FALSE(canonical_subject(field(FieldType::string), ""));
  EXPECT_FALSE(canonical_subject(field(FieldType::string), std::string(kSubjectBytesMax + 1, 'x')));
  const auto refused = canonical_subject(field(FieldType::integer), "secret-name");
  EXPECT_EQ(refused.error().text().find("secret-name"), std::string::npos) << "the value is in no message";
}

TEST(Subject, is_found_in_bytes_that_are_no_event) {
  Subject person = subject(FieldType::string, "ada@example.org");
  EXPECT_TRUE(person.is_in(R"({"user_id": "ada@example.org", "page": )"));
  EXPECT_TRUE(person.is_in("page,user\n/start,ada@example.org\n"));
  EXPECT_TRUE(person.is_in("the user was ada@example.org."));
  EXPECT_TRUE(person.is_in(R"({"userid":"ada@example.org"})")) << "the field misspelt";
  EXPECT_FALSE(person.is_in("bada@example.org"));
  EXPECT_FALSE(person.is_in(""));
  Subject spaced = subject(FieldType::string, "Ada Lovelace");
  EXPECT_TRUE(spaced.is_in("1,Ada Lovelace,x"));
  EXPECT_TRUE(spaced.is_in("found \"Ada Lovelace\""));
  EXPECT_FALSE(spaced.is_in("Ada, Lovelace"));
}

TEST(Subject, of_a_whole_number_is_not_taken_for_any_number) {
  Subject number = subject(FieldType::integer, "42");
  EXPECT_TRUE(number.is_in(R"({"user_id":"42"})"));
  EXPECT_TRUE(number.is_in("user_id,page\n42,/start\n"));
  EXPECT_TRUE(number.is_in(R"({"user_id":42,"page":)"));
  EXPECT_FALSE(number.is_in(R"({"user_id":7,"price":42})")) << "the field decides";
  EXPECT_FALSE(number.is_in("day,count\n2026-11-21,42\n")) << "nothing says that it is one";
}

}  // namespace
}  // namespace weir::capture
