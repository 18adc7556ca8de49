// What the files of this room share about DuckDB. Internal to storage/engine: everybody else includes engine.h.
//
// DuckDB's exceptions stop in the function of ours that sees them; to_error() gives them our words. Code that runs
// inside DuckDB (scans, catalog, file systems) throws IOException or InvalidInputException, never InternalException:
// that one invalidates the whole database.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/engine/duck.h"
#include "core/runtime/cancel.h"
#include "storage/engine/engine.h"
#include "storage/engine/external.h"
#include "storage/engine/watchdog.h"

namespace weir::engine {

inline constexpr const char* kLakeScheme = "weirlake://";      // read-only, below EngineOptions::store_root
inline constexpr const char* kOwnScheme = "weirown://";        // local files, for connections of our own rooms
inline constexpr const char* kObjectScheme = "weirobject://";  // objects, read-only, for statements of our own
inline constexpr const char* kLakeCatalog = "lake";
inline constexpr const char* kLakeScan = "weir_scan";  // the function's name in plans
inline constexpr const char* kViewScan = "weir_view";
inline constexpr const char* kExternalScan = "weir_external";
inline constexpr const char* kRowsScan = "weir_sealed_rows";
// Schemas that no statement of a user names: what the platform keeps about tables, and what only system relations read.
inline constexpr const char* kOwnSchema = "weir_catalog";
inline constexpr const char* kInternalSchema = "internal";
// Of the catalog `lake`: what names of external tables become, "schema.name".
inline constexpr const char* kExternalSchema = "external";
inline constexpr const char* kPublic = "public";
inline constexpr const char* kPgCatalog = "pg_catalog";
inline constexpr const char* kInformationSchema = "information_schema";

duckdb::LogicalType logical_type(const Column& column);
// What rows read that are older than the column: a constant of its type.
duckdb::Value missing_value(const Column& column);
// `sql`: for line and column. Positions count from 1.
Error to_error(const duckdb::ErrorData& error, std::string_view sql);
Error to_error(const std::exception& thrown, std::string_view sql);
Status run(duckdb::Connection& connection, const std::string& sql);  // one statement of ours, without an answer
Position place_in(std::string_view sql, size_t offset);

// --- the tables of one snapshot --------------------------------------------------------------------------------------

class CallChildren;  // call_child.h
class Tables;  // catalog.h: a snapshot with its catalog entries, shared by all statements that see it

struct Database;

// What a connection of ours remembers: whether it is trusted, and the snapshot its transaction has pinned. Connections
// that DuckDB opens by itself have none, and are treated as a user's without tables.
class ConnectionState final : public duckdb::ClientContextState {
 public:
  explicit ConnectionState(Trust trust_in) : trust(trust_in) {}
  static duckdb::shared_ptr<ConnectionState> of(duckdb::ClientContext& context);

  // Of the statement that runs: a user's connection is trusted for statements of our own, one at a time.
  std::atomic<Trust> trust;
  // Of a client's session: whose authority the statement that is bound has, and what it may do. Set between statements.
  std::shared_ptr<const Authority> authority;
  Scope scope = Scope::read;
  // Roots of the bodies of views in the plan, and of relations behind a guard, by their table index.
  struct Body {
    std::string schema, name;
    bool is_guarded = false;
  };
  std::map<duckdb::idx_t, Body> view_bodies;
  bool changes_guarded = false;  // the statement's own scan of the table that it changes passes its guard
  std::string failing_guard;     // a relation of the statement whose policies may fail over a row; empty: none
  int view_depth = 0;
  const Database* database = nullptr;  // outlives the connection
  bool is_declared = false;             // of an own session: the statement that runs was declared by people
  std::string copy_path;  // weirown://…: the one file that copy_result() may write on a user's connection
  // The chunks that write_parquet() copies; null otherwise.
  const std::vector<std::shared_ptr<const SealedChunk>>* sealed_rows = nullptr;
  const std::vector<Column>* sealed_columns = nullptr;

  // What read_from() was given; set between transactions.
  void read_from(std::shared_ptr<const Tables> tables);
  std::shared_ptr<const Tables> given();

