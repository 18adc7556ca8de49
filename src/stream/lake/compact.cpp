// Compaction: small files of a partition become larger ones. The rows, their order and the columns of their files stay
// what they are, so no data version rises. Archive files are members of gzip one after another, which are one file of
// gzip: they are put together without being unpacked.
//
// What is merged is first compared with its checksum: damage stays where it is and is found, and is not made part of a
// file whose checksum is right.
#include <algorithm>

#include "core/base/log.h"
#include "stream/lake/catalog.h"
#include "stream/lake/follower.h"
#include "stream/lake/merge_plan.h"
#include "stream/lake/whole_file.h"

namespace weir::lake {
namespace {

constexpr Duration kRetainEvery = hours(1);

// "2026/11/21/08"
bool arrived_on(const std::string& hour_folder, int32_t day) {
  std::string date = hour_folder.substr(0, std::min<size_t>(10, hour_folder.size()));
  std::replace(date.begin(), date.end(), '/', '-');
  const auto parsed = parse_date(date);
  return parsed && *parsed == day;
}

bool is_wanted(const control::LakeFile& file, const CompactRequest& request) {
  if (!request.table.empty() && file.table != request.table) return false;
  if (!request.day) return true;
  if (file.kind == control::FileKind::archive) return arrived_on(file.partition, *request.day);
  const auto partition = parse_partition(file.partition);
  if (!partition) return false;
  if (partition->size() == 1) return (*partition)[0] == *request.day;
  const CivilTime civil = civil_from_micros(int64_t{*request.day} * 86'400'000'000);
  return partition->size() == 2 && (*partition)[0] == civil.year && (*partition)[1] == civil.month;
}

uint64_t bytes_of(const MergeGroup& group) {
  uint64_t sum = 0;
  for (const auto& file : group) sum += file.bytes;
  return sum;
}

}  // namespace

class Compactor {
 public:
  Compactor(Follower& lake, Cancel cancel) : lake_(lake), cancel_(std::move(cancel)) {}

  Result<std::vector<MergeGroup>> plan(const CompactRequest& request, bool all) {
    TRY_ASSIGN(auto files, lake_.control_.lake_files());
    std::set<std::string> known;
    {
      std::lock_guard lock(lake_.mutex_);
      for (const auto& [name, table] : lake_.tables_) known.insert(name);
    }
    if (!request.table.empty() && !known.contains(request.table)) {
      return Error(Code::not_found, "no table '" + request.table + "' in the lake");
    }
    std::erase_if(files, [&](const auto& file) { return !known.contains(file.table) || !is_wanted(file, request); });
    for (const auto& file : files) {
      const bool is_small = file.bytes < lake_.options_.compact_bytes / 2;
      if (is_small && file.kind == control::FileKind::parquet && file.layout == 0) ++out_.left_alone;
    }
    MergePolicy policy;
    policy.count_min = lake_.options_.compact_files;
    policy.bytes = lake_.options_.compact_bytes;
    policy.archive_bytes = lake_.options_.compact_bytes / 4;
    policy.all = all;
    return merge_groups(std::move(files), policy);
  }

  Status merge(const MergeGroup& group) {
    Follower::Swap change;
    Follower::Output out;
    out.file = group.front();
    out.file.rows = 0;
    for (const auto& file : group) {
      out.file.first_sequence = std::min(out.file.first_sequence, file.first_sequence);
      out.file.last_sequence = std::max(out.file.last_sequence, file.last_sequence);
      out.file.rows += file.rows;
      change.replaced.push_back(file.path);
    }
    out.file.bounds = merged_bounds(group);
    const bool is_archive = out.file.kind == control::FileKind::archive;
    out.staging = std::string(kRewriteStaging) + (is_archive ? "/merged.json.gz" : "/merged.parquet");
    TRY(is_archive ? join_archive(group, out) : join_parquet(group, out));
    TRY(lake_.measure_output(out));
    TRY(cancel_.check());
    change.keep = lake_.options_.replaced_keep;
    out_.files_before += group.size();
    out_.files_after += 1;
    out_.bytes_before += bytes_of(group);
    out_.bytes_after += out.file.bytes;
    out_.rows += out.file.rows;
    lake_.merged_files_.add(group.size());
    lake_.merged_bytes_.add(out.file.bytes);
    change.added.push_back(std::move(out));
    return lake_.swap(std::move(change));
  }

