// The catalog `lake`: streams and system views as read-only tables of schema main.
#include "storage/engine/catalog.h"

#include <set>

#include "storage/engine/external_scan.h"

namespace weir::engine {
namespace {

using duckdb::Catalog;
using duckdb::CatalogEntry;
using duckdb::CatalogTransaction;
using duckdb::ClientContext;
using duckdb::optional_ptr;
using duckdb::PhysicalOperator;

[[noreturn]] void read_only() {
  throw duckdb::PermissionException(
      "streams, tables of the lake and system views are read-only; capture and the SELECTs of tables write them");
}

// --- entries ---------------------------------------------------------------------------------------------------------

// Also for system views: `version` is null there.
class LakeTable final : public duckdb::TableCatalogEntry {
 public:
  LakeTable(Catalog& lake, duckdb::SchemaCatalogEntry& main, duckdb::CreateTableInfo& info, const Tables& tables,
            const TableVersion* version, const SystemView* view, Layout layout)
      : TableCatalogEntry(lake, main, info),
        tables_(tables),
        version_(version),
        view_(view),
        layout_(std::move(layout)) {}

  duckdb::TableFunction GetScanFunction(ClientContext& context,
                                        duckdb::unique_ptr<duckdb::FunctionData>& data) override {
    if (view_ != nullptr) return view_scan(*view_, layout_, context, data);
    return stream_scan(context, tables_.shared_from_this(), *version_, layout_, *this, data);
  }
  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(ClientContext&, duckdb::column_t) override {
    return nullptr;
  }
  duckdb::TableStorageInfo GetStorageInfo(ClientContext&) override {
    duckdb::TableStorageInfo info;
    if (version_ == nullptr) return info;
    uint64_t rows = 0;
    for (const TableFile& file : version_->files) rows += file.rows;
    for (const auto& chunk : version_->tail) rows += Engine::chunk_rows(*chunk);
    info.cardinality = rows;
    return info;
  }
  // What a statement may name beside the columns: the file a row is in, as a path below the store; NULL in the tail.
  duckdb::virtual_column_map_t GetVirtualColumns() const override {
    duckdb::virtual_column_map_t shown;
    shown.insert({duckdb::COLUMN_IDENTIFIER_EMPTY, duckdb::TableColumn("", duckdb::LogicalType::BOOLEAN)});
    if (version_ != nullptr) {
      shown.insert({duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILENAME,
                    duckdb::TableColumn("filename", duckdb::LogicalType::VARCHAR)});
    }
    return shown;
  }
  // Asked for by DELETE, UPDATE and MERGE only, before the catalog could refuse them.
  duckdb::vector<duckdb::column_t> GetRowIdColumns() const override { read_only(); }

 private:
  const Tables& tables_;  // owns this entry
  const TableVersion* version_;
  const SystemView* view_;
  Layout layout_;
};

Layout layout_of(const std::string& table, const std::vector<Column>& columns,
                 const std::vector<Column>& partition_columns) {
  Layout layout;
  std::set<std::string> taken, partition_names;
  for (const Column& column : partition_columns) partition_names.insert(duckdb::StringUtil::Lower(column.name));
  const auto add = [&](const std::vector<Column>& list, size_t index) {
    const Column& column = list[index];
    if (!taken.insert(duckdb::StringUtil::Lower(column.name)).second) {
      throw duckdb::InvalidInputException(
          "table %s has two columns named %s, which SQL cannot tell apart (it ignores case): rename one of them", table,
          column.name);
    }
    layout.names.push_back(column.name);
    layout.types.push_back(logical_type(column));
    layout.source.push_back(index);
  };
  for (size_t i = 0; i < columns.size(); ++i) {
    // A field named like a partition column: the partition's value is the one that is shown.
    if (partition_names.count(duckdb::StringUtil::Lower(columns[i].name)) == 0) add(columns, i);
  }
  layout.partition_begin = layout.names.size();
  for (size_t i = 0; i < partition_columns.size(); ++i) add(partition_columns, i);
  return layout;
}

// A SELECT of ours under a name; bound anew each time, as what it reads has the columns of this version of the program.
class SystemRelationEntry final : public duckdb::ViewCatalogEntry {
 public:
  using ViewCatalogEntry::ViewCatalogEntry;
  bool HasTypes() const override { return false; }
};

// `main` has the streams, computed tables and system views; `public` the same, and what lies in the engine's own main;
// `internal` the views that only system relations read; `external` the tables of external schemas; pg_catalog and
// information_schema the system relations.
class LakeSchema final : public duckdb::SchemaCatalogEntry {
 public:
  using Lookup = std::function<optional_ptr<CatalogEntry>(CatalogTransaction, const std::string&)>;
  LakeSchema(Catalog& lake, duckdb::CreateSchemaInfo& info, Lookup lookup)
      : SchemaCatalogEntry(lake, info), lookup_(std::move(lookup)) {}

