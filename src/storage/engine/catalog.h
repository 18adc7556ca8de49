// The tables of one snapshot as entries of DuckDB's catalog `lake`. Internal to storage/engine.
//
// A Tables object is immutable and shared by every statement that sees its snapshot; it lives until the last of them
// has ended, so entries that DuckDB holds by pointer stay valid.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/engine/inside.h"

namespace weir::engine {

// Column layout of a table in SQL: its columns, then its partition columns.
struct Layout {
  duckdb::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;
  std::vector<size_t> source;  // where it is in TableVersion::columns, or from partition_begin on in partition_columns
  size_t partition_begin = 0;  // index of the first partition column
};

class Tables final : public std::enable_shared_from_this<Tables> {
 public:
  Tables(std::shared_ptr<const Snapshot> snapshot, Views views)
      : snapshot_(std::move(snapshot)), views_(std::move(views)) {}

  const Snapshot& snapshot() const { return *snapshot_; }
  const Views& views() const { return views_; }
  // The entry of a table or system view, made at its first use; null if there is none. Throws InvalidInputException for
  // a table that SQL cannot show.
  duckdb::optional_ptr<duckdb::CatalogEntry> entry(const std::string& name, bool is_internal, duckdb::Catalog& catalog,
                                                   duckdb::SchemaCatalogEntry& schema) const;
  std::vector<std::string> names() const;

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  const Views views_;
  mutable std::mutex mutex_;  // guards entries_
  mutable std::map<std::string, duckdb::unique_ptr<duckdb::CatalogEntry>> entries_;
};

// stream_scan.cpp: the scan of a table, over its files and its tail.
duckdb::TableFunction stream_scan(duckdb::ClientContext& context, const std::shared_ptr<const Tables>& tables,
                                  const TableVersion& version, const Layout& layout, duckdb::TableCatalogEntry& entry,
                                  duckdb::unique_ptr<duckdb::FunctionData>& bind_data);
// sealed_rows.cpp: the scan of rows in memory.
duckdb::TableFunction view_scan(const SystemView& view, const Layout& layout, duckdb::ClientContext& context,
                                duckdb::unique_ptr<duckdb::FunctionData>& bind_data);

}  // namespace weir::engine
