// SIMILAR TO 'pattern' [ESCAPE 'c']: SQL's patterns, of which the engine has regular expressions only.
//
// Source: PostgreSQL 15, functions-matching §9.7.2; Redshift, r_patternmatching conditions "SIMILAR TO".
#include "core/base/quotes.h"
#include "platform/dialect/edit.h"
#include "platform/dialect/words.h"

namespace weir::dialect {
namespace {

constexpr std::string_view kOfExpressions = ".^$\\";  // what a regular expression means by it, and SIMILAR TO does not

Result<std::string> regular_expression(std::string_view pattern, std::optional<char> escape) {
  std::string out = "(?s)";
  bool is_in_brackets = false;
  for (size_t at = 0; at < pattern.size(); ++at) {
    char c = pattern[at];
    if (escape && c == *escape) {
      if (++at == pattern.size()) return Error(Code::invalid, "the pattern of SIMILAR TO ends with its escape");
      c = pattern[at];
      const bool is_word_character = std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0;
      out += is_word_character ? std::string(1, c) : std::string("\\") + c;
      continue;
    }
    if (is_in_brackets) {
      out += c == '\\' ? "\\\\" : std::string(1, c);
      is_in_brackets = c != ']';
    } else if (c == '%') {
      out += ".*";
    } else if (c == '_') {
      out += '.';
    } else if (c == '(') {
      out += "(?:";
    } else if (kOfExpressions.find(c) != std::string_view::npos) {
      out += std::string("\\") + c;
    } else {
      out += c;
      is_in_brackets = c == '[';
    }
  }
  return out;
}

}  // namespace

Status write_similar_patterns(std::string_view sql, const std::vector<Token>& tokens, TokenRange range,
                              std::vector<Edit>& edits) {
  const auto wrong = [&](size_t i, Error error) {
    error.at(place_of(sql, tokens[i].begin));
    return error;
  };
  for (size_t i = range.first; i + 2 < range.last; ++i) {
    if (!is_word(sql, tokens[i], "similar") || !is_word(sql, tokens[i + 1], "to")) continue;
    const size_t pattern = i + 2;
    if (tokens[pattern].kind != TokenKind::text) {
      return wrong(pattern, Error(Code::unsupported, "SIMILAR TO takes a pattern that is written as a text",
                                  "LIKE and ~ take any expression"));
    }
    std::optional<char> escape = '\\';
    if (pattern + 2 < range.last && is_word(sql, tokens[pattern + 1], "escape") &&
        tokens[pattern + 2].kind == TokenKind::text) {
      TRY_ASSIGN(const std::string character, text_of(sql, tokens[pattern + 2], {}));
      if (character.size() > 1) return wrong(pattern + 2, Error(Code::invalid, "an escape is one character"));
      escape = character.empty() ? std::nullopt : std::optional<char>(character[0]);
      edits[pattern + 1 - range.first].is_gone = edits[pattern + 2 - range.first].is_gone = true;
    }
    TRY_ASSIGN(const std::string text, text_of(sql, tokens[pattern], {}));
    auto expression = regular_expression(text, escape);
    if (!expression) return wrong(pattern, expression.error());
    edits[pattern - range.first].instead = quoted_text(*expression);
  }
  return {};
}

}  // namespace weir::dialect
