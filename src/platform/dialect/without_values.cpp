// What a statement does, without whom it is about.
#include "platform/dialect/rewrite.h"

namespace weir::dialect {

std::string without_values(std::string_view sql) {
  const auto tokens = tokenize(sql);
  if (!tokens) return "(a statement that falls into no words)";
  std::string out;
  size_t copied = 0;
  for (const Token& token : *tokens) {
    // Between two words there are only spaces and comments; comments may say anything.
    const std::string_view between = sql.substr(copied, token.begin - copied);
    const bool has_comment = between.find_first_not_of(" \t\r\n\f\v") != std::string_view::npos;
    out.append(has_comment ? std::string_view(" ") : between);
    if (token.kind == TokenKind::text) {
      out += "'?'";
    } else if (token.kind == TokenKind::number) {
      out += '?';
    } else {
      out.append(token.in(sql));
    }
    copied = token.end;
  }
  return out;
}

std::string without_quoted(std::string_view message) {
  std::string out;
  char open = 0;
  for (const char c : message) {
    if (open == 0) {
      out += c;
      if (c == '"' || c == '\'') open = c;
    } else if (c == open) {
      out.append("…").append(1, c);
      open = 0;
    }
  }
  return open == 0 ? out : out + "…";
}

}  // namespace weir::dialect
