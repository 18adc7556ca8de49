// Reads `grain`, `columns` and `tests` of a table's front matter into its list of tests. For table.cpp only. One
// thread.
#pragma once

#include <map>
#include <string>

#include "core/base/yaml_reader.h"
#include "platform/flow/table.h"

namespace weir::flow {

class TableTests {
 public:
  TableTests(YamlReader& in, Table& into) : in_(in), into_(into) {}
  void read();

 private:
  void read_grain();
  void read_columns();
  void read_column_tests(YamlSection& column);
  void read_column_test(const Yaml& node, const std::string& column);
  void read_list();
  // The rule of a mapping: which kind it is; and then what that kind needs. Nothing after a mistake.
  std::optional<TestKind> kind_of(YamlSection& test, bool of_column);
  bool read_rule(YamlSection& test, RowTest& into);
  bool read_column_rule(YamlSection& test, RowTest& into);
  bool read_values(YamlSection& in, std::string_view key, std::vector<Json>& into);
  void read_name_and_severity(YamlSection& test, RowTest& into);
  void add(RowTest test, const Position& at);

  YamlReader& in_;
  Table& into_;
  std::map<std::string, Position> names_;
  size_t sql_tests_ = 0;
  bool is_full_ = false;
};

}  // namespace weir::flow
