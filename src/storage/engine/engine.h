// The seam to a SQL engine. DuckDB 1.4.4 lives behind it (duckdb.hpp is included only in this folder), outside engines
// later.
//
// What it promises
//   - Tables of a TableSource (the lake's streams) read as ordinary tables of the default schema. Each statement, or
//   transaction from its
//     first read on, pins one Snapshot for all its references.
//   - A statement of a user opens no file, no network address, no extension: three locks (docs/security.md, notes of
//   decision in
//     docs/internals/engine.md). Trusted work of our own rooms (write_parquet, copy_result) is marked as such on its
//     own connection.
//   - Interrupt reaches a running statement within a second, except inside one call of one function; arguments that
//   would make such a
//     call huge are refused before it runs.
//
// Threads: an Engine is used from any thread; a Session by one thread at a time, but for cancel(). Calls block: run
// them on a work lane. Errors: invalid (syntax, names, types: with line and column where the engine knows), denied (not
// on the allow-list), cancelled, timed_out, too_large (memory or row limit), io, internal.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/io/blob_store.h"
#include "core/runtime/cancel.h"
#include "storage/engine/authority.h"
#include "storage/engine/columns.h"
#include "storage/engine/result_block.h"

namespace weir {
class Metrics;
}

namespace weir::engine {

class SealedChunk;  // an immutable block of rows in the engine's own layout; made by Engine::seal()

// A file of a table, as the catalog knows it. `partition` holds the values of the table's partition columns, in their
// order; of a computed table, which has none beside its columns, the day that all of its rows are of, if any.
struct TableFile {
  std::string path;  // below the store's root; the engine opens it through its private read-only scheme
  uint64_t rows = 0;
  uint64_t bytes = 0;
  std::vector<int64_t> partition;  // int or date (days) values
  std::vector<std::optional<std::pair<int64_t, int64_t>>>
      int_bounds;  // per column min/max of timestamps, dates, integers; may be empty
};

// The rows of one file, in order, a few thousand at a time. Used by one thread.
class FileRows {
 public:
  virtual ~FileRows() = default;
  // Blocks have the table's columns, without partition columns; one without rows is the end.
  virtual Result<RowBlock> next() = 0;
};

// Reads files that are not Parquet; implemented by the room whose files they are. Any thread.
class FileRowsReader {
 public:
  virtual ~FileRowsReader() = default;
  virtual Result<std::unique_ptr<FileRows>> open(const TableFile& file) const = 0;
};

// One version of one table: what a statement sees. Never changes once handed out.
struct TableVersion {
  std::string name;
  std::vector<Column> columns;                        // without partition columns
  std::vector<Column> partition_columns;              // int32 or date; appear after `columns` in SQL
  std::shared_ptr<const FileRowsReader> reader = {};  // reads all its files; null: they are Parquet
  std::vector<TableFile> files;  // an older one may have former names, lack columns, or hold narrower integers
  std::vector<std::shared_ptr<const SealedChunk>>
      tail;  // acknowledged rows that no file holds yet; carry partition columns too
  std::string comment;
  bool is_computed = false;  // from other tables, by a SELECT; not captured
};

// All tables at one moment. Holding it keeps its files from being removed.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual const TableVersion* find(std::string_view table) const = 0;
  virtual std::vector<std::string> names() const = 0;
};

// Where snapshots come from; implemented by stream/lake, wired by app. take() is called at the first read of each
// transaction, on the statement's thread, and returns a snapshot that holds every record acknowledged before the call.
class TableSource {
 public:
  virtual ~TableSource() = default;
  virtual Result<std::shared_ptr<const Snapshot>> take() = 0;
};

// A table whose rows are computed when it is read (system views): called on the statement's thread.
struct SystemView {
  std::string name;  // for example weir_streams
  std::vector<Column> columns;
  std::function<Result<RowBlock>()> rows;
  std::string comment;
  bool is_internal = false;  // only system relations read it; in the schema lake.internal
};

// A table that is a SELECT over others, for everybody: pg_catalog, information_schema, the system relations of
// Redshift. Its SELECT is the engine's own: it may read what users may not.
struct SystemRelation {
  std::string schema;  // "pg_catalog", "information_schema"
  std::string name;
  std::string select;
  std::string comment = {};
};

