// Tables over foreign files (external_table.h): their rows are copies in the engine, made by a run that takes the files
// apart in a child process, so that no statement opens a foreign file and none can break one.
//
// Promises
//   - A file is loaded whole or not at all, in one transaction of the engine with the mark of its content
//     (weir.external_files); loading again takes what is new or changed, removes the rows of files that are gone, and
//     does nothing else, whatever was killed.
//   - A record that does not fit fails its file, which is named with its line; what the table had of that file stays.
//   - A table whose columns, path or folder changed is empty until it is loaded again.
//   - A folder that has suddenly no file at all is refused, not taken for one whose files are gone.
//
// Threads: any; one load of a table at a time is the caller's to see to. load() and compare() block: call them on a
// background lane.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/io/files.h"
#include "core/runtime/cancel.h"
#include "storage/engine/engine.h"
#include "stream/lake/etl.h"
#include "stream/lake/external_table.h"
#include "stream/lake/foreign_files.h"

namespace weir::lake {

struct ExternalReport {
  uint64_t files = 0, bytes = 0;             // in the folder
  uint64_t loaded = 0, known = 0, gone = 0;  // files: now, before, removed
  uint64_t rows = 0;                         // of those that were loaded now
  uint64_t done_bytes = 0;
  std::vector<EtlReport::Failure> failures;
  Json to_json() const;
};

class ExternalTables {
 public:
  // Changes a table of the engine in one transaction, so that what is made of it knows (flow::Flow::change_table()).
  using Change = std::function<Result<uint64_t>(engine::Session& session)>;
  struct Parts {
    engine::Engine& engine;
    Files& files;
    ForeignRules rules;
    RecordSource records;
    std::string staging;  // a folder of its own; what is in it may be removed
    size_t record_bytes_max = 1u << 20;
    std::function<Result<uint64_t>(const std::string& table, const Change& change)> change;
  };
  explicit ExternalTables(Parts parts) : parts_(std::move(parts)) {}

  // The declared ones, at start and after each apply: those that are new are made, those whose content changed emptied.
  Status set_tables(std::vector<ExternalTable> tables);
  // Those that were never loaded as they are declared now.
  Result<std::vector<std::string>> due() const;
  Status drop(std::string_view table);
  bool contains(std::string_view table) const;
  std::vector<std::string> names() const;
  // `not_found` names the nearest.
  Result<ExternalTable> find(std::string_view table) const;

  // Whether it is declared and its folder may be read.
  Status check(std::string_view table) const;
  Result<ExternalReport> load(const std::string& table, const Cancel& cancel,
                              const std::function<void(const ExternalReport&)>& progress = {});
  // What a load would do: [{"change": "added" | "changed" | "gone", "file"}].
  Result<Json> compare(const ExternalTable& table, const std::vector<ForeignFile>& files, const Cancel& cancel) const;

 private:
  class Load;
  using Known = std::map<std::string, std::string>;  // content by file
  Result<Known> known(const std::string& table) const;

  const Parts parts_;
  mutable std::mutex mutex_;  // guards tables_
  std::map<std::string, ExternalTable, std::less<>> tables_;
};

}  // namespace weir::lake
