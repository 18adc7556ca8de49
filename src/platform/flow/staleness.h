// Which partitions a derived table has, and from what each would be computed now.
//
// A partition's fingerprint covers the table's SELECT and what decides its content (content_hash), and the version of
// each input: of the days that the partition is made of, where the input has days and the table says which of them
// matter, of all of it otherwise. Versions rise only when rows are added, removed or corrected, so compaction makes
// nothing stale, and a partition computed twice from the same rows has the same fingerprint. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "platform/flow/partitions.h"
#include "platform/flow/table.h"
#include "stream/lake/lake.h"

namespace weir::flow {

// The version of one thing that can be read.
struct Versions {
  std::map<int32_t, std::string> days;  // by day since 1970
  std::string whole;                    // of what has no days; empty: none is known
  bool has_days = false;
  std::optional<int32_t> retained_from = {};  // events of earlier days were removed by retention
};
using AllVersions = std::map<std::string, Versions, std::less<>>;

// Of the lake's tables as they were committed, and of the derived tables of which there are marks.
AllVersions versions_of(const lake::CommittedTables& lake, const std::map<std::string, TableMarks>& derived);

struct Due {
  Partition partition;
  std::string fingerprint;
  // The days of each input that is read by days.
  std::map<std::string, std::set<int32_t>, std::less<>> input_days;
  // Retention has removed events that the partition is made of: it stays as it was computed, and is never due.
  bool input_is_past = false;
};

// Every partition that the table would have if all of it were computed now, oldest first. `reads`: what its SELECT
// reads. Empty for a table with partitions none of whose inputs has a day yet.
std::vector<Due> partitions_of(const Table& table, const std::vector<std::string>& reads, const AllVersions& versions);

}  // namespace weir::flow
