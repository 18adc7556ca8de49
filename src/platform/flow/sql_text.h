// The text of one SQL statement, as far as it can be judged without an engine: where quotes, comments and statements
// end. The engine's own parser judges the rest when the statement is prepared. Follows PostgreSQL's lexical rules, as
// the engine does: '…' with '' inside, E'…' with backslashes, "…", $tag$…$tag$, -- and nested /* */. Pure functions,
// any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir::flow {

inline constexpr size_t kSqlBytesMax = 256u << 10;

// One SELECT (also WITH, VALUES, FROM), as it is kept: line breaks are \n, and neither white space nor the semicolon
// that may end it stands around it. `invalid` if it is none, `too_large` beyond kSqlBytesMax; the error's place counts
// lines and columns within `sql` and names no file.
Result<std::string> one_select(std::string_view sql);
// Any number of statements, at least one; otherwise the same.
Result<std::string> some_statements(std::string_view sql);

// The words of a statement that one_select() returned, without its comments and with the least white space: equal for
// two texts that differ in their layout only.
std::string squeezed(std::string_view sql);

}  // namespace weir::flow
