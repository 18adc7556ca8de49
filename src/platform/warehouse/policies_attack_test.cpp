// Statements that try to get past policies, masks, grants on columns and functions: what somebody would write who wants
// to know what they may not. Each is answered from what they may see, or refused; none of them tells of the rest.
#include <gmock/gmock.h>

#include "platform/warehouse/session_fixture.h"

namespace weir::warehouse {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Statements that might show, change or tell of what is hidden in pay and cards.
constexpr const char* kOtherWays[] = {
    "SELECT CAST(number AS INT) FROM cards",
    "SELECT number::date FROM cards",
    "SELECT to_date(number, 'YYYY') FROM cards",
    "SELECT 1 / score FROM cards",
    "SELECT json_extract_path_text(number, 'a') FROM cards",
    "SELECT CAST(note AS INT) FROM pay",
    "SELECT CASE WHEN score > 0 THEN number::int ELSE 0 END FROM cards",
    "UPDATE cards SET holder = number RETURNING number",
    "UPDATE cards SET holder = holder WHERE number LIKE 'SECRET%' RETURNING *",
    "UPDATE cards SET holder = holder RETURNING *",
    "UPDATE cards SET id = id RETURNING number || 'x'",
    "UPDATE pay SET amount = amount RETURNING note",
    "DELETE FROM cards WHERE id = 77 RETURNING number",
    "DELETE FROM cards WHERE score > 40 RETURNING *",
    "DELETE FROM cards RETURNING number",
    "INSERT INTO cards SELECT id, holder, number, score FROM cards RETURNING *",
    "INSERT INTO other SELECT id, number FROM cards RETURNING *",
    "INSERT INTO other SELECT id, note FROM pay RETURNING *",
    "UPDATE other SET t = (SELECT number FROM cards WHERE id = other.id)",
    "UPDATE other SET t = cards.number FROM cards WHERE cards.id = other.id RETURNING *",
    "MERGE INTO cards USING other ON cards.id = other.id WHEN MATCHED THEN UPDATE SET holder = cards.number",
    "MERGE INTO other USING cards ON cards.id = other.id WHEN MATCHED THEN UPDATE SET t = cards.number",
    "MERGE INTO pay USING other ON pay.note::int = other.id WHEN MATCHED THEN DELETE",
    "SELECT * FROM late",
    "SELECT note::int FROM late",
    "CREATE TABLE c1 AS SELECT * FROM cards",
    "CREATE TEMP TABLE c2 AS SELECT * FROM pay",
    "SELECT * INTO c3 FROM cards",
    "CREATE MATERIALIZED VIEW kept AS SELECT * FROM cards",
    "CREATE MATERIALIZED VIEW kept2 AS SELECT * FROM late",
    "CREATE VIEW mine AS SELECT * FROM cards",
    "CREATE TABLE c4 (LIKE cards)",
    "ALTER TABLE cards ALTER COLUMN number SET NOT NULL",
    "ALTER TABLE cards RENAME TO theirs",
    "ALTER TABLE c4 APPEND FROM cards",
    "EXPLAIN SELECT * FROM cards WHERE number = 'x'",
    "EXPLAIN UPDATE cards SET holder = 'x' WHERE score = 4",
    "EXPLAIN ANALYZE DELETE FROM pay",
    "EXPLAIN SELECT * FROM late",
    "ANALYZE cards",
    "VACUUM cards",
    "DESCRIBE cards",
    "SUMMARIZE cards",
    "SHOW TABLE cards",
    "PIVOT cards ON number USING count(*)",
    "SELECT * FROM (PIVOT cards ON number IN ('SECRET-1111') USING max(score)) p",
    "UNPIVOT cards ON number, holder INTO NAME n VALUE v",
    "SELECT unnest([number]) FROM cards",
    "SELECT list(note) FROM pay",
    "SELECT histogram(note) FROM pay",
    "SELECT to_json(cards) FROM cards",
    "SELECT cards FROM cards",
    "SELECT columns('n.*') FROM cards",
    "SELECT * REPLACE (number AS number) FROM cards",
    "SELECT * EXCLUDE (id) FROM cards",
    "SELECT c.* FROM cards AS c(a, b, c, d)",
    "SELECT stats(number) FROM cards",
    "SELECT * FROM cards POSITIONAL JOIN pay",
    "SELECT * FROM other ASOF JOIN pay ON other.id >= pay.id",
    "SELECT * FROM cards USING SAMPLE 1 ROWS",
    "SELECT number FROM lake.cards",
    "SELECT rowid, number FROM cards",
    "SELECT tableoid FROM cards",
    "FROM cards",
    "TABLE cards",
    "VALUES ((SELECT max(number) FROM cards))",
    "SELECT (SELECT number FROM cards LIMIT 1)",
    "SELECT number FROM cards UNION SELECT note FROM pay",
    "SELECT error(number) FROM cards",
    "SELECT getvariable('x'), number FROM cards",
    "SELECT f.number FROM (SELECT * FROM cards) f",
    "SELECT query_history FROM cards",
    "SELECT * FROM weir_rows_of('', 'public', 'cards', false)",
    "SELECT * FROM weir_view_of('public', 'late', true)",
    "SELECT * FROM weir_catalog.policies",
    "SELECT * FROM svv_rls_policy",
    "SELECT * FROM svv_attached_masking_policy",
    "SELECT * FROM pg_stats",
    "SELECT * FROM pg_policies",
    "SELECT * FROM pragma_storage_info('cards')",
    "CALL pragma_storage_info('cards')",
    "SELECT * FROM duckdb_columns()",
    "SELECT * FROM public.pay FOR UPDATE",
    "SELECT min(weir_seq) FROM cards",
    "SELECT * FROM cards WHERE number = ANY (SELECT note FROM pay)",
    "SELECT score, count(*) FROM cards GROUP BY ALL ORDER BY ALL",
    "SELECT quantile_cont(score, 0.5) FROM cards",
    "SELECT sum(score) OVER (ROWS UNBOUNDED PRECEDING) FROM cards",
    "SELECT a.number FROM cards a, LATERAL (SELECT a.number::int) b",
    "SELECT strtol(number, 16) FROM cards",
    "SELECT to_number(note, '99') FROM pay",
    "SELECT decode(score, 17, 'SECRET', 'no') = 'SECRET' AND 1 = 2 FROM cards",
    "SELECT tbl_rows, max_varchar FROM svv_table_info WHERE \"table\" IN ('cards', 'pay')",
    "SELECT reltuples FROM pg_class WHERE relname IN ('cards', 'pay')",
    "SELECT rows FROM stv_tbl_perm WHERE name = 'pay'",
    "CREATE FUNCTION f_all() RETURNS varchar STABLE AS $$ SELECT (SELECT max(number) FROM cards) $$ LANGUAGE sql",
    "SELECT f_all()",
    "CREATE FUNCTION f_id(varchar) RETURNS varchar STABLE AS $$ SELECT $1 $$ LANGUAGE sql",
    "SELECT f_id(number) FROM cards",
    "SELECT current_setting(number) FROM cards",
    "SELECT set_config('app.x', number, false) FROM cards",
    "SHOW app.x",
    "UNLOAD ('SELECT * FROM cards') TO 's3://out/c_' IAM_ROLE default",
    "COPY cards TO STDOUT",
    "DROP RLS POLICY own_rows CASCADE",
    "ALTER MASKING POLICY stars USING (t)",
    "DETACH MASKING POLICY stars ON cards(number) FROM PUBLIC",
    "GRANT IGNORE RLS TO ROLE sys:monitor",
    "GRANT ROLE sys:secadmin TO ada",
    "SET SESSION AUTHORIZATION weir",
    "SET ROLE weir"};

// {} is a table or a view of which only the column id may be read.
constexpr const char* kWaysToAColumn[] = {
    "SELECT salary FROM {}",
    "SELECT salary FROM {} LIMIT 1",
    "SELECT salary FROM {} OFFSET 0",
    "SELECT id FROM {} ORDER BY salary",
    "SELECT salary FROM {} ORDER BY 1",
    "SELECT DISTINCT salary FROM {}",
    "SELECT salary FROM {} UNION ALL SELECT salary FROM {}",
    "SELECT salary FROM {} UNION SELECT 1",
    "SELECT salary FROM {} EXCEPT SELECT 1",
    "SELECT 4711 INTERSECT SELECT salary FROM {}",
    "SELECT * FROM (SELECT salary FROM {} UNION ALL SELECT salary FROM {}) x",
    "SELECT count(*) FROM (SELECT salary FROM {} EXCEPT SELECT 4711) x",
    "SELECT * FROM (SELECT salary FROM {} LIMIT 1) x",
    "WITH x AS MATERIALIZED (SELECT salary FROM {}) TABLE x",
    "WITH x AS MATERIALIZED (SELECT salary FROM {}) SELECT * FROM x a, x b",
    "WITH x AS (SELECT salary FROM {}) SELECT * FROM x",
    "WITH RECURSIVE r(n) AS (SELECT salary FROM {} UNION ALL SELECT n + 1 FROM r WHERE n < 0) SELECT n FROM r",
    "WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT salary FROM {}, r WHERE n = 0) SELECT max(n) FROM r",
    "CREATE TABLE stolen AS SELECT salary FROM {}",
    "CREATE TABLE stolen AS SELECT salary FROM {} LIMIT 1",
    "CREATE TEMP TABLE stolen2 AS SELECT id, salary FROM {}",
    "SELECT salary INTO stolen3 FROM {}",
    "INSERT INTO taken SELECT id, salary FROM {}",
    "INSERT INTO taken (n) SELECT salary FROM {}",
    "INSERT INTO taken (n) SELECT salary FROM {} LIMIT 1",
    "INSERT INTO taken (n) SELECT salary FROM {} UNION ALL SELECT salary FROM {}",
    "UPDATE taken SET n = (SELECT salary FROM {})",
    "UPDATE taken SET n = salary FROM {}",
    "MERGE INTO taken USING {} s ON taken.id = s.id WHEN MATCHED THEN UPDATE SET n = s.salary",
    "SELECT (SELECT salary FROM {})",
    "SELECT (SELECT salary FROM {} LIMIT 1)",
    "SELECT ARRAY(SELECT salary FROM {})",
    "SELECT 4711 IN (SELECT salary FROM {})",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM {} WHERE salary = 4711)",
    "SELECT 4711 = ANY (SELECT salary FROM {})",
    "SELECT a.id FROM {} a JOIN {} b ON a.salary = b.salary",
    "SELECT id FROM {} a JOIN {} b USING (id, salary)",
    "SELECT count(*) FROM {} a NATURAL JOIN {} b",
    "SELECT count(*) OVER (ORDER BY salary) FROM {}",
    "SELECT id FROM {} QUALIFY max(salary) OVER () > 1",
    "SELECT count(*) FROM {} GROUP BY salary",
    "SELECT count(*) FROM {} GROUP BY GROUPING SETS ((salary), ())",
    "SELECT count(*) FROM {} HAVING max(salary) > 1",
    "SELECT count(*) FILTER (WHERE salary = 4711) FROM {}",
    "SELECT {} FROM {}",
    "SELECT to_json({}) FROM {}",
    "SELECT count({}) FROM {}",
    "SELECT x FROM {} AS x",
    "SELECT x.c FROM {} AS x(a, b, c)",
    "SELECT * EXCLUDE (note, id) FROM {}",
    "SELECT columns('sal.*') FROM {}",
    "SELECT l.s FROM {} a, LATERAL (SELECT a.salary AS s) l",
    "SELECT l.s FROM taken t RIGHT JOIN LATERAL (SELECT salary AS s FROM {}) l ON true",
    "SELECT v.n FROM {} a, LATERAL (VALUES (a.salary)) v(n)",
    "SELECT unnest([salary]) FROM {}",
    "PIVOT {} ON id IN (1) USING max(salary)",
    "SELECT * FROM {} USING SAMPLE 1 ROWS",
    "EXPLAIN SELECT salary FROM {}",
    "UNLOAD ('SELECT salary FROM {}') TO 's3://out/x_' IAM_ROLE default",
    "UNLOAD ('SELECT salary FROM {} LIMIT 1') TO 's3://out/x_' IAM_ROLE default",
    "SELECT count(*) FROM generate_series((SELECT max(salary) FROM {}), 4711) g",
    "SELECT count(*) FROM {} b, generate_series(1, b.salary) g",
    "SELECT * FROM unnest((SELECT array_agg(salary) FROM {})) u",
    "CREATE VIEW mine AS SELECT salary FROM {}",
    "PREPARE p AS SELECT salary FROM {}; EXECUTE p"};

class PolicyAttackTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    ok("CREATE TABLE pay (id INT, who VARCHAR(20), amount INT, note VARCHAR(40))");
    ok("INSERT INTO pay VALUES (1, 'ada', 10, '5'), (2, 'bob', 0, 'HIDDEN'), (3, 'ada', 30, '7'), (4, 'zoe', 99, "
       "'HIDDEN')");
    ok("CREATE TABLE cards (id INT, holder VARCHAR(20), number VARCHAR(40), score INT)");
    ok("INSERT INTO cards VALUES (1, 'ada', 'SECRET-1111', 17), (2, 'bob', 'SECRET-2222', 42)");
    ok("GRANT SELECT, INSERT, UPDATE, DELETE ON pay TO PUBLIC");
    ok("GRANT SELECT, INSERT, UPDATE, DELETE ON cards TO PUBLIC");
    ada_ = user("ada");
    ok("CREATE RLS POLICY own_rows WITH (who VARCHAR(20)) USING (who = current_user)");
    ok("ATTACH RLS POLICY own_rows ON pay TO PUBLIC");
    ok("ALTER TABLE pay ROW LEVEL SECURITY ON");
    ok("CREATE MASKING POLICY stars WITH (t VARCHAR(40)) USING ('****'::varchar(40))");
    ok("CREATE MASKING POLICY zero WITH (n INT) USING (0)");
    ok("ATTACH MASKING POLICY stars ON cards(number) TO PUBLIC");
    ok("ATTACH MASKING POLICY zero ON cards(score) TO PUBLIC");
  }
  void TearDown() override {
    ada_.reset();
    SessionTest::TearDown();
  }
  void ok(const std::string& sql) {
    const std::string answer = ask(sql);
    EXPECT_THAT(answer, Not(testing::ContainsRegex("^[0-9A-Z_a-z]+: "))) << sql << ": " << answer;
  }
  std::string ada(const std::string& sql) { return ask(*ada_, sql); }
  // Whatever is answered, it holds none of these.
  void says_nothing(const std::string& answer, const std::string& sql) {
    for (const char* hidden : {"HIDDEN", "SECRET", "1111", "bob'", "zoe", "99", "42"}) {
      if (std::string_view(hidden) == "42" && answer.starts_with("42")) continue;  // SQLSTATE 42501
      EXPECT_THAT(answer, Not(HasSubstr(hidden))) << sql;
    }
  }
  std::unique_ptr<Session> ada_;
};

