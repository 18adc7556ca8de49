// FROM f(…) AS t(a int, b varchar(10)): PostgreSQL's list of columns with types behind a function. The engine knows the
// names; the types are the function's own.
#include <algorithm>

#include "platform/dialect/edit.h"
#include "platform/dialect/words.h"

namespace weir::dialect {
namespace {

// What may stand between a ')' and a '(' and is no alias.
constexpr std::string_view kNoAliases[] = {
    "over",  "within",  "filter", "using", "on",   "when",  "then", "window", "set",   "values",    "is",     "as",
    "cross", "natural", "left",   "right", "full", "inner", "join", "where",  "limit", "recursive", "lateral"};

}  // namespace

void drop_column_types(std::string_view sql, const std::vector<Token>& tokens, TokenRange range,
                       std::vector<Edit>& edits) {
  const auto is_name = [&](size_t i) {
    return tokens[i].kind == TokenKind::word || tokens[i].kind == TokenKind::quoted;
  };
  for (size_t i = range.first; i + 4 < range.last; ++i) {
    if (!is_symbol(sql, tokens[i], ")")) continue;
    const size_t call = edits[i - range.first].pair;
    size_t alias = i + 1;
    if (is_word(sql, tokens[alias], "as")) ++alias;
    if (call == SIZE_MAX || call == range.first || !is_name(call - 1) || !is_name(alias)) continue;
    const std::string name = name_of(sql, tokens[alias]);
    const bool is_word_of_sql =
        tokens[alias].kind == TokenKind::word &&
        (is_one_of(kNoFunctions, name) || is_one_of(kNoAliases, name) || is_one_of(kSetWords, name));
    if (is_word_of_sql || alias + 3 >= range.last || !is_symbol(sql, tokens[alias + 1], "(")) continue;
    const size_t end = edits[alias + 1 - range.first].pair;
    if (end == SIZE_MAX || !is_name(alias + 2) || !is_name(alias + 3)) continue;
    // Of each entry the name stays.
    bool is_at_name = true;
    size_t depth = 0;
    for (size_t at = alias + 2; at < end; ++at) {
      if (is_symbol(sql, tokens[at], "(")) ++depth;
      if (is_symbol(sql, tokens[at], ")")) --depth;
      if (depth == 0 && is_symbol(sql, tokens[at], ",")) {
        is_at_name = true;
      } else {
        if (!is_at_name) edits[at - range.first].is_gone = true;
        is_at_name = false;
      }
    }
  }
}

}  // namespace weir::dialect
