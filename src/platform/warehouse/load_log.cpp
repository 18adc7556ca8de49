#include "platform/warehouse/load_log.h"

#include <algorithm>

#include "platform/dialect/rewrite.h"
#include "platform/warehouse/history_records.h"

namespace weir::warehouse {
namespace {

template <class T>
void keep_newest(std::deque<T>& list, T one, size_t most) {
  list.push_front(std::move(one));
  if (list.size() > most) list.pop_back();
}

}  // namespace

void LoadLog::keep(HistoryFile& history) {
  history_ = &history;
  kept_ = history.records_max();
}

void LoadLog::add(std::vector<LoadError> errors) {
  const MutexLock lock(mutex_);
  for (LoadError& one : errors) {
    if (history_ != nullptr) history_->add(record_of(one));
    keep_newest(errors_, std::move(one), kept_);
  }
}

void LoadLog::add(std::vector<LoadedFile> files) {
  const MutexLock lock(mutex_);
  for (LoadedFile& one : files) {
    if (history_ != nullptr) history_->add(record_of_loaded(one));
    keep_newest(files_, std::move(one), kept_);
  }
}

void LoadLog::add_unloaded(std::vector<LoadedFile> files) {
  const MutexLock lock(mutex_);
  for (LoadedFile& one : files) {
    if (history_ != nullptr) history_->add(record_of_unloaded(one));
    keep_newest(unloaded_, std::move(one), kept_);
  }
}

TextsForgotten LoadLog::forget(const NamesPerson& names) {
  TextsForgotten out;
  const MutexLock lock(mutex_);
  for (LoadError& one : errors_) {
    ++out.seen;
    if (!names(one.raw_line) && !names(one.reason)) continue;
    one.raw_line.clear();
    one.reason = dialect::without_quoted(one.reason);
    ++out.changed;
  }
  for (const auto* list : {&files_, &unloaded_}) {
    for (const LoadedFile& one : *list) {
      if (names(one.file)) out.open.push_back(one.file);
    }
  }
  return out;
}

void LoadLog::add(ExternalScan scan) {
  const MutexLock lock(mutex_);
  keep_newest(scans_, std::move(scan), kKept);
}

void LoadLog::add(AppliedPolicy applied) {
  const MutexLock lock(mutex_);
  keep_newest(applied_, std::move(applied), kKept);
}

std::vector<AppliedPolicy> LoadLog::applied() const {
  const MutexLock lock(mutex_);
  return {applied_.begin(), applied_.end()};
}

ExternalScan external_scan(WallTime at, std::string user, StatementMark by, const engine::ExternalTable& table,
                           const engine::ExternalFiles& found) {
  static constexpr const char* kFormats[] = {"Parquet", "JSON", "Text"};
  ExternalScan out{.at = at,
                   .user = std::move(user),
                   .table = table.schema + "." + table.name,
                   .format = kFormats[static_cast<size_t>(table.format)],
                   .files = found.files.size(),
                   .partitions = found.partitions,
                   .partitions_read = found.partitions_read,
                   .is_partitioned = !table.partition_columns.empty(),
                   .by = by};
  for (const engine::ExternalFile& file : found.files) {
    out.files_bytes += file.bytes;
    out.largest = std::max(out.largest, file.bytes);
  }
  return out;
}

void LoadLog::restore(LoadError error) {
  const MutexLock lock(mutex_);
  keep_newest(errors_, std::move(error), kept_);
}

void LoadLog::restore_loaded(LoadedFile file) {
  const MutexLock lock(mutex_);
  keep_newest(files_, std::move(file), kept_);
}

void LoadLog::restore_unloaded(LoadedFile file) {
  const MutexLock lock(mutex_);
  keep_newest(unloaded_, std::move(file), kept_);
}

std::vector<LoadError> LoadLog::errors() const {
  const MutexLock lock(mutex_);
  return {errors_.begin(), errors_.end()};
}

std::vector<LoadedFile> LoadLog::files() const {
  const MutexLock lock(mutex_);
  return {files_.begin(), files_.end()};
}

std::vector<ExternalScan> LoadLog::scans() const {
  const MutexLock lock(mutex_);
  return {scans_.begin(), scans_.end()};
}

std::vector<LoadedFile> LoadLog::unloaded() const {
  const MutexLock lock(mutex_);
  return {unloaded_.begin(), unloaded_.end()};
}

namespace {

void add_mark(engine::RowBlock& rows, size_t at, const StatementMark& mark) {
  rows.column(at).add_int(mark.user_id);
  rows.column(at + 1).add_int(static_cast<int64_t>(mark.query));
  rows.column(at + 2).add_int(mark.process_id);
}

engine::SystemView unloaded_files(const LoadLog& log) {
  using engine::ColumnType;
  engine::SystemView view{.name = "weir_unloaded_files",
                          .columns = {{"at", ColumnType::timestamp},
                                      {"user_name", ColumnType::text},
                                      {"file", ColumnType::text},
                                      {"bytes", ColumnType::int64},
                                      {"rows", ColumnType::int64},
                                      {"format", ColumnType::text},
                                      {"began_at", ColumnType::timestamp},
                                      {"user_id", ColumnType::int64},
                                      {"query", ColumnType::int64},
                                      {"process_id", ColumnType::int64}},
                          .rows = {},
                          .comment = "files that UNLOAD wrote"};
  view.rows = [&log, columns = view.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const LoadedFile& one : log.unloaded()) {
      rows.column(0).add_int(one.at.micros);
      rows.column(1).add_text(one.user);
      rows.column(2).add_text(one.file);
      rows.column(3).add_int(static_cast<int64_t>(one.bytes));
      rows.column(4).add_int(static_cast<int64_t>(one.rows));
      rows.column(5).add_text(one.format);
      rows.column(6).add_int(one.began_at.micros);
      add_mark(rows, 7, one.by);
    }
    return rows;
  };
  return view;
}

engine::SystemView applied_policies(const LoadLog& log) {
  using engine::ColumnType;
  engine::SystemView view{.name = "weir_applied_policies",
                          .columns = {{"at", ColumnType::timestamp},
                                      {"user_name", ColumnType::text},
                                      {"database", ColumnType::text},
                                      {"schema_name", ColumnType::text},
                                      {"relation_name", ColumnType::text},
                                      {"policy", ColumnType::text},
                                      {"command", ColumnType::text},
                                      {"user_id", ColumnType::int64},
                                      {"query", ColumnType::int64},
                                      {"process_id", ColumnType::int64}},
                          .rows = {},
                          .comment = "RLS policies by which statements saw rows",
                          .is_internal = true};
  view.rows = [&log, columns = view.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const AppliedPolicy& one : log.applied()) {
      rows.column(0).add_int(one.at.micros);
      rows.column(1).add_text(one.user);
      rows.column(2).add_text(one.database);
      rows.column(3).add_text(one.schema);
      rows.column(4).add_text(one.relation);
      rows.column(5).add_text(one.policy);
      rows.column(6).add_text(std::string(1, one.command));
      add_mark(rows, 7, one.by);
    }
    return rows;
  };
  return view;
}

