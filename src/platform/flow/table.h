// The declaration of a derived table, `tables/<name>.sql`: one SELECT, with a front matter that says how its content is
// cut, what it is made of and how it is tested. As a value, as it is read, described by a schema, stored, and compared
// with what is applied. Nothing here runs or knows an engine.
//
// Promises: parse_table finds every mistake of a file in one pass, each with file:line:column. table_from_json(
// to_json(t)) == t, also through text; equal tables give equal JSON. compare() lists every difference once and says
// whether the content is computed again. Not judged here, because it needs the engine: whether the SELECT reads what
// `inputs` names, and has the columns that are named. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/project/project.h"
#include "platform/flow/affects.h"

namespace weir::flow {

inline constexpr size_t kInputsMax = 100;
inline constexpr size_t kColumnsMax = 1'000;
inline constexpr size_t kTestsMax = 200;  // of a table, those of its columns and the grain's included
inline constexpr size_t kTestColumnsMax = 32;
inline constexpr size_t kAcceptedValuesMax = 1'000;
inline constexpr size_t kAcceptedValueBytesMax = 1'024;

enum class Stored { engine, lake };
enum class TestKind { unique, not_null, accepted_values, relation, sql };
enum class Severity { error, warn };

const char* stored_word(Stored stored);
const char* test_word(TestKind kind);
const char* severity_word(Severity severity);

// One test of a table's rows; it fails if a row breaks it. NULL breaks not_null only.
struct RowTest {
  TestKind kind = TestKind::unique;
  std::string name;  // of the table's tests only this one; by default made of kind and columns
  Severity severity = Severity::error;
  std::vector<std::string> columns;  // unique: together; not_null: each; accepted_values, relation: exactly one
  std::vector<Json> values;          // accepted_values: texts, numbers, booleans
  std::string table, to;             // relation: each value of the column stands in the column `to` of that table
  std::string sql;                   // sql: a SELECT, each row of which is a failure
  friend bool operator==(const RowTest&, const RowTest&) = default;
};

struct Input {
  std::string name;  // a stream or a table
  Affects affects;   // means something only if the table has a partition
  friend bool operator==(const Input&, const Input&) = default;
};

struct Table {
  std::string name;  // [a-z][a-z0-9_]{0,62}
  std::string description;
  bool enabled = true;
  std::map<std::string, std::string> tags;
  Stored stored = Stored::engine;
  std::string partition;                       // a DATE column of the SELECT; empty: the table is one whole
  std::vector<Input> inputs;                   // by name
  std::vector<std::string> grain;              // what one row is: its unique test is the first of `tests`
  std::map<std::string, std::string> columns;  // descriptions
  std::vector<RowTest> tests;                  // the grain's, the columns' in the file's order, then the table's
  std::optional<Duration> time_limit;          // of one computation; nothing: the warehouse's own
  // As one_select() keeps it. It may end with a comment: whoever wraps it begins a new line behind it.
  std::string select;

  const Input* find_input(std::string_view input) const;
  friend bool operator==(const Table&, const Table&) = default;
};

struct ParsedTable {
  Table table;                // means something only if there are no errors
  std::vector<Error> errors;  // in the order of their places
};
ParsedTable parse_table(const project::DeclarationSource& source);
// A whole file, without `${…}`; `name` is the file's name without .sql.
ParsedTable parse_table(std::string_view text, const std::string& file, const std::string& name);

// JSON Schema (draft 2020-12) of the front matter, for editors and `weir schema`.
Json table_schema();

// The canonical form that the control database keeps.
Json to_json(const Table& table);
// `corrupt` if it is not what to_json wrote; `unsupported` if a newer weir wrote it.
Result<Table> table_from_json(const Json& json);

// Stands for everything that decides the content: the words of the SELECT, partition, place and affects. Two tables
// that have the same one need not be computed again. The same on every machine; stored with the content.
uint64_t content_hash(const Table& table);

// From what is applied to what is wanted, in the order of the declaration; empty if nothing would change. Every change
// of a table is compatible: its content can be computed again.
std::vector<project::Difference> compare(const Table& applied, const Table& wanted);

// The kind "table" for the project's registry, with all of the above; `destroy` is the caller's to add.
project::Kind table_kind();

}  // namespace weir::flow