  std::shared_ptr<const Tables> pinned();
  void pin(std::shared_ptr<const Tables> tables);
  void release();
  // The statement that runs, for calls in children: what stops them, and how logs name it. Another one stops those of
  // the one before.
  struct Statement {
    Cancel stop;
    std::string text_id;
  };
  Cancel begin_statement(std::string_view sql);
  Statement statement();
  // The Error behind an exception that code of ours threw through DuckDB, so that its code is not lost.
  void remember(Error error);
  std::optional<Error> take_error();

  // External tables: their entries, which live at least as long as the transaction; and the files that the scans of the
  // statement named, with what people are shown for each. Nothing else of the kind is opened on a user's connection.
  void keep_external(std::shared_ptr<duckdb::CatalogEntry> entry);
  void allow_files(const std::vector<ExternalFile>& files);
  void forget_files();  // another statement begins
  bool may_read(const std::string& path);
  // `text` with those files by their urls instead of their paths.
  std::string with_urls(std::string text);

  // The streams' snapshot is taken before the engine starts its own, so that a row moved from a stream into a table is
  // not missed by a statement that reads both. A failure is left to the lookup: the statement may read tables of the
  // engine only.
  bool pin_at_begin = false;
  void QueryBegin(duckdb::ClientContext& context) override;
  void TransactionCommit(duckdb::MetaTransaction&, duckdb::ClientContext&) override { release(); }
  void TransactionRollback(duckdb::MetaTransaction&, duckdb::ClientContext&) override { release(); }

 private:
  std::mutex mutex_;  // guards all: scans may run on DuckDB's threads
  std::shared_ptr<const Tables> tables_, given_;
  std::optional<Error> error_;
  std::vector<std::shared_ptr<duckdb::CatalogEntry>> externals_;
  std::map<std::string, std::string> urls_;  // by path
  Statement statement_;
};

// --- the locks -------------------------------------------------------------------------------------------------------

// First lock: a local file system that refuses what a user's statement opens. `armed` is shared with the engine.
duckdb::unique_ptr<duckdb::FileSystem> guarded_file_system(std::shared_ptr<std::atomic<bool>> armed);
duckdb::unique_ptr<duckdb::FileSystem> lake_file_system(std::string store_root);
duckdb::unique_ptr<duckdb::FileSystem> own_file_system();
duckdb::unique_ptr<duckdb::FileSystem> object_file_system(ObjectSource& objects);

// Second lock: the parsed statement. Parameters become constants on the way, so that they are checked too.
struct Allowed {
  bool reads_tables = false;            // it names a table somewhere
  std::vector<TableRead> reads;         // see SelectShape
  std::vector<std::string> calls = {};  // stored functions: see Description
  bool changes_guarded = false;         // an UPDATE or DELETE of a relation with a guard
};
// One statement of a script: as a user's, and changes of tables; becomes constants the same way.
struct ScriptValues {
  std::vector<std::pair<std::string, duckdb::Value>> values;
  static Result<ScriptValues> of(const std::vector<NamedValue>& values);
};
struct ScriptAllowed {
  ScriptStatement::Kind kind = ScriptStatement::Kind::read;
  bool reads_tables = false;
  std::vector<TableRead> reads, writes;
};
struct WalkRules;  // statement_walk.h
Result<ScriptAllowed> check_declared(duckdb::SQLStatement& statement, const WalkRules& rules,
                                     const std::string& own_catalog);
// With Trust::own nothing is refused, parameters become constants all the same. A scope beyond reading needs an
// authority.
Result<Allowed> check_statement(duckdb::SQLStatement& statement, const WalkRules& rules, Scope scope);

// Third lock: the bound plan of a user's statement.
duckdb::OptimizerExtension plan_lock();

// Of a table whose rows are computed, in the engine's catalog.
inline constexpr const char* kComputedTag = "weir_computed";

// --- streams, views, Parquet -----------------------------------------------------------------------------------------

using Views = std::shared_ptr<const std::vector<SystemView>>;
// The system relations, and their names as "schema.name".
struct Relations {
  std::vector<SystemRelation> all;
  std::set<std::string> names;
};
struct LakeParts {
  TableSource& source;
  std::function<Views()> views;
  std::function<std::shared_ptr<const Relations>()> relations;
};
duckdb::unique_ptr<duckdb::StorageExtension> lake_storage(LakeParts parts);
// What the scan of a system view reads.
struct ViewRead {
  std::string name;
  bool is_internal = false;
};
ViewRead view_read(const duckdb::FunctionData& data);
// The snapshot of the connection's transaction, taken now if this is its first read. Throws IOException.
std::shared_ptr<const Tables> pinned_tables(duckdb::ClientContext& context, duckdb::Catalog& lake);
void register_sealed_rows(duckdb::Connection& connection);

// --- results ---------------------------------------------------------------------------------------------------------

std::string nested_text(const duckdb::Value& value);  // a list, struct or map as JSON
void append_cells(duckdb::DataChunk& chunk, std::vector<std::vector<Cell>>& rows);
Result<std::vector<duckdb::Value>> parameter_values(const Parameters& parameters);

// --- the engine ------------------------------------------------------------------------------------------------------

// One opened DuckDB. Replaced by a new one when an internal error has invalidated it and its last connection is gone.
struct Database {
  std::shared_ptr<std::atomic<bool>> armed = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<duckdb::DuckDB> duck;
  std::string catalog;                 // the name of its own tables' catalog, for the search path
  std::vector<std::string> own_views;  // names of DuckDB's built-in views: users do not read them
  std::shared_ptr<const Relations> relations;
  CallChildren* calls = nullptr;  // outlives it
  bool is_invalidated() const;
};

// A connection with its state. Shared by a session and its open result.
struct Link {
  std::shared_ptr<Database> database;  // outlives the connection: declared first
  std::unique_ptr<duckdb::Connection> connection;
  duckdb::shared_ptr<ConnectionState> state;
  duckdb::ClientContext& context() const { return *connection->context; }
};

class DuckEngine final : public Engine {
 public:
  DuckEngine(EngineOptions options, TableSource& source, std::vector<SystemView> views);
  ~DuckEngine() override;
  Status start();

