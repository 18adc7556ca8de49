// Columns of a result read where DuckDB has them: every kind, nulls, and the three ways in which a vector may lie.
#include <gtest/gtest.h>

#include "storage/engine/block_reader.h"

namespace weir::engine {
namespace {

class ResultBlockTest : public ::testing::Test {
 protected:
  // The first row's value of the one column that a statement gives.
  const ResultVector& first(const std::string& sql) {
    ask(sql);
    return *block->columns.at(0);
  }
  void ask(const std::string& sql) {
    result = connection.Query(sql);
    ASSERT_FALSE(result->HasError()) << result->GetError();
    reader = std::make_unique<BlockReader>(result->types);
    chunk = result->Fetch();
    ASSERT_TRUE(chunk);
    block = &reader->read(*chunk);
  }
  duckdb::DuckDB database{nullptr};
  duckdb::Connection connection{database};
  duckdb::unique_ptr<duckdb::QueryResult> result;
  duckdb::unique_ptr<duckdb::DataChunk> chunk;
  std::unique_ptr<BlockReader> reader;
  const ResultBlock* block = nullptr;
};

TEST_F(ResultBlockTest, whole_numbers_of_every_width) {
  for (const char* type : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}) {
    const ResultVector& column = first(std::string("SELECT (-7)::") + type);
    EXPECT_EQ(column.kind, VectorKind::integer) << type;
    EXPECT_EQ(column.integer(0), -7) << type;
  }
  for (const char* type : {"UTINYINT", "USMALLINT", "UINTEGER"}) {
    EXPECT_EQ(first(std::string("SELECT 200::") + type).integer(0), 200) << type;
  }
  EXPECT_EQ(first("SELECT 18446744073709551615::UBIGINT").kind, VectorKind::wide);
  EXPECT_EQ(block->columns[0]->wide(0).low, UINT64_MAX);
  EXPECT_EQ(block->columns[0]->wide(0).high, 0);
  EXPECT_EQ(first("SELECT (-1)::HUGEINT").wide(0).high, -1);
  EXPECT_EQ(block->columns[0]->wide(0).low, UINT64_MAX);
}

TEST_F(ResultBlockTest, decimals_of_every_width_keep_their_digits) {
  for (const char* type : {"DECIMAL(4,2)", "DECIMAL(9,2)", "DECIMAL(18,2)", "DECIMAL(38,2)"}) {
    const ResultVector& column = first(std::string("SELECT (-1.25)::") + type);
    EXPECT_EQ(column.kind, VectorKind::decimal) << type;
    EXPECT_EQ(column.scale, 2) << type;
    EXPECT_EQ(column.wide(0).high, -1) << type;
    EXPECT_EQ(static_cast<int64_t>(column.wide(0).low), -125) << type;
  }
}

TEST_F(ResultBlockTest, truth_reals_texts_and_bytes) {
  EXPECT_TRUE(first("SELECT true").truth(0));
  EXPECT_EQ(first("SELECT 1.5::FLOAT").kind, VectorKind::float32);
  EXPECT_EQ(block->columns[0]->real(0), 1.5);
  EXPECT_EQ(first("SELECT 0.1::DOUBLE").real(0), 0.1);
  EXPECT_EQ(first("SELECT 'a text that is too long to lie in its place'").text(0),
            "a text that is too long to lie in its place");
  EXPECT_EQ(first("SELECT '\\x00\\xFF'::BLOB").text(0), std::string_view("\0\xFF", 2));
  EXPECT_EQ(block->columns[0]->kind, VectorKind::bytes);
  EXPECT_EQ(first("SELECT '{\"a\":1}'::JSON").kind, VectorKind::text);
}

TEST_F(ResultBlockTest, days_and_instants_in_every_unit) {
  EXPECT_EQ(first("SELECT DATE '1970-01-02'").integer(0), 1);
  EXPECT_EQ(block->columns[0]->kind, VectorKind::date);
  EXPECT_EQ(first("SELECT 'infinity'::DATE").integer(0), kInfinity);
  EXPECT_EQ(first("SELECT '-infinity'::DATE").integer(0), -kInfinity);
  EXPECT_EQ(first("SELECT TIME '00:00:01'").integer(0), 1'000'000);
  for (const char* type : {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}) {
    const ResultVector& column = first(std::string("SELECT '1969-12-31 23:59:59'::") + type);
    EXPECT_EQ(column.kind, VectorKind::timestamp) << type;
    EXPECT_EQ(column.integer(0), -1'000'000) << type;
    EXPECT_EQ(first(std::string("SELECT 'infinity'::") + type).integer(0), kInfinity) << type;
    EXPECT_EQ(first(std::string("SELECT '-infinity'::") + type).integer(0), -kInfinity) << type;
  }
  EXPECT_EQ(first("SELECT '1969-12-31 23:59:59.999999999'::TIMESTAMP_NS").integer(0), -1) << "cut off, not rounded up";
  EXPECT_EQ(first("SELECT '1970-01-01 00:00:01+00'::TIMESTAMPTZ").integer(0), 1'000'000);
  EXPECT_EQ(block->columns[0]->kind, VectorKind::timestamp_tz);
  const Interval span = first("SELECT INTERVAL '1 year 2 days 3 seconds'").interval(0);
  EXPECT_EQ(span.months, 12);
  EXPECT_EQ(span.days, 2);
  EXPECT_EQ(span.micros, 3'000'000);
}

TEST_F(ResultBlockTest, a_uuid_is_the_number_that_its_text_says) {
  const ResultVector& column = first("SELECT '80000000-0000-0000-0000-000000000001'::UUID");
  EXPECT_EQ(column.kind, VectorKind::uuid);
  EXPECT_EQ(static_cast<uint64_t>(column.wide(0).high), 0x8000000000000000ull);
  EXPECT_EQ(column.wide(0).low, 1u);
}

TEST_F(ResultBlockTest, what_has_no_form_of_its_own_is_text) {
  EXPECT_EQ(first("SELECT [1, NULL, 3]").text(0), "[1,null,3]");
  EXPECT_EQ(first("SELECT {'a': 1, 'b': 'x'}").text(0), "{\"a\":1,\"b\":\"x\"}");
  EXPECT_EQ(first("SELECT MAP {'k': 2}").text(0), "{\"k\":2}");
  EXPECT_EQ(first("SELECT 'sad'::ENUM('happy', 'sad')").text(0), "sad");
  EXPECT_EQ(first("SELECT '101'::BIT").text(0), "101");
  EXPECT_EQ(first("SELECT TIMETZ '10:00:00+02'").text(0), "10:00:00+02");
  EXPECT_EQ(first("SELECT NULL").is_null(0), true);
}

TEST_F(ResultBlockTest, nulls_are_told_in_flat_constant_and_dictionary_vectors) {
  ask("SELECT i, CASE WHEN i % 2 = 0 THEN i END, NULL::INTEGER, [i] FROM range(3) t(i)");
  ASSERT_EQ(block->rows, 3u);
  EXPECT_EQ(block->columns[1]->integer(2), 2);
  EXPECT_TRUE(block->columns[1]->is_null(1));
  EXPECT_TRUE(block->columns[2]->is_null(0) && block->columns[2]->is_null(2));
  EXPECT_EQ(block->columns[3]->text(2), "[2]");

  duckdb::DataChunk made;
  made.Initialize(duckdb::Allocator::DefaultAllocator(), {duckdb::LogicalType::INTEGER, duckdb::LogicalType::VARCHAR});
  made.data[0].Reference(duckdb::Value::INTEGER(7));  // one value for all rows
  duckdb::Vector words(duckdb::LogicalType::VARCHAR, 2);
  words.SetValue(0, "zero");
  words.SetValue(1, duckdb::Value());
  duckdb::SelectionVector which(3);
  which.set_index(0, 1);
  which.set_index(1, 0);
  which.set_index(2, 0);
  made.data[1].Slice(words, which, 3);
  made.SetCardinality(3);
  BlockReader other(made.GetTypes());
  const ResultBlock& read = other.read(made);
  EXPECT_EQ(read.columns[0]->integer(2), 7);
  EXPECT_TRUE(read.columns[1]->is_null(0));
  EXPECT_EQ(read.columns[1]->text(2), "zero");
}

TEST_F(ResultBlockTest, the_next_chunk_replaces_the_one_before) {
  ask("SELECT i, 'text number ' || i FROM range(5000) t(i)");
  size_t rows = 0;
  while (chunk && chunk->size() > 0) {
    const ResultBlock& read = reader->read(*chunk);
    for (size_t row = 0; row < read.rows; ++row) {
      ASSERT_EQ(read.columns[0]->integer(row), static_cast<int64_t>(rows + row));
      ASSERT_EQ(read.columns[1]->text(row), "text number " + std::to_string(rows + row));
    }
    rows += read.rows;
    chunk = result->Fetch();
  }
  EXPECT_EQ(rows, 5000u);
}

}  // namespace
}  // namespace weir::engine
