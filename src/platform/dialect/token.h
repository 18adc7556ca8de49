// The words of a statement as PostgreSQL and Redshift read them: names, texts, numbers, parameters, operators. Comments
// and white space are what lies between them.
//
// Source: PostgreSQL 15, "Lexical Structure" (sql-syntax-lexical); Redshift, "Names and identifiers" and "Literals".
// Pure functions, any thread. Views point into the given text. Errors (`invalid`, with the place in "sql"): what is not
// closed, a character that begins nothing, NUL, more than kTokensMax.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir::dialect {

enum class TokenKind : uint8_t {
  word,       // select, my_table, #temp; a keyword or a name, as written
  quoted,     // "My Table"
  text,       // 'it''s', E'a\n', $$body$$, B'01', X'ff', U&'…', N'…'
  number,     // 1, 1.5, .5, 1e-3
  parameter,  // $1, $name, or :name where the rules say so
  symbol,     // one operator or sign: ::, <=, ||, (, ., ;
};

struct Token {
  TokenKind kind = TokenKind::symbol;
  uint32_t begin = 0, end = 0;  // in the text, in bytes

  std::string_view in(std::string_view sql) const { return sql.substr(begin, end - begin); }
};

struct TokenRules {
  // 'a\'b' is one text, as on Redshift; else a backslash is only itself.
  bool backslash_escapes = false;
  // :name is a parameter, as in the Data API. `a::int` and `arr[1:2]` stay what they are.
  bool named_parameters = false;
};

inline constexpr size_t kTokensMax = 200'000;

Result<std::vector<Token>> tokenize(std::string_view sql, const TokenRules& rules = {});

// The tokens [first, last) of one statement, without the ';' behind it.
struct TokenRange {
  size_t first = 0, last = 0;
  bool empty() const { return first == last; }
};
// Empty statements are left out.
std::vector<TokenRange> split_statements(std::string_view sql, const std::vector<Token>& tokens);

// Whether the token is this keyword, which is given in lower case; a quoted name never is one.
bool is_word(std::string_view sql, const Token& token, std::string_view keyword);
bool is_symbol(std::string_view sql, const Token& token, std::string_view symbol);

// What a name means: a word in lower case, a quoted one without its quotes.
std::string name_of(std::string_view sql, const Token& token);
// What a text says, its escapes and doubled quotes resolved. `invalid` for bit strings and broken escapes.
Result<std::string> text_of(std::string_view sql, const Token& token, const TokenRules& rules);

// Line and column (in characters) of a place in the text, in the file "sql"; and back.
Position place_of(std::string_view sql, size_t offset);
size_t offset_of(std::string_view sql, const Position& place);

}  // namespace weir::dialect
