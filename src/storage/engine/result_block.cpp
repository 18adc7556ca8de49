#include "storage/engine/result_block.h"

#include "core/base/check.h"
#include "storage/engine/block_reader.h"
#include "storage/engine/inside.h"

namespace weir::engine {

// The base answers what its kind does not hold: that is the reader's mistake.
class ColumnView : public ResultVector {
 public:
  explicit ColumnView(VectorKind kind_in) { kind = kind_in; }
  virtual void bind(duckdb::Vector& vector, size_t rows) { vector.ToUnifiedFormat(rows, format_); }

  bool is_null(size_t row) const override { return !format_.validity.RowIsValid(at(row)); }
  bool truth(size_t) const override { return wrong<bool>(); }
  int64_t integer(size_t) const override { return wrong<int64_t>(); }
  Wide wide(size_t) const override { return wrong<Wide>(); }
  double real(size_t) const override { return wrong<double>(); }
  Interval interval(size_t) const override { return wrong<Interval>(); }
  std::string_view text(size_t) const override { return wrong<std::string_view>(); }

 protected:
  size_t at(size_t row) const { return format_.sel->get_index(row); }
  template <class T>
  const T& value(size_t row) const {
    return duckdb::UnifiedVectorFormat::GetData<T>(format_)[at(row)];
  }
  duckdb::UnifiedVectorFormat format_;

 private:
  template <class T>
  T wrong() const {
    CHECK(false, "a value is read by the function of its column's kind");
    return T();
  }
};

namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

class BooleanView final : public ColumnView {
 public:
  BooleanView() : ColumnView(VectorKind::boolean) {}
  bool truth(size_t row) const override { return value<bool>(row); }
};

template <class T>
class IntegerView final : public ColumnView {
 public:
  explicit IntegerView(VectorKind kind_in = VectorKind::integer) : ColumnView(kind_in) {}
  int64_t integer(size_t row) const override { return static_cast<int64_t>(value<T>(row)); }
};

template <class T>
class RealView final : public ColumnView {
 public:
  explicit RealView(VectorKind kind_in) : ColumnView(kind_in) {}
  double real(size_t row) const override { return static_cast<double>(value<T>(row)); }
};

// Decimals of few digits are kept as small integers.
template <class T>
class DecimalView final : public ColumnView {
 public:
  explicit DecimalView(int scale_in) : ColumnView(VectorKind::decimal) { scale = scale_in; }
  Wide wide(size_t row) const override {
    const int64_t number = value<T>(row);
    return {number < 0 ? -1 : 0, static_cast<uint64_t>(number)};
  }
};

template <>
class DecimalView<duckdb::hugeint_t> final : public ColumnView {
 public:
  explicit DecimalView(int scale_in) : ColumnView(VectorKind::decimal) { scale = scale_in; }
  Wide wide(size_t row) const override {
    const auto& number = value<duckdb::hugeint_t>(row);
    return {number.upper, number.lower};
  }
};

class HugeintView final : public ColumnView {
 public:
  HugeintView() : ColumnView(VectorKind::wide) {}
  Wide wide(size_t row) const override {
    const auto& number = value<duckdb::hugeint_t>(row);
    return {number.upper, number.lower};
  }
};

class UbigintView final : public ColumnView {
 public:
  UbigintView() : ColumnView(VectorKind::wide) {}
  Wide wide(size_t row) const override { return {0, value<uint64_t>(row)}; }
};

// Kept with the top bit turned, so that they sort as numbers.
class UuidView final : public ColumnView {
 public:
  UuidView() : ColumnView(VectorKind::uuid) {}
  Wide wide(size_t row) const override {
    const auto& number = value<duckdb::hugeint_t>(row);
    return {static_cast<int64_t>(static_cast<uint64_t>(number.upper) ^ (1ull << 63)), number.lower};
  }
};

class DateView final : public ColumnView {
 public:
  DateView() : ColumnView(VectorKind::date) {}
  int64_t integer(size_t row) const override {
    const auto& day = value<duckdb::date_t>(row);
    if (day == duckdb::date_t::infinity()) return kInfinity;
    if (day == duckdb::date_t::ninfinity()) return -kInfinity;
    return day.days;
  }
};

// Instants in units that are not microseconds; what a microsecond does not hold is cut off.
template <int64_t kMultiply, int64_t kDivide>
class InstantView final : public ColumnView {
 public:
  explicit InstantView(VectorKind kind_in) : ColumnView(kind_in) {}
  int64_t integer(size_t row) const override {
    const int64_t instant = value<int64_t>(row);
    if (instant == kInfinity || instant == -kInfinity) return instant;
    const int64_t whole = instant / kDivide;
    return (instant % kDivide < 0 ? whole - 1 : whole) * kMultiply;
  }
};

class IntervalView final : public ColumnView {
 public:
  IntervalView() : ColumnView(VectorKind::interval) {}
  Interval interval(size_t row) const override {
    const auto& span = value<duckdb::interval_t>(row);
    return {span.months, span.days, span.micros};
  }
};

class TextView final : public ColumnView {
 public:
  explicit TextView(VectorKind kind_in) : ColumnView(kind_in) {}
  std::string_view text(size_t row) const override {
    const auto& found = value<duckdb::string_t>(row);
    return {found.GetData(), found.GetSize()};
  }
};

// Flat values that only have a text here: enums, bits, times with a zone.
class CastView final : public ColumnView {
 public:
  CastView() : ColumnView(VectorKind::text) {}
  void bind(duckdb::Vector& vector, size_t rows) override {
    text_ = duckdb::make_uniq<duckdb::Vector>(LogicalType::VARCHAR, rows);
    duckdb::VectorOperations::DefaultCast(vector, *text_, rows);
    ColumnView::bind(*text_, rows);
  }
  std::string_view text(size_t row) const override {
    const auto& found = value<duckdb::string_t>(row);
    return {found.GetData(), found.GetSize()};
  }

