// :name in a statement of the Data API becomes $1, $2 …, which the engine reads. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir::dialect {

struct NumberedStatement {
  std::string sql;
  std::vector<std::string> names;  // of $1, $2 …; a name that stands twice has one number
};

// `invalid` for a text that falls into no words, and for one that has $1 beside :name.
Result<NumberedStatement> number_parameters(std::string_view sql);

}  // namespace weir::dialect
