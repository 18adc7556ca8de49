#include "storage/engine/rows_reader.h"

namespace weir::engine {
namespace {

[[noreturn]] void fail(duckdb::ClientContext& context, const TableFile& file, const Error& error) {
  if (const auto state = ConnectionState::of(context)) state->remember(error);
  throw duckdb::IOException("%s: %s", file.path, error.text());
}

}  // namespace

RowsReader::RowsReader(duckdb::OpenFileInfo name, const TableVersion& version, const TableFile& described)
    : ChunkReader(std::move(name)), version_(version), described_(described) {
  duckdb::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;
  for (const Column& column : version.columns) {
    names.push_back(column.name);
    types.push_back(logical_type(column));
  }
  columns = duckdb::MultiFileColumnDefinition::ColumnsFromNamesAndTypes(names, types);
}

// Called under the scan's lock: one thread gets the file.
bool RowsReader::TryInitializeScan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
                                   duckdb::LocalTableFunctionState&) {
  if (is_started_) return false;
  is_started_ = true;
  make_ready(range_, context);
  return true;
}

void RowsReader::Scan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
                      duckdb::LocalTableFunctionState&, duckdb::DataChunk& out) {
  if (!rows_) {
    auto opened = version_.reader->open(described_);
    if (!opened) fail(context, described_, opened.error());
    rows_ = std::move(*opened);
  }
  while (true) {
    if (!block_ || next_chunk_ == block_->chunks.size()) {
      auto block = rows_->next();
      if (!block) fail(context, described_, block.error());
      if (block->rows() == 0) break;
      block_ = seal_rows(*block);
      next_chunk_ = 0;
    }
    const Piece piece{block_.get(), next_chunk_++, rows_read_.load()};
    rows_read_ += block_->chunks[piece.chunk]->size();
    if (emit(piece, range_, out)) return;
    if (context.interrupted) throw duckdb::InterruptException();
  }
  out.SetCardinality(0);
}

double RowsReader::GetProgressInFile(duckdb::ClientContext&) {
  return described_.rows == 0 ? 100.0 : 100.0 * static_cast<double>(rows_read_) / static_cast<double>(described_.rows);
}

}  // namespace weir::engine