  void Scan(ClientContext& context, duckdb::CatalogType kind,
            const std::function<void(CatalogEntry&)>& visit) override {
    if (kind != duckdb::CatalogType::TABLE_ENTRY || name != DEFAULT_SCHEMA) return;
    const auto tables = pinned_tables(context, catalog);
    for (const std::string& table : tables->names()) {
      if (auto entry = tables->entry(table, false, catalog, *this)) visit(*entry);
    }
  }
  void Scan(duckdb::CatalogType, const std::function<void(CatalogEntry&)>&) override {}

  optional_ptr<CatalogEntry> LookupEntry(CatalogTransaction transaction,
                                         const duckdb::EntryLookupInfo& lookup) override {
    if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY || !transaction.context) return nullptr;
    return lookup_(transaction, lookup.GetEntryName());
  }

  optional_ptr<CatalogEntry> CreateIndex(CatalogTransaction, duckdb::CreateIndexInfo&,
                                         duckdb::TableCatalogEntry&) override {
    read_only();
  }
  optional_ptr<CatalogEntry> CreateFunction(CatalogTransaction, duckdb::CreateFunctionInfo&) override { read_only(); }
  optional_ptr<CatalogEntry> CreateTable(CatalogTransaction, duckdb::BoundCreateTableInfo&) override { read_only(); }
  optional_ptr<CatalogEntry> CreateView(CatalogTransaction, duckdb::CreateViewInfo&) override { read_only(); }
  optional_ptr<CatalogEntry> CreateSequence(CatalogTransaction, duckdb::CreateSequenceInfo&) override { read_only(); }
  optional_ptr<CatalogEntry> CreateTableFunction(CatalogTransaction, duckdb::CreateTableFunctionInfo&) override {
    read_only();
  }
  optional_ptr<CatalogEntry> CreateCopyFunction(CatalogTransaction, duckdb::CreateCopyFunctionInfo&) override {
    read_only();
  }
  optional_ptr<CatalogEntry> CreatePragmaFunction(CatalogTransaction, duckdb::CreatePragmaFunctionInfo&) override {
    read_only();
  }
  optional_ptr<CatalogEntry> CreateCollation(CatalogTransaction, duckdb::CreateCollationInfo&) override { read_only(); }
  optional_ptr<CatalogEntry> CreateType(CatalogTransaction, duckdb::CreateTypeInfo&) override { read_only(); }
  void DropEntry(ClientContext&, duckdb::DropInfo&) override { read_only(); }
  void Alter(CatalogTransaction, duckdb::AlterInfo&) override { read_only(); }

 private:
  const Lookup lookup_;
};

// --- the catalog -----------------------------------------------------------------------------------------------------

struct LakeInfo final : duckdb::StorageExtensionInfo {
  explicit LakeInfo(LakeParts parts_in) : parts(std::move(parts_in)) {}
  const LakeParts parts;
};

class LakeCatalog final : public Catalog {
 public:
  LakeCatalog(duckdb::AttachedDatabase& attached, LakeInfo& info) : Catalog(attached), info_(info) {}

  void Initialize(bool) override {
    const auto table = [this](CatalogTransaction transaction, const std::string& name, bool is_internal) {
      return pinned_tables(*transaction.context, *this)->entry(name, is_internal, *this, *schemas_.at(DEFAULT_SCHEMA));
    };
    add(DEFAULT_SCHEMA, [table](CatalogTransaction in, const std::string& name) { return table(in, name, false); });
    add(kInternalSchema, [table](CatalogTransaction in, const std::string& name) { return table(in, name, true); });
    add(kExternalSchema, [this](CatalogTransaction in, const std::string& name) {
      return external_table(*in.context, name, *this, *schemas_.at(kExternalSchema));
    });
    add(kPublic, [table](CatalogTransaction in, const std::string& name) -> optional_ptr<CatalogEntry> {
      if (auto found = table(in, name, false)) return found;
      const std::string& engine = duckdb::DatabaseManager::GetDefaultDatabase(*in.context);
      const duckdb::EntryLookupInfo wanted(duckdb::CatalogType::TABLE_ENTRY, name);
      return Catalog::GetEntry(*in.context, engine, DEFAULT_SCHEMA, wanted, duckdb::OnEntryNotFound::RETURN_NULL);
    });
    for (const char* schema : {kPgCatalog, kInformationSchema}) {
      add(schema, [this, schema](CatalogTransaction in, const std::string& name) {
        return relation(*in.context, schema, name);
      });
    }
  }
  std::string GetCatalogType() override { return "weir"; }
  optional_ptr<CatalogEntry> CreateSchema(CatalogTransaction, duckdb::CreateSchemaInfo&) override { read_only(); }
  optional_ptr<duckdb::SchemaCatalogEntry> LookupSchema(CatalogTransaction, const duckdb::EntryLookupInfo& lookup,
                                                        duckdb::OnEntryNotFound missing) override {
    const auto found = schemas_.find(duckdb::StringUtil::Lower(lookup.GetEntryName()));
    if (found != schemas_.end()) return found->second.get();
    if (missing == duckdb::OnEntryNotFound::RETURN_NULL) return nullptr;
    throw duckdb::CatalogException("schema \"%s\" does not exist in %s", lookup.GetEntryName(), kLakeCatalog);
  }
  void ScanSchemas(ClientContext&, std::function<void(duckdb::SchemaCatalogEntry&)> visit) override {
    visit(*schemas_.at(DEFAULT_SCHEMA));
  }

