// The rows of foreign Parquet files as records, and the columns that the files say they have: the part of
// foreign_records.h that needs the engine. Runs in a child process.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/io/files.h"
#include "storage/engine/foreign_parquet.h"
#include "stream/lake/foreign_records.h"

namespace weir::lake {

// By what the caller says, else by how it begins.
Result<bool> is_parquet(const std::string& path, const std::string& format);

// A Parquet file, opened as foreign files are: by the descriptor that is known to be the file at this path.
struct ParquetToRead {
  std::unique_ptr<File> file;  // outlives the reader
  std::unique_ptr<engine::ForeignParquet> reader;
};
Result<ParquetToRead> open_parquet(const std::string& path);

// As read_records(); a row's number is its line.
Result<uint64_t> read_parquet_records(const RecordsRequest& request, const TakeRecord& take);

}  // namespace weir::lake
