#include "stream/lake/merge_plan.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir::lake {
namespace {

constexpr int kSizes = 5;  // classes of small files,
constexpr int kShift = 3;  // each eight times the one before

auto place_of(const control::LakeFile& file) {
  return std::tie(file.table, file.kind, file.partition);
}

// Neighbours below `limit`, cut where the result would be larger than `bytes`.
void add_groups(const std::vector<control::LakeFile>& files, uint64_t limit, uint64_t bytes, size_t count_min,
                std::vector<MergeGroup>& into) {
  MergeGroup group;
  uint64_t sum = 0;
  const auto close = [&] {
    if (group.size() >= std::max<size_t>(2, count_min)) into.push_back(std::move(group));
    group.clear();
    sum = 0;
  };
  for (const auto& file : files) {
    const bool fits = file.bytes < limit && (file.kind == control::FileKind::archive || file.layout != 0);
    if (!fits || sum + file.bytes > bytes || (!group.empty() && group.back().layout != file.layout)) close();
    if (!fits) continue;
    sum += file.bytes;
    group.push_back(file);
  }
  close();
}

void plan_partition(const std::vector<control::LakeFile>& files, const MergePolicy& policy,
                    std::vector<MergeGroup>& into) {
  const uint64_t bytes = files.front().kind == control::FileKind::archive ? policy.archive_bytes : policy.bytes;
  if (policy.all) return add_groups(files, bytes / 2, bytes, 2, into);
  for (int size = kSizes - 1; size >= 0; --size) {
    const size_t before = into.size();
    add_groups(files, (bytes / 2) >> (size * kShift), bytes, policy.count_min, into);
    if (into.size() > before) return;  // the smallest first; their results are looked at again
  }
}

}  // namespace

std::vector<MergeGroup> merge_groups(std::vector<control::LakeFile> files, const MergePolicy& policy) {
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return std::tie(a.table, a.kind, a.partition, a.first_sequence, a.path) <
           std::tie(b.table, b.kind, b.partition, b.first_sequence, b.path);
  });
  std::vector<MergeGroup> out;
  std::vector<control::LakeFile> partition;
  for (auto& file : files) {
    if (!partition.empty() && place_of(partition.back()) != place_of(file)) {
      plan_partition(partition, policy, out);
      partition.clear();
    }
    partition.push_back(std::move(file));
  }
  if (!partition.empty()) plan_partition(partition, policy, out);
  return out;
}

}  // namespace weir::lake
