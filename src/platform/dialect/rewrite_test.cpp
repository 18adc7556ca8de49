// Queries in Redshift's words, and as the engine reads them.
#include "platform/dialect/rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::dialect {
namespace {

using ::testing::HasSubstr;

std::string said(std::string_view sql) {
  const auto tokens = tokenize(sql, {.backslash_escapes = true});
  if (!tokens) return tokens.error().text();
  const auto out = rewrite_query(sql, *tokens, {0, tokens->size()});
  return out ? out->sql : out.error().text();
}

TEST(Rewrite, leaves_what_the_engine_knows_as_it_was_written) {
  for (const char* sql : {"SELECT a, count(*)\n FROM t -- why\n WHERE x > 1 GROUP BY 1",
                          "select \"nvl\"(1), t.isnull(2), top from t", "SELECT 1 AS sysdate, 'sysdate, nvl(1)'",
                          "SELECT minus, top FROM t ORDER BY top", "SELECT first_value(x) OVER (ORDER BY y)", ""}) {
    EXPECT_EQ(said(sql), sql);
  }
}

TEST(Rewrite, functions_of_other_names) {
  EXPECT_EQ(said("SELECT NVL(a, isnull(b, 0)), getdate(), sysdate"),
            "SELECT coalesce(a, coalesce(b, 0)), (now()::TIMESTAMP), (now()::TIMESTAMP)");
  EXPECT_EQ(said("SELECT dateadd(month, -1, d), datediff(qtr, a, b), date_part('YRS', d), date_part(dow, d)"),
            "SELECT dateadd('month', -1, d), datediff('quarter', a, b), date_part('year', d), date_part('dow', d)");
  EXPECT_EQ(said("SELECT datediff(day, '2026-01-01', d)"), "SELECT datediff('day', TIMESTAMP '2026-01-01', d)");
  EXPECT_EQ(said("SELECT\n  dateadd(fortnight, 1, d)"),
            "sql:2:11: \"fortnight\" is no part of a date, expected year, month, day, hour, …");
}

TEST(Rewrite, leaves_dates_that_are_the_engines) {
  for (const char* sql : {"SELECT date_add(d, INTERVAL 1 DAY)", "SELECT date_part('julian', t)",
                          "SELECT date_part(['year', 'day'], t)", "SELECT datediff('hour', '10:00', TIME '12:00')"}) {
    EXPECT_EQ(said(sql), sql);
  }
  EXPECT_EQ(said("SELECT date_add(d, 1, t)"), "SELECT dateadd('day', 1, t)");
}

TEST(Rewrite, what_grows_without_end_is_refused) {
  std::string wide = "1", deep;
  for (int i = 0; i < 40; ++i) wide = "decode(" + wide + ",1,2,3,4,5,6,7)";
  for (int i = 0; i < 10'000; ++i) deep += "decode(";
  deep += "1";
  for (int i = 0; i < 10'000; ++i) deep += ",1,2,3,4)";
  EXPECT_THAT(said("SELECT " + wide), HasSubstr("becomes too large"));
  EXPECT_THAT(said("SELECT " + deep), HasSubstr("becomes too large"));
}

TEST(Rewrite, long_statements_take_their_time_once) {
  std::string tops, signs = "SELECT ";
  for (int i = 0; i < 30'000; ++i) tops += "SELECT TOP 1 a ";
  for (int i = 0; i < 150'000; ++i) signs += "+-";
  EXPECT_THAT(said(tops), HasSubstr("LIMIT 1"));
  EXPECT_THAT(said(signs), HasSubstr("more than 200000 words"));
}

TEST(Rewrite, decode_finds_null_as_a_value) {
  EXPECT_EQ(said("SELECT decode(nvl(a, 0), 1, 'x', NULL, 'y', 'z') FROM t"),
            "SELECT CASE WHEN (coalesce(a, 0)) IS NOT DISTINCT FROM ( 1) THEN ( 'x') WHEN (coalesce(a, 0)) IS NOT "
            "DISTINCT FROM ( NULL) THEN ( 'y') ELSE ( 'z') END FROM t");
  EXPECT_EQ(said("SELECT decode(a, 1, 2)"), "SELECT CASE WHEN (a) IS NOT DISTINCT FROM ( 1) THEN ( 2) END");
  EXPECT_EQ(said("SELECT decode(b)"), "SELECT decode(b)");
}

TEST(Rewrite, aggregates) {
  EXPECT_EQ(said("SELECT APPROXIMATE COUNT(DISTINCT user_id) FROM t"), "SELECT approx_count_distinct( user_id) FROM t");
  EXPECT_EQ(said("SELECT listagg(DISTINCT a, ', ') WITHIN GROUP (ORDER BY nvl(b, 1) DESC) OVER (PARTITION BY c) x"),
            "SELECT listagg(DISTINCT a, ', ' ORDER BY coalesce(b, 1) DESC) OVER (PARTITION BY c) x");
  EXPECT_EQ(said("SELECT first_value(x) IGNORE NULLS OVER (ORDER BY y)"),
            "SELECT first_value(x IGNORE NULLS) OVER (ORDER BY y)");
}

TEST(Rewrite, clauses) {
  EXPECT_EQ(said("SELECT TOP 10 * FROM t ORDER BY 1"), "SELECT * FROM t ORDER BY 1 LIMIT 10");
  EXPECT_EQ(said("SELECT * FROM (SELECT DISTINCT TOP 3 a FROM t) x"),
            "SELECT * FROM (SELECT DISTINCT a FROM t LIMIT 3) x");
  EXPECT_EQ(said("SELECT TOP 1 a FROM t MINUS (SELECT 2)"), "SELECT a FROM t LIMIT 1 EXCEPT (SELECT 2)");
  EXPECT_THAT(said("SELECT TOP 1 a FROM t LIMIT 2"), HasSubstr("has no LIMIT"));
  EXPECT_EQ(said("SELECT a FROM #mine"), "SELECT a FROM \"#mine\"");
}

TEST(Rewrite, types) {
  EXPECT_EQ(said("SELECT CONVERT(decimal(10,2), nvl(a, 0)), a::varchar(max), b::super, c::varchar(10)"),
            "SELECT CAST( coalesce(a, 0) AS decimal(10,2)), a::varchar, b::JSON, c::varchar(10)");
}

TEST(Rewrite, knows_where_each_place_came_from) {
  const std::string_view sql = "SELECT nvl(a, b), nosuch FROM t";
  const auto tokens = tokenize(sql);
  ASSERT_TRUE(tokens);
  const auto out = rewrite_query(sql, *tokens, {0, tokens->size()});
  ASSERT_TRUE(out);
  EXPECT_EQ(out->original_of(out->sql.find("nosuch")), sql.find("nosuch"));
  EXPECT_EQ(out->original_of(out->sql.find("coalesce")), sql.find("nvl"));
  EXPECT_EQ(out->original_of(out->sql.find("FROM")), sql.find("FROM"));
  EXPECT_EQ(out->original_of(0), 0u);
}

TEST(Rewrite, says_where_brackets_do_not_match) {
  EXPECT_EQ(said("SELECT (1"), "sql:1:8: ( is not closed");
  EXPECT_EQ(said("SELECT 1)"), "sql:1:9: ) closes nothing");
}

}  // namespace
}  // namespace weir::dialect
