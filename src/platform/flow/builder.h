// Computes a derived table's partition and puts it in place of the old one, in one transaction of the engine: rows,
// tests and mark together, so whatever crashes, the table holds either the old partition or the new, and its mark says
// which. A partition that fails a test keeps its old rows.
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

struct BuildRequest {
  Partition partition;
  std::string fingerprint;
  std::string run;
  std::shared_ptr<const engine::Snapshot> inputs;
  // For each input that is read by days: those that the partition needs.
  std::map<std::string, std::set<int32_t>, std::less<>> input_days;
  std::optional<Duration> time_limit;
};

struct TestFailure {
  std::string test;
  uint64_t rows = 0;
};

struct Built {
  Mark mark;
  std::vector<TestFailure> warnings;
};

class Builder {
 public:
  Builder(engine::Engine& engine, const Clock& clock, Partitions& partitions)
      : engine_(engine), clock_(clock), partitions_(partitions) {}

  // Where partitions are built: the table itself, or, if it was made by another declaration or has other columns than
  // its SELECT makes now, a shadow of it that is made if need be and takes its place with publish_shadow(). So readers
  // have the old table until all of the new one is there, and never partitions of both.
  struct Target {
    std::string table;
    bool is_shadow = false;
  };
  Result<Target> target(const TableContent& content);

  // `invalid`: the SELECT does not fit what is there (with its place), or has no such partition column; `conflict`: a
  // test failed; cancelled, timed_out. A shadow's partitions are not tested.
  Result<Built> build(const TableContent& content, const Target& target, const BuildRequest& request,
                      const Cancel& cancel);

  // Tests the shadow as a whole under the table's name, and keeps it there; `conflict` if a test fails, and the old
  // table stays. Partitions of `past` cannot be computed again: they are taken over, as far as the columns are the
  // same.
  Status publish_shadow(const TableContent& content, const std::vector<Partition>& past, const Cancel& cancel);
  Status drop_table(const std::string& table);

 private:
  Result<std::vector<engine::ResultColumn>> columns_of(const TableContent& content);
  Result<std::vector<TestFailure>> run_tests(engine::Session& session, const TableContent& content,
                                             const std::string& where, std::vector<TestFailure>& warnings);
  Status take_over(engine::Session& session, const TableContent& content, const std::vector<Partition>& past);
  Result<std::vector<engine::ResultColumn>> columns_there(engine::Session& session, const std::string& table);

  engine::Engine& engine_;
  const Clock& clock_;
  Partitions& partitions_;
};

// "name" with quotes doubled.
std::string quoted(std::string_view name);

}  // namespace weir::flow
