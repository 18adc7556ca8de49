#include "storage/engine/columns.h"

#include <gtest/gtest.h>

#include <cmath>

namespace weir::engine {
namespace {

TEST(Columns, type_names_are_read_as_they_are_written) {
  for (const auto type :
       {ColumnType::boolean, ColumnType::int32, ColumnType::int64, ColumnType::float64, ColumnType::decimal,
        ColumnType::text, ColumnType::uuid, ColumnType::timestamp, ColumnType::date, ColumnType::json}) {
    EXPECT_EQ(*parse_column_type(column_type_name(type)), type);
  }
  const auto unknown = parse_column_type("varchar");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::invalid);
  EXPECT_NE(unknown.error().hint.find("text"), std::string::npos);
}

TEST(Columns, nulls_may_come_first_last_or_never) {
  ColumnValues values(ColumnType::text);
  values.add_text("a");
  EXPECT_FALSE(values.is_null(0));
  values.add_null();
  values.add_text("");
  EXPECT_EQ(values.text_at(0), "a");
  EXPECT_TRUE(values.is_null(1));
  EXPECT_FALSE(values.is_null(2));
  EXPECT_EQ(values.text_at(2), "");

  ColumnValues ids(ColumnType::uuid);
  ids.add_null();
  ids.add_uuid(1, 2);
  EXPECT_TRUE(ids.is_null(0));
  EXPECT_EQ(ids.uuid_high_at(1), 1u);
  EXPECT_EQ(ids.uuid_low_at(1), 2u);
  EXPECT_EQ(ids.size(), 2u);
}

TEST(Columns, doubles_keep_every_bit) {
  ColumnValues values(ColumnType::float64);
  for (const double value : {0.1, -0.0, 1e308}) values.add_double(value);
  EXPECT_EQ(values.double_at(0), 0.1);
  EXPECT_TRUE(std::signbit(values.double_at(1)));
  EXPECT_EQ(values.double_at(2), 1e308);
}

TEST(ColumnsDeathTest, a_value_of_another_kind_is_our_mistake) {
  ColumnValues values(ColumnType::text);
  EXPECT_DEATH(values.add_int(1), "kind");
}

TEST(Columns, a_block_counts_its_rows_and_bytes) {
  RowBlock block({{"id", ColumnType::int64}, {"name", ColumnType::text}});
  EXPECT_EQ(block.rows(), 0u);
  block.column(0).add_int(1);
  block.column(1).add_text("abc");
  EXPECT_EQ(block.rows(), 1u);
  EXPECT_EQ(block.bytes(), 8u + 3u + 4u);
  EXPECT_EQ(RowBlock({}).rows(), 0u);
}

}  // namespace
}  // namespace weir::engine
