// Conditions over the rows of a result, in the words of pandas' DataFrame.query() and of SQL's WHERE, parsed and
// computed here: nothing of them is ever handed to an interpreter.
//
//   storage_pct > 70 and (node_type.str.startswith('dc') or node_type.str.startswith('ds'))
//   tbl_rows > 5000000 AND diststyle <> 'ALL'            both spellings, mixed as one likes
//   size_mb > 10 * size_mb.mean()                        an aggregate over the whole result
//
// or and not & | ~ · == = != <> < <= > >=, chained as `1 < a < 5` · in, not in · is null, is not null · + - * / // % **
// · names, `quoted names`, 'texts', numbers, True False None · .str.startswith endswith contains lower upper strip len
// · .isnull() notnull() isin([…]) between(a, b) abs() · .sum() mean() min() max() count() nunique() median() of a
// column. `contains` takes texts, and alternatives between |; other patterns are refused.
//
// Null is unknown: compared or computed with, the outcome is unknown, `not` of it too, and a row is chosen only where
// the condition is true. An empty text is a text. A text compared with a number counts as the number it says; one that
// says none is an error, which names it.
//
// Limits: kExpressionBytesMax, depth kExpressionDepthMax. Pure; any thread.
// Source: pandas documentation, "DataFrame.query" and "expr.eval"; precedence as in Python, but & and | as `and` and
// `or`, as pandas does it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/review/frame.h"
#include "core/base/result.h"

namespace weir::review {

inline constexpr size_t kExpressionBytesMax = 8'192;
inline constexpr int kExpressionDepthMax = 64;

class Expression {
 public:
  struct Node;

  // `invalid`, with line and column in the text.
  static Result<Expression> parse(std::string_view text);
  // One that continues a value which is known later, as "*100 < 75" does.
  static Result<Expression> parse_after_value(std::string_view text);

  // The columns it names.
  const std::set<std::string>& columns() const { return columns_; }
  // The numbers of the rows for which it is true. `not_found` for a column that the result does not have, `invalid` for
  // values that it cannot be computed with.
  Result<std::vector<size_t>> rows(const Frame& frame) const;
  // Whether it is true of the value that it continues; false where that is unknown.
  Result<bool> is_true_of(const engine::Cell& value) const;

 private:
  std::shared_ptr<const Node> root_;
  std::set<std::string> columns_;
};

}  // namespace weir::review
