#include "storage/engine/sealed.h"

#include <algorithm>

#include "core/base/check.h"

namespace weir::engine {
namespace {

template <class Stored, class At>
void copy_values(const ColumnValues& values, size_t first, size_t count, duckdb::Vector& vector, At at) {
  auto* data = duckdb::FlatVector::GetData<Stored>(vector);
  auto& validity = duckdb::FlatVector::Validity(vector);
  for (size_t i = 0; i < count; ++i) {
    if (values.is_null(first + i)) {
      validity.SetInvalid(i);
    } else {
      data[i] = at(first + i);
    }
  }
}

void copy_column(const Column& column, const ColumnValues& values, size_t first, size_t count, duckdb::Vector& vector) {
  const auto integer = [&](size_t row) { return values.int_at(row); };
  const auto narrow = [&](size_t row) { return static_cast<int32_t>(values.int_at(row)); };
  switch (column.type) {
    case ColumnType::boolean:
      return copy_values<bool>(values, first, count, vector, [&](size_t row) { return values.int_at(row) != 0; });
    case ColumnType::int32:
    case ColumnType::date:
      return copy_values<int32_t>(values, first, count, vector, narrow);
    case ColumnType::int64:
    case ColumnType::timestamp:
      return copy_values<int64_t>(values, first, count, vector, integer);
    case ColumnType::float64:
      return copy_values<double>(values, first, count, vector, [&](size_t row) { return values.double_at(row); });
    case ColumnType::decimal:  // stored in the narrowest integer that holds its precision
      if (column.precision <= 4) {
        return copy_values<int16_t>(values, first, count, vector,
                                    [&](size_t row) { return static_cast<int16_t>(values.int_at(row)); });
      }
      if (column.precision <= 9) return copy_values<int32_t>(values, first, count, vector, narrow);
      return copy_values<int64_t>(values, first, count, vector, integer);
    case ColumnType::text:
    case ColumnType::json:
      return copy_values<duckdb::string_t>(values, first, count, vector, [&](size_t row) {
        const std::string_view text = values.text_at(row);
        return duckdb::StringVector::AddStringOrBlob(vector, text.data(), text.size());
      });
    case ColumnType::uuid:
      return copy_values<duckdb::hugeint_t>(values, first, count, vector, [&](size_t row) {
        // The engine keeps the top bit flipped, so that signed order is text order.
        duckdb::hugeint_t stored;
        stored.upper = static_cast<int64_t>(values.uuid_high_at(row) ^ (uint64_t{1} << 63));
        stored.lower = values.uuid_low_at(row);
        return stored;
      });
    case ColumnType::engine:
      CHECK(false, "computed tables have no blocks of rows");
  }
}

IntBounds find_bounds(const ColumnValues& values, size_t first, size_t count) {
  IntBounds bounds;
  for (size_t row = first; row < first + count; ++row) {
    if (values.is_null(row)) continue;
    const int64_t value = values.int_at(row);
    if (!bounds) bounds.emplace(value, value);
    bounds->first = std::min(bounds->first, value);
    bounds->second = std::max(bounds->second, value);
  }
  return bounds;
}

}  // namespace

IntBounds merge(const IntBounds& left, const IntBounds& right) {
  if (!left) return right;
  if (!right) return left;
  return std::pair(std::min(left->first, right->first), std::max(left->second, right->second));
}

IntBounds SealedChunk::bounds_of(size_t column) const {
  IntBounds all;
  for (const auto& chunk : bounds) all = merge(all, chunk[column]);
  return all;
}

std::shared_ptr<const SealedChunk> seal_rows(const RowBlock& block) {
  auto sealed = std::make_shared<SealedChunk>();
  sealed->columns = block.columns();
  sealed->rows = block.rows();
  for (size_t i = 0; i < sealed->columns.size(); ++i) {
    CHECK(block.column(i).size() == sealed->rows, "every column of a block has the same number of values");
    sealed->types.push_back(logical_type(sealed->columns[i]));
  }
  for (size_t first = 0; first < sealed->rows; first += STANDARD_VECTOR_SIZE) {
    const size_t count = std::min<size_t>(STANDARD_VECTOR_SIZE, sealed->rows - first);
    auto chunk = duckdb::make_uniq<duckdb::DataChunk>();
    chunk->Initialize(duckdb::Allocator::DefaultAllocator(), sealed->types, count);
    std::vector<IntBounds> bounds(sealed->columns.size());
    for (size_t i = 0; i < sealed->columns.size(); ++i) {
      copy_column(sealed->columns[i], block.column(i), first, count, chunk->data[i]);
      if (has_bounds(sealed->columns[i].type)) bounds[i] = find_bounds(block.column(i), first, count);
    }
    chunk->SetCardinality(count);
    sealed->chunks.push_back(std::move(chunk));
    sealed->bounds.push_back(std::move(bounds));
  }
  return sealed;
}

}  // namespace weir::engine