  PhysicalOperator& PlanCreateTableAs(ClientContext&, duckdb::PhysicalPlanGenerator&, duckdb::LogicalCreateTable&,
                                      PhysicalOperator&) override {
    read_only();
  }
  PhysicalOperator& PlanInsert(ClientContext&, duckdb::PhysicalPlanGenerator&, duckdb::LogicalInsert&,
                               optional_ptr<PhysicalOperator>) override {
    read_only();
  }
  PhysicalOperator& PlanDelete(ClientContext&, duckdb::PhysicalPlanGenerator&, duckdb::LogicalDelete&,
                               PhysicalOperator&) override {
    read_only();
  }
  PhysicalOperator& PlanUpdate(ClientContext&, duckdb::PhysicalPlanGenerator&, duckdb::LogicalUpdate&,
                               PhysicalOperator&) override {
    read_only();
  }
  // DuckDB's own would write into our scan's data as if it were one of its tables.
  duckdb::unique_ptr<duckdb::LogicalOperator> BindCreateIndex(duckdb::Binder&, duckdb::CreateStatement&,
                                                              duckdb::TableCatalogEntry&,
                                                              duckdb::unique_ptr<duckdb::LogicalOperator>) override {
    read_only();
  }
  duckdb::DatabaseSize GetDatabaseSize(ClientContext&) override { return {}; }
  bool InMemory() override { return true; }
  std::string GetDBPath() override { return ""; }
  void DropSchema(ClientContext&, duckdb::DropInfo&) override { read_only(); }

  // Statements that see the same snapshot share its entries.
  Result<std::shared_ptr<const Tables>> take() {
    TRY_ASSIGN(std::shared_ptr<const Snapshot> snapshot, info_.parts.source.take());
    if (!snapshot) return Error(Code::internal, "the lake gave no snapshot");
    const std::lock_guard lock(mutex_);
    std::shared_ptr<const Tables> latest = latest_.lock();
    Views views = info_.parts.views();
    if (!latest || &latest->snapshot() != snapshot.get() || latest->views() != views) {
      latest = std::make_shared<const Tables>(std::move(snapshot), std::move(views));
      latest_ = latest;
    }
    return latest;
  }

 private:
  void add(const std::string& name, LakeSchema::Lookup lookup) {
    duckdb::CreateSchemaInfo info;
    info.schema = name;
    info.internal = true;
    schemas_[name] = duckdb::make_uniq<LakeSchema>(*this, info, std::move(lookup));
  }

  // Made at its first use.
  optional_ptr<CatalogEntry> relation(ClientContext& context, const std::string& schema, const std::string& name) {
    const std::string key = schema + "." + duckdb::StringUtil::Lower(name);
    const std::lock_guard lock(mutex_);
    const auto known = entries_.find(key);
    if (known != entries_.end()) return known->second.get();
    const auto relations = info_.parts.relations();
    for (const SystemRelation& one : relations->all) {
      if (one.schema + "." + one.name != key) continue;
      duckdb::CreateViewInfo info(std::string(kLakeCatalog), schema, one.name);
      info.sql = duckdb::StringUtil::Replace(
          one.select, "$engine",
          duckdb::KeywordHelper::WriteOptionallyQuoted(duckdb::DatabaseManager::GetDefaultDatabase(context)));
      info.query = duckdb::CreateViewInfo::ParseSelect(info.sql);
      info.internal = true;
      auto made = duckdb::make_uniq<SystemRelationEntry>(*this, *schemas_.at(schema), info);
      return entries_.emplace(key, std::move(made)).first->second.get();
    }
    return nullptr;
  }

