// A stream as one table: DuckDB's own Parquet scan with our list of files, our constants for partition columns, and our
// reader for the tail.
#include <algorithm>

#include "storage/engine/rows_reader.h"
#include "storage/engine/stream_list.h"
#include "storage/engine/tail_reader.h"

namespace weir::engine {
namespace {

using duckdb::ClientContext;
using duckdb::MultiFileReader;
using duckdb::optional_ptr;

bool is_tail(const duckdb::OpenFileInfo& file) {
  return file.path.starts_with(kTailScheme);
}

size_t file_index(const duckdb::OpenFileInfo& file) {
  return duckdb::UBigIntValue::Get(file.extended_info->options.at(kFileOption));
}

class StreamReader final : public MultiFileReader {
 public:
  explicit StreamReader(std::shared_ptr<const StreamBind> bind) : bind_(std::move(bind)) { function_name = kLakeScan; }
  const StreamBind& bind() const { return *bind_; }

  duckdb::shared_ptr<duckdb::MultiFileList> CreateFileList(ClientContext&, const duckdb::vector<std::string>&,
                                                           const duckdb::FileGlobInput&) override {
    std::vector<uint32_t> all(bind_->version->files.size());
    for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
    return duckdb::make_shared_ptr<StreamList>(bind_, std::move(all));
  }

  bool Bind(duckdb::MultiFileOptions& options, duckdb::MultiFileList&, duckdb::vector<duckdb::LogicalType>& types,
            duckdb::vector<std::string>& names, duckdb::MultiFileReaderBindData& bind_data) override {
    types = bind_->layout.types;
    names = bind_->layout.names;
    bind_data.schema = duckdb::MultiFileColumnDefinition::ColumnsFromNamesAndTypes(names, types);
    for (size_t i = 0; i < bind_data.schema.size(); ++i) {
      auto& column = bind_data.schema[i];
      const bool is_partition = i >= bind_->layout.partition_begin;
      column.default_expression = duckdb::make_uniq<duckdb::ConstantExpression>(
          is_partition ? duckdb::Value(column.type) : missing_value(bind_->version->columns[bind_->layout.source[i]]));
    }
    options.hive_partitioning = false;
    options.auto_detect_hive_partitioning = false;
    return true;
  }
  void BindOptions(duckdb::MultiFileOptions&, duckdb::MultiFileList&, duckdb::vector<duckdb::LogicalType>&,
                   duckdb::vector<std::string>&, duckdb::MultiFileReaderBindData&) override {}

  void FinalizeBind(duckdb::MultiFileReaderData& data, const duckdb::MultiFileOptions&,
                    const duckdb::MultiFileReaderBindData&, const duckdb::vector<duckdb::MultiFileColumnDefinition>&,
                    const duckdb::vector<duckdb::ColumnIndex>& column_ids, ClientContext&,
                    optional_ptr<duckdb::MultiFileReaderGlobalState>) override {
    const duckdb::OpenFileInfo& file = data.reader->file;
    for (size_t i = 0; i < column_ids.size(); ++i) {
      const duckdb::MultiFileGlobalIndex global(i);
      const duckdb::column_t id = column_ids[i].GetPrimaryIndex();
      if (id == COLUMN_IDENTIFIER_FILENAME) {
        data.constant_map.Add(global, is_tail(file) ? duckdb::Value(duckdb::LogicalType::VARCHAR)
                                                    : duckdb::Value(bind_->version->files[file_index(file)].path));
      } else if (id == COLUMN_IDENTIFIER_FILE_INDEX) {
        data.constant_map.Add(global, duckdb::Value::UBIGINT(data.reader->file_list_idx.GetIndex()));
      } else if (!duckdb::IsVirtualColumn(id) && id >= bind_->layout.partition_begin && !is_tail(file)) {
        const int64_t value = bind_->version->files[file_index(file)].partition[bind_->layout.source[id]];
        data.constant_map.Add(global, partition_value(bind_->layout.types[id], value));
      }
    }
  }

  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(ClientContext& context,
                                                          duckdb::GlobalTableFunctionState& state,
                                                          const duckdb::OpenFileInfo& file, duckdb::idx_t index,
                                                          const duckdb::MultiFileBindData& data) override {
    duckdb::shared_ptr<duckdb::BaseFileReader> reader;
    if (is_tail(file)) {
      reader = duckdb::make_shared_ptr<TailReader>(file, bind_->tail[file_index(file)]);
    } else if (bind_->version->reader) {
      reader = duckdb::make_shared_ptr<RowsReader>(file, *bind_->version, bind_->version->files[file_index(file)]);
    } else {
      reader = MultiFileReader::CreateReader(context, state, file, index, data);
    }
    take_former_names(reader->columns);
    return reader;
  }

  duckdb::unique_ptr<MultiFileReader> Copy() const override { return duckdb::make_uniq<StreamReader>(bind_); }

