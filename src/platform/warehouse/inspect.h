// What a file of the store holds, before it is loaded: its columns as the engine reads them, its first rows, and how
// COPY must be told to read it.
//
// Only objects below the store's buckets are read, by the engine's own reader on a connection of its own, as COPY does;
// it waits for its turn among the statements, ends after 20 s, and reads no more than a file's beginning. Blocks: call
// it on a work lane. Errors: invalid (no such place, unknown format, a file that is none of it), not_found, denied,
// busy, timed_out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "platform/warehouse/warehouse.h"

namespace weir::warehouse {

struct FileShape {
  std::string path;               // of the object that was looked at
  std::string format;             // "csv", "json", "parquet"
  std::string compression;        // "gzip", "zstd", or empty
  uint64_t files = 0, bytes = 0;  // that begin with what was asked for
  // Of a CSV file.
  std::string delimiter, quote, date_format, timestamp_format;  // formats as strptime has them; empty: ISO 8601
  int64_t skipped_lines = 0;                                    // before the records, the header included
  std::vector<engine::ResultColumn> columns;
  Rows rows;
  // {"path","format","compression","files","bytes","csv":{…}|null,"columns":[{"name","type"}],"rows":[[…]]}
  Json to_json() const;
};

// `place`: s3://bucket/key, or what keys begin with. `format`: empty, it is told from the name.
Result<FileShape> inspect(Warehouse& warehouse, const User& user, std::string_view place, std::string_view format,
                          const Cancel& cancel = {});

// Puts a file where COPY finds it: a key that nothing has yet. Durable when it returns.
Status put_file(Warehouse& warehouse, const User& user, std::string_view place, std::string_view bytes);

}  // namespace weir::warehouse
