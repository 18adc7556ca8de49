// Where declared SQL is asked: this server, or a connection to another one. Reviews ask here, and whatever else runs
// queries for others: there is one way, with one meaning of limits and of stopping.
//
// Threads: any; run() blocks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/runtime/cancel.h"
#include "platform/warehouse/statement_log.h"
#include "storage/engine/engine.h"
#include "storage/engine/outside.h"

namespace weir::warehouse {

class Warehouse;

struct SqlLimits {
  Duration time;
  uint64_t rows_max = 100'000;
  uint64_t bytes_max = 64ull << 20;
};

struct SqlAnswer {
  std::vector<engine::ResultColumn> columns;
  std::vector<std::vector<engine::Cell>> rows;
  bool is_cut = false;  // there were more rows than the limits let through
};

// What examine() is asked for in the place of a relation: more than one can show.
inline constexpr const char* kRowsOfOthers = "rows_of_others";  // statements and sessions of other users
inline constexpr const char* kAllTables = "all_tables";         // rows of every table, as of statistics of columns
inline constexpr const char* kAllSequences = "all_sequences";   // where every sequence is

// A relation from which nothing can be learnt there.
struct Unreadable {
  std::string relation;
  std::string why;             // "no SELECT on public.orders"
  std::string statement = {};  // that mends it; empty: none does
  std::string by = {};         // who is to run it: "a superuser"
};

// What can be known of a target before it is asked.
struct Readable {
  std::vector<Unreadable> unreadable;
  std::vector<std::string> notes;  // what its answers will leave out, in plain words, with the statement that mends it
};

class SqlSource {
 public:
  virtual ~SqlSource() = default;
  // That answers, whatever was declared: "weir", "redshift" or "postgresql".
  virtual Result<std::string> engine(const Cancel& cancel) = 0;
  // Which of these relations ([schema.]name, or a word of those above) cannot be read: they are not there, the user may
  // not, or this engine never fills them. One statement for all of them where all can be read.
  virtual Result<Readable> examine(const std::vector<std::string>& relations, const Cancel& cancel) = 0;
  // One statement that only reads; anything else is refused, unless a connection is declared to write. A stop (cancel,
  // time limit) reaches the engine at once, and what the engine then says is what counts: rows that it had finished in
  // that moment are an answer, its refusal is `cancelled` or `timed_out`. When the call returns the statement runs
  // nowhere any more, or the error says that this is not known.
  virtual Result<SqlAnswer> run(const std::string& sql, const SqlLimits& limits, const Cancel& cancel) = 0;
  virtual Json about() const = 0;  // for reports: {"target","kind","version"}
};

// This server, as this user, whose grants and policies hold.
std::unique_ptr<SqlSource> warehouse_source(Warehouse& warehouse, std::string client, User user);
User owner_user();  // the folder's owner, who sees all
// A declared connection, as the user it is declared with. A statement waits for a free one for as long as it takes;
// its time limit counts from then on. The pool outlives it.
std::unique_ptr<SqlSource> outside_source(engine::OutsidePool& pool);

}  // namespace weir::warehouse