  void set_views(std::vector<SystemView> views) override;
  std::vector<std::string> view_names() const override;
  void set_relations(std::vector<SystemRelation> relations) override;
  Result<std::unique_ptr<Session>> connect(Trust trust) override;
  Result<SelectShape> examine(std::string_view select, bool binds) override;
  std::shared_ptr<const SealedChunk> seal(const RowBlock& rows) override;
  Result<ParquetFile> write_parquet(const std::vector<std::shared_ptr<const SealedChunk>>& chunks,
                                    const std::vector<Column>& columns, const std::string& path,
                                    const ParquetOptions& options) override;
  Result<ParquetFile> merge_parquet(const std::vector<std::string>& paths, const std::string& path,
                                    const ParquetOptions& options, const Cancel& cancel) override;
  Result<FilteredParquet> filter_parquet(const FilterParquet& order, const ParquetOptions& options,
                                         const Cancel& cancel) override;
  Result<std::vector<ScriptStatement>> examine_script(std::string_view script,
                                                      const std::vector<NamedValue>& values) override;
  Result<uint64_t> copy_result(Session& session, std::string_view select, const std::string& path,
                               const std::vector<NamedValue>& values, QueryLimits limits) override;
  Result<uint64_t> load_file(Session& session, const std::string& path, std::string_view format,
                             const std::string& table, QueryLimits limits) override;
  Status checkpoint() override;
  Status scrub(const std::vector<std::string>& tables, Duration limit, const Cancel& cancel) override;

  // A new connection; reopens the database first if it was invalidated and nobody holds it any more.
  Result<std::shared_ptr<Link>> link(Trust trust);
  Watchdog& watchdog() { return watchdog_; }
  TableSource& source() { return source_; }
  Views views() const;
  std::shared_ptr<const Relations> relations() const;
  // For the test of reopening.
  void invalidate(const std::string& why);

 private:
  Result<std::shared_ptr<Database>> open_database();
  Result<std::shared_ptr<Database>> usable_database();

  const EngineOptions options_;
  TableSource& source_;
  const std::vector<SystemView> fixed_views_;                                         // given to open()
  mutable std::mutex views_mutex_;                                                    // guards views_
  Views views_;                                                                       // all of them
  std::shared_ptr<const Relations> relations_ = std::make_shared<const Relations>();  // guarded the same
  std::unique_ptr<CallChildren> calls_;
  std::mutex mutex_;                                                                  // guards database_
  std::shared_ptr<Database> database_;
  Watchdog watchdog_;
};

}  // namespace weir::engine