TEST_F(PolicyAttackTest, every_shape_of_a_query_is_answered_from_what_is_seen) {
  for (const auto& [sql, expected] : std::vector<std::pair<std::string, std::string>>{
           {"SELECT count(*) OVER () FROM pay LIMIT 1", "2; SELECT 1"},
           {"SELECT max(amount) OVER (PARTITION BY 1) FROM pay LIMIT 1", "30; SELECT 1"},
           {"SELECT lag(id, 1) OVER (ORDER BY id) FROM pay ORDER BY id", "NULL;1; SELECT 2"},
           {"SELECT first_value(note) OVER (ORDER BY amount DESC) FROM pay LIMIT 1", "7; SELECT 1"},
           {"SELECT rank() OVER (ORDER BY amount) FROM pay WHERE id = 3", "1; SELECT 1"},
           {"SELECT who, count(*) FROM pay GROUP BY GROUPING SETS ((who), ()) ORDER BY 1", "ada|2;NULL|2; SELECT 2"},
           {"SELECT who, note, sum(amount) FROM pay GROUP BY CUBE (who, note) ORDER BY 3 DESC, 1, 2 LIMIT 1",
            "ada|NULL|40; SELECT 1"},
           {"SELECT count(*) FROM (SELECT who FROM pay GROUP BY ROLLUP (who)) x", "2; SELECT 1"},
           {"SELECT id FROM pay a WHERE amount = (SELECT max(b.amount) FROM pay b WHERE b.id >= a.id)", "3; SELECT 1"},
           {"SELECT v.id, (SELECT count(*) FROM pay p WHERE p.id = v.id) FROM (VALUES (1), (2), (4)) v(id) ORDER BY 1",
            "1|1;2|0;4|0; SELECT 3"},
           {"SELECT v.id FROM (VALUES (2), (4)) v(id), LATERAL (SELECT 1 FROM pay p WHERE p.id = v.id) x", "SELECT 0"},
           {"SELECT count(*) FROM pay a CROSS JOIN LATERAL (SELECT * FROM pay b WHERE b.id <> a.id) c", "2; SELECT 1"},
           {"SELECT count(*) FROM pay a FULL JOIN (VALUES (1), (2)) v(id) ON a.id = v.id WHERE a.id IS NOT NULL",
            "2; SELECT 1"},
           {"SELECT listagg(note, ',') WITHIN GROUP (ORDER BY id) FROM pay", "5,7; SELECT 1"},
           {"SELECT count(*) FROM pay p WHERE NOT EXISTS (SELECT 1 FROM pay q WHERE q.id = p.id)", "0; SELECT 1"},
           {"SELECT id FROM pay INTERSECT SELECT 2", "SELECT 0"},
           {"SELECT count(*) FROM (SELECT 2 AS id EXCEPT SELECT id FROM pay) x", "1; SELECT 1"},
           {"SELECT DISTINCT ON (who) id FROM pay ORDER BY who, id DESC", "3; SELECT 1"},
           {"WITH pay AS (SELECT * FROM pay) SELECT count(*) FROM pay", "2; SELECT 1"},
           {"SELECT count(*) FROM (WITH pay AS (SELECT 1 AS id) SELECT * FROM pay) x, pay", "2; SELECT 1"},
           {"WITH pay AS MATERIALIZED (SELECT * FROM pay) SELECT count(*) FROM pay a, pay b", "4; SELECT 1"},
           {"WITH x AS MATERIALIZED (SELECT * FROM pay) SELECT count(*) FROM x a, x b", "4; SELECT 1"},
           {"SELECT count(*) FROM (SELECT pay FROM pay) x", "2; SELECT 1"},
           {"SELECT approximate count(DISTINCT note) FROM pay", "2; SELECT 1"},
           {"SELECT median(amount) FROM pay", "20.000000; SELECT 1"},
           {"SELECT count(*) FROM pay, cards WHERE pay.note = cards.number", "0; SELECT 1"},
           {"SELECT number FROM cards ORDER BY id", "****;****; SELECT 2"},
           {"SELECT max(number), min(score), sum(score) FROM cards", "****|0|0; SELECT 1"},
           {"SELECT id FROM cards ORDER BY score DESC, id LIMIT 1", "1; SELECT 1"},
           {"SELECT count(*) FROM cards WHERE number LIKE 'SECRET%'", "0; SELECT 1"},
           {"SELECT count(*) FROM cards WHERE score BETWEEN 1 AND 100", "0; SELECT 1"},
           {"SELECT count(DISTINCT number) FROM cards", "1; SELECT 1"},
           {"SELECT row_number() OVER (ORDER BY score DESC, id), id FROM cards ORDER BY 1", "1|1;2|2; SELECT 2"},
           {"SELECT a.id FROM cards a JOIN cards b ON a.number = b.number AND a.id < b.id", "1; SELECT 1"},
           {"SELECT count(*) FROM cards GROUP BY number", "2; SELECT 1"},
           {"SELECT count(*) FROM cards a JOIN (VALUES ('SECRET-1111')) v(n) ON a.number = v.n", "0; SELECT 1"},
           {"SELECT count(*) FROM cards HAVING max(score) > 0", "SELECT 0"},
           {"SELECT id FROM cards c WHERE EXISTS (SELECT 1 FROM cards d WHERE d.score > 40 AND d.id = c.id)",
            "SELECT 0"}}) {
    EXPECT_EQ(ada(sql), expected) << sql;
  }
}