engine::SystemView external_scans(const LoadLog& log) {
  using engine::ColumnType;
  engine::SystemView view{.name = "weir_external_scans",
                          .columns = {{"at", ColumnType::timestamp},
                                      {"user_name", ColumnType::text},
                                      {"table_name", ColumnType::text},
                                      {"format", ColumnType::text},
                                      {"files", ColumnType::int64},
                                      {"bytes", ColumnType::int64},
                                      {"largest", ColumnType::int64},
                                      {"is_partitioned", ColumnType::boolean},
                                      {"partitions", ColumnType::int64},
                                      {"partitions_read", ColumnType::int64},
                                      {"user_id", ColumnType::int64},
                                      {"query", ColumnType::int64},
                                      {"process_id", ColumnType::int64}},
                          .rows = {},
                          .comment = "external tables that statements read, and how many of their files",
                          .is_internal = true};
  view.rows = [&log, columns = view.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const ExternalScan& one : log.scans()) {
      rows.column(0).add_int(one.at.micros);
      rows.column(1).add_text(one.user);
      rows.column(2).add_text(one.table);
      rows.column(3).add_text(one.format);
      size_t at = 4;
      for (const uint64_t number : {one.files, one.files_bytes, one.largest}) {
        rows.column(at++).add_int(static_cast<int64_t>(number));
      }
      rows.column(at++).add_bool(one.is_partitioned);
      for (const uint64_t number : {one.partitions, one.partitions_read}) {
        rows.column(at++).add_int(static_cast<int64_t>(number));
      }
      add_mark(rows, at, one.by);
    }
    return rows;
  };
  return view;
}

}  // namespace

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
                                        {"reason", ColumnType::text},
                                        {"user_id", ColumnType::int64},
                                        {"query", ColumnType::int64},
                                        {"process_id", ColumnType::int64}},
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
      add_mark(rows, 9, one.by);
    }
    return rows;
  };
  engine::SystemView files{.name = "weir_loaded_files",
                           .columns = {{"at", ColumnType::timestamp},
                                       {"user_name", ColumnType::text},
                                       {"table_name", ColumnType::text},
                                       {"file", ColumnType::text},
                                       {"bytes", ColumnType::int64},
                                       {"user_id", ColumnType::int64},
                                       {"query", ColumnType::int64},
                                       {"process_id", ColumnType::int64}},
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
      add_mark(rows, 5, one.by);
    }
    return rows;
  };
  std::vector<engine::SystemView> out;
  out.push_back(std::move(errors));
  out.push_back(std::move(files));
  out.push_back(unloaded_files(log));
  out.push_back(external_scans(log));
  out.push_back(applied_policies(log));
  return out;
}

}  // namespace weir::warehouse
