// The tree of a condition: made by expression_parser.cpp, computed by expression.cpp. Internal to the room.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/review/expression.h"

namespace weir::review {

struct Expression::Node {
  enum class Kind {
    value,    // a number, text, truth value, null
    given,    // the value that the expression continues
    column,   // by name
    negate,   // -a
    not_,     //
    and_,     //
    or_,      //
    compare,  // chained: operators[i] stands between children i and i + 1
    compute,  // word: + - * / // % **
    in,       // children[0] in the others
    is_null,
    method,     // word: startswith, lower, abs …; children[0] of the others
    aggregate,  // word: sum, mean …; of the column that is children[0]
  };
  Kind kind = Kind::value;
  engine::Cell value = nullptr;
  std::string word = {};  // of the column, the operator, the method
  std::vector<std::string> operators = {};
  std::vector<std::shared_ptr<const Node>> children = {};
  size_t at = 0;  // where in the text
};
using NodePointer = std::shared_ptr<const Expression::Node>;

struct ParsedExpression {
  NodePointer root;
  std::set<std::string> columns;
};
Result<ParsedExpression> parse_expression(std::string_view text, bool begins_with_value);

}  // namespace weir::review