TEST_F(PolicyAttackTest, no_other_statement_and_no_error_says_more) {
  ok("CREATE TABLE other AS SELECT 1 AS id, 'x'::varchar(40) AS t");
  ok("GRANT SELECT, INSERT, UPDATE ON other TO PUBLIC");
  ok("CREATE VIEW late AS SELECT * FROM public.pay WITH NO SCHEMA BINDING");
  ok("GRANT SELECT ON late TO PUBLIC");
  for (const char* sql : kOtherWays) {
    says_nothing(ada(sql), sql);
  }
  EXPECT_EQ(ask("SELECT count(*) FROM pay"), "4; SELECT 1") << "and nothing of it was lost";
  for (const char* made : {"c1", "c2", "c3", "c4", "mine", "kept", "kept2", "other"}) {
    says_nothing(ada("SELECT * FROM " + std::string(made)), made);
  }
}

TEST_F(PolicyAttackTest, what_was_prepared_before_a_policy_is_held_to_it) {
  ok("CREATE TABLE plain AS SELECT 1 AS id, 'HIDDEN' AS note");
  ok("GRANT SELECT ON plain TO PUBLIC");
  ok("CREATE VIEW over_plain AS SELECT * FROM plain");
  ok("GRANT SELECT ON over_plain TO PUBLIC");
  EXPECT_EQ(ada("PREPARE p AS SELECT note FROM plain"), "PREPARE");
  EXPECT_EQ(ada("PREPARE q AS SELECT note FROM over_plain"), "PREPARE");
  EXPECT_EQ(ada("EXECUTE p"), "HIDDEN; SELECT 1");
  ok("CREATE MASKING POLICY gone WITH (t VARCHAR) USING (NULL::varchar)");
  ok("ATTACH MASKING POLICY gone ON plain(note) TO PUBLIC");
  EXPECT_EQ(ada("EXECUTE p"), "NULL; SELECT 1");
  EXPECT_EQ(ada("EXECUTE q"), "NULL; SELECT 1");
  ok("ALTER TABLE plain ROW LEVEL SECURITY ON");
  EXPECT_EQ(ada("EXECUTE p"), "SELECT 0");
  EXPECT_EQ(ada("EXECUTE q"), "SELECT 0");
}