 private:
  // DuckDB maps columns by name: those of an older file are called here as the table calls them today.
  void take_former_names(duckdb::vector<duckdb::MultiFileColumnDefinition>& columns) const {
    const auto named = [&](const std::string& name) {
      return std::find_if(columns.begin(), columns.end(),
                          [&](const auto& column) { return duckdb::StringUtil::CIEquals(column.name, name); });
    };
    for (const Column& wanted : bind_->version->columns) {
      if (wanted.former.empty() || named(wanted.name) != columns.end()) continue;
      for (const std::string& former : wanted.former) {
        const auto found = named(former);
        if (found == columns.end()) continue;
        found->name = wanted.name;
        break;
      }
    }
  }

  std::shared_ptr<const StreamBind> bind_;
};

struct StreamInfo final : duckdb::TableFunctionInfo {
  explicit StreamInfo(std::shared_ptr<const StreamBind> bind_in) : bind(std::move(bind_in)) {}
  std::shared_ptr<const StreamBind> bind;
};

duckdb::unique_ptr<MultiFileReader> make_reader(const duckdb::TableFunction& function) {
  return duckdb::make_uniq<StreamReader>(static_cast<const StreamInfo&>(*function.function_info).bind);
}

const StreamReader& reader_of(optional_ptr<const duckdb::FunctionData> data) {
  return static_cast<const StreamReader&>(*data->Cast<duckdb::MultiFileBindData>().multi_file_reader);
}

duckdb::BindInfo bind_info(const optional_ptr<duckdb::FunctionData> data) {
  duckdb::optional_ptr<duckdb::TableCatalogEntry> entry = reader_of(data.get()).bind().entry;
  return duckdb::BindInfo(*entry);
}

duckdb::InsertionOrderPreservingMap<std::string> to_string(duckdb::TableFunctionToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<std::string> shown;
  shown.insert("Table", reader_of(input.bind_data).bind().version->name);
  return shown;
}

// count(*) without a filter: the catalog knows.
duckdb::vector<duckdb::PartitionStatistics> partition_stats(ClientContext&, duckdb::GetPartitionStatsInput& input) {
  duckdb::PartitionStatistics all;
  all.row_start = 0;
  all.count = static_cast<StreamList&>(*input.bind_data->Cast<duckdb::MultiFileBindData>().file_list).rows();
  all.count_type = duckdb::CountType::COUNT_EXACT;
  return {all};
}

// A plan with a stream is not copied by writing it out and reading it back.
void no_serialization(duckdb::Serializer&, const optional_ptr<duckdb::FunctionData>, const duckdb::TableFunction&) {
  throw duckdb::NotImplementedException("plans over streams are not serialized");
}

std::shared_ptr<const StreamBind> make_bind(const std::shared_ptr<const Tables>& tables, const TableVersion& version,
                                            const Layout& layout, duckdb::TableCatalogEntry& entry) {
  auto bind = std::make_shared<StreamBind>();
  bind->tables = tables;
  bind->version = &version;
  bind->layout = layout;
  bind->entry = entry;
  for (const TableFile& file : version.files) {
    if (!version.is_computed && file.partition.size() != version.partition_columns.size()) {
      throw duckdb::IOException(
          "the catalog names %d partition values for file %s of %s, which has %d partition columns",
          file.partition.size(), file.path, version.name, version.partition_columns.size());
    }
  }
  for (const auto& chunk : version.tail) {
    if (chunk->rows == 0) continue;
    bind->tail_rows += chunk->rows;
    if (bind->tail.empty() || bind->tail.back().front()->columns != chunk->columns) bind->tail.emplace_back();
    bind->tail.back().push_back(chunk);
  }
  return bind;
}

}  // namespace

duckdb::TableFunction stream_scan(ClientContext& context, const std::shared_ptr<const Tables>& tables,
                                  const TableVersion& version, const Layout& layout, duckdb::TableCatalogEntry& entry,
                                  duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  auto& parquet = duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::TableFunctionCatalogEntry>(
      context, DEFAULT_SCHEMA, "parquet_scan");
  duckdb::TableFunction scan = parquet.functions.GetFunctionByArguments(context, {duckdb::LogicalType::VARCHAR});
  scan.name = kLakeScan;
  scan.get_multi_file_reader = make_reader;
  scan.function_info = duckdb::make_shared_ptr<StreamInfo>(make_bind(tables, version, layout, entry));
  scan.statistics = nullptr;  // the stock ones know nothing of the tail
  scan.get_partition_stats = partition_stats;
  scan.get_bind_info = bind_info;
  scan.to_string = to_string;
  scan.serialize = no_serialization;
  scan.deserialize = nullptr;
  scan.verify_serialization = false;

  duckdb::vector<duckdb::Value> inputs{duckdb::Value(version.name)};
  duckdb::named_parameter_map_t named;
  duckdb::vector<duckdb::LogicalType> table_types, types;
  duckdb::vector<std::string> table_names, names;
  const duckdb::TableFunctionRef reference;
  duckdb::TableFunctionBindInput input(inputs, named, table_types, table_names, scan.function_info.get(), nullptr, scan,
                                       reference);
  bind_data = scan.bind(context, input, types, names);
  return scan;
}

}  // namespace weir::engine
