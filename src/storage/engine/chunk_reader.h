// What readers of sealed chunks share in a stream's scan: columns, casts, filters. Internal to storage/engine.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "storage/engine/sealed.h"

namespace weir::engine {

class ChunkReader : public duckdb::BaseFileReader {
 public:
  void AddVirtualColumn(duckdb::column_t id) override;

 protected:
  // What one thread needs to hand on chunks.
  struct Range {
    std::vector<std::pair<duckdb::idx_t, duckdb::unique_ptr<duckdb::TableFilterState>>> filters;
    std::map<duckdb::idx_t, duckdb::unique_ptr<duckdb::ExpressionExecutor>> casts;  // by local column
  };
  struct Piece {
    const SealedChunk* sealed = nullptr;
    size_t chunk = 0;
    uint64_t first_row = 0;  // within the whole file: the row number of late materialization
  };

  explicit ChunkReader(duckdb::OpenFileInfo name) : BaseFileReader(std::move(name)) {}
  void make_ready(Range& range, duckdb::ClientContext& context) const;
  // The rows of the piece that pass the filters; false: none.
  bool emit(const Piece& piece, Range& range, duckdb::DataChunk& out);

 private:
  bool can_skip(const Piece& piece);
  void fill(const Piece& piece, Range& range, duckdb::DataChunk& out);
  // How many of the rows pass; `selected` names them when not all do.
  duckdb::idx_t filter(Range& range, duckdb::DataChunk& out, duckdb::idx_t count, duckdb::SelectionVector& selected);
  duckdb::idx_t local_column(duckdb::idx_t index);

  std::optional<size_t> row_number_column_;
};

}  // namespace weir::engine
