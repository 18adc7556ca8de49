// Rows that the platform itself made, as a result.
#include "platform/warehouse/session_state.h"

namespace weir::warehouse {
namespace {

class CellVector final : public engine::ResultVector {
 public:
  CellVector(const Rows& rows, size_t column, const std::string& type) : rows_(rows), column_(column) {
    kind = engine::VectorKind::text;
    if (type == "BOOLEAN") kind = engine::VectorKind::boolean;
    if (type == "INTEGER" || type == "BIGINT") kind = engine::VectorKind::integer;
    if (type == "DOUBLE") kind = engine::VectorKind::float64;
  }
  bool is_null(size_t row) const override { return std::holds_alternative<std::nullptr_t>(rows_[row][column_]); }
  bool truth(size_t row) const override { return std::get<bool>(rows_[row][column_]); }
  int64_t integer(size_t row) const override { return std::get<int64_t>(rows_[row][column_]); }
  engine::Wide wide(size_t row) const override {
    const int64_t value = integer(row);
    return {value < 0 ? -1 : 0, static_cast<uint64_t>(value)};
  }
  double real(size_t row) const override { return std::get<double>(rows_[row][column_]); }
  engine::Interval interval(size_t) const override { return {}; }
  std::string_view text(size_t row) const override { return std::get<std::string>(rows_[row][column_]); }

 private:
  const Rows& rows_;
  const size_t column_;
};

class MemoryRows final : public engine::ResultStream {
 public:
  MemoryRows(std::vector<engine::ResultColumn> columns, Rows rows)
      : columns_(std::move(columns)), rows_(std::move(rows)) {}
  const std::vector<engine::ResultColumn>& columns() const override { return columns_; }
  Result<Rows> next() override { return std::exchange(rows_, {}); }
  Result<const engine::ResultBlock*> next_block() override {
    if (is_given_ || rows_.empty()) return nullptr;
    is_given_ = true;
    block_.rows = rows_.size();
    for (size_t i = 0; i < columns_.size(); ++i) {
      vectors_.push_back(std::make_unique<CellVector>(rows_, i, columns_[i].type));
      block_.columns.push_back(vectors_.back().get());
    }
    return &block_;
  }
  Status keep() override { return {}; }

 private:
  const std::vector<engine::ResultColumn> columns_;
  Rows rows_;
  bool is_given_ = false;
  engine::ResultBlock block_;
  std::vector<std::unique_ptr<CellVector>> vectors_;
};

}  // namespace

std::unique_ptr<engine::ResultStream> rows_in_memory(std::vector<engine::ResultColumn> columns, Rows rows) {
  return std::make_unique<MemoryRows>(std::move(columns), std::move(rows));
}

}  // namespace weir::warehouse
