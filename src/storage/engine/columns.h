// The types and the columnar rows that cross the seam between our rooms and a SQL engine.
//
// A RowBlock is filled column by column or row by row by one thread, then sealed by Engine::seal() into an immutable
// chunk that any number of statements may read. Times are microseconds UTC, dates days since 1970-01-01, decimals
// integers scaled by 10^scale, UUIDs 16 bytes in text order, JSON its text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir::engine {

// `engine`: one that only the engine names, in Column::engine_type; of computed tables, never in a block of rows.
enum class ColumnType { boolean, int32, int64, float64, decimal, text, uuid, timestamp, date, json, engine };

// A file or a chunk that is older than the column's name has the column under a former one, newest first; one that is
// older than the column itself reads as `missing`.
struct Column {
  std::string name;
  ColumnType type = ColumnType::text;
  int precision = 18, scale = 3;            // decimal only; precision <= 18
  std::vector<std::string> former = {};     // never the name of another column of the table
  std::optional<std::string> missing = {};  // as text; nothing: NULL
  std::string engine_type = {};             // ColumnType::engine only: "HUGEINT", "INTEGER[]"
  friend bool operator==(const Column&, const Column&) = default;
};

const char* column_type_name(ColumnType type);  // as in JSON and documentation: "timestamp"
Result<ColumnType> parse_column_type(std::string_view name);
std::string sql_type(const Column& column);  // as the engine calls it: "DECIMAL(18,3)"
bool has_bounds(ColumnType type);            // integers, times and dates: files know their smallest and largest
// Which of `there` holds what `wanted` asks for: the one of its name, else of its newest former name.
std::optional<size_t> find_column(const std::vector<Column>& there, const Column& wanted);

// One column's values; `valid` is empty while nothing is null.
class ColumnValues {
 public:
  explicit ColumnValues(ColumnType type) : type_(type) {}
  void add_null();
  void add_bool(bool value) { add_fixed(value ? 1 : 0); }
  void add_int(int64_t value) { add_fixed(value); }  // int32, int64, decimal, timestamp, date
  void add_double(double value);
  void add_text(std::string_view value);  // text, json
  void add_uuid(uint64_t high, uint64_t low);

  ColumnType type() const { return type_; }
  size_t size() const { return size_; }
  bool is_null(size_t row) const { return !valid_.empty() && valid_[row] == 0; }
  int64_t int_at(size_t row) const { return fixed_[row]; }
  double double_at(size_t row) const;
  std::string_view text_at(size_t row) const;
  uint64_t uuid_high_at(size_t row) const { return static_cast<uint64_t>(fixed_[2 * row]); }
  uint64_t uuid_low_at(size_t row) const { return static_cast<uint64_t>(fixed_[2 * row + 1]); }
  size_t bytes() const { return fixed_.size() * 8 + text_.size() + ends_.size() * 4; }

 private:
  void add_fixed(int64_t value);
  void mark_valid(bool valid);
  ColumnType type_;
  size_t size_ = 0;
  std::vector<int64_t> fixed_;  // two per row for uuid
  std::string text_;            // all texts, back to back
  std::vector<uint32_t> ends_;  // end of each text in text_
  std::vector<uint8_t> valid_;
};

// Rows of one table. All columns have the same number of values whenever it is handed on.
class RowBlock {
 public:
  explicit RowBlock(std::vector<Column> columns);
  const std::vector<Column>& columns() const { return columns_; }
  ColumnValues& column(size_t index) { return values_[index]; }
  const ColumnValues& column(size_t index) const { return values_[index]; }
  size_t rows() const { return values_.empty() ? 0 : values_[0].size(); }
  size_t bytes() const;

 private:
  std::vector<Column> columns_;
  std::vector<ColumnValues> values_;
};

}  // namespace weir::engine
