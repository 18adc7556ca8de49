// Which files are merged with which: neighbours in one partition, in the order of their sequences, so that a merged
// file is sorted as a commit would have written it. Pure.
//
// By itself the lake merges `count_min` small neighbours of about one size: eight times as large ones come out, which
// wait for their like. So a row is written a handful of times on its way to a file of `bytes`, however often the
// follower commits. A person's order merges all that is smaller than half of `bytes`.
#pragma once

#include <cstdint>
#include <vector>

#include "storage/control/control.h"

namespace weir::lake {

struct MergePolicy {
  size_t count_min = 16;
  uint64_t bytes = 128ull << 20;         // of a merged Parquet file, about
  uint64_t archive_bytes = 32ull << 20;  // of an archive file: whoever reads one unpacks it
  bool all = false;                      // whatever their sizes and however few
};

// At least two files each, oldest first, all of one table, kind, partition and layout.
using MergeGroup = std::vector<control::LakeFile>;
std::vector<MergeGroup> merge_groups(std::vector<control::LakeFile> files, const MergePolicy& policy);

}  // namespace weir::lake
