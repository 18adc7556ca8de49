// Takes the files of other systems apart into records, one JSON text in one line each: NDJSON, objects one after
// another, one array of objects, CSV with a header, each plain or in gzip; Parquet, a row as an object. Nothing is
// judged here: a record that is broken is handed on as it stands wherever the next one can be found, and capture says
// what is wrong with it.
//
// Runs in a child process (`weir worker`), as the bytes come from anybody. Memory: one record and a few buffers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/base/result.h"

namespace weir::lake {

// How a CSV's cell becomes JSON. `guess`: numbers, true and false as such, all else as text.
enum class CellKind { text, number, boolean, json, guess };

struct RecordsRequest {
  std::string path;                       // real, checked by the caller
  std::string format = "auto";            // "json", "csv", "parquet"
  uint64_t skip = 0;                      // records at the beginning that are not wanted
  size_t record_bytes_max = 1u << 20;     // a longer one is handed on as a JSON text that says so
  std::map<std::string, CellKind> cells;  // CSV: by column
  CellKind other_cells = CellKind::text;  // of columns that are not named
  Json to_json() const;
  static Result<RecordsRequest> from_json(const Json& json);
};

// `line`: where the record begins in the unpacked file, from 1; of Parquet the number of the row.
using TakeRecord = std::function<Status(uint64_t line, std::string_view record)>;
// The number of records, skipped ones too.
Result<uint64_t> read_records(const RecordsRequest& request, const TakeRecord& take);

// What a child process does with {"files":[RecordsRequest, …]}, one after another, as lines to its parent: "17\t{…}" is
// a record that begins in line 17, "!" ends a file, "!why" one that cannot be read (further). The error is take's own.
Result<Json> write_record_lines(const Json& request, const std::function<Status(std::string_view line)>& take);
struct RecordLine {
  uint64_t line = 0;
  std::string_view record;
  bool is_end = false;   // of the file
  std::string_view why;  // it cannot be read; empty: it was
};
Result<RecordLine> read_record_line(std::string_view text);

// The parts, for tests and fuzzing: each is given the file's text piece by piece.
class RecordSplitter {
 public:
  virtual ~RecordSplitter() = default;
  virtual Status feed(std::string_view piece) = 0;
  virtual Status finish() = 0;
  static std::unique_ptr<RecordSplitter> json(size_t record_bytes_max, TakeRecord take);
  static std::unique_ptr<RecordSplitter> csv(const RecordsRequest& request, TakeRecord take);
};

}  // namespace weir::lake
