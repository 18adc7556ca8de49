// Places in the user's text and in the engine's.
#include <algorithm>

#include "platform/dialect/rewrite.h"

namespace weir::dialect {

size_t EngineText::original_of(size_t offset) const {
  auto piece =
      std::upper_bound(pieces.begin(), pieces.end(), offset, [](size_t at, const auto& one) { return at < one.first; });
  if (piece == pieces.begin()) return offset;
  --piece;
  // Inside of what was taken over the places run along; what was put in is as long as it likes, so it stops at the
  // next.
  const size_t along = piece->second + (offset - piece->first);
  const auto next = piece + 1;
  return next == pieces.end() ? along : std::min(along, std::max(piece->second, next->second));
}

Result<EngineText> to_engine(std::string_view sql) {
  TRY_ASSIGN(const std::vector<Token> tokens, tokenize(sql));
  return rewrite_query(sql, tokens, {0, tokens.size()});
}

Error to_user(Error error, std::string_view sql, const EngineText& text) {
  if (error.position && text.sql != sql) {
    error.position = place_of(sql, text.original_of(offset_of(text.sql, *error.position)));
  }
  return error;
}

}  // namespace weir::dialect
