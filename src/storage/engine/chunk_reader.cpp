#include "storage/engine/chunk_reader.h"

namespace weir::engine {
namespace {

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

// The reader of the files appends it to `columns` first.
void ChunkReader::AddVirtualColumn(duckdb::column_t id) {
  if (id != duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER) {
    throw duckdb::NotImplementedException("virtual column %d of a stream", id);
  }
  row_number_column_ = columns.size() - 1;
}

duckdb::idx_t ChunkReader::local_column(duckdb::idx_t index) {
  return column_ids[duckdb::MultiFileLocalIndex(index)].GetId();
}

void ChunkReader::make_ready(Range& range, duckdb::ClientContext& context) const {
  if (filters) {
    for (const auto& [index, filter] : filters->filters) {
      range.filters.emplace_back(index, duckdb::TableFilterState::Initialize(context, *filter));
    }
  }
  for (const auto& [column, expression] : expression_map) {
    range.casts[column] = duckdb::make_uniq<duckdb::ExpressionExecutor>(context, *expression);
  }
}

// By the chunk's own bounds, as row groups of a file are.
bool ChunkReader::can_skip(const Piece& piece) {
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

void ChunkReader::fill(const Piece& piece, Range& range, duckdb::DataChunk& out) {
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

duckdb::idx_t ChunkReader::filter(Range& range, duckdb::DataChunk& out, duckdb::idx_t count,
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

// No filter is applied above the scan, so rows that do not pass must not leave here.
bool ChunkReader::emit(const Piece& piece, Range& range, duckdb::DataChunk& out) {
  if (can_skip(piece)) return false;
  fill(piece, range, out);
  if (range.filters.empty()) return true;
  duckdb::SelectionVector selected;
  const duckdb::idx_t count = out.size();
  const duckdb::idx_t passed = filter(range, out, count, selected);
  if (passed == count) return true;
  if (passed > 0) {
    out.Slice(selected, passed);
    return true;
  }
  out.Reset();
  return false;
}

}  // namespace weir::engine