  LakeInfo& info_;
  std::map<std::string, duckdb::unique_ptr<LakeSchema>> schemas_;
  std::mutex mutex_;  // guards latest_ and entries_
  std::weak_ptr<const Tables> latest_;
  std::map<std::string, duckdb::unique_ptr<CatalogEntry>> entries_;  // system relations
};

// Transactions of the lake hold nothing: the snapshot is pinned by ConnectionState.
class LakeTransactions final : public duckdb::TransactionManager {
 public:
  explicit LakeTransactions(duckdb::AttachedDatabase& attached) : TransactionManager(attached) {}
  duckdb::Transaction& StartTransaction(ClientContext& context) override {
    auto transaction = duckdb::make_uniq<duckdb::Transaction>(*this, context);
    duckdb::Transaction& started = *transaction;
    const std::lock_guard lock(mutex_);
    open_.emplace(&started, std::move(transaction));
    return started;
  }
  duckdb::ErrorData CommitTransaction(ClientContext&, duckdb::Transaction& transaction) override {
    RollbackTransaction(transaction);
    return {};
  }
  void RollbackTransaction(duckdb::Transaction& transaction) override {
    const std::lock_guard lock(mutex_);
    open_.erase(&transaction);
  }
  void Checkpoint(ClientContext&, bool) override {}

 private:
  std::mutex mutex_;
  std::map<duckdb::Transaction*, duckdb::unique_ptr<duckdb::Transaction>> open_;
};

duckdb::unique_ptr<Catalog> attach(optional_ptr<duckdb::StorageExtensionInfo> info, ClientContext&,
                                   duckdb::AttachedDatabase& attached, const std::string&, duckdb::AttachInfo&,
                                   duckdb::AttachOptions&) {
  return duckdb::make_uniq<LakeCatalog>(attached, static_cast<LakeInfo&>(*info));
}

duckdb::unique_ptr<duckdb::TransactionManager> transactions(optional_ptr<duckdb::StorageExtensionInfo>,
                                                            duckdb::AttachedDatabase& attached, Catalog&) {
  return duckdb::make_uniq<LakeTransactions>(attached);
}

}  // namespace

optional_ptr<CatalogEntry> Tables::entry(const std::string& name, bool is_internal, Catalog& catalog,
                                         duckdb::SchemaCatalogEntry& schema) const {
  const std::string key = (is_internal ? "." : "") + duckdb::StringUtil::Lower(name);
  const std::lock_guard lock(mutex_);
  const auto known = entries_.find(key);
  if (known != entries_.end()) return known->second.get();

  const TableVersion* version = is_internal ? nullptr : snapshot_->find(key);
  if (version == nullptr && !is_internal && key != name) version = snapshot_->find(name);
  const SystemView* view = nullptr;
  for (const SystemView& candidate : *views_) {
    const bool is_it = candidate.is_internal == is_internal && duckdb::StringUtil::CIEquals(candidate.name, name);
    if (version == nullptr && is_it) view = &candidate;
  }
  if (version == nullptr && view == nullptr) return nullptr;

  Layout layout = version != nullptr ? layout_of(key, version->columns, version->partition_columns)
                                     : layout_of(name, view->columns, {});
  duckdb::CreateTableInfo info(std::string(kLakeCatalog), std::string(DEFAULT_SCHEMA),
                               version != nullptr ? version->name : view->name);
  for (size_t i = 0; i < layout.names.size(); ++i) {
    info.columns.AddColumn(duckdb::ColumnDefinition(layout.names[i], layout.types[i]));
  }
  const std::string& comment = version != nullptr ? version->comment : view->comment;
  if (!comment.empty()) info.comment = duckdb::Value(comment);
  if (version != nullptr && version->is_computed) info.tags[kComputedTag] = "true";
  auto made = duckdb::make_uniq<LakeTable>(catalog, schema, info, *this, version, view, std::move(layout));
  return entries_.emplace(key, std::move(made)).first->second.get();
}

std::vector<std::string> Tables::names() const {
  std::vector<std::string> all = snapshot_->names();
  for (const SystemView& view : *views_) {
    if (!view.is_internal) all.push_back(view.name);
  }
  return all;
}

std::shared_ptr<const Tables> pinned_tables(ClientContext& context, Catalog& lake) {
  const auto state = ConnectionState::of(context);
  if (!state) throw duckdb::PermissionException("this connection has no access to streams");
  if (auto tables = state->pinned()) return tables;
  if (auto given = state->given()) {
    state->pin(given);
    return given;
  }
  Result<std::shared_ptr<const Tables>> taken = lake.Cast<LakeCatalog>().take();
  if (!taken) {
    state->remember(taken.error());
    throw duckdb::IOException("the streams cannot be read: %s", taken.error().text());
  }
  state->pin(*taken);
  return *taken;
}

duckdb::unique_ptr<duckdb::StorageExtension> lake_storage(LakeParts parts) {
  auto storage = duckdb::make_uniq<duckdb::StorageExtension>();
  storage->attach = attach;
  storage->create_transaction_manager = transactions;
  storage->storage_info = duckdb::make_shared_ptr<LakeInfo>(std::move(parts));
  return storage;
}

}  // namespace weir::engine
