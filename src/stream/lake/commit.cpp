// How rows become files that count. The order is what makes a crash harmless:
//
//   1. every file is written and synced in <store>/.staging
//   2. .staging/intent.json names the final paths, durably
//   3. the files are renamed to their final names, their folders synced
//   4. one commit in the control database lists the files and moves the cursor: from here on the rows are in the lake
//   5. the intent is removed
//
// A crash before 4 leaves files that the catalog does not list: the next start removes what the intent names and
// follows the journal from the old cursor again. A crash after 4 leaves nothing to do but to forget the intent.
#include <algorithm>
#include <set>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/io/compression.h"
#include "core/io/crash_point.h"
#include "stream/capture/stream.h"
#include "stream/lake/catalog.h"
#include "stream/lake/follower.h"
#include "stream/lake/leftovers.h"
#include "stream/lake/whole_file.h"

namespace weir::lake {
namespace {

constexpr std::string_view kIntent = ".staging/intent.json";
constexpr size_t kNamesLogged = 20;

// "00000000000000000017-00000000000000000042": sorts by sequence.
std::string range_name(const SequenceRange& range) {
  char out[64];
  std::snprintf(out, sizeof out, "%020llu-%020llu", static_cast<unsigned long long>(range.first),
                static_cast<unsigned long long>(range.last));
  return out;
}

void log_files(std::string_view event, const std::vector<std::string>& paths) {
  for (size_t i = 0; i < std::min(paths.size(), kNamesLogged); ++i) log_event(Level::warn, event, {{"file", paths[i]}});
  if (paths.size() > kNamesLogged) log_event(Level::warn, event, {{"more_files", paths.size() - kNamesLogged}});
}

std::string hour_folder(int64_t hours_since_epoch) {
  const CivilTime civil = civil_from_micros(hours_since_epoch * 3'600'000'000);
  char out[32];
  std::snprintf(out, sizeof out, "%04d/%02d/%02d/%02d", civil.year, civil.month, civil.day, civil.hour);
  return out;
}

}  // namespace

Status Follower::commit() {
  std::lock_guard one_at_a_time(commit_mutex_);
  std::shared_ptr<Tail> frozen;
  {
    std::lock_guard lock(mutex_);
    if (committing_) {
      frozen = committing_;  // an earlier commit failed half-way: the same rows are tried again before any others
    } else {
      if (tail_.empty()) return {};
      for (auto& [name, table] : tail_.tables) {
        for (auto& [values, rows] : table.partitions) rows.freeze(*engine_);
      }
      frozen = committing_ = std::make_shared<Tail>(std::move(tail_));
      restart_tail(frozen->through);
    }
  }
  std::vector<Output> outputs;
  Status written = write_outputs(*frozen, outputs);
  if (written) written = publish_outputs(outputs);
  Result<uint64_t> version = uint64_t{0};
  if (written) {
    control::LakeCommit change;
    change.from = frozen->from;
    change.through = frozen->through;
    for (const auto& output : outputs) change.added.push_back(output.file);
    change.touched = touched_days(*frozen);
    version = control_.commit_lake(change);
  }
  if (!written || !version) {
    const Error error = written ? version.error() : written.error();
    commit_failures_.add();
    log_event(Level::error, "lake.commit_failed", {{"error", error.text()}});
    std::lock_guard lock(mutex_);
    error_ = error.text();
    return error;
  }
  {
    std::lock_guard lock(mutex_);
    cursor_ = frozen->through;
    note_version_locked(*version);
    committing_.reset();
    last_commit_at_ = clock_.wall();
    if (damage_seen_ == 0) error_.clear();
    for (const auto& output : outputs) {
      TRY(list_file_locked(output.file));
    }
    auto touched = touched_days(*frozen);
    for (auto& day : touched) day.version = *version;
    raise_days_locked(touched);
  }
  commits_.add();
  commits_unplanned_.fetch_add(1);
  TRY(finish_intent());
  for (const auto& [name, rows] : frozen->tables) {
    TRY(write_manifest(name));
  }
  return {};
}

Status Follower::write_outputs(Tail& tail, std::vector<Output>& outputs) {
  for (auto& [name, rows] : tail.tables) {
    Table table;
    {
      std::lock_guard lock(mutex_);
      table = tables_.find(name)->second;
    }
    for (auto& [values, partition] : rows.partitions) {
      if (partition.rows() == 0) continue;
      TRY(write_partition(table, values, partition, outputs));
    }
    for (const auto& [hour, lines] : rows.hours) {
      TRY(write_archive(name, hour, lines, outputs));
    }
  }
  return files_.sync_directory(path_of(".staging"));
}

Status Follower::write_partition(const Table& table, const std::vector<int64_t>& values, PartitionTail& rows,
                                 std::vector<Output>& outputs) {
  Output out;
  out.file.table = table.name;
  out.file.kind = control::FileKind::parquet;
  out.file.partition = capture::partition_folder(table.partition_columns, values);
  out.file.path = "lake/" + table.name + "/" + out.file.partition + "/" + range_name(rows.sequences()) + ".parquet";
  out.file.first_sequence = rows.sequences().first;
  out.file.last_sequence = rows.sequences().last;
  out.staging = ".staging/" + std::to_string(outputs.size()) + ".parquet";
  std::vector<std::shared_ptr<const engine::SealedChunk>> chunks;
  rows.collect(*engine_, chunks);
  TRY_ASSIGN(auto file, write_parquet_(chunks, table.columns, path_of(out.staging)));
  if (file.rows != rows.rows()) {
    return Error(Code::internal, "the engine wrote " + std::to_string(file.rows) + " of " +
                                     std::to_string(rows.rows()) + " rows to " + out.file.path +
                                     "; nothing was committed");
  }
  out.file.rows = file.rows;
  TRY(measure_output(out));
  out.file.bounds = bounds_to_json(table.columns, file);
  out.file.layout = layout_of(table.columns);
  outputs.push_back(std::move(out));
  return {};
}

Status Follower::measure_output(Output& out) {
  {
    TRY_ASSIGN(auto handle, files_.open(path_of(out.staging), OpenMode::read_write));
    TRY(handle->sync());
  }
  TRY_ASSIGN(const Measured measured, measure_file(files_, path_of(out.staging)));
  out.file.bytes = measured.bytes;
  out.file.checksum = measured.checksum;
  return {};
}

Status Follower::write_archive(const std::string& table, int64_t hour, const ArchiveTail& lines,
                               std::vector<Output>& outputs) {
  Output out;
  out.file.table = table;
  out.file.kind = control::FileKind::archive;
  out.file.partition = hour_folder(hour);
  out.file.path = "raw/" + table + "/" + out.file.partition + "/" + range_name(lines.sequences()) + ".json.gz";
  out.file.first_sequence = lines.sequences().first;
  out.file.last_sequence = lines.sequences().last;
  out.file.rows = lines.rows();
  out.file.bounds = event_days_json(lines.event_days());
  out.staging = ".staging/" + std::to_string(outputs.size()) + ".json.gz";
  TRY_ASSIGN(const std::string bytes, lines.file(options_.gzip_level));
  out.file.bytes = bytes.size();
  out.file.checksum = checksum64(bytes);
  TRY_ASSIGN(auto handle, files_.open(path_of(out.staging), OpenMode::create));
  TRY(handle->truncate(0));
  TRY(handle->write_at(0, bytes));
  TRY(handle->sync());
  outputs.push_back(std::move(out));
  return {};
}

Status Follower::publish_outputs(const std::vector<Output>& outputs) {
  Json paths{Json::Array{}};
  for (const auto& output : outputs) paths.push(output.file.path);
  for (const auto& path : unsettled_) paths.push(path);
  Json intent{Json::Object{}};
  intent.set("format", 1);
  intent.set("files", std::move(paths));
  TRY(replace_file(files_, path_of(kIntent), intent.dump()));
  std::set<std::string> folders;
  for (const auto& output : outputs) {
    const std::string final_path = path_of(output.file.path);
    if (folders.insert(parent_path(final_path)).second) {
      TRY(files_.make_directories(parent_path(final_path)));
    }
    TRY(files_.rename(path_of(output.staging), final_path));
  }
  for (const auto& folder : folders) {
    TRY(files_.sync_directory(folder));
  }
  crash_point("lake.before_commit");
  return {};
}

// After a commit: what an earlier swap published and could not commit is not in the catalog now, and never will be.
Status Follower::finish_intent() {
  if (!unsettled_.empty()) {
    TRY_ASSIGN(const auto listed, control_.lake_files());
    for (const auto& file : listed) unsettled_.erase(file.path);
    TRY(remove_files({unsettled_.begin(), unsettled_.end()}));
    unsettled_.clear();
  }
  return files_.remove(path_of(kIntent));
}

// Files that are gone already are no failure; the removal is durable.
Status Follower::remove_files(const std::vector<std::string>& paths) {
  std::set<std::string> folders;
  for (const auto& path : paths) {
    auto removed = files_.remove(path_of(path));
    if (!removed && removed.error().code != Code::not_found) return removed;
    // Also of one that is gone: an earlier try may have removed it and not have come to the sync.
    const std::string folder = parent_path(path_of(path));
    TRY_ASSIGN(const bool folder_there, files_.exists(folder));
    if (folder_there) folders.insert(folder);
  }
  for (const auto& folder : folders) {
    TRY(files_.sync_directory(folder));
  }
  return {};
}

Status Follower::drop(std::string_view stream) {
  return drop_tables(capture::tables_of(stream), "given up, as the stream " + std::string(stream) + " is removed");
}

// The catalog forgets first: a crash in between leaves files that nobody lists, named by the intent for the next start.
Status Follower::drop_tables(const std::vector<std::string>& tables, const std::string& why) {
  {
    std::lock_guard lock(mutex_);
    maintenance_.cancel(Error(Code::conflict, why));
  }
  std::lock_guard no_maintenance(maintenance_mutex_);
  std::lock_guard one_at_a_time(commit_mutex_);
  TRY_ASSIGN(auto files, control_.lake_files());
  control::LakeCommit change;
  {
    std::lock_guard lock(mutex_);
    change.from = change.through = cursor_;
    change.dropped = tables;
  }
  Json paths{Json::Array{}};
  for (const auto& file : files) {
    if (std::find(tables.begin(), tables.end(), file.table) == tables.end()) continue;
    change.removed.push_back(file.path);
    paths.push(file.path);
  }
  TRY_ASSIGN(const auto replaced, control_.lake_replaced(std::nullopt));
  for (const auto& file : replaced) {
    if (std::find(tables.begin(), tables.end(), file.table) != tables.end()) paths.push(file.path);
  }
  TRY(replace_file(files_, path_of(kIntent), Json(Json::Object{{"format", 1}, {"files", std::move(paths)}}).dump()));
  TRY_ASSIGN(const uint64_t version, control_.commit_lake(change));
  {
    std::lock_guard lock(mutex_);
    note_version_locked(version);
    for (const auto& table : tables) tables_.erase(table);
    std::erase_if(lanes_, [&](const auto& lane) { return lane.second.table == tables[0]; });
  }
  for (const auto& table : tables) {
    auto removed = files_.remove(path_of("lake/" + table + "/manifest.json"));
    if (!removed && removed.error().code != Code::not_found) return removed;
  }
  return remove_leftovers();
}

Status Follower::remove_leftovers() {
  const std::string intent_path = path_of(kIntent);
  TRY_ASSIGN(bool there, files_.exists(intent_path));
  if (there) {
    const journal::Stats journal = journal_.stats();
    Committed committed;
    committed.journal_first = journal.first.value;
    committed.journal_end = journal.durable_end.value;
    TRY_ASSIGN(committed.cursor, control_.lake_cursor());
    TRY_ASSIGN(auto listed, control_.lake_files());
    for (const auto& file : listed) committed.paths.insert(file.path);
    TRY_ASSIGN(const auto replaced, control_.lake_replaced(std::nullopt));
    for (const auto& file : replaced) committed.paths.insert(file.path);
    auto paths = intended_files(files_, intent_path);
    if (!paths && paths.error().code == Code::corrupt) {
      log_event(Level::error, "lake.intent_damaged", {{"error", paths.error().text()}});
      TRY_ASSIGN(const Unlisted unlisted, unlisted_files(files_, options_.store_root, committed));
      log_files("lake.leftover_removed", unlisted.leftovers);
      log_files("lake.unlisted_file_kept", unlisted.unknown);
      paths = unlisted.leftovers;
    }
    if (!paths) return paths.error();
    std::erase_if(*paths, [&](const std::string& path) { return committed.paths.contains(path); });
    TRY(remove_files(*paths));
    TRY(files_.remove(intent_path));
  }
  TRY_ASSIGN(auto entries, files_.list(path_of(".staging")));
  for (const auto& entry : entries) {
    if (entry.is_directory) continue;
    TRY(files_.remove(path_of(".staging/" + entry.name)));
  }
  return {};
}

Result<Json> Follower::manifest_locked(const Table& table) const {
  Json columns{Json::Array{}};
  for (const auto& column : all_columns(table.columns, table.partition_columns)) {
    Json entry{Json::Object{}};
    entry.set("name", column.name);
    const bool is_engines = column.type == engine::ColumnType::engine;
    entry.set("type", is_engines ? column.engine_type : engine::column_type_name(column.type));
    if (!column.former.empty()) {  // older files have the column under one of these
      Json former{Json::Array{}};
      for (const std::string& name : column.former) former.push(name);
      entry.set("former", std::move(former));
    }
    if (column.missing) entry.set("missing", *column.missing);
    columns.push(std::move(entry));
  }
  Json files{Json::Array{}};
  for (const auto& file : table.files) {
    Json entry{Json::Object{}};
    entry.set("path", file.path);
    entry.set("rows", file.rows);
    entry.set("bytes", file.bytes);
    const bool is_day = table.derived && !file.partition.empty();
    entry.set("partition", is_day ? day_folder(static_cast<int32_t>(file.partition[0]))
                                  : capture::partition_folder(table.partition_columns, file.partition));
    files.push(std::move(entry));
  }
  Json out{Json::Object{}};
  out.set("format", 1);
  out.set("table", table.name);
  out.set("version", version_);
  out.set("cursor", cursor_);
  out.set("columns", std::move(columns));
  out.set("files", std::move(files));
  return out;
}

Result<Json> Follower::manifest(std::string_view table) {
  std::lock_guard lock(mutex_);
  auto found = tables_.find(table);
  if (found == tables_.end() || is_shadow(table))
    return Error(Code::not_found, "no table '" + std::string(table) + "' in the lake");
  return manifest_locked(found->second);
}

// One that is kept elsewhere now has none.
Status Follower::write_manifest(const std::string& table) {
  const std::string path = path_of("lake/" + table + "/manifest.json");
  bool is_there = false;
  {
    std::lock_guard lock(mutex_);
    is_there = tables_.contains(table);
  }
  if (!is_there) {
    const auto removed = files_.remove(path);
    return removed || removed.error().code == Code::not_found ? Status() : removed;
  }
  TRY_ASSIGN(const Json body, manifest(table));
  TRY(files_.make_directories(path_of("lake/" + table)));
  return replace_file(files_, path, body.dump(1));
}

}  // namespace weir::lake
