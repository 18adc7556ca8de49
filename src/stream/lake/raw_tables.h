// raw_<stream>: the raw archive of a stream as a table of text, read from the committed archive files only. What is
// acknowledged and in no file yet is not there, and neither is quarantine.
//
// Its partition columns are those of the archive's folders, by hour of arrival: _year, _month, _day, _hour. A file is
// read by one thread, unpacked and taken apart piece by piece: memory is its packed bytes and one block of rows.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/files.h"
#include "storage/control/control.h"
#include "storage/engine/engine.h"
#include "stream/capture/stream.h"

namespace weir::lake {

std::string raw_table_name(std::string_view stream);
std::vector<engine::Column> raw_partition_columns();
// `file` is an archive file of the catalog.
Result<engine::TableFile> raw_table_file(const control::LakeFile& file, const std::vector<engine::Column>& columns);
// Reads the files below `store_root`.
std::shared_ptr<const engine::FileRowsReader> raw_reader(Files& files, std::string store_root,
                                                         std::shared_ptr<const capture::Stream> stream);

}  // namespace weir::lake
