// The warehouse: where every statement of a user passes, whichever way it came, on its way to the SQL engine.
//
// It checks who may ask, numbers and registers the statement, lets `concurrent` run at once and the others wait in
// order of arrival, and ends a statement that is cancelled or out of time: while it waits, while it computes and while
// its rows are read, also if the reader has gone quiet. Rows beyond `rows_max` are left out and `truncated` says so.
//
// Threads: Warehouse from any thread; an Admission or Execution by one at a time. Calls that say so block: run them on
// a work lane. All Admissions and Executions are gone before the Warehouse is destroyed.
// Errors: denied, too_large (text, parameters), invalid (id, time limit), conflict (id in use), busy (queue full),
// timed_out, cancelled, unavailable (stopping), and what the engine says.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "core/runtime/timers.h"
#include "platform/access/users.h"
#include "platform/dialect/statement.h"
#include "platform/warehouse/buckets.h"
#include "platform/warehouse/load_log.h"
#include "platform/warehouse/statement_log.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

struct Limits {
  size_t concurrent = 2;        // statements that run at once (setting sql_concurrent)
  size_t queue = 64;            // statements that wait (setting sql_queue); beyond: busy
  Duration time = seconds(60);  // of a statement that names no limit; waiting counts
  Duration time_max = hours(24);
  uint64_t json_rows_max = 1'000'000;  // of a JSON result, whoever makes it; more is cut off
  size_t json_bytes_max = 64u << 20;
  size_t statement_bytes_max = 1u << 20;
  size_t parameters_max = 1'000;
};

struct Statement {
  std::string sql;
  engine::Parameters parameters{};
  std::optional<Duration> time{};      // at most Limits::time_max
  std::optional<uint64_t> rows_max{};  // without it: all
  std::string id{};                    // a UUID the client chose, so that it can cancel; empty: one is made
  std::string client{};
  bool may_copy = false;  // whoever asks speaks the wire: COPY … FROM STDIN and TO STDOUT are theirs
};

// COPY … FROM STDIN or TO STDOUT: what the client sends or is sent, and in which form. Rows that go out are the
// Execution's, rows that come in are given to its load().
struct CopyStream {
  bool is_in = false;
  std::string table;  // for messages; "query" of a query
  dialect::CopyOptions options;
  std::vector<engine::ResultColumn> columns;
};
// Where in the client's rows something was wrong.
struct LoadPlace {
  uint64_t line = 0;                 // from 1; 0: not known
  std::string column = {};           // empty: none of them
  std::optional<std::string> value;  // of the column, or the line; its beginning
};
inline constexpr size_t kLoadsMax = 32;  // COPY … FROM STDIN at once: each may hold a block of rows

using Rows = std::vector<std::vector<engine::Cell>>;

class MaterializedViews;
class Run;  // one statement from its arrival to its end; internal

// A statement whose rows are being read. Destroying it ends the statement, if it has not ended yet.
class Execution {
 public:
  explicit Execution(std::shared_ptr<Run> run) : run_(std::move(run)) {}
  ~Execution();
  Execution(Execution&&) noexcept = default;
  Execution& operator=(Execution&&) = delete;

  const std::string& id() const;
  const std::vector<engine::ResultColumn>& columns() const;
  // The next rows, up to a few thousand; empty at the end. Blocks.
  Result<Rows> next();
  // The same as columns, valid until the next call; null at the end. One of the two is used for one statement. Blocks.
  Result<const engine::ResultBlock*> next_block();
  // What was done, as PostgreSQL says it: "SELECT 3", "INSERT 0 3", "CREATE TABLE". Whole at the end.
  std::string tag() const;
  // Nobody reads for a while (a portal of the wire is suspended): the rest is kept aside, and the slot among the
  // running statements is given back. Of a statement of a Session. Blocks.
  Status set_aside();
  // Of COPY; null: any other statement.
  const CopyStream* copy() const;
  // COPY … FROM STDIN, which holds no slot among the running statements while its client sends: rows come in pieces,
  // of texts as the engine reads them, bytes, or whole numbers. `lines`: of each row. After an error it has ended and
  // nothing of it stays; load_place() says where it was. Block.
  Status load(const engine::GivenRows& rows, const std::vector<uint64_t>& lines);
  Status end_load();
  const LoadPlace& load_place() const;
  // What the client sent is no row, or it gave up: ends the statement with this error, which it gives back.
  Error fail_load(Error error, const LoadPlace& place);
  Status check() const;              // why it was stopped, if it was
  void count_bytes(uint64_t bytes);  // of rows, as the client sent or is sent them: for the log
  // Called once, from any thread, when it is stopped; perhaps at once.
  void when_stopped(std::function<void()> call);
  void cut();              // enough: ends it as done, and truncated
  uint64_t rows() const;   // handed on so far
  bool truncated() const;  // known at the end: there were more than rows_max
  Duration elapsed() const;

 private:
  std::shared_ptr<Run> run_;  // shared with the thread that closes what a quiet reader left open
};

