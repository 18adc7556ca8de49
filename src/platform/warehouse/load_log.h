// What COPY loaded and what it could not, and what UNLOAD wrote: kept beside the statement's transaction, so that it
// outlives a rollback, and in the HistoryFile, if there is one, so that it outlives a restart. The newest of each, as
// many as the history keeps. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/base/guarded.h"
#include "core/base/time.h"
#include "platform/warehouse/forget_texts.h"
#include "platform/warehouse/history_file.h"
#include "storage/engine/engine.h"
#include "storage/engine/external.h"

namespace weir::warehouse {

// Whose statement it was.
struct StatementMark {
  uint32_t user_id = 0;
  uint64_t query = 0;  // StatementInfo::number
  int32_t process_id = 0;
};

struct LoadError {
  WallTime at{};
  std::string user, table, file;  // file: "s3://…", or "stdin"
  int64_t line = 0;               // from 1; 0: not known
  std::string column, type;
  std::string raw_line;  // its beginning
  std::string reason;
  StatementMark by{};
};
// That was loaded, or unloaded.
struct LoadedFile {
  WallTime at{};
  std::string user, table, file;  // table: of COPY
  uint64_t bytes = 0;
  uint64_t rows = 0;     // of UNLOAD
  std::string format{};  // of UNLOAD: "csv", "parquet", …
  WallTime began_at{};   // of UNLOAD
  StatementMark by{};
};

// What a statement read of an external table: the files that were found for it.
struct ExternalScan {
  WallTime at{};
  std::string user, table, format;  // table: "schema.name"
  uint64_t files = 0, files_bytes = 0, largest = 0;
  uint64_t partitions = 0, partitions_read = 0;
  bool is_partitioned = false;
  StatementMark by{};
};
ExternalScan external_scan(WallTime at, std::string user, StatementMark by, const engine::ExternalTable& table,
                           const engine::ExternalFiles& found);

// By which RLS policy a statement saw the rows of a relation.
struct AppliedPolicy {
  WallTime at{};
  std::string user, database, schema, relation;
  std::string policy;  // empty: there was none for this user, and no row by default
  char command = 'k';  // as svv_rls_applied_policy has it
  StatementMark by{};
};

class LoadLog {
 public:
  static constexpr size_t kKept = 10'000;
  // From now on what is added is written down too. Before anything is; `history` outlives this.
  void keep(HistoryFile& history);
  void add(std::vector<LoadError> errors);
  void add(std::vector<LoadedFile> files);
  void add_unloaded(std::vector<LoadedFile> files);
  void add(ExternalScan scan);            // of this start only: not written down
  void add(AppliedPolicy applied);        // the same
  // Lines that COPY did not take and that name the person go. `open`: files whose names say the person, which stay.
  TextsForgotten forget(const NamesPerson& names);
  std::vector<LoadError> errors() const;  // newest first
  std::vector<LoadedFile> files() const;
  std::vector<LoadedFile> unloaded() const;
  std::vector<ExternalScan> scans() const;
  std::vector<AppliedPolicy> applied() const;

  void restore(LoadError error);
  void restore_loaded(LoadedFile file);
  void restore_unloaded(LoadedFile file);

 private:
  HistoryFile* history_ = nullptr;
  size_t kept_ = kKept;
  mutable Mutex mutex_;
  std::deque<LoadError> errors_ GUARDED_BY(mutex_);
  std::deque<LoadedFile> files_ GUARDED_BY(mutex_), unloaded_ GUARDED_BY(mutex_);
  std::deque<ExternalScan> scans_ GUARDED_BY(mutex_);
  std::deque<AppliedPolicy> applied_ GUARDED_BY(mutex_);
};

// The tables weir_load_errors, weir_loaded_files and weir_unloaded_files over `log`, which outlives the engine that
// gets them.
std::vector<engine::SystemView> load_views(const LoadLog& log);

}  // namespace weir::warehouse