  const Compaction& done() const { return out_; }

 private:
  Status join_archive(const MergeGroup& group, const Follower::Output& out) {
    TRY_ASSIGN(const auto into, lake_.files_.open(lake_.path_of(out.staging), OpenMode::create));
    TRY(into->truncate(0));
    uint64_t at = 0;
    const auto append = [&](std::string_view bytes) -> Status {
      TRY(into->write_at(at, bytes));
      at += bytes.size();
      return {};
    };
    for (const auto& file : group) {
      TRY(check_whole(lake_.files_, lake_.path_of(file.path), file, append, cancel_));
    }
    return {};
  }

  Status join_parquet(const MergeGroup& group, const Follower::Output& out) {
    std::vector<std::string> paths;
    for (const auto& file : group) {
      TRY(check_whole(lake_.files_, lake_.path_of(file.path), file, {}, cancel_));
      paths.push_back(lake_.path_of(file.path));
    }
    TRY_ASSIGN(const auto written, lake_.merge_parquet_(paths, lake_.path_of(out.staging), cancel_));
    if (written.rows == out.file.rows) return {};
    return Error(Code::internal, "the engine merged " + std::to_string(written.rows) + " of " +
                                     std::to_string(out.file.rows) + " rows of " + out.file.table + " " +
                                     out.file.partition + "; nothing was committed");
  }

  Follower& lake_;
  const Cancel cancel_;
  Compaction out_;
};

Json Compaction::to_json() const {
  return Json::Object{{"files_before", files_before},
                      {"files_after", files_after},
                      {"bytes_before", bytes_before},
                      {"bytes_after", bytes_after},
                      {"rows", rows},
                      {"left_alone", left_alone}};
}

Result<Compaction> Follower::compact(const CompactRequest& request, const Cancel& cancel, const OnProgress& progress) {
  std::lock_guard one_at_a_time(maintenance_mutex_);
  const Cancel stop = begin_maintenance(cancel);
  Compactor compactor(*this, stop);
  TRY_ASSIGN(const auto groups, compactor.plan(request, true));
  Progress told;
  for (const auto& group : groups) told.total_bytes += bytes_of(group);
  Status first;
  for (const auto& group : groups) {
    told.what = group.front().table + " " + group.front().partition;
    if (progress) progress(told);
    Status merged = compactor.merge(group);
    if (!merged && merged.error().code != Code::corrupt) return merged.error();
    if (!merged && first) first = std::move(merged);
    told.done_bytes += bytes_of(group);
  }
  if (progress) progress(told);
  TRY(first);
  TRY(remove_replaced());
  return compactor.done();
}

Result<bool> Follower::maintain(const Cancel& cancel) {
  TRY(remove_replaced());
  const int64_t now = clock_.wall().micros;
  if (now >= retain_at_.load()) {
    retain_at_ = now + kRetainEvery.micros;
    TRY(retain({}, cancel));
  }
  // A list of all files is looked at only when there may be something new in it.
  const size_t least = options_.compact_files;
  if (least == 0 || commits_unplanned_.load() < std::max<size_t>(1, least / 4)) return false;
  std::lock_guard one_at_a_time(maintenance_mutex_);
  const uint64_t planned = commits_unplanned_.load();
  const Cancel stop = begin_maintenance(cancel);
  Compactor compactor(*this, stop);
  TRY_ASSIGN(const auto groups, compactor.plan({}, false));
  Status first;
  for (const auto& group : groups) {
    Status merged = compactor.merge(group);
    if (merged) return true;
    if (merged.error().code != Code::corrupt) return merged.error();
    if (first) first = std::move(merged);  // others are merged all the same
  }
  commits_unplanned_.fetch_sub(planned);
  TRY(first);
  return false;
}

}  // namespace weir::lake
