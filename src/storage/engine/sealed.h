// Immutable rows in DuckDB's own layout. Internal to storage/engine.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "storage/engine/inside.h"

namespace weir::engine {

using IntBounds = std::optional<std::pair<int64_t, int64_t>>;

// Read by any number of threads at once: nothing here changes after sealing, because a chunk that grows in place races
// on its validity words. Every chunk but the last is full, so row i is in chunk i / STANDARD_VECTOR_SIZE.
class SealedChunk {
 public:
  std::vector<Column> columns;
  duckdb::vector<duckdb::LogicalType> types;
  std::vector<duckdb::unique_ptr<duckdb::DataChunk>> chunks;
  std::vector<std::vector<IntBounds>> bounds;  // per chunk, per column; of integers, times and dates
  uint64_t rows = 0;

  // The smallest and largest value of a column over all chunks; nothing if it has none or is of another kind.
  IntBounds bounds_of(size_t column) const;
};

std::shared_ptr<const SealedChunk> seal_rows(const RowBlock& rows);
IntBounds merge(const IntBounds& left, const IntBounds& right);

}  // namespace weir::engine
