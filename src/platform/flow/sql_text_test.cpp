// Goal: what is one statement is seen as one, whatever stands in its quotes and comments. Method: small statements.
#include "platform/flow/sql_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace weir::flow {
namespace {

using testing::HasSubstr;

std::string kept(std::string_view sql) {
  auto out = one_select(sql);
  EXPECT_TRUE(out) << sql << ": " << out.error().text();
  return out ? *out : "";
}

std::string mistake(std::string_view sql) {
  auto out = one_select(sql);
  EXPECT_FALSE(out) << sql;
  if (out) return "";
  const Position at = out.error().position.value_or(Position{});
  return std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + out.error().text();
}

TEST(SqlText, one_select_is_kept_without_what_stands_around_it) {
  EXPECT_EQ(kept("SELECT 1"), "SELECT 1");
  EXPECT_EQ(kept("\n\n  SELECT 1 ;\n"), "SELECT 1");
  EXPECT_EQ(kept("SELECT 1;;\n-- end\n"), "SELECT 1");
  EXPECT_EQ(kept("select a\r\nfrom b\r\n"), "select a\nfrom b");
  for (const char* sql : {"WITH a AS (SELECT 1) FROM a", "VALUES (1)", "FROM a", "(SELECT 1) UNION (SELECT 2)",
                          "-- why\n/* and /* how */ */ SELECT 1"}) {
    EXPECT_EQ(kept(sql), sql);
  }
}

TEST(SqlText, semicolons_in_quotes_and_comments_end_nothing) {
  for (const char* sql : {"SELECT ';'", "SELECT 'it''s; fine'", "SELECT \"a;\"\";b\" FROM c", "SELECT 1 -- ; no",
                          "SELECT /* ; /* ; */ ; */ 1", "SELECT $$;$$, $a$ ; $b$ ; $a$", "SELECT E'\\';'",
                          "SELECT e'\\\\'", "SELECT '\\', 1", "SELECT $1, a$b$c FROM d"}) {
    EXPECT_EQ(kept(sql), sql);
  }
}

TEST(SqlText, a_second_statement_is_refused_at_its_place) {
  EXPECT_THAT(mistake("SELECT 1;\n  SELECT 2"), HasSubstr("2:3: "));
  EXPECT_THAT(mistake("SELECT 1;\n  SELECT 2"), HasSubstr("expected one SELECT, here a second statement begins"));
  EXPECT_THAT(mistake("SELECT ''';' ; x"), HasSubstr("1:16: "));
}

TEST(SqlText, other_statements_are_refused) {
  EXPECT_THAT(mistake("-- make it\nCREATE TABLE a AS SELECT 1"),
              HasSubstr("expected a SELECT, this begins with 'CREATE' (a statement that changes something"));
  EXPECT_THAT(mistake("INSERT INTO a SELECT 1"), HasSubstr("'INSERT'"));
  EXPECT_THAT(mistake("'SELECT'"), HasSubstr("this begins with"));
  EXPECT_THAT(mistake("-- nothing\n/* here */ ;"), HasSubstr("there is no SQL, only comments"));
}

TEST(SqlText, what_is_not_closed_is_told_where_it_opens) {
  EXPECT_THAT(mistake("SELECT 'a"), HasSubstr("1:8: "));
  EXPECT_THAT(mistake("SELECT 'ä', 'a"), HasSubstr("1:13: "));
  EXPECT_THAT(mistake("SELECT 1\nFROM \"a"), HasSubstr("2:6: "));
  EXPECT_THAT(mistake("SELECT /* /* */ 1"), HasSubstr("a comment is opened by /* and never closed"));
  EXPECT_THAT(mistake("SELECT $a$ $b$"), HasSubstr("a text in $…$ is opened and never closed"));
  EXPECT_THAT(mistake("SELECT E'\\'"), HasSubstr("a text in ' is opened"));
}

TEST(SqlText, is_limited) {
  EXPECT_EQ(kept("SELECT " + std::string(kSqlBytesMax - 7, '1')).size(), kSqlBytesMax);
  EXPECT_THAT(mistake("SELECT " + std::string(kSqlBytesMax - 6, '1')), HasSubstr("allowed are 256KiB"));
}

TEST(SqlText, statements_of_a_flow_may_be_several) {
  EXPECT_EQ(*some_statements(" DELETE FROM a;\nINSERT INTO a VALUES (';'); -- done\n"),
            "DELETE FROM a;\nINSERT INTO a VALUES (';')");
  EXPECT_FALSE(some_statements(" ; -- nothing"));
  EXPECT_FALSE(some_statements("DELETE FROM 'a"));
}

TEST(SqlText, layout_and_comments_do_not_count_as_words) {
  const std::string same = squeezed("SELECT a, sum(b) AS c FROM d WHERE e IN (1,2) GROUP BY a");
  EXPECT_EQ(squeezed("SELECT a,\n       sum( b ) AS c -- the sum\nFROM d/* it */WHERE e IN\t(1, 2)\nGROUP BY a"), same);
  EXPECT_NE(squeezed("SELECT A, sum(b) AS c FROM d WHERE e IN (1,2) GROUP BY a"), same);
  EXPECT_NE(squeezed("SELECT 'a  b'"), squeezed("SELECT 'a b'"));
  EXPECT_NE(squeezed("SELECT '-- a'"), squeezed("SELECT '-- b'"));
  EXPECT_NE(squeezed("SELECT 1 - -2"), squeezed("SELECT 1 --2"));
  EXPECT_EQ(squeezed("SELECT 1 - -2"), "SELECT 1 - -2");
  EXPECT_NE(squeezed("SELECT a b"), squeezed("SELECT ab"));
  EXPECT_EQ(squeezed("SELECT a/**/b"), "SELECT a b");
}

TEST(SqlText, any_bytes_are_answered_and_squeezing_twice_changes_nothing) {
  std::mt19937 random(3);
  const std::string alphabet = "aE1 '\"$-/*;,()\n\\\r_x\xC3\xA4";
  for (int i = 0; i < 20'000; ++i) {
    std::string sql = i % 2 == 0 ? "SELECT " : "";
    for (auto n = random() % 30; n > 0; --n) sql += alphabet[random() % alphabet.size()];
    auto out = one_select(sql);
    if (!out) continue;
    EXPECT_EQ(*one_select(*out), *out) << sql;
    const std::string once = squeezed(*out);
    EXPECT_EQ(squeezed(once), once) << sql;
  }
}

}  // namespace
}  // namespace weir::flow
