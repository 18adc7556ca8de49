// What is computed of each derived table: one mark a partition, in the engine's table weir.partitions, written in the
// transaction that holds the partition's rows. So a partition and what is said of it cannot come apart, and the engine
// alone tells after a crash what is there.
//
// A mark's fingerprint says from which versions of its inputs, and by which SELECT, a partition was computed: one that
// differs from what it would be computed from now is stale. Any thread; the engine is read once, in open().
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "storage/engine/engine.h"

namespace weir::flow {

// A day since 1970, or nothing for a table that is one whole.
using Partition = std::optional<int32_t>;
std::string partition_text(const Partition& partition);  // "2026-11-21", "all"

struct Mark {
  std::string fingerprint;
  std::string content;  // of which declaration: TableContent::hash
  uint64_t rows = 0;
  std::string run;
  WallTime computed_at;
  Duration took;
  std::string data;  // the version of the rows: what is made of them is stale when it changes
};
using TableMarks = std::map<Partition, Mark>;

class Partitions {
 public:
  // Makes weir.partitions if it is not there, and reads it.
  static Result<std::unique_ptr<Partitions>> open(engine::Engine& engine);

  TableMarks of(std::string_view table) const;
  // After the transaction was committed.
  void committed(std::string_view table, const Partition& partition, Mark mark);
  void forgotten(std::string_view table);
  void renamed(std::string_view from, std::string_view to);

  // For the transaction of the rows, on its session: replaces the mark, or all marks of the table.
  static Status write(engine::Session& session, std::string_view table, const Partition& partition, const Mark& mark);
  static Status forget(engine::Session& session, std::string_view table);
  static Status rename(engine::Session& session, std::string_view from, std::string_view to);
  // The mark as the session's transaction sees it; nothing: there is none.
  static Result<std::optional<Mark>> read(engine::Session& session, std::string_view table, const Partition& partition);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, TableMarks, std::less<>> tables_;
};

// No streams at all, for sessions that read tables of the engine only: theirs would be brought up to date first.
std::shared_ptr<const engine::Snapshot> no_streams();

// Runs a statement to its end; the number in its first cell, if there is one.
Result<uint64_t> run_statement(engine::Session& session, std::string_view sql, const std::vector<Json>& parameters = {},
                               engine::QueryLimits limits = {});

}  // namespace weir::flow
