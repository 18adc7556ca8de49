// Names of three parts, as tools write them: database.schema.relation.
#include "platform/dialect/rewrite.h"

namespace weir::dialect {

Result<std::string> without_database(const std::string& sql, std::string_view database) {
  TRY_ASSIGN(const std::vector<Token> tokens, tokenize(sql));
  const auto is_name = [&](size_t i) {
    return tokens[i].kind == TokenKind::word || tokens[i].kind == TokenKind::quoted;
  };
  std::string out;
  size_t copied = 0;
  for (size_t i = 0; i + 4 < tokens.size(); ++i) {
    const bool is_inside = i > 0 && is_symbol(sql, tokens[i - 1], ".");
    const bool has_three = is_name(i) && is_symbol(sql, tokens[i + 1], ".") && is_name(i + 2) &&
                           is_symbol(sql, tokens[i + 3], ".") && is_name(i + 4);
    if (is_inside || !has_three || name_of(sql, tokens[i]) != database) continue;
    out.append(sql, copied, tokens[i].begin - copied);
    copied = tokens[i + 2].begin;
  }
  return out.append(sql, copied);
}

}  // namespace weir::dialect
