// An external table as one table: DuckDB's own scan of its format, with our list of files and our constants for its
// partition columns. No file is opened, or looked for, before the plan lock has agreed to the statement: the list is
// made when filters are pushed into it, or when the scan begins.
#include "storage/engine/external_scan.h"

#include <algorithm>
#include <set>

#include "storage/engine/partition_filter.h"

namespace weir::engine {
namespace {

using duckdb::ClientContext;
using duckdb::LogicalType;
using duckdb::MultiFileReader;
using duckdb::optional_ptr;
using duckdb::Value;

constexpr const char* kFileOption = "weir_file";  // index of a file in ExternalFiles::files
constexpr duckdb::column_t kPath = MultiFileReader::COLUMN_IDENTIFIER_FILENAME;
constexpr duckdb::column_t kSize = MultiFileReader::COLUMN_IDENTIFIER_FILENAME + 4096;

duckdb::virtual_column_map_t virtual_columns() {
  duckdb::virtual_column_map_t out;
  out.insert({duckdb::COLUMN_IDENTIFIER_EMPTY, duckdb::TableColumn("", LogicalType::BOOLEAN)});
  out.insert({kPath, duckdb::TableColumn("$path", LogicalType::VARCHAR)});
  out.insert({kSize, duckdb::TableColumn("$size", LogicalType::BIGINT)});
  return out;
}

// What one reference to the table reads. Immutable, shared by all copies of its plan.
struct ExternalBind {
  std::shared_ptr<const ExternalTable> table;
  duckdb::vector<std::string> names;
  duckdb::vector<LogicalType> types;
  size_t partition_begin = 0;  // index of the first partition column
  std::shared_ptr<duckdb::TableCatalogEntry> entry;
  duckdb::shared_ptr<ConnectionState> state;

  // Nothing: the text is no value of the column's type.
  std::optional<Value> partition_value(const PartitionValues& values, size_t column) const {
    const std::optional<std::string>& text = values[column - partition_begin];
    if (!text) return Value(types[column]);
    Value value(*text), out;
    std::string error;
    if (!value.DefaultTryCastAs(types[column], out, &error)) return std::nullopt;
    return out;
  }
};

class ExternalList final : public duckdb::MultiFileList {
 public:
  explicit ExternalList(std::shared_ptr<const ExternalBind> bind, std::shared_ptr<const ExternalFiles> files = nullptr)
      : MultiFileList({}, duckdb::FileGlobOptions::ALLOW_EMPTY), bind_(std::move(bind)), files_(std::move(files)) {}

  duckdb::unique_ptr<duckdb::MultiFileList> ComplexFilterPushdown(
      ClientContext& context, const duckdb::MultiFileOptions&, duckdb::MultiFilePushdownInfo& info,
      duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters) override {
    if (filters.empty() || bind_->table->partition_columns.empty()) return nullptr;
    const auto wants = [&](const PartitionValues& values) {
      return std::all_of(filters.begin(), filters.end(), [&](const auto& filter) {
        return may_hold(context, *filter,
                        [&](const duckdb::Expression& reference) { return constant_of(reference, info, values); });
      });
    };
    return duckdb::make_uniq<ExternalList>(bind_, files_ ? without(*files_, wants) : find(wants));
  }
  duckdb::vector<duckdb::OpenFileInfo> GetAllFiles() override {
    duckdb::vector<duckdb::OpenFileInfo> all;
    for (size_t i = 0; i < GetTotalFileCount(); ++i) all.push_back(GetFile(i));
    return all;
  }
  // Asked while the statement is bound, when nobody has looked yet.
  duckdb::FileExpandResult GetExpandResult() override { return duckdb::FileExpandResult::MULTIPLE_FILES; }
  duckdb::idx_t GetTotalFileCount() override { return files()->files.size(); }
  duckdb::unique_ptr<duckdb::NodeStatistics> GetCardinality(ClientContext&) override {
    constexpr uint64_t kBytesOfRow = 32;  // a guess: only the order of joins depends on it
    uint64_t bytes = 0;
    for (const ExternalFile& file : files()->files) bytes += file.bytes;
    return duckdb::make_uniq<duckdb::NodeStatistics>(bytes / kBytesOfRow + 1);
  }
  duckdb::unique_ptr<duckdb::MultiFileList> Copy() override {
    const std::lock_guard lock(mutex_);
    return duckdb::make_uniq<ExternalList>(bind_, files_);
  }

