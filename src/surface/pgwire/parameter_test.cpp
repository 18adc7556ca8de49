// Values of parameters: every form that drivers send them in, and what is none.
#include "surface/pgwire/parameter.h"

#include <gtest/gtest.h>

#include "core/base/text.h"
#include "surface/pgwire/types.h"

namespace weir::pgwire {
namespace {

// "text:TYPE" of a value, or its SQLSTATE.
std::string taken(const SentValue& sent) {
  const auto parameter = parameter_of(sent);
  if (!parameter) return parameter.error().sqlstate;
  return (parameter->value.is_null() ? "NULL" : parameter->value.as_string()) + ":" + parameter->type;
}
std::string of_text(uint32_t type, std::string_view text) {
  return taken({.bytes = text, .is_binary = false, .type = type});
}
std::string of_binary(uint32_t type, std::string_view hex) {
  const std::string bytes = hex_decode(hex).value();
  return taken({.bytes = bytes, .is_binary = true, .type = type});
}

TEST(Parameter, texts_are_read_as_their_type) {
  EXPECT_EQ(of_text(oid::kInt4, "42"), "42:INTEGER");
  EXPECT_EQ(of_text(0, "42"), "42:") << "the engine finds out";
  EXPECT_EQ(of_text(oid::kUnknown, "x"), "x:");
  EXPECT_EQ(of_text(oid::kBool, "t"), "true:BOOLEAN");
  EXPECT_EQ(of_text(oid::kBool, "off"), "false:BOOLEAN");
  EXPECT_EQ(of_text(oid::kBool, "maybe"), "22P02");
  EXPECT_EQ(of_text(oid::kVarchar, "a'b"), "a'b:VARCHAR");
  EXPECT_EQ(of_text(oid::kTimestamptz, "2023-01-01 00:00:00+02"), "2023-01-01 00:00:00+02:TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(of_text(oid::kBytea, "\\x00ff"), std::string("\0\xff", 2) + ":BLOB");
  EXPECT_EQ(of_text(oid::kBytea, "a\\\\b\\001"), "a\\b\1:BLOB");
  EXPECT_EQ(of_text(oid::kBytea, "\\x0"), "22P02");
  EXPECT_EQ(of_text(oid::kText, "\xff"), "22021");
  EXPECT_EQ(of_text(600, "(1,2)"), "0A000") << "a point";
  EXPECT_EQ(taken({.bytes = std::nullopt, .is_binary = false, .type = oid::kDate}), "NULL:DATE");
}

TEST(Parameter, numerics_keep_all_their_digits) {
  EXPECT_EQ(of_text(oid::kNumeric, "123.4500"), "123.4500:DECIMAL(7,4)");
  EXPECT_EQ(of_text(oid::kNumeric, "-7"), "-7:DECIMAL(1,0)");
  EXPECT_EQ(of_text(oid::kNumeric, "1e5"), "1e5:DOUBLE");
  EXPECT_EQ(of_text(oid::kNumeric, "NaN"), "NaN:DOUBLE");
  EXPECT_EQ(of_text(oid::kNumeric, std::string(39, '9')), std::string(39, '9') + ":HUGEINT");
  for (const char* text :
       {"0", "1", "-1", "10000", "123.45", "-0.0001", "12345678.9", "0.00", "99999999999999999999.5"}) {
    std::string bytes;
    ASSERT_TRUE(append_numeric(bytes, text));
    EXPECT_EQ(numeric_text(bytes).value(), text);
  }
  EXPECT_EQ(of_binary(oid::kNumeric, "00000000c0000000"), "NaN:DOUBLE");
  EXPECT_EQ(of_binary(oid::kNumeric, "000100"), "22P03");
  EXPECT_EQ(of_binary(oid::kNumeric, "0005000000000000"), "22P03");
  EXPECT_EQ(of_binary(oid::kNumeric, "00017fff000000000001"), "22003");
}

TEST(Parameter, binary_values_of_a_fixed_size) {
  EXPECT_EQ(of_binary(oid::kBool, "01"), "true:BOOLEAN");
  EXPECT_EQ(of_binary(oid::kInt2, "fffe"), "-2:SMALLINT");
  EXPECT_EQ(of_binary(oid::kInt4, "fffffffe"), "-2:INTEGER");
  EXPECT_EQ(of_binary(oid::kInt8, "7fffffffffffffff"), "9223372036854775807:BIGINT");
  EXPECT_EQ(of_binary(oid::kOid, "ffffffff"), "4294967295:BIGINT");
  EXPECT_EQ(of_binary(oid::kFloat4, "3fc00000"), "1.5:FLOAT");
  EXPECT_EQ(of_binary(oid::kFloat8, "3fb999999999999a"), "0.1:DOUBLE");
  EXPECT_EQ(of_binary(oid::kDate, "00000000"), "2000-01-01:DATE");
  EXPECT_EQ(of_binary(oid::kDate, "7fffffff"), "infinity:DATE");
  EXPECT_EQ(of_binary(oid::kTime, "00000000000f4240"), "00:00:01:TIME");
  EXPECT_EQ(of_binary(oid::kTimestamp, "ffffffffffffffff"), "1999-12-31 23:59:59.999999:TIMESTAMP");
  EXPECT_EQ(of_binary(oid::kTimestamptz, "0000000000000000"), "2000-01-01 00:00:00+00:TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(of_binary(oid::kInterval, "00000000000f4240000000020000000c"),
            "12 months 2 days 1000000 microseconds:INTERVAL");
  EXPECT_EQ(of_binary(oid::kUuid, "80000000000000000000000000000001"), "80000000-0000-0000-0000-000000000001:UUID");
  EXPECT_EQ(of_binary(oid::kInt4, "01"), "22P03") << "one byte is no integer";
  EXPECT_EQ(of_binary(oid::kInt4, ""), "22P03");
  EXPECT_EQ(of_binary(oid::kJsonb, "017b7d"), "{}:JSON");
  EXPECT_EQ(of_binary(oid::kJsonb, "027b7d"), "22P03");
}

TEST(Parameter, a_binary_value_without_a_type_is_of_the_one_that_is_wanted) {
  const std::string bytes("\0\0\0\7", 4);
  EXPECT_EQ(taken({.bytes = bytes, .is_binary = true, .type = 0, .wanted = "INTEGER"}), "7:INTEGER");
  EXPECT_EQ(taken({.bytes = "7", .is_binary = false, .type = 0, .wanted = "INTEGER"}), "7:");
}

TEST(Parameter, arrays_become_lists) {
  EXPECT_EQ(list_text("{}").value(), "[]");
  EXPECT_EQ(list_text("{1,NULL, 3}").value(), "[\"1\", NULL, \"3\"]");
  EXPECT_EQ(list_text(R"({"a b","q\"x","null"})").value(), R"(["a b", "q\"x", "null"])");
  EXPECT_EQ(list_text("{{1},{2}}").error().sqlstate, std::string("0A000"));
  for (const char* wrong : {"", "1,2", "{1", "{\"a}", "{1,}", "{,1}"}) EXPECT_FALSE(list_text(wrong)) << wrong;
  EXPECT_EQ(of_text(1007, "{1,2}"), "[\"1\", \"2\"]:INTEGER[]");
}

TEST(Parameter, binary_arrays_are_believed_no_further_than_they_reach) {
  EXPECT_EQ(of_binary(1007,
                      "0000000100000000000000170000000100000001"
                      "0000000400000007"),
            "[\"7\"]:INTEGER[]");
  EXPECT_EQ(of_binary(1007,
                      "000000010000000000000017"
                      "7fffffff00000001"
                      "0000000400000007"),
            "22P03");
  EXPECT_EQ(of_binary(1007, "000000000000000000000017"), "[]:INTEGER[]");
  EXPECT_EQ(of_binary(1007, "0000"), "22P03");
  EXPECT_EQ(of_binary(1007, "0000000200000000000000170000000100000001"), "0A000");
}

}  // namespace
}  // namespace weir::pgwire