// Where statements of our own read objects from that are no local files (buckets on S3, sealed ones); implemented by
// platform/warehouse. Called on the engine's threads.
class ObjectSource {
 public:
  virtual ~ObjectSource() = default;
  // `object`: what Engine::own_object() was given. `stop`: set when the statement that reads is stopped.
  virtual Result<std::unique_ptr<BlobFile>> open_object(const std::string& object,
                                                        std::shared_ptr<const std::atomic<bool>> stop) = 0;
};

struct EngineOptions {
  std::string database;    // path of warehouse.duckdb; empty: in memory
  std::string store_root;  // folder that TableFile::path is below
  std::string temp_directory;
  int threads = 1;
  uint64_t memory_bytes = 1ull << 30;
  ObjectSource* objects = nullptr;  // outlives the engine; null: there are none
  // Our program, whose `worker calls` runs what is too large for the server's own process (calls.h); empty: that is
  // refused.
  std::string program = {};
  Metrics* metrics = nullptr;  // outlives the engine; null: nothing is counted
};

struct QueryLimits {
  std::optional<Duration> time;
  uint64_t rows_max = UINT64_MAX;
};

struct ParquetOptions {
  std::string codec = "zstd";
  int level = 3;
  uint64_t row_group_rows = 122'880;
  std::vector<std::string> sort_by;  // column names
};

struct ParquetFile {
  uint64_t rows = 0, bytes = 0;
  std::vector<std::optional<std::pair<int64_t, int64_t>>> int_bounds;  // one per column, as in TableFile
};

struct FilterParquet {
  std::string from, to;                     // paths
  std::string column;                       // of whole numbers
  std::vector<uint64_t> without = {};       // rows with one of these in it are left out
  std::vector<std::string> bounds_of = {};  // columns of whole numbers, days or times
};
struct FilteredParquet {
  uint64_t rows = 0, bytes = 0;
  std::map<std::string, std::pair<int64_t, int64_t>> bounds;  // as in TableFile; of columns that have a value
};

// A cell of a result: null, bool, integer, double, or text (everything else in its SQL text form; JSON, lists and
// structs as JSON text).
using Cell = std::variant<std::nullptr_t, bool, int64_t, double, std::string>;

struct ResultColumn {
  std::string name;
  std::string type;  // the engine's name, for example "TIMESTAMP", "DECIMAL(18,3)"
};

// Rows of a running statement, in pieces of up to a few thousand. Destroying it ends the statement and lets its
// snapshot go.
class ResultStream {
 public:
  virtual ~ResultStream() = default;
  virtual const std::vector<ResultColumn>& columns() const = 0;
  // The next rows, row by row; empty at the end.
  virtual Result<std::vector<std::vector<Cell>>> next() = 0;
  // The same as columns; null at the end. One of the two is used for one result.
  virtual Result<const ResultBlock*> next_block() = 0;
  // Its one row is the number of rows that the statement changed.
  virtual bool counts_changes() const { return false; }
  // Reads the rest and keeps it aside, in memory and beyond the engine's limit in its temporary folder, so that the
  // session may run another statement before this one's rows are read.
  virtual Status keep() = 0;
};

// What a declared SELECT reads and makes.
struct TableRead {
  std::string name;  // in lower case, with its schema if that is not main; each once, in order of first use; no CTE
  Position at;       // in the SELECT, counted from 1
};
struct SelectShape {
  std::vector<TableRead> reads;
  std::vector<ResultColumn> columns;  // empty if it was not bound
};

// A parameter of a declared statement, by its name without the $.
struct NamedValue {
  std::string name;
  std::string text;
  bool is_date = false;  // a DATE, otherwise a VARCHAR
};

// One statement of a script that people declare to be run.
struct ScriptStatement {
  enum class Kind {
    read,      // SELECT
    write,     // INSERT, UPDATE, DELETE, TRUNCATE, CREATE TABLE, CREATE TABLE … AS, DROP TABLE
    maintain,  // VACUUM, ANALYZE
  };
  Kind kind = Kind::read;
  std::vector<TableRead> reads;
  std::vector<TableRead> writes;  // what is changed, made or dropped
};

// A value for $1, $2, …
struct Parameter {
  Json value = {};
  std::string type = {};  // the engine's name of the type that a text is read as; empty: as JSON and SQL literals are

  Parameter() = default;
  // What a Json can be made of is a value.
  template <class V>
  requires(std::is_constructible_v<Json, V>) Parameter(V&& value_in, std::string type_in = {})  // NOLINT: implicit
      : value(std::forward<V>(value_in)), type(std::move(type_in)) {}
};
class Parameters : public std::vector<Parameter> {
 public:
  using std::vector<Parameter>::vector;
  Parameters(const std::vector<Json>& values)  // NOLINT: implicit, as each of them is
      : std::vector<Parameter>(values.begin(), values.end()) {}
};

