// Computes a derived table's partition and puts it in place of the old one, rows and mark together, so whatever
// crashes, the table holds either the old partition or the new, and its mark says which: in one transaction of the
// engine (engine_builder.h), or in one commit of the lake (lake_builder.h), as the table says where it is stored. A
// partition that fails a test keeps its old rows.
//
// A table that moves from one store to the other is made anew in a shadow there, and takes its name at once; statements
// find a table of the engine before one of the lake, so while both are there, which a kill can bring about, the
// engine's counts. The next target() or settle() removes the one that is left over.
//
// The SELECT runs under the locks of a user's statement, whoever declared it, and reads streams from one committed
// version, of which only the files of the days that matter are offered. Calls block; one build of a table at a time.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/runtime/cancel.h"
#include "platform/flow/partitions.h"
#include "storage/engine/engine.h"

namespace weir::flow {

// A question whose answer is the number of rows that should not be there. `$part` stands for a condition that holds
// for the rows of the partition; without one all rows are looked at.
struct TableTest {
  std::string name;
  std::string sql;
  bool is_error = true;  // false: told, and the partition is published all the same
  bool is_own = false;   // written by the table's owner, so it is looked at by the locks; the others are ours
};

struct TableContent {
  std::string table;
  std::string select;            // one SELECT, without ; at its end
  std::string partition_column;  // of type DATE; empty: the table is one whole
  std::string hash;              // of all that decides the content: another one is another table
  std::vector<TableTest> tests;
};

struct TestFailure {
  std::string test;
  uint64_t rows = 0;
};

struct BuildRequest {
  Partition partition;
  std::string fingerprint;
  std::string run;
  std::shared_ptr<const engine::Snapshot> inputs;
  // For each input that is read by days: those that the partition needs.
  std::map<std::string, std::set<int32_t>, std::less<>> input_days;
  std::optional<Duration> time_limit;
  std::vector<TestFailure>* failures = nullptr;  // told here, if a test fails
};

struct Built {
  Mark mark;
  std::vector<TestFailure> warnings;
};

class Builder {
 public:
  virtual ~Builder() = default;

  // Where partitions are built: the table itself, or, if it was made by another declaration, has other columns than its
  // SELECT makes now, or lies in the other store, a shadow of it that is made if need be and takes its place with
  // publish_shadow(). So readers have the old table until all of the new one is there, and never partitions of both.
  struct Target {
    std::string table;
    bool is_shadow = false;
  };
  virtual Result<Target> target(const TableContent& content) = 0;
  // Of what a target names.
  virtual TableMarks marks(const std::string& table) const = 0;

  // `invalid`: the SELECT does not fit what is there (with its place), or has no such partition column; `conflict`: a
  // test failed; cancelled, timed_out. A shadow's partitions are not tested.
  virtual Result<Built> build(const TableContent& content, const Target& target, const BuildRequest& request,
                              const Cancel& cancel) = 0;

  // Tests the shadow as a whole under the table's name, and keeps it there; `conflict` if a test fails, and the old
  // table stays. Partitions of `past` cannot be computed again: they are taken over, as far as the columns are the
  // same.
  virtual Status publish_shadow(const TableContent& content, const std::vector<Partition>& past,
                                const Cancel& cancel) = 0;
  // Removes what a move from the other store has left there.
  virtual Status settle(const TableContent& content) = 0;
  virtual Status drop_table(const std::string& table) = 0;
};

}  // namespace weir::flow
