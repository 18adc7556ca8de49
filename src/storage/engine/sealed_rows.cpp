// Rows in memory as a table function: system views, and the source of write_parquet().
#include "storage/engine/catalog.h"
#include "storage/engine/sealed.h"

namespace weir::engine {
namespace {

struct RowsData final : duckdb::TableFunctionData {
  std::vector<std::shared_ptr<const SealedChunk>> rows;
  std::vector<Column> columns;
  duckdb::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;
  ViewRead view;

  // A system view is computed anew for each statement.
  bool SupportStatementCache() const override { return false; }
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override { return duckdb::make_uniq<RowsData>(*this); }
  bool Equals(const duckdb::FunctionData& other) const override { return rows == other.Cast<RowsData>().rows; }
};

struct RowsPosition final : duckdb::GlobalTableFunctionState {
  explicit RowsPosition(duckdb::vector<duckdb::column_t> columns_in) : columns(std::move(columns_in)) {}
  const duckdb::vector<duckdb::column_t> columns;  // those that the statement reads
  size_t sealed = 0, chunk = 0;
};

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> start(duckdb::ClientContext&,
                                                           duckdb::TableFunctionInitInput& input) {
  return duckdb::make_uniq<RowsPosition>(input.column_ids);
}

// Columns are found by name or former name; a missing one is what such rows read as, another type is cast.
void emit(const SealedChunk& sealed, duckdb::DataChunk& source, const RowsData& data, const RowsPosition& at,
          duckdb::DataChunk& out) {
  for (size_t i = 0; i < at.columns.size(); ++i) {
    // count(*) reads a virtual column that holds nothing.
    const bool is_known = at.columns[i] < data.columns.size();
    if (!is_known) {
      out.data[i].Reference(duckdb::Value(out.data[i].GetType()));
      continue;
    }
    const Column& wanted = data.columns[at.columns[i]];
    const std::optional<size_t> from = find_column(sealed.columns, wanted);
    if (!from) {
      out.data[i].Reference(missing_value(wanted));
    } else if (sealed.types[*from] == out.data[i].GetType()) {
      out.data[i].Reference(source.data[*from]);
    } else {
      duckdb::VectorOperations::DefaultCast(source.data[*from], out.data[i], source.size(), true);
    }
  }
  out.SetCardinality(source.size());
}

void scan(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  const auto& data = input.bind_data->Cast<RowsData>();
  auto& at = input.global_state->Cast<RowsPosition>();
  while (at.sealed < data.rows.size()) {
    const SealedChunk& sealed = *data.rows[at.sealed];
    if (at.chunk < sealed.chunks.size()) return emit(sealed, *sealed.chunks[at.chunk++], data, at, out);
    ++at.sealed;
    at.chunk = 0;
  }
}

duckdb::unique_ptr<duckdb::NodeStatistics> cardinality(duckdb::ClientContext&, const duckdb::FunctionData* bind_data) {
  uint64_t rows = 0;
  for (const auto& sealed : bind_data->Cast<RowsData>().rows) rows += sealed->rows;
  return duckdb::make_uniq<duckdb::NodeStatistics>(rows, rows);
}

duckdb::unique_ptr<duckdb::FunctionData> bind_sealed(duckdb::ClientContext& context, duckdb::TableFunctionBindInput&,
                                                     duckdb::vector<duckdb::LogicalType>& types,
                                                     duckdb::vector<std::string>& names) {
  const auto state = ConnectionState::of(context);
  if (!state || state->trust != Trust::own || state->sealed_rows == nullptr) {
    throw duckdb::PermissionException("%s() is for the engine's own work", kRowsScan);
  }
  auto data = duckdb::make_uniq<RowsData>();
  data->rows = *state->sealed_rows;
  data->columns = *state->sealed_columns;
  for (const Column& column : *state->sealed_columns) {
    data->names.push_back(column.name);
    data->types.push_back(logical_type(column));
  }
  names = data->names;
  types = data->types;
  return data;
}

duckdb::virtual_column_map_t virtual_columns(duckdb::ClientContext&, duckdb::optional_ptr<duckdb::FunctionData>) {
  duckdb::virtual_column_map_t columns;
  columns.insert({duckdb::COLUMN_IDENTIFIER_EMPTY, duckdb::TableColumn("", duckdb::LogicalType::BOOLEAN)});
  return columns;
}

duckdb::TableFunction rows_function(const char* name) {
  duckdb::TableFunction function(name, {}, scan, bind_sealed, start);
  function.cardinality = cardinality;
  function.projection_pushdown = true;
  function.get_virtual_columns = virtual_columns;
  function.verify_serialization = false;
  // A plan over rows in memory is not copied by way of bytes: DuckDB then computes a WITH once for all who read it.
  function.serialize = [](duckdb::Serializer&, const duckdb::optional_ptr<duckdb::FunctionData>,
                          const duckdb::TableFunction&) {
    throw duckdb::NotImplementedException("rows in memory have no form in bytes");
  };
  function.deserialize = [](duckdb::Deserializer&, duckdb::TableFunction&) -> duckdb::unique_ptr<duckdb::FunctionData> {
    throw duckdb::NotImplementedException("rows in memory have no form in bytes");
  };
  return function;
}

}  // namespace

duckdb::TableFunction view_scan(const SystemView& view, const Layout& layout, duckdb::ClientContext& context,
                                duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  Result<RowBlock> rows = view.rows();
  if (rows && rows->columns() != view.columns) {
    rows = Error(Code::internal, "system view " + view.name + " gave other columns than it declares");
  }
  if (!rows) {
    if (const auto state = ConnectionState::of(context)) state->remember(rows.error());
    throw duckdb::IOException("%s cannot be read: %s", view.name, rows.error().text());
  }
  auto data = duckdb::make_uniq<RowsData>();
  data->columns = view.columns;  // without partition columns, the layout is the columns
  data->names = layout.names;
  data->types = layout.types;
  data->view = {view.name, view.is_internal};
  data->rows.push_back(seal_rows(*rows));
  bind_data = std::move(data);
  return rows_function(kViewScan);
}

ViewRead view_read(const duckdb::FunctionData& data) {
  return data.Cast<RowsData>().view;
}

void register_sealed_rows(duckdb::Connection& connection) {
  connection.BeginTransaction();
  duckdb::CreateTableFunctionInfo info(rows_function(kRowsScan));
  duckdb::Catalog::GetSystemCatalog(*connection.context).CreateTableFunction(*connection.context, info);
  connection.Commit();
}

}  // namespace weir::engine