TEST_F(PolicyAttackTest, row_level_security_is_not_turned_on_behind_a_materialized_view) {
  ok("CREATE TABLE plain AS SELECT 1 AS id");
  ok("CREATE MATERIALIZED VIEW kept AS SELECT * FROM plain");
  EXPECT_EQ(code("ALTER TABLE plain ROW LEVEL SECURITY ON"), "0A000");
  ok("CREATE TABLE more AS SELECT 1 AS id");
  ok("CREATE VIEW late AS SELECT * FROM public.more WITH NO SCHEMA BINDING");
  EXPECT_EQ(code("CREATE MATERIALIZED VIEW kept2 AS SELECT * FROM late"), "0A000")
      << "what a late binding view reads is known when it is read";
}

TEST_F(PolicyAttackTest, the_functions_of_a_policy_are_those_that_it_was_made_with) {
  ok("CREATE FUNCTION f_hide(int) RETURNS int IMMUTABLE AS $$ SELECT 0 $$ LANGUAGE sql");
  ok("CREATE TABLE small (n SMALLINT)");
  ok("INSERT INTO small VALUES (77)");
  ok("GRANT SELECT ON small TO PUBLIC");
  ok("CREATE MASKING POLICY by_function WITH (n SMALLINT) USING (f_hide(n)::smallint)");
  ok("ATTACH MASKING POLICY by_function ON small(n) TO PUBLIC");
  ok("CREATE VIEW of_it AS SELECT f_hide(n::smallint) AS hidden FROM small");
  ok("GRANT SELECT ON of_it TO PUBLIC");
  EXPECT_EQ(ada("SELECT n FROM small"), "0; SELECT 1");
  EXPECT_EQ(ada("CREATE FUNCTION f_hide(smallint) RETURNS int IMMUTABLE AS $$ SELECT $1 + 5 $$ LANGUAGE sql"),
            "CREATE FUNCTION");
  EXPECT_EQ(ada("SELECT f_hide(1::smallint), f_hide(1)"), "6|0; SELECT 1");
  EXPECT_EQ(ada("SELECT n FROM small"), "0; SELECT 1");
  EXPECT_EQ(ada("SELECT hidden FROM of_it"), "0; SELECT 1");
}