  const ExternalFile& file(const duckdb::OpenFileInfo& info) {
    return files()->files[duckdb::UBigIntValue::Get(info.extended_info->options.at(kFileOption))];
  }
  // Null while nobody has looked.
  std::shared_ptr<const ExternalFiles> known() {
    const std::lock_guard lock(mutex_);
    return files_;
  }

 protected:
  duckdb::OpenFileInfo GetFile(duckdb::idx_t i) override {
    const auto all = files();
    if (i >= all->files.size()) return duckdb::OpenFileInfo("");
    duckdb::OpenFileInfo out(all->files[i].path);
    out.extended_info = duckdb::make_shared_ptr<duckdb::ExtendedOpenFileInfo>();
    out.extended_info->options[kFileOption] = Value::UBIGINT(i);
    return out;
  }

 private:
  using Wants = std::function<bool(const PartitionValues&)>;

  std::optional<Value> constant_of(const duckdb::Expression& reference, const duckdb::MultiFilePushdownInfo& info,
                                   const PartitionValues& values) const {
    const auto& column = reference.Cast<duckdb::BoundColumnRefExpression>();
    if (column.depth != 0 || column.binding.table_index != info.table_index ||
        column.binding.column_index >= info.column_ids.size()) {
      return std::nullopt;
    }
    const duckdb::column_t id = info.column_ids[column.binding.column_index];
    if (duckdb::IsVirtualColumn(id) || id < bind_->partition_begin || id >= bind_->types.size()) return std::nullopt;
    return bind_->partition_value(values, id);
  }

  std::shared_ptr<const ExternalFiles> find(const Wants& wants) const {
    Result<ExternalFiles> found = bind_->table->source->find(wants);
    if (!found) {
      bind_->state->remember(found.error());
      throw duckdb::IOException("%s", found.error().message);
    }
    bind_->state->allow_files(found->files);
    return std::make_shared<const ExternalFiles>(*std::move(found));
  }

  static std::shared_ptr<const ExternalFiles> without(const ExternalFiles& all, const Wants& wants) {
    auto out = std::make_shared<ExternalFiles>();
    out->partitions = all.partitions;
    std::set<PartitionValues> read;
    for (const ExternalFile& file : all.files) {
      if (!wants(file.partition)) continue;
      out->files.push_back(file);
      read.insert(file.partition);
    }
    out->partitions_read = read.size();
    return out;
  }

  std::shared_ptr<const ExternalFiles> files() {
    const std::lock_guard lock(mutex_);
    if (!files_) files_ = find([](const PartitionValues&) { return true; });
    return files_;
  }

  const std::shared_ptr<const ExternalBind> bind_;
  std::mutex mutex_;  // guards files_: scans run on DuckDB's threads
  std::shared_ptr<const ExternalFiles> files_;
};

class ExternalReader final : public MultiFileReader {
 public:
  explicit ExternalReader(std::shared_ptr<const ExternalBind> bind) : bind_(std::move(bind)) {
    function_name = kExternalScan;
  }
  const ExternalBind& bind() const { return *bind_; }

  duckdb::shared_ptr<duckdb::MultiFileList> CreateFileList(ClientContext&, const duckdb::vector<std::string>&,
                                                           const duckdb::FileGlobInput&) override {
    return duckdb::make_shared_ptr<ExternalList>(bind_);
  }

