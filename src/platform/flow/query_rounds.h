// Queries in rounds: a list of queries, some one after another, some at the same time, each with a time of its own;
// what fails is tried again in the next round, and each round leaves a manifest.
//
// A query's state is INITIAL, then FINISHED or FAILED, and it is in the run's result (the global state) on disk before
// anything else depends on it. A FINISHED query has its result's files; they were there before. One that failed is
// INITIAL again in its segment's next round. A run that was killed goes on with what is not FINISHED, in the round in
// which it was: what had not ended then is asked again, and its files are replaced whole.
//
// Files, below the plan's prefix, where <r> is a round, <s> a segment and <n> how many there are:
//   result/<Query>.json  csv/<Query>.csv  error/<Query>.json  manifest/round-<r>-workflow-<n>-<s>.manifest
//
// The engine stops a query that is over its threshold; rows that it had finished in that moment are its result.
//
// Threads: run_rounds() by the run's, which it blocks; up to `parallel` queries run on threads of their own meanwhile.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/blob_store.h"
#include "platform/flow/work.h"
#include "platform/warehouse/sql_source.h"

namespace weir::flow {

struct RoundQuery {
  std::string name;
  std::string script;  // the file it comes from, for people
  std::string sql;
  std::string result;  // the name of its files
  Duration threshold;
};

struct RoundPlan {
  std::vector<std::vector<RoundQuery>> segments;  // at the same time; the queries of one one after another
  int rounds = 3;
  size_t parallel = 16;
  std::optional<int64_t> end;  // steady microseconds: nothing goes on beyond it
  std::string prefix;          // of the files: "warehouse/20261122T180000Z-1a2b"
  bool bars = false;           // the form of CSV: query_results.h
  uint64_t rows_max = 100'000;
};

enum class QueryState { initial, finished, failed };
const char* query_state_word(QueryState state);  // "INITIAL", …

struct QueryRecord {
  std::string name, script;
  size_t segment = 0;
  Duration threshold{};
  std::string result_key, csv_key, error_key;
  QueryState state = QueryState::initial;
  int round = 0;  // in which it ended last; 0: in none yet
  uint64_t rows = 0;
  bool is_cut = false;
  Duration took{};
  std::string code, error;  // of its last failure
};

// In the order of the plan.
using RoundsState = std::vector<QueryRecord>;
Json to_json(const RoundsState& state);
Result<RoundsState> rounds_state_from_json(const Json& json);

struct RoundsParts {
  warehouse::SqlSource& source;
  BlobStore& store;
  const Clock& clock;
};
// The tasks of the run are (query, "round 1") …; its result's "queries" is the state. An error: the run was stopped,
// or its state or files could not be written. Queries that fail are no error.
Result<RoundsState> run_rounds(const RoundsParts& parts, const RoundPlan& plan, WorkContext& context);

}  // namespace weir::flow