// A statement that was taken on and has a place in the queue. Dropping it gives the place back.
class Admission {
 public:
  explicit Admission(std::shared_ptr<Run> run) : run_(std::move(run)) {}
  ~Admission();
  Admission(Admission&&) noexcept = default;
  Admission& operator=(Admission&&) = delete;

  const std::string& id() const;
  // `call` is called once, when start() would not wait any more: its turn has come, or it was stopped. It runs in the
  // thread that made it so, perhaps at once; it must be quick, and may submit to a lane but not start the statement.
  // So a waiting statement takes no thread of a lane.
  void when_ready(std::function<void()> call);
  // Waits for its turn if need be, then runs the statement to its first rows. Blocks. Once only.
  Result<std::unique_ptr<Execution>> start();

 private:
  friend class Warehouse;
  std::shared_ptr<Run> run_;
};

// A result as JSON, complete in memory.
struct JsonResult {
  std::string statement_id;
  std::string tag;
  std::vector<engine::ResultColumn> columns;
  std::string rows;  // JSON text: [[1,"a"],[2,null]]
  uint64_t row_count = 0;
  bool truncated = false;
  Duration elapsed{};
  // {"statement_id","tag","columns":[{"name","type"}],"rows","row_count","truncated","elapsed_ms"}
  std::string text() const;
};
// Reads an execution to its end. Stops after `bytes_max` bytes of rows, and then says truncated.
Result<JsonResult> read_json(Execution& execution, size_t bytes_max);

struct FileResult {
  std::string statement_id;
  uint64_t rows = 0;
  Duration elapsed{};
};

enum class TableKind { stream, quarantine, intake, raw, system, table };
const char* table_kind_name(TableKind kind);

struct CatalogTable {
  std::string name;
  TableKind kind = TableKind::table;
  std::vector<engine::ResultColumn> columns;
};
struct Catalog {
  std::vector<CatalogTable> tables;    // by name
  std::vector<std::string> functions;  // that statements may call, by name
};
Json catalog_json(const Catalog& catalog);  // {"tables":[{"name","kind","columns":[…]}],"functions":[{"name"}]}

class Warehouse {
 public:
  // All of them outlive the Warehouse.
  struct Parts {
    engine::Engine& engine;
    StatementLog& log;
    Timers& timers;
    const Clock& clock;
    Random& random;
    // Null: nobody has rights of their own, and statements only read. Who owns something here is not dropped there.
    access::Users* users = nullptr;
    // Where s3:// lies, and what COPY tells; null: COPY and UNLOAD are refused.
    Buckets* buckets = nullptr;
    LoadLog* loads = nullptr;
    // Told what changed, and when materialized views were filled; null: nobody asks.
    MaterializedViews* views = nullptr;
  };
  Warehouse(const Parts& parts, const Limits& limits);
  ~Warehouse();
  Warehouse(const Warehouse&) = delete;
  Warehouse& operator=(const Warehouse&) = delete;

  const Limits& limits() const;

  // Checks, registers and queues. Never blocks.
  Result<std::unique_ptr<Admission>> admit(const User& user, Statement statement, const Cancel& cancel = {});
  // admit() and start(): blocks until the statement's turn has come and its first rows are there.
  Result<std::unique_ptr<Execution>> execute(const User& user, Statement statement, const Cancel& cancel = {});
  // execute() and read_json(), under the limits for JSON. Blocks.
  Result<JsonResult> run_to_json(const User& user, Statement statement, const Cancel& cancel = {});
  // Writes the result as a Parquet file, under the same limits and in the same registry. Takes neither parameters nor
  // rows_max: `unsupported`. `path` is the caller's, who syncs and renames it, and removes it after an error. Blocks.
  Result<FileResult> write_parquet_result(const User& user, Statement statement, const std::string& path,
                                          const Cancel& cancel = {});

  std::vector<StatementInfo> running() const;
  Status cancel(const std::string& id, const User& user);  // as StatementLog::cancel()
  void note(ConnectionEvent event);                        // who was let in, and who was not: stl_connection_log
  const StatementLog& log() const;                         // of all that is kept: audit.h
  WallTime now() const;                                    // by its clock

  // For completion; kept until catalog_changed(), at most 5 s. Blocks.
  Result<std::shared_ptr<const Catalog>> catalog(const User& user);
  void catalog_changed();

  // Whether somebody may see each row and column of a table of the lake, as it is: for what shows records past SQL.
  // `denied`: a right is missing, or policies hold for them. Blocks.
  Status check_sees_all(const User& user, const std::string& table);

  // What a user or role owns or was granted in the engine, in words. Blocks.
  Result<std::vector<std::string>> holdings(uint32_t id);

  // Takes no more statements and ends those on their way with `unavailable`. Does not wait for their owners.
  void stop();

  struct Core;  // what its statements share; internal
  Core& core() { return *core_; }

 private:
  std::unique_ptr<Core> core_;
};

// What the platform keeps about tables lies in tables of the engine: makes them where they are missing. Before the
// first statement.
Status make_catalog(engine::Engine& engine);

}  // namespace weir::warehouse