  // Columns of Parquet are found by their names; one that a file lacks is NULL. Texts are read as their format binds
  // them, from the columns that options() gave.
  bool Bind(duckdb::MultiFileOptions& options, duckdb::MultiFileList&, duckdb::vector<LogicalType>& types,
            duckdb::vector<std::string>& names, duckdb::MultiFileReaderBindData& bind_data) override {
    if (bind_->table->format != ExternalTable::Format::parquet) return false;
    types = bind_->types;
    names = bind_->names;
    bind_data.schema = duckdb::MultiFileColumnDefinition::ColumnsFromNamesAndTypes(names, types);
    for (auto& column : bind_data.schema) {
      column.default_expression = duckdb::make_uniq<duckdb::ConstantExpression>(Value(column.type));
    }
    options.hive_partitioning = false;
    options.auto_detect_hive_partitioning = false;
    return true;
  }
  void BindOptions(duckdb::MultiFileOptions&, duckdb::MultiFileList&, duckdb::vector<LogicalType>& types,
                   duckdb::vector<std::string>& names, duckdb::MultiFileReaderBindData& bind_data) override {
    for (size_t i = bind_->partition_begin; i < bind_->names.size(); ++i) {
      bind_data.hive_partitioning_indexes.emplace_back(bind_->names[i], i);
      if (bind_->table->format == ExternalTable::Format::parquet) continue;  // Bind() has said them
      names.push_back(bind_->names[i]);
      types.push_back(bind_->types[i]);
    }
  }

  void FinalizeBind(duckdb::MultiFileReaderData& data, const duckdb::MultiFileOptions&,
                    const duckdb::MultiFileReaderBindData&, const duckdb::vector<duckdb::MultiFileColumnDefinition>&,
                    const duckdb::vector<duckdb::ColumnIndex>& column_ids, ClientContext&,
                    optional_ptr<duckdb::MultiFileReaderGlobalState>) override {
    const ExternalFile& file = constants_of(data.reader->file);
    for (size_t i = 0; i < column_ids.size(); ++i) {
      const duckdb::MultiFileGlobalIndex global(i);
      const duckdb::column_t id = column_ids[i].GetPrimaryIndex();
      if (id == kPath) {
        data.constant_map.Add(global, Value(file.url));
      } else if (id == kSize) {
        data.constant_map.Add(global, Value::BIGINT(static_cast<int64_t>(file.bytes)));
      } else if (id == COLUMN_IDENTIFIER_FILE_INDEX) {
        data.constant_map.Add(global, Value::UBIGINT(data.reader->file_list_idx.GetIndex()));
      } else if (!duckdb::IsVirtualColumn(id) && id >= bind_->partition_begin) {
        const std::optional<Value> value = bind_->partition_value(file.partition, id);
        if (!value) {
          throw duckdb::ConversionException("the partition's value '%s' of %s is no %s",
                                            *file.partition[id - bind_->partition_begin], bind_->names[id],
                                            bind_->types[id].ToString());
        }
        data.constant_map.Add(global, *value);
      }
    }
  }

  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(ClientContext& context,
                                                          duckdb::GlobalTableFunctionState& state,
                                                          const duckdb::OpenFileInfo& file, duckdb::idx_t index,
                                                          const duckdb::MultiFileBindData& data) override {
    {
      const std::lock_guard lock(mutex_);
      files_[file.path] = static_cast<ExternalList&>(*data.file_list).file(file);
    }
    return MultiFileReader::CreateReader(context, state, file, index, data);
  }

  duckdb::unique_ptr<MultiFileReader> Copy() const override { return duckdb::make_uniq<ExternalReader>(bind_); }

 private:
  // What CreateReader() was given for it: FinalizeBind() is not told the list.
  ExternalFile constants_of(const duckdb::OpenFileInfo& file) {
    const std::lock_guard lock(mutex_);
    return files_.at(file.path);
  }

