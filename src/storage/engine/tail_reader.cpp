#include "storage/engine/tail_reader.h"

namespace weir::engine {
namespace {

constexpr size_t kPiecesPerRange = 60;  // as many rows as a row group of a file

}  // namespace

TailReader::TailReader(duckdb::OpenFileInfo name, std::vector<std::shared_ptr<const SealedChunk>> rows)
    : ChunkReader(std::move(name)), rows_(std::move(rows)) {
  uint64_t first_row = 0;
  for (const auto& sealed : rows_) {
    for (size_t i = 0; i < sealed->chunks.size(); ++i) {
      pieces_.push_back({sealed.get(), i, first_row});
      first_row += sealed->chunks[i]->size();
    }
  }
  const SealedChunk& layout = *rows_.front();
  duckdb::vector<std::string> names;
  for (const Column& column : layout.columns) names.push_back(column.name);
  columns = duckdb::MultiFileColumnDefinition::ColumnsFromNamesAndTypes(names, layout.types);
}

// Called under the scan's lock, so the pieces are handed out once each.
bool TailReader::TryInitializeScan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
                                   duckdb::LocalTableFunctionState& local) {
  const std::lock_guard lock(mutex_);
  if (next_piece_ >= pieces_.size()) return false;
  auto& range = ranges_[&local];
  if (!range) {
    range = std::make_unique<Pieces>();
    make_ready(*range, context);
  }
  range->next = next_piece_;
  range->end = std::min(next_piece_ + kPiecesPerRange, pieces_.size());
  next_piece_ = range->end;
  return true;
}

double TailReader::GetProgressInFile(duckdb::ClientContext&) {
  const std::lock_guard lock(mutex_);
  return pieces_.empty() ? 100.0 : 100.0 * static_cast<double>(next_piece_) / static_cast<double>(pieces_.size());
}

// An empty result ends the range.
void TailReader::Scan(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&, duckdb::LocalTableFunctionState& local,
                      duckdb::DataChunk& out) {
  Pieces* range = nullptr;
  {
    const std::lock_guard lock(mutex_);
    range = ranges_.at(&local).get();
  }
  while (range->next < range->end) {
    if (emit(pieces_[range->next++], *range, out)) return;
  }
  out.SetCardinality(0);
}

}  // namespace weir::engine
