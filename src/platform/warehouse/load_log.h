// What COPY loaded and what it could not: kept beside the statement's transaction, so that it outlives a rollback.
// In memory, the newest kKept of each. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/base/guarded.h"
#include "core/base/time.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

struct LoadError {
  WallTime at{};
  std::string user, table, file;  // file: "s3://…"
  int64_t line = 0;               // from 1; 0: not known
  std::string column, type;
  std::string raw_line;  // its beginning
  std::string reason;
};
struct LoadedFile {
  WallTime at{};
  std::string user, table, file;
  uint64_t bytes = 0;
};

class LoadLog {
 public:
  static constexpr size_t kKept = 10'000;
  void add(std::vector<LoadError> errors);
  void add(std::vector<LoadedFile> files);
  std::vector<LoadError> errors() const;  // newest first
  std::vector<LoadedFile> files() const;

 private:
  mutable Mutex mutex_;
  std::deque<LoadError> errors_ GUARDED_BY(mutex_);
  std::deque<LoadedFile> files_ GUARDED_BY(mutex_);
};

// The tables weir_load_errors and weir_loaded_files over `log`, which outlives the engine that gets them.
std::vector<engine::SystemView> load_views(const LoadLog& log);

}  // namespace weir::warehouse