// A policy's own failure would show the row that it failed over.
TEST_F(PolicyAttackTest, a_policy_that_fails_shows_no_value) {
  ok("CREATE RLS POLICY number_only WITH (note VARCHAR(40)) USING (note::int > 0)");
  ok("DETACH RLS POLICY own_rows ON pay FROM PUBLIC");
  ok("ATTACH RLS POLICY number_only ON pay TO PUBLIC");
  for (const char* sql : {"SELECT id FROM pay", "SELECT count(*) FROM pay", "UPDATE pay SET amount = 1",
                          "CREATE TABLE stolen AS SELECT * FROM pay"}) {
    const std::string answer = ada(sql);
    EXPECT_THAT(answer, Not(HasSubstr("HIDDEN"))) << answer;
    EXPECT_THAT(answer, HasSubstr("polic")) << answer;
  }
  EXPECT_THAT(ada("SELECT 'x'::int"), HasSubstr("x")) << "other errors are told as they are";
  ok("DETACH MASKING POLICY stars ON cards(number) FROM PUBLIC");
  ok("CREATE MASKING POLICY whole WITH (t VARCHAR(40)) USING ((t::int % 10)::varchar(40))");
  ok("ATTACH MASKING POLICY whole ON cards(number) TO PUBLIC");
  EXPECT_THAT(ada("SELECT number FROM cards"), Not(HasSubstr("SECRET")));
}

