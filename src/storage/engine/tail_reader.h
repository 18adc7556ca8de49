// Reads a group of the tail's chunks as if it were one file of a stream's scan. Internal to storage/engine.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/engine/chunk_reader.h"

namespace weir::engine {

class TailReader final : public ChunkReader {
 public:
  TailReader(duckdb::OpenFileInfo file, std::vector<std::shared_ptr<const SealedChunk>> rows);

  bool TryInitializeScan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
                         duckdb::LocalTableFunctionState& local) override;
  void Scan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&, duckdb::LocalTableFunctionState& local,
            duckdb::DataChunk& out) override;
  double GetProgressInFile(duckdb::ClientContext&) override;
  std::string GetReaderType() const override { return "Tail"; }

 private:
  // The pieces a thread works on.
  struct Pieces : Range {
    size_t next = 0, end = 0;
  };

  const std::vector<std::shared_ptr<const SealedChunk>> rows_;
  std::vector<Piece> pieces_;
  std::mutex mutex_;  // guards next_piece_ and ranges_; a range itself belongs to one thread
  size_t next_piece_ = 0;
  std::map<const duckdb::LocalTableFunctionState*, std::unique_ptr<Pieces>> ranges_;
};

}  // namespace weir::engine
