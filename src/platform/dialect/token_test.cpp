// How statements fall into words, and where they end.
#include "platform/dialect/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::dialect {
namespace {

using ::testing::HasSubstr;

constexpr TokenRules kRedshift{.backslash_escapes = true, .named_parameters = true};

// The words with a '|' between them, or the error.
std::string cut(std::string_view sql, const TokenRules& rules = {}) {
  const auto tokens = tokenize(sql, rules);
  if (!tokens) return tokens.error().text();
  std::string out;
  for (const Token& token : *tokens) out += (out.empty() ? "" : "|") + std::string(token.in(sql));
  return out;
}

std::string statements(std::string_view sql) {
  const auto tokens = tokenize(sql);
  if (!tokens) return tokens.error().text();
  std::string out;
  for (const TokenRange& range : split_statements(sql, *tokens)) {
    const size_t begin = (*tokens)[range.first].begin, end = (*tokens)[range.last - 1].end;
    out += (out.empty() ? "" : "|") + std::string(sql.substr(begin, end - begin));
  }
  return out;
}

std::string meaning(std::string_view sql, const TokenRules& rules = {}) {
  const auto tokens = tokenize(sql, rules);
  if (!tokens) return tokens.error().text();
  if (tokens->size() != 1) return "not one token";
  const auto text = text_of(sql, tokens->front(), rules);
  return text ? *text : text.error().text();
}

TEST(Tokens, are_names_texts_numbers_parameters_and_signs) {
  EXPECT_EQ(cut("SELECT a.b, \"A \"\"b\"\"\", 'it''s' FROM #t WHERE x>=1.5e-3 AND y<>.5"),
            "SELECT|a|.|b|,|\"A \"\"b\"\"\"|,|'it''s'|FROM|#t|WHERE|x|>=|1.5e-3|AND|y|<>|.5");
  EXPECT_EQ(cut("x::varchar(10) || $1 -> '$.a' !~* $q$it's$q$"), "x|::|varchar|(|10|)||||$1|->|'$.a'|!~*|$q$it's$q$");
  EXPECT_EQ(cut("a$1 _b über 1..2 [1:2]"), "a$1|_b|über|1|..|2|[|1|:|2|]");
  EXPECT_EQ(cut("E'a\\'b' b'01' X'ff' N'x' u&'y' e"), "E'a\\'b'|b'01'|X'ff'|N'x'|u&'y'|e");
  EXPECT_EQ(cut(""), "");
}

TEST(Tokens, run_over_comments_which_nest) {
  EXPECT_EQ(cut("a -- b 'c\n/* d /* e */ 'f' */ g --"), "a|g");
  EXPECT_EQ(cut("1+--2\n3"), "1|+|3");
  EXPECT_EQ(cut("a*/* b */c"), "a|*|c");
  EXPECT_EQ(cut("/* a"), "sql:1:1: a comment is not closed");
}

// PostgreSQL, "Operators": a name of several signs ends in + or - only behind one of ~ ! @ # % ^ & | ` ?.
TEST(Tokens, cut_runs_of_signs_as_postgresql_does) {
  EXPECT_EQ(cut("a=-1"), "a|=|-|1");
  EXPECT_EQ(cut("a@-1"), "a|@-|1");
  EXPECT_EQ(cut("a <-1"), "a|<|-|1");
}

TEST(Tokens, of_redshift_have_backslashes_and_names_for_parameters) {
  EXPECT_EQ(cut("'a\\'b'", kRedshift), "'a\\'b'");
  EXPECT_THAT(cut("'a\\'b'"), HasSubstr("not closed"));
  EXPECT_EQ(cut("x=:id AND y::int=:n", kRedshift), "x|=|:id|AND|y|::|int|=|:n");
  EXPECT_EQ(cut("a[1:n]", {.named_parameters = true}), "a|[|1|:|n|]");
  EXPECT_EQ(cut("x=:id"), "x|=|:|id");
  EXPECT_EQ(cut("x >= $start AND x < $end"), "x|>=|$start|AND|x|<|$end");
}

TEST(Tokens, that_are_not_closed_say_where_they_begin) {
  EXPECT_EQ(cut("SELECT\n  'abc"), "sql:2:3: a text is not closed: ' is missing");
  EXPECT_EQ(cut("\"abc"), "sql:1:1: a name is not closed: \" is missing");
  EXPECT_EQ(cut("$a$ b $c$"), "sql:1:1: a text is not closed: $a$ is missing");
  EXPECT_THAT(cut("a $ b"), HasSubstr("sql:1:3"));
  EXPECT_THAT(cut("\"\""), HasSubstr("empty"));
  EXPECT_THAT(cut(std::string_view("a\0b", 3)), HasSubstr("NUL"));
  EXPECT_THAT(cut("a \\ b"), HasSubstr("begins nothing"));
}

TEST(Places, count_characters_from_one) {
  const std::string_view sql = "a\n  \u00e9b\nc";
  for (const size_t offset : {0u, 1u, 2u, 4u, 6u, 8u}) EXPECT_EQ(offset_of(sql, place_of(sql, offset)), offset);
  EXPECT_EQ(place_of(sql, 6).column, 4);
  EXPECT_EQ(offset_of(sql, {.file = "sql", .line = 9, .column = 9}), sql.size());
}

TEST(Statements, end_at_semicolons_outside_of_texts) {
  EXPECT_EQ(statements("SELECT 1; SELECT ';' ;; SELECT $$;$$ -- ;\n"), "SELECT 1|SELECT ';'|SELECT $$;$$");
  EXPECT_EQ(statements(" ; ; "), "");
}

TEST(Words, mean_themselves_in_lower_case_and_quoted_ones_what_stands_there) {
  const std::string_view sql = "SeLect \"SeLect\"\"\"";
  const auto tokens = tokenize(sql);
  ASSERT_TRUE(tokens);
  EXPECT_TRUE(is_word(sql, (*tokens)[0], "select"));
  EXPECT_FALSE(is_word(sql, (*tokens)[1], "select"));
  EXPECT_EQ(name_of(sql, (*tokens)[0]), "select");
  EXPECT_EQ(name_of(sql, (*tokens)[1]), "SeLect\"");
}

TEST(Texts, mean_what_their_escapes_say) {
  EXPECT_EQ(meaning("'it''s \\n'"), "it's \\n");
  EXPECT_EQ(meaning("'it''s \\n\\\\'", kRedshift), "it's \n\\");
  EXPECT_EQ(meaning("E'\\x41\\101\\u00e9\\'\\q'"), "AA\u00e9'q");
  EXPECT_EQ(meaning("$tag$a'b$tag$"), "a'b");
  EXPECT_THAT(meaning("E'\\uD800'"), HasSubstr("escape"));
  EXPECT_THAT(meaning("E'\\xff'"), HasSubstr("no UTF-8"));
  EXPECT_THAT(meaning("b'01'"), HasSubstr("bit string"));
}

}  // namespace
}  // namespace weir::dialect
