// Arithmetic over series of a panel: names, numbers, + - * / and parentheses, as `clicks / impressions` or
// `100 * (sent - failed) / sent`. What cannot be told is null: a part that is null, a division by zero, a result that
// is no finite number. Pure, any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir::dashboard {

using Values = std::vector<std::optional<double>>;

class Expression {
 public:
  // `invalid` with the column in the text, from 1. At most kExpressionBytesMax bytes and 32 parentheses deep.
  static Result<Expression> parse(std::string_view text);
  const std::vector<std::string>& names() const { return names_; }  // each once, in order of first use
  // Of all points; every name must be there, with as many values. `points`: how many there are without a name.
  Values evaluate(const std::map<std::string, Values>& series, size_t points) const;

 private:
  friend class ExpressionParser;
  // In the order of a stack machine: operands, then what is done with the two on top.
  struct Part {
    char what = 'n';  // n: number, v: name, ~: negate, + - * /
    double number = 0;
    size_t name = 0;  // in names_
  };
  std::vector<Part> parts_;
  std::vector<std::string> names_;
};

}  // namespace weir::dashboard
