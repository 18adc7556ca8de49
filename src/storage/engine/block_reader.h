// Makes the columns of a DuckDB chunk readable as a ResultBlock, without copying: flat, constant and dictionary vectors
// are read where they are; only what has no form of its own (nested values, enums …) is written as text first.
//
// Of one result: the types are those of its chunks. What read() returns, and the texts it hands out, are valid until
// the next read() and as long as the chunk is. Used by one thread. Internal to storage/engine.
#pragma once

#include <memory>
#include <vector>

#include "storage/engine/duck.h"
#include "storage/engine/result_block.h"

namespace weir::engine {

class ColumnView;

class BlockReader {
 public:
  explicit BlockReader(const duckdb::vector<duckdb::LogicalType>& types);
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  const ResultBlock& read(duckdb::DataChunk& chunk);

 private:
  std::vector<std::unique_ptr<ColumnView>> views_;
  ResultBlock block_;
};

}  // namespace weir::engine
