// A test of a project, `tests/<name>.yaml`: rows that come in, what is run, and the rows that must come out. As a
// value, as it is read, and described by a schema; `weir test` runs it.
//
// Promises: parse_project_test finds every mistake of a file in one pass, each with file:line:column. Not judged here:
// whether the streams, tables and flows that are named exist; the run tells. Values of rows stay what the file says:
// the stream judges those that come in, the column's own type those that are expected. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/yaml.h"
#include "core/project/project.h"

namespace weir::flow {

inline constexpr size_t kTestStepsMax = 100;
inline constexpr size_t kTestRowsMax = 10'000;  // of one `given` or one `expect`
inline constexpr size_t kTestChecksMax = 100;

// What comes in: events of a stream, or rows of a table that is loaded.
struct GivenRows {
  struct Row {
    Json value;  // an object
    int line = 0;
  };
  std::string name;  // of the stream or the table
  int line = 0;
  std::vector<Row> rows;
  std::string file;  // instead of rows: CSV, JSON or Parquet below the project's folder
};

// What a stream or a table must hold: these rows and no others, in any order, compared in the columns that are named.
struct ExpectedRows {
  struct Row {
    std::vector<std::optional<std::string>> cells;  // as `columns`; nothing: NULL
    int line = 0;
  };
  std::string name;
  int line = 0;
  std::vector<std::string> columns;  // of all rows, in order of first use
  std::vector<Row> rows;
  std::optional<uint64_t> count;  // instead of rows
};

// A SELECT that must give no row.
struct TestCheck {
  std::string select;
  int line = 0;
};

struct TestStep {
  int line = 0;
  std::vector<GivenRows> given;
  std::vector<std::string> run;  // flows and tables, in order; each must end well
  std::vector<ExpectedRows> expect;
  std::vector<TestCheck> checks;
};

struct ProjectTest {
  std::string name;  // [a-z][a-z0-9_]{0,62}
  std::string file;  // "tests/late_click.yaml"
  std::string description;
  std::optional<WallTime> now;  // what the program's clock says when the test begins; nothing: the machine's
  std::vector<TestStep> steps;  // at least one
};

struct ParsedProjectTest {
  ProjectTest test;           // means something only if there are no errors
  std::vector<Error> errors;  // in the order of their places
};
// `name` is the file's name without .yaml.
ParsedProjectTest parse_project_test(const Yaml& root, const std::string& file, const std::string& name);

// All of <folder>/tests/*.yaml, by name; a file with mistakes gives its errors to `errors` instead. A folder without
// tests has none.
Result<std::vector<ProjectTest>> read_project_tests(Files& files, const std::string& folder,
                                                    std::vector<Error>& errors);

// JSON Schema (draft 2020-12) of the file.
Json project_test_schema();

// The kind "test" for the project's registry: checked with the rest of the folder, never applied.
project::Kind project_test_kind();

}  // namespace weir::flow
