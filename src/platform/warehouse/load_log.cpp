#include "platform/warehouse/load_log.h"

namespace weir::warehouse {

void LoadLog::add(std::vector<LoadError> errors) {
  const MutexLock lock(mutex_);
  for (LoadError& one : errors) errors_.push_front(std::move(one));
  while (errors_.size() > kKept) errors_.pop_back();
}

void LoadLog::add(std::vector<LoadedFile> files) {
  const MutexLock lock(mutex_);
  for (LoadedFile& one : files) files_.push_front(std::move(one));
  while (files_.size() > kKept) files_.pop_back();
}

std::vector<LoadError> LoadLog::errors() const {
  const MutexLock lock(mutex_);
  return {errors_.begin(), errors_.end()};
}

std::vector<LoadedFile> LoadLog::files() const {
  const MutexLock lock(mutex_);
  return {files_.begin(), files_.end()};
}

std::vector<engine::SystemView> load_views(const LoadLog& log) {
  using engine::ColumnType;
  engine::SystemView errors{.name = "weir_load_errors",
                            .columns = {{"at", ColumnType::timestamp},
                                        {"user_name", ColumnType::text},
                                        {"table_name", ColumnType::text},
                                        {"file", ColumnType::text},
                                        {"line", ColumnType::int64},
                                        {"column_name", ColumnType::text},
                                        {"type", ColumnType::text},
                                        {"raw_line", ColumnType::text},
                                        {"reason", ColumnType::text}},
                            .rows = {},
                            .comment = "records that COPY could not load"};
  errors.rows = [&log, columns = errors.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const LoadError& one : log.errors()) {
      rows.column(0).add_int(one.at.micros);
      rows.column(1).add_text(one.user);
      rows.column(2).add_text(one.table);
      rows.column(3).add_text(one.file);
      rows.column(4).add_int(one.line);
      rows.column(5).add_text(one.column);
      rows.column(6).add_text(one.type);
      rows.column(7).add_text(one.raw_line);
      rows.column(8).add_text(one.reason);
    }
    return rows;
  };
  engine::SystemView files{.name = "weir_loaded_files",
                           .columns = {{"at", ColumnType::timestamp},
                                       {"user_name", ColumnType::text},
                                       {"table_name", ColumnType::text},
                                       {"file", ColumnType::text},
                                       {"bytes", ColumnType::int64}},
                           .rows = {},
                           .comment = "files that COPY loaded"};
  files.rows = [&log, columns = files.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const LoadedFile& one : log.files()) {
      rows.column(0).add_int(one.at.micros);
      rows.column(1).add_text(one.user);
      rows.column(2).add_text(one.table);
      rows.column(3).add_text(one.file);
      rows.column(4).add_int(static_cast<int64_t>(one.bytes));
    }
    return rows;
  };
  return {std::move(errors), std::move(files)};
}

}  // namespace weir::warehouse
