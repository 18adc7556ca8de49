// A .test file in the sqllogictest dialect, as records in their order. Pure; see tests/sql/README.md for the language.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "storage/engine/columns.h"

namespace weir::sql_test {

enum class Kind {
  table,      // weir table NAME, columns …, partition …
  file,       // weir file NAME k=v …   then a SELECT whose rows it holds
  tail,       // weir tail NAME         then a SELECT
  publish,    // weir publish
  own,        // weir own               then a statement of our own rooms
  statement,  // statement ok | statement error CODE
  query,      // query TYPES [nosort|rowsort|contains]
};

struct Record {
  Kind kind = Kind::statement;
  int line = 0;
  bool is_skipped = false;  // skipif weir, onlyif of another
  std::string table;
  std::vector<engine::Column> columns, partition;  // of a table; of a file or tail written by an older schema
  std::vector<std::string> partition_values;       // of a file, in order: "2023-01-31" or "2023"
  std::string sql;
  std::string parameters;             // JSON array, or empty
  std::string error_code;             // of `statement error`; empty: must succeed
  std::string types, sort;            // of a query
  std::vector<std::string> expected;  // rows, or parts of the error's text
};

Result<std::vector<Record>> parse_test_file(const std::string& path, const std::string& text);

}  // namespace weir::sql_test