// Rows of a caller, for Session::run_own_with(). A column is of one kind; of a row that is null nothing is read.
struct GivenRows {
  enum class Kind : uint8_t {
    text,   // VARCHAR; valid UTF-8
    bytes,  // BLOB
    whole,  // BIGINT
  };
  struct Column {
    Kind kind = Kind::text;
    std::string bytes = {};           // of text and bytes: the values one after another …
    std::vector<uint32_t> ends = {};  // … and where each ends
    std::vector<int64_t> wholes = {};
    std::vector<bool> nulls = {};
  };
  size_t rows = 0;
  std::vector<Column> columns = {};
};

// What a statement of a session may do.
enum class Scope {
  read,    // SELECT and what reads as one
  change,  // INSERT, UPDATE, DELETE, MERGE, TRUNCATE too
  define,  // CREATE, ALTER, DROP of the engine's own tables and schemas too; who may is the caller's to judge
};

struct Order {
  std::string sql;
  Parameters parameters = {};
  QueryLimits limits = {};
  Scope scope = Scope::read;
};

struct Description {
  std::vector<ResultColumn> columns;
  std::vector<std::string> parameters;  // types of $1, $2 …; "" where nothing tells
  bool returns_rows = true;             // else it only changes something
  std::vector<TableRead> reads;         // tables and views, as SelectShape has them
  std::vector<std::string> calls = {};  // stored functions, also those that they call: "schema.name(arguments)"
};

// One user's connection.
class Session {
 public:
  virtual ~Session() = default;
  // Runs one statement with `$1…$n` parameters. User sessions take a single SELECT (also VALUES, FROM …, DESCRIBE, SHOW
  // TABLES, EXPLAIN of one) whose functions are on the allow-list; trusted ones take anything.
  virtual Result<std::unique_ptr<ResultStream>> query(std::string_view sql, const Parameters& parameters,
                                                      QueryLimits limits) = 0;

  // --- sessions of clients, which change tables and have transactions (Trust::user) ---
  // Under whose authority the statements from now on run; null: all is read, nothing changed.
  virtual void govern(std::shared_ptr<const Authority> authority) = 0;
  // query() with a wider scope. A statement that changes tables gives one row with the number of rows.
  virtual Result<std::unique_ptr<ResultStream>> execute(const Order& order) = 0;
  // The types of a statement's result and parameters, without running it; `types` are those of parameters, as known.
  virtual Result<Description> describe(const Order& order, const std::vector<std::string>& types) = 0;
  virtual Status begin() = 0;
  virtual Status commit() = 0;    // `conflict` if another transaction changed the same rows; then it is rolled back
  virtual Status rollback() = 0;  // nothing if there is none
  // Where names without a schema are looked for, in order; the first is where CREATE puts them. A schema that does not
  // exist is passed over.
  virtual Status set_search_path(const std::vector<std::string>& schemas) = 0;
  virtual Status set_time_zone(const std::string& zone) = 0;  // of TIMESTAMPTZ as text; `invalid` if there is none such
  // A statement of our own on this connection, in its transaction, without the locks; all rows at once.
  virtual Result<std::vector<std::vector<Cell>>> run_own(std::string_view sql, const Parameters& parameters) = 0;
  // The same of a SELECT … FROM given or INSERT … SELECT … FROM given: `rows` are given("row", c1, c2, …), and "row"
  // counts them from 0.
  virtual Result<std::vector<std::vector<Cell>>> run_own_with(std::string_view sql, const GivenRows& rows) = 0;

  // Runs the statement with this number (from 0) of a script, as Engine::examine_script() takes it: what it may call
  // and read is what a user may. For own sessions, in a transaction of theirs or not.
  virtual Result<std::unique_ptr<ResultStream>> query_declared(std::string_view script, size_t number,
                                                               const std::vector<NamedValue>& values,
                                                               QueryLimits limits) = 0;
  // From the next transaction on streams read as `snapshot` has them; null: as they are again. For own sessions, which
  // compute from one version whatever arrives meanwhile.
  virtual void read_from(std::shared_ptr<const Snapshot> snapshot) = 0;
  // From any thread: ends the running statement with `cancelled`. Nothing if none runs.
  virtual void cancel() = 0;
  // 0..1, or nothing if the engine cannot tell; from any thread.
  virtual std::optional<double> progress() const = 0;
};

