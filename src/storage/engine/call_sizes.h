// How large the arguments of a call are, row by row: bytes and items of texts and nested values, and the numbers among
// them. For call_cost.h; one thread, as long as the vectors stay as they are.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "storage/engine/duck.h"

namespace weir::engine {

inline constexpr double kItemBytes = 8;  // an item of a list counts as no less

// Whether values of the type may be of any size.
bool is_large(const duckdb::LogicalType& type);
// Bytes of the values, nested ones with all that is in them; one that is there for all rows, once.
double bytes_of(duckdb::Vector& values, size_t count);

class Sizes {
 public:
  Sizes(duckdb::Vector& values, size_t count);
  // Every row is as large as the largest one.
  static Sizes largest(duckdb::Vector& values, size_t count);
  double at(size_t row) const;  // 0 of NULL
  double items(size_t row) const;

 private:
  double size_at(size_t row) const;
  double items_at(size_t row) const;
  bool is_largest_ = false;
  double largest_bytes_ = 0, largest_items_ = 0;
  duckdb::UnifiedVectorFormat rows_;
  const duckdb::PhysicalType type_;
  double each_ = kItemBytes;   // of a fixed size
  std::vector<double> up_to_;  // of the items of lists: the sum of all before
  std::vector<Sizes> fields_;  // of a struct, by its own rows
  size_t array_items_ = 0;
};

// Numbers of an argument, as doubles; 0 of NULL, and where it is none.
class Numbers {
 public:
  // `largest`: every row is the one farthest from zero, without its sign.
  Numbers(duckdb::Vector& values, size_t count, bool largest = false) : numbers_(duckdb::LogicalType::DOUBLE, nullptr) {
    if (values.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR) count = std::min<size_t>(count, 1);
    if (values.GetType().IsNumeric() || values.GetType().id() == duckdb::LogicalTypeId::BOOLEAN) {
      numbers_.Initialize(false, count);
      std::string error;
      duckdb::VectorOperations::DefaultTryCast(values, numbers_, count, &error);
      numbers_.ToUnifiedFormat(count, rows_);
      is_known_ = true;
    }
    is_constant_ = count == 1;
    if (!largest) return;
    for (size_t row = 0; row < count; ++row) largest_ = std::max(largest_, std::fabs(at(row)));
    is_largest_ = true;
  }
  double at(size_t row) const {
    if (is_largest_) return largest_;
    if (!is_known_) return 0;
    if (is_constant_) row = 0;
    const size_t at = rows_.sel->get_index(row);
    return rows_.validity.RowIsValid(at) ? duckdb::UnifiedVectorFormat::GetData<double>(rows_)[at] : 0;
  }

 private:
  duckdb::Vector numbers_;
  duckdb::UnifiedVectorFormat rows_;
  bool is_known_ = false, is_largest_ = false, is_constant_ = false;
  double largest_ = 0;
};

// The same for any type whose difference counts items: numbers, dates, times.
class Points {
 public:
  Points(duckdb::Vector& values, size_t count)
      : values_(values), numbers_(values, count), type_(values.GetType().id()) {}
  double at(size_t row) const {
    const bool is_time = type_ == duckdb::LogicalTypeId::TIMESTAMP || type_ == duckdb::LogicalTypeId::TIMESTAMP_TZ;
    if (!is_time && type_ != duckdb::LogicalTypeId::INTERVAL) return numbers_.at(row);
    const duckdb::Value value = values_.GetValue(row);
    if (value.IsNull()) return 0;
    if (is_time) return static_cast<double>(value.GetValueUnsafe<duckdb::timestamp_t>().value);
    return static_cast<double>(duckdb::Interval::GetMicro(value.GetValueUnsafe<duckdb::interval_t>()));
  }

 private:
  duckdb::Vector& values_;
  Numbers numbers_;
  duckdb::LogicalTypeId type_;
};

}  // namespace weir::engine
