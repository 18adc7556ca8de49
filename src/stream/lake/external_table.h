// A table over the files of a folder that another system writes: tables/NAME.yaml. Its columns are declared and never
// guessed; what the folders of a path say (region=eu, 2026/11/21/08) may be columns too.
//
//   from: delivered/orders
//   format: parquet          # or json, csv; auto tells by the file
//   columns:
//     order_id: {type: string, required: true}
//     amount: number
//   path:
//     region: string
//
// In SQL it has its columns, then those of the path, then `_file`, the file that a row is of. How its rows come there
// is external.h's. Pure functions, any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/project/project.h"
#include "storage/engine/columns.h"
#include "stream/capture/stream.h"

namespace weir::lake {

enum class PathType { text, integer, date };

struct PathColumn {
  std::string name;
  PathType type = PathType::text;
  friend bool operator==(const PathColumn&, const PathColumn&) = default;
};

struct ExternalTable {
  std::string name;
  std::string description;
  bool enabled = true;
  std::map<std::string, std::string> tags;
  std::string from;             // a folder or one file, of the project's folder or absolute
  std::string format = "auto";  // "json", "csv", "parquet"
  // Its columns as the fields of an event: a record of a file is judged as one.
  std::shared_ptr<const capture::Stream> rows;
  std::vector<PathColumn> path;
};

project::Kind external_kind();

Json to_json(const ExternalTable& table);
Result<ExternalTable> external_from_json(const Json& json);
// What its rows depend on: another text means that every file is loaded anew.
std::string content_of(const ExternalTable& table);
// As a file of the project.
std::string declaration_text(const ExternalTable& table);

// Without those of the path and `_file`.
std::vector<engine::Column> columns_of(const ExternalTable& table);
engine::ColumnType column_type(const PathColumn& column);
// CREATE TABLE's list: "order_id" VARCHAR, …
std::string columns_sql(const ExternalTable& table);

// The columns that all these paths have, in order: the names of Hive's folders, else year, month, day and hour.
std::vector<PathColumn> path_columns_of(const std::vector<std::string>& names);
// The values of the path's columns as texts, of numbers in canonical form; nothing: NULL. `invalid` says what a path
// does not have.
Result<std::vector<std::optional<std::string>>> path_values(const ExternalTable& table, std::string_view name);

// How a column of a Parquet file would be declared.
capture::Field field_of(const std::string& name, const std::string& engine_type);

}  // namespace weir::lake
