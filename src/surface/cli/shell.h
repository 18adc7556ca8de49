// `weir sql` without a statement: an editor line with history and completion from the catalog on a terminal, statements
// separated by semicolons from a pipe.
#pragma once

#include <string>

#include "surface/cli/commands.h"

namespace weir::cli {

struct StatementOutput {
  std::string format;     // table, csv, json, parquet
  std::string file;       // empty: standard output
  uint64_t rows_max = 0;  // 0: a table shows its first 10,000, every other format is whole
  std::string on = {};    // a connection to a server elsewhere; empty: here
};

int run_statement(Context& context, Backend& backend, const std::string& sql, const StatementOutput& output);
int run_shell(Context& context, Backend& backend, StatementOutput output);

// Where the first statement ends: one past its semicolon, outside of quotes and comments; npos if it is not finished.
size_t end_of_statement(std::string_view text);

}  // namespace weir::cli