enum class Trust { user, own };  // own: our rooms' work, without the locks

class Engine {
 public:
  virtual ~Engine() = default;

  // Checks the library's version, opens the database, arms the locks. `source` and `views` outlive the engine.
  static Result<std::unique_ptr<Engine>> open(const EngineOptions& options, TableSource& source,
                                              std::vector<SystemView> views);
  static std::string version();  // "DuckDB v1.4.4"
  // How a statement of our own (Session::run_own) names a local file.
  static std::string own_file(const std::string& path);
  // How it names an object of EngineOptions::objects, which it can only read.
  static std::string own_object(const std::string& object);

  // System views that come and go with what is declared, beside those given to open(); replaces those set before.
  // Statements under way keep what they bound.
  virtual void set_views(std::vector<SystemView> views) = 0;
  virtual std::vector<std::string> view_names() const = 0;  // of all system views
  // In a SELECT of these, $engine stands for the catalog of the engine's own tables. Once, before the first statement.
  virtual void set_relations(std::vector<SystemRelation> relations) = 0;

  virtual Result<std::unique_ptr<Session>> connect(Trust trust) = 0;

  // Checks one SELECT as a user's, whoever declared it, without running it. `binds`: its names and types too, against
  // the tables that are there now.
  virtual Result<SelectShape> examine(std::string_view select, bool binds) = 0;

  // Checks a script, one or more statements, without running or binding it: what a user may say, and changes of the
  // engine's own tables in the schemas main and public. Whether a table may be changed is the caller's to judge.
  virtual Result<std::vector<ScriptStatement>> examine_script(std::string_view script,
                                                              const std::vector<NamedValue>& values) = 0;

  // Makes rows readable by statements without copying them again per statement.
  virtual std::shared_ptr<const SealedChunk> seal(const RowBlock& rows) = 0;
  static uint64_t chunk_rows(const SealedChunk& chunk);

  // Writes chunks of one layout as one Parquet file (not synced, not renamed: the caller does both through Files).
  // `columns` selects and orders, also by former names; a column missing in a chunk is written as what it reads as.
  virtual Result<ParquetFile> write_parquet(const std::vector<std::shared_ptr<const SealedChunk>>& chunks,
                                            const std::vector<Column>& columns, const std::string& path,
                                            const ParquetOptions& options) = 0;
  // Writes the rows of Parquet files that have the same columns as one file, in their order. In pieces: memory does not
  // grow with the files. `cancelled` leaves an unfinished file at `path`. No int_bounds.
  virtual Result<ParquetFile> merge_parquet(const std::vector<std::string>& paths, const std::string& path,
                                            const ParquetOptions& options, const Cancel& cancel) = 0;
  // Writes the rows of a Parquet file but for some as another one, in their order.
  virtual Result<FilteredParquet> filter_parquet(const FilterParquet& order, const ParquetOptions& options,
                                                 const Cancel& cancel) = 0;
  // Writes the result of a user's SELECT as Parquet, for `weir sql --format parquet`. The statement passes the same
  // locks as query().
  virtual Result<uint64_t> copy_result(Session& session, std::string_view select, const std::string& path,
                                       const std::vector<NamedValue>& values = {}, QueryLimits limits = {}) = 0;
  // How a column of a result is kept in Parquet and read back as what it was: `column` says what it reads as, `cast`
  // what it is written as, if that is something else. `unsupported`: Parquet, or its reader, would change its values.
  struct Stored {
    Column column;
    std::string cast;
  };
  static Result<Stored> stored_column(const ResultColumn& column);
  // Loads a local CSV, JSON or Parquet file into a table of the engine (`name` or `public.name`), all or nothing;
  // creates it from the file's types if missing. On an own session, in a transaction of its, if it has begun one.
  virtual Result<uint64_t> load_file(Session& session, const std::string& path, std::string_view format,
                                     const std::string& table, QueryLimits limits) = 0;

  virtual Status checkpoint() = 0;
  // Nothing of rows that were deleted before is left in the engine's file: each of these tables of the schema main,
  // without constraints, is replaced by a copy of its rows, and what is free in the file is written over. Readers go on
  // meanwhile; it is an error if one that began before goes on for longer than the limit.
  virtual Status scrub(const std::vector<std::string>& tables, Duration limit, const Cancel& cancel) = 0;
};

}  // namespace weir::engine
