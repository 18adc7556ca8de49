#include "app/columns_to_be.h"

#include <algorithm>

#include "core/base/quotes.h"
#include "platform/flow/builder.h"
#include "stream/capture/rows.h"

namespace weir::app {
namespace {

void append(const std::string& name, const std::string& select, std::string& with) {
  with += (with.empty() ? "WITH " : ",\n") + quoted_name(name) + " AS (\n" + select + "\n)";
}

std::string empty_rows(std::vector<engine::Column> columns, const std::vector<engine::Column>& partition) {
  columns.insert(columns.end(), partition.begin(), partition.end());
  std::string out;
  for (const engine::Column& column : columns) {
    out += (out.empty() ? "SELECT " : ", ") + ("CAST(NULL AS " + engine::sql_type(column)) + ") AS " +
           quoted_name(column.name);
  }
  return out + " WHERE false";
}

}  // namespace

Status ColumnsToBe::add(const std::string& name, std::set<std::string>& known, std::string& with) const {
  if (!known.insert(name).second) return {};
  if (const auto table = tables_.find(name); table != tables_.end()) {
    TRY_ASSIGN(const auto shape, engine_.examine(table->second.select, false));
    for (const auto& read : shape.reads) {
      TRY(add(read.name, known, with));
    }
    append(name, table->second.select, with);
    return {};
  }
  for (const capture::Stream& stream : streams_) {
    if (name == stream.name)
      append(name, empty_rows(capture::table_columns(stream), capture::partition_columns(stream)), with);
    if (name == stream.name + "_quarantine") {
      append(name, empty_rows(capture::quarantine_columns(), capture::quarantine_partition_columns()), with);
    }
  }
  return {};  // anything else is there already, or the binder says that it is not
}

Result<std::vector<engine::ResultColumn>> ColumnsToBe::of(const std::string& table) const {
  std::set<std::string> known;
  std::string with;
  TRY(add(table, known, with));
  TRY_ASSIGN(auto shape, engine_.examine(with + "\nSELECT * FROM " + quoted_name(table), true));
  return std::move(shape.columns);
}

Status ColumnsToBe::bind(const std::string& select, const std::set<std::string>& later) const {
  TRY_ASSIGN(const auto shape, engine_.examine(select, false));
  std::set<std::string> known;
  std::string with;
  for (const auto& read : shape.reads) {
    if (later.contains(read.name)) return {};
    TRY(add(read.name, known, with));
  }
  TRY(engine_.examine(with + "\nSELECT * FROM (\n" + select + "\n)", true));
  return {};
}

}  // namespace weir::app
