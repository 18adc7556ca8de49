// A place in the words of a statement, for the parsers of this room. Internal to platform/dialect.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "platform/dialect/statement.h"
#include "platform/dialect/token.h"

namespace weir::dialect {

class Cursor {
 public:
  Cursor(std::string_view sql, const std::vector<Token>& tokens, TokenRange range)
      : sql_(sql), tokens_(tokens), at_(range.first), end_(range.last) {}

  bool is_at_end() const { return at_ >= end_; }
  size_t place() const { return at_; }
  size_t end() const { return end_; }
  TokenRange rest() const { return {at_, end_}; }
  void go_to(size_t place) { at_ = place; }
  std::string_view sql() const { return sql_; }
  const std::vector<Token>& tokens() const { return tokens_; }
  size_t offset() const;  // of the word here, in the text

  bool sees(std::string_view keyword, size_t ahead = 0) const;
  bool sees_symbol(std::string_view symbol, size_t ahead = 0) const;
  bool sees_text() const;
  bool accept(std::string_view keyword);
  bool accept_all(std::initializer_list<std::string_view> keywords);  // all of them in a row, or none
  bool accept_symbol(std::string_view symbol);
  Status expect(std::string_view keyword);
  Status expect_symbol(std::string_view symbol);
  Status expect_end() const;

  Result<std::string> identifier(std::string_view what);  // "a table's name"
  Result<Name> name(std::string_view what);               // with schema and database, if written
  Result<std::string> text(std::string_view what);
  Result<int64_t> integer(std::string_view what);                       // with a sign
  Result<std::vector<std::string>> identifiers(std::string_view what);  // a, b, c
  Result<std::vector<std::string>> column_list(std::string_view what);  // (a, b, c)
  // The words up to the ')' of the '(' before it; the place is then behind it.
  Result<TokenRange> in_brackets();
  // Steps over one word, or all of a bracket.
  void skip();
  std::string word() const;  // in lower case; empty at the end or if it is none

  Error expected(std::string_view what) const;
  Error unsupported(std::string_view what, std::string hint = {}) const;

 private:
  const std::string_view sql_;
  const std::vector<Token>& tokens_;
  size_t at_;
  const size_t end_;
};

// A type of a column or a parameter, as written.
Result<Type> parse_type(Cursor& at);

Result<Statement> parse_create(Cursor& at);
// A column with its type and options, as CREATE TABLE has it: parse_tables.cpp.
Result<ColumnDefinition> parse_column(Cursor& at);
// What follows CREATE EXTERNAL; and ALTER TABLE of an external table, if the words here are of one: parse_external.cpp.
Result<Statement> parse_create_external(Cursor& at);
Result<std::optional<Statement>> parse_alter_external(Cursor& at);
Result<Statement> parse_drop(Cursor& at);
Result<Statement> parse_alter(Cursor& at);
Result<Statement> parse_grant(Cursor& at, bool revokes);
Result<Statement> parse_user(Cursor& at, bool is_new);
Result<Statement> parse_role(Cursor& at, bool is_group, bool is_new);
Result<Statement> parse_default_privileges(Cursor& at);
// Whom something is granted to or attached to.
Result<std::vector<Grantee>> parse_grantees(Cursor& at);
// RLS POLICY … or MASKING POLICY …, behind CREATE and ALTER, DROP, ATTACH and DETACH: parse_policies.cpp.
Result<Statement> parse_policy(Cursor& at, bool is_new);
Result<Statement> parse_drop_policy(Cursor& at);
Result<Statement> parse_attach(Cursor& at, bool detaches);
// What follows FUNCTION: parse_functions.cpp.
Result<Statement> parse_function(Cursor& at, bool or_replace);
Result<Statement> parse_drop_function(Cursor& at);
Result<std::vector<Type>> parse_argument_types(Cursor& at);  // (int, varchar)
Result<Statement> parse_comment(Cursor& at);
Result<Statement> parse_copy(Cursor& at);
// What follows STDIN or STDOUT: parse_copy_stream.cpp.
Result<CopyOptions> parse_copy_options(Cursor& at, bool is_in);
Result<Statement> parse_unload(Cursor& at);

}  // namespace weir::dialect