  const std::shared_ptr<const ExternalBind> bind_;
  std::mutex mutex_;  // guards files_
  std::map<std::string, ExternalFile> files_;
};

struct ExternalInfo final : duckdb::TableFunctionInfo {
  explicit ExternalInfo(std::shared_ptr<const ExternalBind> bind_in) : bind(std::move(bind_in)) {}
  std::shared_ptr<const ExternalBind> bind;
};

duckdb::unique_ptr<MultiFileReader> make_reader(const duckdb::TableFunction& function) {
  return duckdb::make_uniq<ExternalReader>(static_cast<const ExternalInfo&>(*function.function_info).bind);
}

const ExternalBind& bind_of(optional_ptr<const duckdb::FunctionData> data) {
  return static_cast<const ExternalReader&>(*data->Cast<duckdb::MultiFileBindData>().multi_file_reader).bind();
}

duckdb::BindInfo bind_info(const optional_ptr<duckdb::FunctionData> data) {
  return duckdb::BindInfo(*bind_of(data.get()).entry);
}

duckdb::virtual_column_map_t get_virtual_columns(ClientContext&, optional_ptr<duckdb::FunctionData>) {
  return virtual_columns();
}

duckdb::InsertionOrderPreservingMap<std::string> to_string(duckdb::TableFunctionToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<std::string> shown;
  const ExternalTable& table = *bind_of(input.bind_data).table;
  shown.insert("External table", table.schema + "." + table.name);
  const auto files = static_cast<ExternalList&>(*input.bind_data->Cast<duckdb::MultiFileBindData>().file_list).known();
  if (!files) return shown;
  if (!table.partition_columns.empty()) {
    shown.insert("Partitions", std::to_string(files->partitions_read) + " of " + std::to_string(files->partitions));
  }
  shown.insert("Files", std::to_string(files->files.size()));
  return shown;
}

void no_serialization(duckdb::Serializer&, const optional_ptr<duckdb::FunctionData>, const duckdb::TableFunction&) {
  throw duckdb::NotImplementedException("plans over external tables are not serialized");
}

const char* function_of(ExternalTable::Format format) {
  switch (format) {
    case ExternalTable::Format::parquet:
      return "parquet_scan";
    case ExternalTable::Format::json:
      return "read_json";
    case ExternalTable::Format::delimited:
      return "read_csv";
  }
  return "parquet_scan";
}

// What read_csv() and read_json() are called with.
duckdb::named_parameter_map_t options_of(const ExternalTable& table) {
  duckdb::named_parameter_map_t out;
  if (table.format == ExternalTable::Format::parquet) return out;
  duckdb::child_list_t<Value> columns;
  duckdb::vector<Value> texts;
  for (const ExternalColumn& column : table.columns) {
    columns.emplace_back(column.name, Value(column.type));
    if (column.type == "VARCHAR") texts.emplace_back(column.name);
  }
  out["columns"] = Value::STRUCT(std::move(columns));
  out["hive_partitioning"] = Value::BOOLEAN(false);
  if (!table.compression.empty()) out["compression"] = Value(table.compression);
  if (table.format == ExternalTable::Format::json) {
    out["records"] = Value("true");
    out["format"] = Value("auto");
    out["ignore_errors"] = Value::BOOLEAN(table.ignores_malformed);
    return out;
  }
  out["auto_detect"] = Value::BOOLEAN(false);
  out["header"] = Value::BOOLEAN(false);
  out["delim"] = Value(table.delimiter);
  out["quote"] = Value(table.quote);
  out["escape"] = Value(table.escape);
  out["skip"] = Value::BIGINT(static_cast<int64_t>(table.header_lines));
  // A record with fewer fields has NULL in the others, one with more loses them.
  out["null_padding"] = Value::BOOLEAN(true);
  out["strict_mode"] = Value::BOOLEAN(false);
  // The engine makes the same of all null texts of a column: an empty one stays a text only where there is no other.
  duckdb::vector<Value> nulls{Value("")};
  if (!table.null_text.empty()) nulls.emplace_back(table.null_text);
  out["nullstr"] = Value::LIST(LogicalType::VARCHAR, std::move(nulls));
  if (table.null_text.empty() && !texts.empty()) out["force_not_null"] = Value::LIST(LogicalType::VARCHAR, texts);
  return out;
}

class ExternalEntry final : public duckdb::TableCatalogEntry, public std::enable_shared_from_this<ExternalEntry> {
 public:
  ExternalEntry(duckdb::Catalog& lake, duckdb::SchemaCatalogEntry& in, duckdb::CreateTableInfo& info,
                std::shared_ptr<const ExternalTable> table)
      : TableCatalogEntry(lake, in, info), table_(std::move(table)) {}

