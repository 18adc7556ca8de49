// Reads a file that is not Parquet as one of a stream's scan: its owner turns it into rows. Internal to storage/engine.
#pragma once

#include <memory>

#include "storage/engine/chunk_reader.h"

namespace weir::engine {

class RowsReader final : public ChunkReader {
 public:
  // `version` and `described` outlive the reader: the plan holds them.
  RowsReader(duckdb::OpenFileInfo name, const TableVersion& version, const TableFile& described);

  bool TryInitializeScan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
                         duckdb::LocalTableFunctionState& local) override;
  void Scan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&, duckdb::LocalTableFunctionState& local,
            duckdb::DataChunk& out) override;
  double GetProgressInFile(duckdb::ClientContext&) override;
  std::string GetReaderType() const override { return "Rows"; }

 private:
  const TableVersion& version_;
  const TableFile& described_;
  // Of the one thread that reads the file.
  bool is_started_ = false;
  std::unique_ptr<FileRows> rows_;
  Range range_;
  std::shared_ptr<const SealedChunk> block_;  // what `out` refers to
  size_t next_chunk_ = 0;
  std::atomic<uint64_t> rows_read_{0};
};

}  // namespace weir::engine
