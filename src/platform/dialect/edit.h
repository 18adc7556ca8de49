// What becomes of one word of a query. Internal to platform/dialect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/dialect/token.h"

namespace weir::dialect {

struct Edit {
  bool is_gone = false;
  bool is_moved = false;                          // said where it is copied to
  std::string instead;                            // of the word
  std::string before;                             // put in before it
  std::string after;                              // put in behind it
  std::optional<std::pair<size_t, size_t>> copy;  // the words [first, second), put in behind `before`
  size_t pair = SIZE_MAX;                         // the bracket that closes this one, or opens it
  bool is_in_list = false;                        // of a SELECT, and in no brackets there

  // What lies inside of something is looked at after it, and is nearer to the word.
  void put_behind(const std::string& text) { after.insert(0, text); }
};

// column_list.cpp. `edits`: one for each word of the range, with their pairs.
void drop_column_types(std::string_view sql, const std::vector<Token>& tokens, TokenRange range,
                       std::vector<Edit>& edits);
// similar_to.cpp. `unsupported` for a pattern that is no text of the statement.
Status write_similar_patterns(std::string_view sql, const std::vector<Token>& tokens, TokenRange range,
                              std::vector<Edit>& edits);

}  // namespace weir::dialect
