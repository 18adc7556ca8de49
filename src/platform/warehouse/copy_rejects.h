// Records of JSON and Parquet that do not fit a table, found before they are loaded: which, where, and why. For COPY.
// Internal to platform/warehouse. Pure text, but for reject_of().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/engine/engine.h"

namespace weir::warehouse {

// A column that is loaded. Expressions are over the columns of the records' relation.
struct LoadedColumn {
  std::string name, shown;            // shown: its type, for people
  std::string raw;                    // what the record has; NULL: nothing
  std::string value;                  // what is stored, NULL if that cannot be made of it
  std::optional<int> bytes_max = {};  // of a text
  bool is_not_null = false;
};

// `records` is a relation with weir_file, weir_row (from 1) and weir_record, which is NULL if it could not be read.
struct RecordChecks {
  std::string records;
  std::vector<LoadedColumn> columns;

  // weir_file, weir_row, the number of the first column that does not fit (0: the record itself), its raw value, the
  // record's beginning; in order, at most `limit`.
  std::string select_rejects(size_t limit) const;
  // The values of all columns, of the records that fit.
  std::string select_good() const;

 private:
  std::string first_wrong() const;
};

struct Reject {
  std::string file;
  int64_t row = 0;
  std::string column, raw, reason;  // column: empty if the record could not be read
};
Reject reject_of(const RecordChecks& checks, const std::vector<engine::Cell>& row);

}  // namespace weir::warehouse
