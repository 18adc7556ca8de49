// Whether bytes are a CSV file, and in which dialect. Decided before the engine reads the file, because its own
// detection takes what fits no dialect as one column of text, and leaves out lines until some dialect fits.
//
// A CSV file is text in UTF-8 whose records all have as many values as the first. Values are separated by a comma,
// semicolon, tab or bar; a value that holds the separator, a quote or a line's end is written in double quotes. Empty
// lines below the first record count for nothing. Pure functions, from any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir::engine {

struct CsvDialect {
  char separator = ',';
  char quote = '"';
  char escape = '"';  // of a quote inside quotes: itself, or a backslash
};

// Reads the next bytes, at most `size`; 0 at the end of the file.
using ReadBytes = std::function<Result<size_t>(char* into, size_t size)>;

// The dialect in which every record of the first MiB fits; if there is none, `invalid` with the place of the first that
// does not, what was found and what was expected. `path` is only named.
Result<CsvDialect> csv_dialect(const ReadBytes& read, const std::string& path);

// The first record of the whole file that does not fit, if there is one: for files whose first MiB was good.
Result<std::optional<Error>> csv_fault(const ReadBytes& read, const CsvDialect& dialect, const std::string& path);

}  // namespace weir::engine
