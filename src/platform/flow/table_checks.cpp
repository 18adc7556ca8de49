#include "platform/flow/table_checks.h"

#include <algorithm>

#include "core/base/quotes.h"
#include "core/base/text.h"

namespace weir::flow {
namespace {

std::string literal(const Json& value) {
  if (!value.is_string()) return value.dump();
  std::string out = "'";
  for (const char c : value.as_string()) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

std::string names(const std::vector<std::string>& columns, const char* between, const char* after) {
  std::string out;
  for (const std::string& column : columns) {
    if (!out.empty()) out += between;
    out += quoted_name(column) + after;
  }
  return out;
}

std::string unique_sql(const Table& table, const RowTest& test) {
  // Rows of different partitions differ where the partition is one of the columns; otherwise all are looked at.
  const bool within = std::find(test.columns.begin(), test.columns.end(), table.partition) != test.columns.end();
  return "SELECT count(*) FROM (SELECT 1 FROM main." + quoted_name(table.name) + " WHERE " +
         (within ? "$part" : "true") + " AND " + names(test.columns, " AND ", " IS NOT NULL") + " GROUP BY " +
         names(test.columns, ", ", "") + " HAVING count(*) > 1)";
}

std::string sql_of(const Table& table, const RowTest& test) {
  const std::string from = "SELECT count(*) FROM main." + quoted_name(table.name) + " AS weir_tested WHERE $part AND ";
  const std::string column = test.columns.empty() ? "" : "weir_tested." + quoted_name(test.columns.front());
  switch (test.kind) {
    case TestKind::unique:
      return unique_sql(table, test);
    case TestKind::not_null:
      return from + "(" + names(test.columns, " OR ", " IS NULL") + ")";
    case TestKind::accepted_values: {
      std::string values;
      for (const Json& value : test.values) values += (values.empty() ? "" : ", ") + literal(value);
      return from + column + " NOT IN (" + values + ")";
    }
    case TestKind::relation:
      return from + column + " IS NOT NULL AND NOT EXISTS (SELECT 1 FROM " + quoted_name(test.table) +
             " AS weir_related WHERE weir_related." + quoted_name(test.to) + " = " + column + ")";
    case TestKind::sql:
      return "SELECT count(*) FROM (\n" + test.sql + "\n)";
  }
  return {};
}

}  // namespace

Error in_table(const Table& table, Error error) {
  const std::string name = "table " + table.name;
  if (!error.message.starts_with(name)) error.message = name + ": " + error.message;
  return error;
}

TableContent content_of(const Table& table) {
  TableContent out;
  out.table = table.name;
  out.select = table.select;
  out.partition_column = table.partition;
  out.hash = std::to_string(content_hash(table));
  for (const RowTest& test : table.tests) {
    out.tests.push_back({test.name, sql_of(table, test), test.severity == Severity::error, test.kind == TestKind::sql});
  }
  return out;
}

}  // namespace weir::flow
