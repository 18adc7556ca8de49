// Values in PostgreSQL's two forms. The texts were printed by a PostgreSQL 15, the bytes sent by one.
#include "surface/pgwire/types.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/text.h"
#include "surface/pgwire/message.h"

namespace weir::pgwire {
namespace {

constexpr int64_t kDay = 86'400'000'000;

template <class Function, class... Arguments>
std::string text(Function function, Arguments... arguments) {
  std::string out;
  function(out, arguments...);
  return out;
}
engine::Wide wide(int64_t value) {
  return {value < 0 ? -1 : 0, static_cast<uint64_t>(value)};
}
std::string numeric(std::string_view decimal) {
  std::string out;
  EXPECT_TRUE(append_numeric(out, decimal)) << decimal;
  return hex_encode(out);
}

TEST(Types, have_postgresqls_numbers_and_modifiers) {
  EXPECT_EQ(type_of("BOOLEAN").number, 16u);
  EXPECT_EQ(type_of("TINYINT").number, 21u);
  EXPECT_EQ(type_of("UINTEGER").number, 20u);
  EXPECT_EQ(type_of("HUGEINT").number, 1700u);
  EXPECT_EQ(type_of("HUGEINT").modifier, -1);
  EXPECT_EQ(type_of("DECIMAL(18,3)").number, 1700u);
  EXPECT_EQ(type_of("DECIMAL(18,3)").modifier, (18 << 16 | 3) + 4);
  EXPECT_EQ(type_of("VARCHAR").number, 1043u);
  EXPECT_EQ(type_of("VARCHAR(20)").modifier, 24);
  EXPECT_EQ(type_of("CHAR(3)").number, 1042u);
  EXPECT_EQ(type_of("TIMESTAMP WITH TIME ZONE").number, 1184u);
  EXPECT_EQ(type_of("TIMESTAMP_NS").number, 1114u);
  EXPECT_EQ(type_of("BLOB").number, 17u);
  EXPECT_EQ(type_of("ENUM('a', 'b')").number, 25u);
  EXPECT_EQ(type_of("STRUCT(a INTEGER, b VARCHAR[])").number, 114u);
  EXPECT_EQ(type_of("MAP(VARCHAR, INTEGER)").number, 114u);
  EXPECT_EQ(type_of("\"NULL\"").number, 25u);
  EXPECT_EQ(type_of("INTEGER[]").number, 1007u);
  EXPECT_EQ(type_of("INTEGER[]").element, 23u);
  EXPECT_EQ(type_of("INTEGER[3]").number, 1007u);
  EXPECT_EQ(type_of("DECIMAL(4,1)[]").number, 1231u);
  EXPECT_EQ(type_of("INTEGER[][]").number, 114u);
  EXPECT_EQ(type_of("STRUCT(a INTEGER)[]").number, 25u);
  EXPECT_EQ(type_of("BLOB[]").number, 25u);
  EXPECT_EQ(type_of("INTEGER").size, 4);
  EXPECT_EQ(engine_type_of(1184), "TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(engine_type_of(1016), "BIGINT[]");
  EXPECT_EQ(engine_type_of(999'999), "");
}

TEST(Types, floats_are_their_shortest_text) {
  EXPECT_EQ(text(append_float8, 0.1), "0.1");
  EXPECT_EQ(text(append_float8, 1.0), "1");
  EXPECT_EQ(text(append_float8, -0.0), "-0");
  EXPECT_EQ(text(append_float8, 1e14), "100000000000000");
  EXPECT_EQ(text(append_float8, 1e15), "1e+15");
  EXPECT_EQ(text(append_float8, 123456789012345680.0), "1.2345678901234568e+17");
  EXPECT_EQ(text(append_float8, 0.0001), "0.0001");
  EXPECT_EQ(text(append_float8, 0.00001234), "1.234e-05");
  EXPECT_EQ(text(append_float8, 1e300), "1e+300");
  EXPECT_EQ(text(append_float8, 2.5e-308), "2.5e-308");
  EXPECT_EQ(text(append_float8, 1234.5), "1234.5");
  EXPECT_EQ(text(append_float8, std::numeric_limits<double>::infinity()), "Infinity");
  EXPECT_EQ(text(append_float8, -std::numeric_limits<double>::infinity()), "-Infinity");
  EXPECT_EQ(text(append_float8, std::nan("")), "NaN");
  EXPECT_EQ(text(append_float4, 0.1f), "0.1");
  EXPECT_EQ(text(append_float4, 1e5f), "100000");
  EXPECT_EQ(text(append_float4, 1e6f), "1e+06");
}

TEST(Types, decimals_keep_their_digits) {
  EXPECT_EQ(text(append_decimal, wide(12345), 2), "123.45");
  EXPECT_EQ(text(append_decimal, wide(-5), 2), "-0.05");
  EXPECT_EQ(text(append_decimal, wide(0), 0), "0");
  EXPECT_EQ(text(append_decimal, wide(0), 3), "0.000");
  EXPECT_EQ(text(append_decimal, engine::Wide{INT64_MIN, 0}, 0), "-170141183460469231731687303715884105728");
  EXPECT_EQ(text(append_decimal, engine::Wide{INT64_MAX, UINT64_MAX}, 10), "17014118346046923173168730371.5884105727");
  EXPECT_EQ(text(append_decimal, engine::Wide{1, 0}, 0), "18446744073709551616");
}

TEST(Types, days_and_instants) {
  EXPECT_EQ(text(append_date, 0), "1970-01-01");
  EXPECT_EQ(text(append_date, -719'162), "0001-01-01");
  EXPECT_EQ(text(append_date, -719'163), "0001-12-31 BC");
  EXPECT_EQ(text(append_date, 2'932'897), "10000-01-01");
  EXPECT_EQ(text(append_date, 11'016), "2000-02-29");
  EXPECT_EQ(text(append_date, engine::kInfinity), "infinity");
  EXPECT_EQ(text(append_time, 3'661'000'000), "01:01:01");
  EXPECT_EQ(text(append_time, kDay), "24:00:00");
  EXPECT_EQ(text(append_timestamp, -1), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(text(append_timestamp, 1'500'000), "1970-01-01 00:00:01.5");
  EXPECT_EQ(text(append_timestamp, -719'163 * kDay), "0001-12-31 00:00:00 BC");
  EXPECT_EQ(text(append_timestamp, -engine::kInfinity), "-infinity");
  const auto zoned = [](int64_t micros, const char* zone) {
    std::string out;
    append_timestamp_tz(out, micros, *flow::Zone::find(zone));
    return out;
  };
  EXPECT_EQ(zoned(0, "UTC"), "1970-01-01 00:00:00+00");
  EXPECT_EQ(zoned(1'700'000'000'000'000, "Europe/Berlin"), "2023-11-14 23:13:20+01");
  EXPECT_EQ(zoned(1'700'000'000'000'000, "Asia/Kolkata"), "2023-11-15 03:43:20+05:30");
  EXPECT_EQ(zoned(1'700'000'000'000'000, "America/St_Johns"), "2023-11-14 18:43:20-03:30");
}

TEST(Types, spans_of_time_are_as_intervalstyle_postgres_writes_them) {
  EXPECT_EQ(text(append_interval, engine::Interval{0, 0, 0}), "00:00:00");
  EXPECT_EQ(text(append_interval, engine::Interval{14, 3, 14'706'700'000}), "1 year 2 mons 3 days 04:05:06.7");
  EXPECT_EQ(text(append_interval, engine::Interval{-1, 1, -1'000'000}), "-1 mons +1 day -00:00:01");
  EXPECT_EQ(text(append_interval, engine::Interval{0, -1, 1'000'000}), "-1 days +00:00:01");
  EXPECT_EQ(text(append_interval, engine::Interval{12, 0, 0}), "1 year");
  EXPECT_EQ(text(append_interval, engine::Interval{0, 0, 100 * 3'600'000'000}), "100:00:00");
}

TEST(Types, bytes_uuids_and_arrays) {
  EXPECT_EQ(text(append_bytes, std::string_view("\0\xff", 2)), "\\x00ff");
  EXPECT_EQ(text(append_uuid, engine::Wide{static_cast<int64_t>(0x8000000000000000ull), 1}),
            "80000000-0000-0000-0000-000000000001");
  const auto array = [](const char* json, uint32_t element) {
    std::string out;
    append_array(out, json, element);
    return out;
  };
  EXPECT_EQ(array("[1,null,3]", oid::kInt4), "{1,NULL,3}");
  EXPECT_EQ(array("[]", oid::kInt4), "{}");
  EXPECT_EQ(array("[true,false]", oid::kBool), "{t,f}");
  EXPECT_EQ(array("[1.0,2.5]", oid::kFloat8), "{1,2.5}");
  EXPECT_EQ(array(R"(["plain","a b","","null","q\"\\","{}","x,y"])", oid::kVarchar),
            R"({plain,"a b","","null","q\"\\","{}","x,y"})");
  EXPECT_EQ(array(R"([{"a":1}])", oid::kJson), R"({"{\"a\":1}"})");
}

TEST(Types, numeric_is_groups_of_four_digits) {
  EXPECT_EQ(numeric("0"), "0000000000000000");
  EXPECT_EQ(numeric("0.00"), "0000000000000002");
  EXPECT_EQ(numeric("1"), "00010000000000000001");
  EXPECT_EQ(numeric("-1"), "00010000400000000001");
  EXPECT_EQ(numeric("10000"), "00010001000000000001");
  EXPECT_EQ(numeric("123.45"), "0002000000000002007b1194");
  EXPECT_EQ(numeric("0.0001"), "0001ffff000000040001");
  EXPECT_EQ(numeric("12345678.9"), "000300010000000104d2162e2328");
  std::string out;
  EXPECT_FALSE(append_numeric(out, ""));
  EXPECT_FALSE(append_numeric(out, "1e5"));
}

}  // namespace
}  // namespace weir::pgwire