class ColumnAttackTest : public PolicyAttackTest {
 protected:
  void SetUp() override {
    PolicyAttackTest::SetUp();
    ok("CREATE TABLE base (id INT, note VARCHAR(20), salary INT)");
    ok("INSERT INTO base VALUES (1, 'n', 4711)");
    ok("CREATE VIEW shown AS SELECT id, note, salary FROM base");
    ok("GRANT SELECT (id) ON base TO ada");
    ok("GRANT SELECT (id) ON shown TO ada");
    ok("GRANT UPDATE, DELETE ON base TO ada");
    ok("CREATE TABLE taken (id INT, n INT)");
    ok("GRANT SELECT, INSERT, UPDATE ON taken TO ada");
  }
};

TEST_F(ColumnAttackTest, a_column_without_a_grant_is_read_in_no_place_of_a_statement) {
  for (const std::string of : {"base", "shown"}) {
    EXPECT_EQ(ada("SELECT id FROM " + of), "1; SELECT 1");
    EXPECT_EQ(ada("SELECT id FROM " + of + " LIMIT 1"), "1; SELECT 1");
    EXPECT_EQ(ada("SELECT id FROM " + of + " UNION ALL SELECT id FROM " + of), "1;1; SELECT 2");
    EXPECT_EQ(ada("SELECT count(*) FROM " + of), "1; SELECT 1");
    for (const char* sql : kWaysToAColumn) {
      std::string text = sql;
      for (size_t at = text.find("{}"); at != std::string::npos; at = text.find("{}")) text.replace(at, 2, of);
      const std::string answer = ada(text);
      EXPECT_THAT(answer, Not(HasSubstr("4711"))) << text;
      EXPECT_THAT(answer, testing::ContainsRegex("^[0-9A-Z_a-z]+: ")) << text << ": " << answer;
    }
  }
}

TEST_F(ColumnAttackTest, a_change_reads_only_what_may_be_read) {
  EXPECT_EQ(ada("UPDATE base SET note = 'x' WHERE id = 1"), "UPDATE 1");
  for (const char* sql : {"UPDATE base SET note = 'x' WHERE salary = 4711", "UPDATE base SET note = salary::varchar",
                          "UPDATE base SET id = salary", "UPDATE base SET note = 'x' RETURNING salary",
                          "UPDATE base SET note = 'x' RETURNING *", "DELETE FROM base WHERE salary = 1",
                          "DELETE FROM base WHERE id = 77 RETURNING salary", "DELETE FROM base RETURNING *",
                          "UPDATE base SET note = 'x' FROM taken WHERE taken.n = base.salary",
                          "DELETE FROM base USING taken WHERE taken.n = base.salary"}) {
    const std::string answer = ada(sql);
    EXPECT_THAT(answer, Not(HasSubstr("4711"))) << sql;
    EXPECT_THAT(answer, testing::ContainsRegex("^[0-9A-Z_a-z]+: ")) << sql << ": " << answer;
  }
  EXPECT_EQ(ask("SELECT salary FROM base"), "4711; SELECT 1");
}

}  // namespace
}  // namespace weir::warehouse
