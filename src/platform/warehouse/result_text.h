// Results as text: CSV, NDJSON and JSON rows, appended batch by batch to a string. Pure; any thread.
//
//   CSV      RFC 4180: CRLF after each record, a header, quotes where needed. NULL is empty, an empty text is "".
//   NDJSON   one object a line, for programs: JSON, lists and structs are nested; columns of the same name get _1, _2 …
//   JSON     one array a row, for pages: JSON, lists and structs are their text, as in engine::Cell.
// Integers are written exactly (beyond 2^53 a JavaScript reader rounds them). Doubles are the shortest text that reads
// back as the same number; what JSON has no number for is the text "NaN", "Infinity" or "-Infinity".
#pragma once

#include <string>
#include <vector>

#include "storage/engine/engine.h"

namespace weir::warehouse {

using ResultRow = std::vector<engine::Cell>;

void append_csv_header(std::string& out, const std::vector<engine::ResultColumn>& columns);
void append_csv_row(std::string& out, const ResultRow& row);

class NdjsonWriter {
 public:
  explicit NdjsonWriter(const std::vector<engine::ResultColumn>& columns);
  void append_row(std::string& out, const ResultRow& row) const;

 private:
  struct Key {
    std::string text;  // "name": with its quotes, and the comma or brace before it
    bool is_nested = false;
  };
  std::vector<Key> keys_;
};

void append_json_row(std::string& out, const ResultRow& row);  // [1,"a",null]

// "name", or "name_1" … where it was there already; in order.
std::vector<std::string> distinct_names(const std::vector<engine::ResultColumn>& columns);

}  // namespace weir::warehouse
