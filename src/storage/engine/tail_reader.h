// Reads a group of the tail's chunks as if it were one file of a stream's scan. Internal to storage/engine.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/engine/sealed.h"

namespace weir::engine {

class TailReader final : public duckdb::BaseFileReader {
 public:
  TailReader(duckdb::OpenFileInfo file, std::vector<std::shared_ptr<const SealedChunk>> rows);

  void AddVirtualColumn(duckdb::column_t id) override;
  bool TryInitializeScan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
                         duckdb::LocalTableFunctionState& local) override;
  void Scan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&, duckdb::LocalTableFunctionState& local,
            duckdb::DataChunk& out) override;
  double GetProgressInFile(duckdb::ClientContext&) override;
  std::string GetReaderType() const override { return "Tail"; }

 private:
  struct Piece {
    const SealedChunk* sealed;
    size_t chunk;
    uint64_t first_row;  // within the whole group: the row number of late materialization
  };
  // The pieces a thread works on, with its filters' state.
  struct Range {
    size_t next = 0, end = 0;
    std::vector<std::pair<duckdb::idx_t, duckdb::unique_ptr<duckdb::TableFilterState>>> filters;
    std::map<duckdb::idx_t, duckdb::unique_ptr<duckdb::ExpressionExecutor>> casts;  // by local column
  };

  void fill(const Piece& piece, Range& range, duckdb::DataChunk& out);
  // How many of the rows pass; `selected` names them when not all do.
  duckdb::idx_t filter(Range& range, duckdb::DataChunk& out, duckdb::idx_t count, duckdb::SelectionVector& selected);
  bool can_skip(const Piece& piece);
  duckdb::idx_t local_column(duckdb::idx_t index);

  const std::vector<std::shared_ptr<const SealedChunk>> rows_;
  std::vector<Piece> pieces_;
  std::optional<size_t> row_number_column_;
  std::mutex mutex_;  // guards next_piece_ and ranges_; a Range itself belongs to one thread
  size_t next_piece_ = 0;
  std::map<const duckdb::LocalTableFunctionState*, std::unique_ptr<Range>> ranges_;
};

}  // namespace weir::engine
