// One Parquet file cut into several: one or more a partition, none larger than asked for. For UNLOAD. Internal to
// platform/warehouse.
#pragma once

#include <string>
#include <vector>

#include "core/io/blob_store.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

inline constexpr size_t kUnloadPartitionsMax = 1'000;  // of one UNLOAD

// A value as UNLOAD writes it into texts and folders' names; of NULL nothing.
std::string text_of_cell(const engine::Cell& cell);

struct ParquetCut {
  uint64_t rows = 0;                                         // of the file
  std::vector<engine::ResultColumn> partition_columns = {};  // the file's rows are in their order
  std::vector<std::string> shown = {};                       // columns of the parts
  uint64_t file_bytes_max = UINT64_MAX;
};
struct ParquetPart {
  std::vector<engine::Cell> partition;  // its values
  std::string path;                     // in the store's staging folder: for publish()
  uint64_t rows = 0, bytes = 0;
};

class ParquetCutter {
 public:
  ParquetCutter(engine::Engine& engine, BlobStore& store, Files& files)
      : engine_(engine), store_(store), files_(files) {}

  // In the order of their partitions; of no rows one part, or none where there are partitions. The file is gone
  // afterwards, or one of the parts; after an error all are gone. `too_large` (SQLSTATE 54000): too many partitions.
  Result<std::vector<ParquetPart>> cut(const std::string& path, const ParquetCut& order) const;

 private:
  Status cut_partitions(const std::string& path, const ParquetCut& order, std::vector<ParquetPart>& out) const;
  Status add(ParquetPart whole, uint64_t bytes_max, std::vector<ParquetPart>& out) const;
  Result<ParquetPart> write(engine::Session& session, const std::string& select) const;

  engine::Engine& engine_;
  BlobStore& store_;
  Files& files_;
};

}  // namespace weir::warehouse
