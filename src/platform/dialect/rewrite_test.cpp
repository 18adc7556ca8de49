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
  for (const char* sql :
       {"SELECT a, count(*) AS n\n FROM t -- why\n WHERE x > 1 GROUP BY 1",
        "select \"nvl\"(1), t.isnull(2), top from t", "SELECT 1 AS sysdate, 'sysdate, nvl(1)'",
        "SELECT minus, top FROM t ORDER BY top", "SELECT 1 + f(x), g(y) z FROM t ORDER BY max(x)", ""}) {
    EXPECT_EQ(said(sql), sql);
  }
}

TEST(Rewrite, functions_of_other_names) {
  EXPECT_EQ(said("SELECT NVL(a, isnull(b, 0)), getdate(), sysdate"),
            "SELECT coalesce(a, coalesce(b, 0)) AS \"nvl\", (now()::TIMESTAMP) AS \"getdate\", (now()::TIMESTAMP) AS "
            "\"sysdate\"");
  EXPECT_EQ(said("WHERE dateadd(month, -1, d) + datediff(qtr, a, b), date_part('YRS', d), date_part(dow, d)"),
            "WHERE dateadd('month', -1, d) + datediff('quarter', a, b), date_part('year', d), date_part('dow', d)");
  EXPECT_EQ(said("WHERE datediff(day, '2026-01-01', d)"), "WHERE datediff('day', TIMESTAMP '2026-01-01', d)");
  EXPECT_EQ(said("WHERE extract(qtr FROM d), extract(julian FROM d)"),
            "WHERE extract(quarter FROM d), extract(julian FROM d)");
  EXPECT_EQ(said("WHERE substring(x, 1, 2) = substring(x, y, 2)"),
            "WHERE substring(x, 1, 2) = weir_substring(x, y, 2)");
  EXPECT_EQ(said("SELECT\n  dateadd(fortnight, 1, d)"),
            "sql:2:11: \"fortnight\" is no part of a date, expected year, month, day, hour, …");
}

TEST(Rewrite, leaves_dates_that_are_the_engines) {
  for (const char* sql : {"WHERE date_add(d, INTERVAL 1 DAY)", "WHERE date_part('julian', t)",
                          "WHERE date_part(['year', 'day'], t)", "WHERE datediff('hour', '10:00', TIME '12:00')"}) {
    EXPECT_EQ(said(sql), sql);
  }
  EXPECT_EQ(said("WHERE date_add(d, 1, t)"), "WHERE dateadd('day', 1, t)");
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
            "DISTINCT FROM ( NULL) THEN ( 'y') ELSE ( 'z') END AS \"decode\" FROM t");
  EXPECT_EQ(said("WHERE decode(a, 1, 2)"), "WHERE CASE WHEN (a) IS NOT DISTINCT FROM ( 1) THEN ( 2) END");
  EXPECT_EQ(said("WHERE decode(b)"), "WHERE decode(b)");
}

TEST(Rewrite, aggregates) {
  EXPECT_EQ(said("SELECT APPROXIMATE COUNT(DISTINCT user_id) FROM t"), "SELECT hll( user_id) AS \"count\" FROM t");
  EXPECT_EQ(said("SELECT listagg(DISTINCT a, ', ') WITHIN GROUP (ORDER BY nvl(b, 1) DESC) OVER (PARTITION BY c) x"),
            "SELECT weir_listagg_distinct( a, ', ' ORDER BY coalesce(b, 1) DESC) OVER (PARTITION BY c) x");
  EXPECT_EQ(said("SELECT first_value(x) IGNORE NULLS OVER (ORDER BY y)"),
            "SELECT first_value(x IGNORE NULLS) OVER (ORDER BY y) AS \"first_value\"");
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
            "SELECT CAST( coalesce(a, 0) AS decimal(10,2)), a::varchar AS \"a\", b::JSON AS \"b\", "
            "weir_cut(c::VARCHAR, 10) AS \"c\"");
}

