#include "storage/engine/tail_reader.h"

namespace weir::engine {
namespace {

constexpr size_t kPiecesPerRange = 60;  // as many rows as a row group of a file

duckdb::Value bound_value(const duckdb::LogicalType& type, int64_t number) {
  switch (type.id()) {
    case duckdb::LogicalTypeId::TIMESTAMP:
      return duckdb::Value::TIMESTAMP(duckdb::timestamp_t(number));
    case duckdb::LogicalTypeId::DATE:
      return duckdb::Value::DATE(duckdb::date_t(static_cast<int32_t>(number)));
    case duckdb::LogicalTypeId::INTEGER:
      return duckdb::Value::INTEGER(static_cast<int32_t>(number));
    default:
      return duckdb::Value::BIGINT(number);
  }
}

}  // namespace

TailReader::TailReader(duckdb::OpenFileInfo name, std::vector<std::shared_ptr<const SealedChunk>> rows)
    : BaseFileReader(std::move(name)), rows_(std::move(rows)) {
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

// The reader of the files appends it to `columns` first.
void TailReader::AddVirtualColumn(duckdb::column_t id) {
  if (id != duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER) {
    throw duckdb::NotImplementedException("virtual column %d of a stream", id);
  }
  row_number_column_ = columns.size() - 1;
}

duckdb::idx_t TailReader::local_column(duckdb::idx_t index) {
  return column_ids[duckdb::MultiFileLocalIndex(index)].GetId();
}

// Called under the scan's lock, so the pieces are handed out once each.
bool TailReader::TryInitializeScan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
                                   duckdb::LocalTableFunctionState& local) {
  const std::lock_guard lock(mutex_);
  if (next_piece_ >= pieces_.size()) return false;
  auto& range = ranges_[&local];
  if (!range) {
    range = std::make_unique<Range>();
    if (filters) {
      for (const auto& [index, filter] : filters->filters) {
        range->filters.emplace_back(index, duckdb::TableFilterState::Initialize(context, *filter));
      }
    }
    for (const auto& [column, expression] : expression_map) {
      range->casts[column] = duckdb::make_uniq<duckdb::ExpressionExecutor>(context, *expression);
    }
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

// By the chunk's own bounds, as row groups of a file are.
bool TailReader::can_skip(const Piece& piece) {
  if (!filters) return false;
  for (const auto& [index, filter] : filters->filters) {
    const duckdb::idx_t column = local_column(index);
    if (column >= piece.sealed->types.size() || expression_map.count(column) != 0) continue;
    const IntBounds& bounds = piece.sealed->bounds[piece.chunk][column];
    if (!bounds) continue;
    duckdb::BaseStatistics statistics = duckdb::NumericStats::CreateUnknown(piece.sealed->types[column]);
    duckdb::NumericStats::SetMin(statistics, bound_value(piece.sealed->types[column], bounds->first));
    duckdb::NumericStats::SetMax(statistics, bound_value(piece.sealed->types[column], bounds->second));
    if (filter->CheckStatistics(statistics) == duckdb::FilterPropagateResult::FILTER_ALWAYS_FALSE) return true;
  }
  return false;
}

void TailReader::fill(const Piece& piece, Range& range, duckdb::DataChunk& out) {
  duckdb::DataChunk& source = *piece.sealed->chunks[piece.chunk];
  const duckdb::idx_t count = source.size();
  for (duckdb::idx_t i = 0; i < column_ids.size(); ++i) {
    const duckdb::idx_t column = local_column(i);
    if (row_number_column_ && column == *row_number_column_) {
      out.data[i].Sequence(static_cast<int64_t>(piece.first_row), 1, count);
    } else if (const auto cast = range.casts.find(column); cast != range.casts.end()) {
      duckdb::DataChunk one;  // the expression reads its column as the first of a chunk
      one.InitializeEmpty({source.data[column].GetType()});
      one.data[0].Reference(source.data[column]);
      one.SetCardinality(count);
      cast->second->ExecuteExpression(one, out.data[i]);
    } else {
      out.data[i].Reference(source.data[column]);
    }
  }
  out.SetCardinality(count);
}

duckdb::idx_t TailReader::filter(Range& range, duckdb::DataChunk& out, duckdb::idx_t count,
                                 duckdb::SelectionVector& selected) {
  selected.Initialize(nullptr);
  duckdb::idx_t passed = count;
  for (auto& [index, state] : range.filters) {
    if (passed == 0) break;
    duckdb::UnifiedVectorFormat format;
    out.data[index].ToUnifiedFormat(count, format);
    duckdb::ColumnSegment::FilterSelection(selected, out.data[index], format, *filters->filters[index], *state, count,
                                           passed);
  }
  return passed;
}

// No filter is applied above the scan, so rows that do not pass must not leave here. An empty result ends the range.
void TailReader::Scan(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&, duckdb::LocalTableFunctionState& local,
                      duckdb::DataChunk& out) {
  Range* range = nullptr;
  {
    const std::lock_guard lock(mutex_);
    range = ranges_.at(&local).get();
  }
  while (range->next < range->end) {
    const Piece& piece = pieces_[range->next++];
    if (can_skip(piece)) continue;
    fill(piece, *range, out);
    if (range->filters.empty()) return;
    duckdb::SelectionVector selected;
    const duckdb::idx_t count = out.size();
    const duckdb::idx_t passed = filter(*range, out, count, selected);
    if (passed == count) return;
    if (passed > 0) {
      out.Slice(selected, passed);
      return;
    }
    out.Reset();
  }
  out.SetCardinality(0);
}

}  // namespace weir::engine
