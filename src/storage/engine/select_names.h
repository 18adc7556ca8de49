// A SELECT that is kept as text (a view's), with one of its tables renamed. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"

namespace weir::engine {

struct RenamedTable {
  std::string schema, name;  // as it was
  std::string to;            // the new name, in the same schema
  bool is_in_path = false;   // the bare name means it
};
// The text in the engine's words. What was called by the table's name stays so called. `conflict` where a WITH has the
// table's name, so that it is not known which of the two is meant.
Result<std::string> rename_in_select(const std::string& select, const RenamedTable& renamed);

// An expression in the engine's words in which the relations of these bare names are said with their schema, so that it
// means the same under every search path.
struct QualifiedName {
  std::string name, schema;  // "lake" for streams; the bare name in lower case
};
Result<std::string> qualify_in_expression(const std::string& expression, const std::vector<QualifiedName>& names);

}  // namespace weir::engine