  duckdb::TableFunction GetScanFunction(ClientContext& context,
                                        duckdb::unique_ptr<duckdb::FunctionData>& data) override {
    auto bind = std::make_shared<ExternalBind>();
    bind->table = table_;
    bind->partition_begin = table_->columns.size();
    bind->entry = shared_from_this();
    bind->state = ConnectionState::of(context);
    for (const duckdb::ColumnDefinition& column : GetColumns().Logical()) {
      bind->names.push_back(column.Name());
      bind->types.push_back(column.Type());
    }
    auto& stock = duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::TableFunctionCatalogEntry>(
        context, DEFAULT_SCHEMA, function_of(table_->format));
    duckdb::TableFunction scan = stock.functions.GetFunctionByArguments(context, {LogicalType::VARCHAR});
    const auto stock_info = scan.function_info;
    scan.name = kExternalScan;
    scan.get_multi_file_reader = make_reader;
    scan.function_info = duckdb::make_shared_ptr<ExternalInfo>(std::move(bind));
    scan.statistics = nullptr;
    scan.get_partition_stats = nullptr;
    scan.get_partition_info = nullptr;
    scan.get_bind_info = bind_info;
    scan.get_virtual_columns = get_virtual_columns;
    scan.late_materialization = false;
    scan.to_string = to_string;
    scan.serialize = no_serialization;
    scan.deserialize = nullptr;
    scan.verify_serialization = false;

    duckdb::vector<Value> inputs{Value(table_->name)};
    duckdb::named_parameter_map_t named = options_of(*table_);
    duckdb::vector<LogicalType> table_types, types;
    duckdb::vector<std::string> table_names, names;
    const duckdb::TableFunctionRef reference;
    duckdb::TableFunctionBindInput input(inputs, named, table_types, table_names, stock_info.get(), nullptr, scan,
                                         reference);
    data = scan.bind(context, input, types, names);
    data->Cast<duckdb::MultiFileBindData>().virtual_columns = virtual_columns();
    return scan;
  }
  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(ClientContext&, duckdb::column_t) override {
    return nullptr;
  }
  duckdb::TableStorageInfo GetStorageInfo(ClientContext&) override { return {}; }
  duckdb::virtual_column_map_t GetVirtualColumns() const override { return virtual_columns(); }
  // Asked for by DELETE, UPDATE and MERGE only, which the statement lock has refused.
  duckdb::vector<duckdb::column_t> GetRowIdColumns() const override {
    throw duckdb::PermissionException("external tables are read-only");
  }

 private:
  const std::shared_ptr<const ExternalTable> table_;
};

}  // namespace

optional_ptr<duckdb::CatalogEntry> external_table(ClientContext& context, const std::string& name,
                                                  duckdb::Catalog& catalog, duckdb::SchemaCatalogEntry& schema) {
  const auto state = ConnectionState::of(context);
  if (!state || !state->authority) return nullptr;
  std::shared_ptr<const ExternalTable> table;
  // Both names may have dots in them.
  for (size_t dot = name.find('.'); dot != std::string::npos && !table; dot = name.find('.', dot + 1)) {
    const auto found = state->authority->external(name.substr(0, dot), name.substr(dot + 1), {});
    if (found && *found != nullptr && (*found)->lake_table.empty()) table = *found;
  }
  if (!table) return nullptr;
  duckdb::CreateTableInfo info(std::string(kLakeCatalog), std::string(kExternalSchema), name);
  for (const auto* columns : {&table->columns, &table->partition_columns}) {
    for (const ExternalColumn& column : *columns) {
      info.columns.AddColumn(
          duckdb::ColumnDefinition(column.name, duckdb::TransformStringToLogicalType(column.type, context)));
    }
  }
  auto entry = std::make_shared<ExternalEntry>(catalog, schema, info, std::move(table));
  state->keep_external(entry);
  return entry.get();
}

const ExternalTable& external_read(const duckdb::FunctionData& data) {
  return *bind_of(&data).table;
}

}  // namespace weir::engine
