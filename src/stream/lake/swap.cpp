// Commits beside the follower's: new files take the place of old ones, and the cursor stays where it is. Compaction,
// retention and rebuild come down to it. The order is that of a commit of rows (commit.cpp), under the same lock:
//
//   1. the new files lie whole and synced in <store>/.staging/rewrite
//   2. .staging/intent.json names their final paths, durably
//   3. they are renamed to them, their folders synced
//   4. one commit in the control database lists the new ones and takes the old ones out: readers from now on see those
//   5. the intent is removed
//
// The old files are in the catalog's list of replaced ones until no snapshot from before pins them, no reader outside
// may still work with an earlier manifest, and they are gone from the disk.
#include <algorithm>

#include "core/base/log.h"
#include "core/io/crash_point.h"
#include "stream/lake/catalog.h"
#include "stream/lake/follower.h"

namespace weir::lake {
namespace {

// "00000000000000000017-00000000000000000042.v7.parquet": what a file of rows is called, and by which commit.
std::string swapped_name(const control::LakeFile& file, uint64_t version) {
  char out[96];
  std::snprintf(out, sizeof out, "%020llu-%020llu.v%llu.%s", static_cast<unsigned long long>(file.first_sequence),
                static_cast<unsigned long long>(file.last_sequence), static_cast<unsigned long long>(version),
                file.kind == control::FileKind::parquet ? "parquet" : "json.gz");
  return out;
}

// The files of a shadow lie where they will count.
std::string folder_of(const std::string& table) {
  return is_shadow(table) ? table.substr(0, table.size() - shadow_name("").size()) : table;
}

}  // namespace

void Follower::note_version_locked(uint64_t version) {
  version_ = version;
  std::erase_if(pins_, [](const auto& pin) { return pin.expired(); });
  pin_ = std::make_shared<const uint64_t>(version);
  pins_.push_back(pin_);
}

uint64_t Follower::oldest_pinned_locked() {
  uint64_t oldest = version_;
  for (const auto& pin : pins_) {
    if (const auto held = pin.lock()) oldest = std::min(oldest, *held);
  }
  return oldest;
}

Cancel Follower::begin_maintenance(const Cancel& cancel) {
  std::lock_guard lock(mutex_);
  maintenance_ = cancel.child();
  return maintenance_;
}

Status Follower::swap(Swap change) {
  std::lock_guard one_at_a_time(commit_mutex_);
  control::LakeCommit commit = std::move(change.derived);
  {
    std::lock_guard lock(mutex_);
    if (committing_) {
      return Error(Code::busy, "a commit of the lake has failed and is tried again first: " + error_,
                   "`weir status` shows when it has passed");
    }
    commit.from = commit.through = cursor_;
    for (auto& output : change.added) {
      const char* folder = output.file.kind == control::FileKind::parquet ? "lake/" : "raw/";
      output.file.path = join_path(join_path(folder + folder_of(output.file.table), output.file.partition),
                                   swapped_name(output.file, version_ + 1));
    }
  }
  for (const auto& output : change.added) commit.added.push_back(output.file);
  commit.replaced = change.replaced;
  commit.replaced_until.micros = clock_.wall().micros + change.keep.micros;
  commit.touched = change.touched;
  commit.retained = change.retained;
  commit.expired = change.expired;
  commit.forget = change.forget;
  // From the first rename to the end of the commit nobody can say which files count, and a failure leaves it at that.
  for (const auto& output : change.added) unsettled_.insert(output.file.path);
  if (!change.added.empty()) {
    TRY(files_.sync_directory(parent_path(path_of(change.added.front().staging))));
    TRY(publish_outputs(change.added));
  }
  TRY_ASSIGN(const uint64_t version, control_.commit_lake(commit));
  crash_point("lake.swapped");
  for (const auto& output : change.added) unsettled_.erase(output.file.path);
  std::set<std::string> tables;
  {
    std::lock_guard lock(mutex_);
    note_version_locked(version);
    const std::set<std::string_view> gone(change.replaced.begin(), change.replaced.end());
    for (auto& [name, table] : tables_) {
      const size_t taken =
          std::erase_if(table.files, [&](const engine::TableFile& file) { return gone.contains(file.path); });
      if (taken > 0 && !table.reader) tables.insert(name);
    }
    TRY(note_derived_locked(commit, version));
    tables.insert(commit.unlisted.begin(), commit.unlisted.end());
    for (const auto& table : commit.tables) tables.insert(table.name);
    for (const auto& output : change.added) {
      TRY(list_file_locked(output.file));
      if (output.file.kind == control::FileKind::parquet) tables.insert(output.file.table);
    }
    for (const auto& mark : change.retained) {
      int32_t& from = tables_.find(mark.table)->second.retained_from;
      from = std::max(from, mark.from_day);
    }
    for (auto& day : change.touched) day.version = version;
    raise_days_locked(change.touched);
  }
  if (!change.added.empty()) {
    TRY(finish_intent());
  }
  for (const auto& table : tables) {
    TRY(is_shadow(table) ? Status() : write_manifest(table));
  }
  return {};
}

Result<uint64_t> Follower::remove_replaced() {
  TRY_ASSIGN(auto files, control_.lake_replaced(clock_.wall()));
  uint64_t oldest = 0;
  {
    std::lock_guard lock(mutex_);
    oldest = oldest_pinned_locked();
  }
  std::vector<std::string> paths;
  std::set<std::string> folders;
  for (const auto& file : files) {
    if (file.version > oldest) continue;
    paths.push_back(file.path);
    folders.insert(parent_path(path_of(file.path)));
  }
  if (paths.empty()) return uint64_t{0};
  TRY(remove_files(paths));
  crash_point("lake.replaced_removed");
  TRY(control_.forget_replaced(paths));
  replaced_removed_.add(paths.size());
  // A commit that makes a folder waits until an empty one is gone, or finds it there.
  std::lock_guard one_at_a_time(commit_mutex_);
  for (const auto& folder : folders) {
    TRY_ASSIGN(const bool is_there, files_.exists(folder));
    if (!is_there) continue;
    TRY_ASSIGN(const auto left, files_.list(folder));
    if (!left.empty()) continue;
    TRY(files_.remove(folder));
    TRY(files_.sync_directory(parent_path(folder)));
  }
  return paths.size();
}

}  // namespace weir::lake
