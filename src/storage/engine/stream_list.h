// The files of a stream's scan, with the tail as virtual files at the end of the list. Internal to storage/engine.
#pragma once

#include <memory>
#include <vector>

#include "storage/engine/catalog.h"
#include "storage/engine/sealed.h"

namespace weir::engine {

inline constexpr const char* kTailScheme = "weirtail://";
inline constexpr const char* kFileOption = "weir_file";  // index of a file in TableVersion::files, or of a tail group

// What one reference to a stream reads. Immutable, shared by all copies of its plan; holds the snapshot.
struct StreamBind {
  std::shared_ptr<const Tables> tables;
  const TableVersion* version = nullptr;
  Layout layout;
  duckdb::optional_ptr<duckdb::TableCatalogEntry> entry;
  // The tail's chunks, in groups of one column layout each: a chunk sealed before the stream changed lacks the newer
  // columns.
  std::vector<std::vector<std::shared_ptr<const SealedChunk>>> tail;
  uint64_t tail_rows = 0;
};

// Value of a partition column, as the catalog keeps it.
duckdb::Value partition_value(const duckdb::LogicalType& type, int64_t value);

class StreamList final : public duckdb::MultiFileList {
 public:
  StreamList(std::shared_ptr<const StreamBind> bind, std::vector<uint32_t> files);

  duckdb::unique_ptr<duckdb::MultiFileList> ComplexFilterPushdown(
      duckdb::ClientContext& context, const duckdb::MultiFileOptions& options, duckdb::MultiFilePushdownInfo& info,
      duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters) override;
  duckdb::vector<duckdb::OpenFileInfo> GetAllFiles() override;
  duckdb::FileExpandResult GetExpandResult() override;
  duckdb::idx_t GetTotalFileCount() override { return files_.size() + bind_->tail.size(); }
  duckdb::unique_ptr<duckdb::NodeStatistics> GetCardinality(duckdb::ClientContext&) override;
  duckdb::unique_ptr<duckdb::MultiFileList> Copy() override { return duckdb::make_uniq<StreamList>(bind_, files_); }

  uint64_t rows() const;

 protected:
  duckdb::OpenFileInfo GetFile(duckdb::idx_t i) override;

 private:
  std::shared_ptr<const StreamBind> bind_;
  std::vector<uint32_t> files_;  // indexes in TableVersion::files that are read
};

}  // namespace weir::engine