 private:
  duckdb::unique_ptr<duckdb::Vector> text_;
};

// Lists, structs and maps as JSON, as in cells.
class NestedView final : public ColumnView {
 public:
  NestedView() : ColumnView(VectorKind::text) {}
  void bind(duckdb::Vector& vector, size_t rows) override {
    ColumnView::bind(vector, rows);
    texts_.assign(rows, {});
    for (size_t row = 0; row < rows; ++row) {
      if (!is_null(row)) texts_[row] = nested_text(vector.GetValue(row));
    }
  }
  std::string_view text(size_t row) const override { return texts_[row]; }

 private:
  std::vector<std::string> texts_;
};

std::unique_ptr<ColumnView> decimal_view(const LogicalType& type) {
  const int scale = duckdb::DecimalType::GetScale(type);
  switch (type.InternalType()) {
    case duckdb::PhysicalType::INT16:
      return std::make_unique<DecimalView<int16_t>>(scale);
    case duckdb::PhysicalType::INT32:
      return std::make_unique<DecimalView<int32_t>>(scale);
    case duckdb::PhysicalType::INT64:
      return std::make_unique<DecimalView<int64_t>>(scale);
    default:
      return std::make_unique<DecimalView<duckdb::hugeint_t>>(scale);
  }
}

std::unique_ptr<ColumnView> view_of(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      return std::make_unique<BooleanView>();
    case LogicalTypeId::TINYINT:
      return std::make_unique<IntegerView<int8_t>>();
    case LogicalTypeId::SMALLINT:
      return std::make_unique<IntegerView<int16_t>>();
    case LogicalTypeId::INTEGER:
      return std::make_unique<IntegerView<int32_t>>();
    case LogicalTypeId::BIGINT:
      return std::make_unique<IntegerView<int64_t>>();
    case LogicalTypeId::UTINYINT:
      return std::make_unique<IntegerView<uint8_t>>();
    case LogicalTypeId::USMALLINT:
      return std::make_unique<IntegerView<uint16_t>>();
    case LogicalTypeId::UINTEGER:
      return std::make_unique<IntegerView<uint32_t>>();
    case LogicalTypeId::UBIGINT:
      return std::make_unique<UbigintView>();
    case LogicalTypeId::HUGEINT:
      return std::make_unique<HugeintView>();
    case LogicalTypeId::FLOAT:
      return std::make_unique<RealView<float>>(VectorKind::float32);
    case LogicalTypeId::DOUBLE:
      return std::make_unique<RealView<double>>(VectorKind::float64);
    case LogicalTypeId::DECIMAL:
      return decimal_view(type);
    case LogicalTypeId::DATE:
      return std::make_unique<DateView>();
    case LogicalTypeId::TIME:
      return std::make_unique<IntegerView<int64_t>>(VectorKind::time);
    case LogicalTypeId::TIMESTAMP:
      return std::make_unique<InstantView<1, 1>>(VectorKind::timestamp);
    case LogicalTypeId::TIMESTAMP_TZ:
      return std::make_unique<InstantView<1, 1>>(VectorKind::timestamp_tz);
    case LogicalTypeId::TIMESTAMP_SEC:
      return std::make_unique<InstantView<1'000'000, 1>>(VectorKind::timestamp);
    case LogicalTypeId::TIMESTAMP_MS:
      return std::make_unique<InstantView<1'000, 1>>(VectorKind::timestamp);
    case LogicalTypeId::TIMESTAMP_NS:
      return std::make_unique<InstantView<1, 1'000>>(VectorKind::timestamp);
    case LogicalTypeId::INTERVAL:
      return std::make_unique<IntervalView>();
    case LogicalTypeId::UUID:
      return std::make_unique<UuidView>();
    case LogicalTypeId::BLOB:
      return std::make_unique<TextView>(VectorKind::bytes);
    case LogicalTypeId::VARCHAR:
      return std::make_unique<TextView>(VectorKind::text);
    case LogicalTypeId::LIST:
    case LogicalTypeId::ARRAY:
    case LogicalTypeId::STRUCT:
    case LogicalTypeId::MAP:
      return std::make_unique<NestedView>();
    default:
      return std::make_unique<CastView>();
  }
}

}  // namespace

BlockReader::BlockReader(const duckdb::vector<LogicalType>& types) {
  for (const LogicalType& type : types) {
    views_.push_back(view_of(type));
    block_.columns.push_back(views_.back().get());
  }
}

BlockReader::~BlockReader() = default;

const ResultBlock& BlockReader::read(duckdb::DataChunk& chunk) {
  CHECK(chunk.ColumnCount() == views_.size(), "a chunk has the columns of its result");
  block_.rows = chunk.size();
  for (size_t column = 0; column < views_.size(); ++column) views_[column]->bind(chunk.data[column], chunk.size());
  return block_;
}

}  // namespace weir::engine
