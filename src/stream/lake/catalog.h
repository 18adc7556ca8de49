// Between the catalog's entries in the control database and what the engine reads. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "storage/control/control.h"
#include "storage/engine/engine.h"

namespace weir::lake {

// `columns` followed by `partition_columns`: the layout of rows in a tail.
std::vector<engine::Column> all_columns(const std::vector<engine::Column>& columns,
                                        const std::vector<engine::Column>& partition_columns);

// "dt=2026-11-21" or "year=2026/month=11" back to values.
Result<std::vector<int64_t>> parse_partition(std::string_view folder);

std::string day_folder(int32_t day);  // "dt=2026-11-21"

// Names and types of a Parquet file's columns as one number: equal for files that can be merged as they are.
uint64_t layout_of(const std::vector<engine::Column>& columns);

// The columns of a derived table, as the catalog keeps them.
Json columns_to_json(const std::vector<engine::Column>& columns);
Result<std::vector<engine::Column>> columns_from_json(const Json& json);

// Of an archive file: the first and the last day of its events.
Json event_days_json(std::pair<int32_t, int32_t> days);
// Among an archive file's bounds: how many of its lines are tombstones. Its `rows` does not count them.
inline constexpr const char* kTombstones = "forgotten";
uint64_t tombstones_of(const control::LakeFile& file);
// Of the file that others were merged into; what one of them does not know is unknown.
Json merged_bounds(const std::vector<control::LakeFile>& files);

// The day after a partition's last one.
int32_t partition_end(const std::vector<int64_t>& values);

Json bounds_to_json(const std::vector<engine::Column>& columns, const engine::ParquetFile& file);
Result<engine::TableFile> table_file(const control::LakeFile& file, const std::vector<engine::Column>& columns);

}  // namespace weir::lake