TEST(Rewrite, what_is_listed_is_named_as_it_was_called) {
  EXPECT_EQ(said("SELECT DISTINCT trunc(x), count(*) OVER w, t.a::int, (SELECT max(y) FROM u), sum(x) s FROM t"),
            "SELECT DISTINCT trunc(x) AS \"trunc\", count(*) OVER w AS \"count\", t.a::int AS \"a\", (SELECT max(y) AS "
            "\"max\" "
            "FROM u), sum(x) s FROM t");
  EXPECT_EQ(said("SELECT TOP 2 lower(a) FROM t GROUP BY lower(a) ORDER BY max(b)"),
            "SELECT lower(a) AS \"lower\" FROM t GROUP BY lower(a) ORDER BY max(b) LIMIT 2");
  EXPECT_EQ(said("INSERT INTO t SELECT max(a) UNION ALL SELECT columns('x')"),
            "INSERT INTO t SELECT max(a) AS \"max\" UNION ALL SELECT columns('x')");
}

TEST(Rewrite, a_text_of_a_length_is_cut) {
  EXPECT_EQ(said("WHERE x::varchar(5)::char(3), f(y) OVER (w)::nvarchar(2), a[1].b::char, 'x'::bpchar"),
            "WHERE weir_cut(weir_cut(x::VARCHAR, 5)::VARCHAR, 3), weir_cut(f(y) OVER (w)::VARCHAR, 2), "
            "weir_cut(a[1].b::VARCHAR, 1), 'x'::bpchar");
  EXPECT_EQ(said("WHERE CASE WHEN (a) THEN b END::varchar(2), DATE '2001-01-01'::varchar(4), -x::varchar(1), y AND "
                 "(z)::varchar(9)"),
            "WHERE weir_cut(CASE WHEN (a) THEN b END::VARCHAR, 2), weir_cut(DATE '2001-01-01'::VARCHAR, 4), "
            "-weir_cut(x::VARCHAR, 1), y AND weir_cut((z)::VARCHAR, 9)");
  EXPECT_EQ(said("WHERE cast(nvl(a, b) AS character varying(3)), convert(char(2), x), cast(x AS int)"),
            "WHERE weir_cut(cast(coalesce(a, b) AS VARCHAR), 3), weir_cut(CAST( x AS VARCHAR), 2), cast(x AS int)");
  EXPECT_EQ(said("CREATE TABLE t (a varchar(3), b char)"), "CREATE TABLE t (a varchar(3), b char)");
}

TEST(Rewrite, a_text_beside_arithmetic_is_its_number) {
  EXPECT_EQ(said("WHERE 5 + '6', '-1.5' * x, a || '7', DATE '2001-01-01' - 1, x - 'y', '1'::int + 2"),
            "WHERE 5 + 6, (-1.5) * x, a || '7', DATE '2001-01-01' - 1, x - 'y', '1'::int + 2");
}

TEST(Rewrite, what_json_functions_do_with_what_is_none) {
  EXPECT_EQ(
      said("WHERE json_extract_path_text(decode(a, 1, b), 'x', true), json_array_length(j, false), "
           "json_array_length(j, '$.a')"),
      "WHERE weir_json_text(weir_json_or_null(CASE WHEN (a) IS NOT DISTINCT FROM ( 1) THEN ( b) END, true), 'x'), "
      "json_array_length(j), json_array_length(j, '$.a')");
}

TEST(Rewrite, a_name_behind_as_is_in_lower_case_unless_it_is_quoted) {
  EXPECT_EQ(said("SELECT a AS Total, b AS \"Total\", CAST(c AS DATE) AS D, (SELECT 1 AS X) AS Y FROM t AS T"),
            "SELECT a AS total, b AS \"Total\", CAST(c AS DATE) AS d, (SELECT 1 AS x) AS y FROM t AS T");
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
