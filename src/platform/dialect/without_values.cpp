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
  const auto is_letter = [&](size_t at) {
    const char c = at < message.size() ? message[at] : ' ';
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  std::string out;
  char open = 0;
  for (size_t i = 0; i < message.size(); ++i) {
    const char c = message[i];
    // Between letters it is an apostrophe: of the message, or of a value that goes on behind it.
    const bool is_apostrophe = c == '\'' && i > 0 && is_letter(i - 1) && is_letter(i + 1);
    if (open == 0) {
      out += c;
      if (c == '"' || (c == '\'' && !is_apostrophe)) open = c;
    } else if (c == open && !is_apostrophe) {
      out.append("…").append(1, c);
      open = 0;
    }
  }
  return open == 0 ? out : out + "…";
}

}  // namespace weir::dialect
