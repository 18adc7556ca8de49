#include "stream/lake/parquet_records.h"

#include "core/base/json.h"
#include "stream/lake/foreign_files.h"

namespace weir::lake {
namespace {

constexpr uint64_t kMemory = 512u << 20;  // of the process's, for what is unpacked

}  // namespace

Result<bool> is_parquet(const std::string& path, const std::string& format) {
  if (format != "auto") return format == "parquet";
  TRY_ASSIGN(const auto file, open_foreign(path));
  char first[4] = {};
  TRY_ASSIGN(const size_t got, file->read_at(0, first, sizeof first));
  return std::string_view(first, got) == "PAR1";
}

Result<ParquetToRead> open_parquet(const std::string& path) {
  ParquetToRead out;
  TRY_ASSIGN(out.file, open_foreign(path));
  TRY_ASSIGN(const std::string opened, descriptor_path(*out.file));
  TRY_ASSIGN(out.reader, engine::ForeignParquet::open(opened, kMemory));
  return out;
}

Result<uint64_t> read_parquet_records(const RecordsRequest& request, const TakeRecord& take) {
  TRY_ASSIGN(const auto parquet, open_parquet(request.path));
  uint64_t records = request.skip;
  TRY(parquet.reader->read(request.skip, [&](std::string_view row) -> Status {
    ++records;
    if (row.size() <= request.record_bytes_max) return take(records, row);
    // A JSON text that says so: capture keeps it as no object.
    std::string why;
    Json::append_quoted(why, "the row is longer than " + std::to_string(request.record_bytes_max) + " bytes");
    return take(records, why);
  }));
  return records;
}

}  // namespace weir::lake
