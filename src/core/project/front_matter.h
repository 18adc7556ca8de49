// A declaration that is an SQL file: `tables/advertising.sql`. It begins with YAML between a first line `---` and the
// next line `---`, the rest is SQL; without a first line `---` all of it is SQL.
//
//   ---
//   partition: day
//   ---
//   SELECT …
//
// `---` alone in a line (white space behind it is fine) is the mark; `--- like this` is a comment of SQL. Pure
// functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/yaml.h"

namespace weir::project {

// Views into the file's text. Lines count from 1 in the file.
struct SqlFile {
  std::string_view front;  // without its marks; empty if there is none
  int front_line = 1;      // where `front` begins
  std::string_view sql;    // whole lines, as they are in the file; never only white space
  int sql_line = 1;        // where `sql` begins
};

// `invalid`, with its place: bytes that are no text, front matter that does not end or is not at the top, no SQL.
Result<SqlFile> split_sql_file(std::string_view text, const std::string& file);
// The front matter as YAML, with the positions of the file; a null if there is none.
Result<Yaml> parse_front_matter(const SqlFile& parts, const std::string& file);

}  // namespace weir::project
