// Sessions over the real engine: transactions, tables with Redshift's attributes, views, settings, cursors.
#include "platform/warehouse/session.h"

#include <gmock/gmock.h>

#include "platform/warehouse/session_fixture.h"

namespace weir::warehouse {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(SessionTest, a_table_is_made_filled_changed_and_dropped) {
  EXPECT_EQ(ask("CREATE TABLE t (id INT IDENTITY(1,1), name VARCHAR(5) ENCODE zstd, v DECIMAL(10,2) DEFAULT 1.5) "
                "DISTSTYLE KEY DISTKEY(id) COMPOUND SORTKEY(name, id)"),
            "CREATE TABLE");
  EXPECT_EQ(ask("INSERT INTO t(name) VALUES ('a'), ('b')"), "INSERT 0 2");
  EXPECT_EQ(ask("SELECT id, name FROM public.t ORDER BY 1"), "1|a;2|b; SELECT 2");
  EXPECT_EQ(ask("UPDATE t SET v = 3 WHERE id = 1"), "UPDATE 1");
  EXPECT_EQ(ask("INSERT INTO t(name) VALUES ('toolong')"),
            "22001: value too long for type character varying(5): column \"name\"");
  EXPECT_EQ(ask("INSERT INTO t(name) VALUES ('äöü')").substr(0, 5), "22001") << "lengths are of bytes";
  EXPECT_EQ(ask("DELETE FROM t WHERE id = 2 RETURNING name"), "b; DELETE 1");
  EXPECT_EQ(ask("DELETE t WHERE id = 7"), "DELETE 0") << "FROM may be left out";
  EXPECT_EQ(ask("TRUNCATE t"), "TRUNCATE TABLE");
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "0; SELECT 1");
  EXPECT_EQ(ask("DROP TABLE t"), "DROP TABLE");
  EXPECT_THAT(ask("SELECT * FROM t"), StartsWith("42P01: "));
  EXPECT_EQ(ask("CREATE TABLE t (id INT IDENTITY(5,5))"), "CREATE TABLE") << "its sequence went with it";
}

TEST_F(SessionTest, a_rolled_back_create_leaves_nothing) {
  EXPECT_EQ(ask("BEGIN"), "BEGIN");
  EXPECT_EQ(ask("CREATE TABLE gone (id INT IDENTITY(1,1)) DISTKEY(id)"), "CREATE TABLE");
  EXPECT_EQ(ask("GRANT SELECT ON gone TO PUBLIC"), "GRANT");
  EXPECT_EQ(ask("CREATE VIEW over_it AS SELECT * FROM gone"), "CREATE VIEW");
  EXPECT_EQ(ask("INSERT INTO gone DEFAULT VALUES"), "INSERT 0 1");
  EXPECT_EQ(ask("SELECT id FROM over_it"), "1; SELECT 1");
  EXPECT_EQ(ask("ROLLBACK"), "ROLLBACK");
  EXPECT_EQ(code("SELECT * FROM gone"), "42P01");
  EXPECT_EQ(code("SELECT * FROM over_it"), "42P01");
  EXPECT_EQ(ask("CREATE TABLE gone (id INT IDENTITY(7,1))"), "CREATE TABLE");
  EXPECT_EQ(ask("INSERT INTO gone DEFAULT VALUES"), "INSERT 0 1");
  EXPECT_EQ(ask("SELECT id FROM gone"), "7; SELECT 1");
}

TEST_F(SessionTest, what_was_committed_is_there_after_a_restart) {
  const auto ada = user("ada");
  EXPECT_EQ(ask("CREATE TABLE kept (id INT, v INT)"), "CREATE TABLE");
  EXPECT_EQ(ask("CREATE VIEW shown AS SELECT v FROM kept"), "CREATE VIEW");
  EXPECT_EQ(ask("GRANT SELECT ON shown TO ada"), "GRANT");
  EXPECT_EQ(ask("INSERT INTO kept VALUES (1, 2)"), "INSERT 0 1");
  const_cast<std::unique_ptr<Session>&>(ada).reset();
  stop();
  start();
  const auto again = connect({.name = "ada", .may_read = true, .id = users_->directory()->user("ada")->id});
  EXPECT_EQ(ask(*again, "SELECT * FROM shown"), "2; SELECT 1");
  EXPECT_EQ(code(*again, "SELECT * FROM kept"), "42501");
}

TEST_F(SessionTest, after_an_error_a_transaction_takes_nothing_but_its_end) {
  EXPECT_EQ(ask("CREATE TABLE t (id INT)"), "CREATE TABLE");
  EXPECT_EQ(ask("BEGIN"), "BEGIN");
  EXPECT_EQ(ask("INSERT INTO t VALUES (1)"), "INSERT 0 1");
  EXPECT_EQ(code("SELECT nonsense"), "42703");
  EXPECT_EQ(root_->transaction(), TransactionState::failed);
  EXPECT_EQ(code("SELECT 1"), "25P02");
  EXPECT_EQ(code("INSERT INTO t VALUES (2)"), "25P02");
  EXPECT_EQ(ask("COMMIT"), "ROLLBACK");
  EXPECT_EQ(root_->transaction(), TransactionState::none);
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "0; SELECT 1");
}

TEST_F(SessionTest, two_that_change_the_same_row_conflict) {
  EXPECT_EQ(ask("CREATE TABLE t AS SELECT 1 AS id, 0 AS v"), "SELECT 1");
  const auto other = connect({.name = "weir", .may_read = true, .may_administer = true, .id = 1});
  EXPECT_EQ(ask("BEGIN"), "BEGIN");
  EXPECT_EQ(ask("UPDATE t SET v = 1"), "UPDATE 1");
  EXPECT_EQ(ask(*other, "SELECT v FROM t"), "0; SELECT 1") << "not committed yet";
  EXPECT_EQ(code(*other, "UPDATE t SET v = 2"), "40001");
  EXPECT_EQ(ask("COMMIT"), "COMMIT");
  EXPECT_EQ(ask(*other, "SELECT v FROM t"), "1; SELECT 1");
}

TEST_F(SessionTest, statements_of_one_message_are_one_transaction) {
  EXPECT_EQ(ask("CREATE TABLE t (id INT)"), "CREATE TABLE");
  root_->begin_implicit_block();
  EXPECT_EQ(ask("INSERT INTO t VALUES (1)"), "INSERT 0 1");
  EXPECT_EQ(code("INSERT INTO t VALUES ('x')"), "22P02");
  EXPECT_TRUE(root_->end_implicit_block(false));
  EXPECT_EQ(root_->transaction(), TransactionState::none);
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "0; SELECT 1");
  root_->begin_implicit_block();
  EXPECT_EQ(ask("INSERT INTO t VALUES (1)"), "INSERT 0 1");
  EXPECT_EQ(ask("INSERT INTO t VALUES (2)"), "INSERT 0 1");
  EXPECT_TRUE(root_->end_implicit_block(true));
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "2; SELECT 1");
}

TEST_F(SessionTest, temporary_tables_are_their_sessions) {
  EXPECT_EQ(ask("CREATE TEMP TABLE mine (id INT)"), "CREATE TABLE");
  EXPECT_EQ(ask("INSERT INTO mine VALUES (1)"), "INSERT 0 1");
  EXPECT_EQ(ask("SELECT * INTO #also FROM mine"), "SELECT 1");
  EXPECT_EQ(ask("SELECT * FROM #also"), "1; SELECT 1");
  const auto other = connect({.name = "weir", .may_read = true, .may_administer = true, .id = 1});
  EXPECT_EQ(code(*other, "SELECT * FROM mine"), "42P01");
}

TEST_F(SessionTest, what_lies_in_public_main_and_the_lake_is_found_as_public) {
  EXPECT_EQ(ask("SELECT count(*) FROM impressions"), "3; SELECT 1");
  EXPECT_EQ(ask("SELECT count(*) FROM public.impressions"), "3; SELECT 1");
  EXPECT_EQ(ask("SELECT count(*) FROM weir.public.impressions"), "3; SELECT 1");
  auto own = engine_->connect(engine::Trust::own);
  ASSERT_TRUE(own && (*own)->query("CREATE TABLE main.derived AS SELECT 5 AS v", {}, {}));
  EXPECT_EQ(ask("SELECT v FROM derived"), "5; SELECT 1");
  EXPECT_EQ(ask("SELECT v FROM public.derived"), "5; SELECT 1");
  EXPECT_EQ(ask("INSERT INTO public.derived VALUES (6)"), "INSERT 0 1");
  EXPECT_THAT(ask("INSERT INTO impressions VALUES (1, 'x')"), HasSubstr("read-only"));
  EXPECT_EQ(code("SELECT * FROM other.public.impressions"), "3D000");
}

TEST_F(SessionTest, columns_are_altered) {
  EXPECT_EQ(ask("CREATE TABLE t (id INT, name VARCHAR(3))"), "CREATE TABLE");
  EXPECT_EQ(ask("INSERT INTO t VALUES (1, 'abc')"), "INSERT 0 1");
  EXPECT_EQ(ask("ALTER TABLE t ADD COLUMN v VARCHAR(2) DEFAULT 'x' NOT NULL"), "ALTER TABLE");
  EXPECT_EQ(ask("SELECT * FROM t"), "1|abc|x; SELECT 1");
  EXPECT_EQ(ask("ALTER TABLE t ALTER COLUMN name TYPE VARCHAR(10)"), "ALTER TABLE");
  EXPECT_EQ(ask("UPDATE t SET name = 'abcdef'"), "UPDATE 1");
  EXPECT_EQ(code("ALTER TABLE t ALTER COLUMN name TYPE VARCHAR(2)"), "22001");
  EXPECT_EQ(ask("ALTER TABLE t RENAME COLUMN name TO label"), "ALTER TABLE");
  EXPECT_EQ(ask("ALTER TABLE t DROP COLUMN v"), "ALTER TABLE");
  EXPECT_EQ(code("ALTER TABLE t DROP COLUMN v"), "42703");
  EXPECT_EQ(ask("ALTER TABLE t RENAME TO u"), "ALTER TABLE");
  EXPECT_EQ(ask("SELECT label FROM u"), "abcdef; SELECT 1");
  EXPECT_EQ(ask("CREATE TABLE copy_of (LIKE u)"), "CREATE TABLE");
  EXPECT_EQ(ask("INSERT INTO copy_of SELECT * FROM u"), "INSERT 0 1");
  EXPECT_EQ(ask("ALTER TABLE u APPEND FROM copy_of"), "ALTER TABLE");
  EXPECT_EQ(ask("SELECT count(*) FROM u"), "2; SELECT 1");
}

TEST_F(SessionTest, views_know_what_they_read) {
  EXPECT_EQ(ask("CREATE TABLE t AS SELECT 1 AS a, 2 AS b"), "SELECT 1");
  EXPECT_EQ(ask("CREATE VIEW v (x) AS SELECT NVL(a, 0) FROM t"), "CREATE VIEW");
  EXPECT_EQ(ask("CREATE VIEW w AS SELECT x + 1 AS y FROM v WHERE x > 0"), "CREATE VIEW");
  EXPECT_EQ(ask("SELECT v.x, w.y FROM v JOIN w ON w.y = v.x + 1"), "1|2; SELECT 1");
  EXPECT_EQ(code("DROP TABLE t"), "2BP01");
  EXPECT_EQ(code("ALTER TABLE t RENAME COLUMN a TO c"), "2BP01");
  EXPECT_EQ(code("INSERT INTO v VALUES (1)"), "42809");
  EXPECT_EQ(ask("CREATE OR REPLACE VIEW w AS SELECT 7 AS y"), "CREATE VIEW");
  EXPECT_EQ(ask("SELECT y FROM w"), "7; SELECT 1");
  EXPECT_EQ(ask("DROP TABLE t CASCADE"), "DROP TABLE");
  EXPECT_EQ(code("SELECT * FROM v"), "42P01");
  EXPECT_EQ(ask("SELECT y FROM w"), "7; SELECT 1");
  // Late binding: what it reads may come and go.
  EXPECT_EQ(ask("CREATE VIEW late AS SELECT * FROM later WITH NO SCHEMA BINDING"), "CREATE VIEW");
  EXPECT_EQ(code("SELECT * FROM late"), "42P01");
  EXPECT_EQ(ask("CREATE TABLE later AS SELECT 3 AS a"), "SELECT 1");
  EXPECT_EQ(ask("SELECT * FROM late"), "3; SELECT 1");
  EXPECT_EQ(ask("DROP TABLE later"), "DROP TABLE");
  EXPECT_EQ(ask("CREATE OR REPLACE VIEW late AS SELECT * FROM round WITH NO SCHEMA BINDING"), "CREATE VIEW");
  EXPECT_EQ(ask("CREATE VIEW round AS SELECT * FROM late WITH NO SCHEMA BINDING"), "CREATE VIEW");
  EXPECT_THAT(ask("SELECT * FROM round"), HasSubstr("in a circle"));
}

TEST_F(SessionTest, materialized_views_are_refreshed) {
  EXPECT_EQ(ask("CREATE TABLE t AS SELECT 1 AS a"), "SELECT 1");
  EXPECT_EQ(ask("CREATE MATERIALIZED VIEW m AUTO REFRESH NO AS SELECT sum(a) AS s FROM t"), "CREATE MATERIALIZED VIEW");
  EXPECT_EQ(ask("INSERT INTO t VALUES (2)"), "INSERT 0 1");
  EXPECT_EQ(ask("SELECT s FROM m"), "1; SELECT 1");
  EXPECT_EQ(ask("REFRESH MATERIALIZED VIEW m"), "REFRESH MATERIALIZED VIEW");
  EXPECT_EQ(ask("SELECT s FROM m"), "3; SELECT 1");
  EXPECT_EQ(ask("DROP MATERIALIZED VIEW m"), "DROP MATERIALIZED VIEW");
}

TEST_F(SessionTest, settings_are_checked_shown_and_rolled_back) {
  EXPECT_EQ(ask("SHOW statement_timeout"), "0; SHOW");
  EXPECT_EQ(ask("SET statement_timeout TO '2s'"), "SET");
  EXPECT_EQ(ask("SHOW statement_timeout"), "2000; SHOW");
  EXPECT_EQ(code("SET statement_timeout TO 'soon'"), "22023");
  EXPECT_EQ(ask("BEGIN"), "BEGIN");
  EXPECT_EQ(ask("SET timezone TO 'Europe/Berlin'"), "SET");
  EXPECT_EQ(ask("SELECT cast(TIMESTAMPTZ '2026-07-01 12:00:00+00' AS varchar)"), "2026-07-01 14:00:00+02; SELECT 1");
  EXPECT_EQ(ask("ROLLBACK"), "ROLLBACK");
  EXPECT_EQ(ask("SHOW timezone"), "UTC; SHOW");
  EXPECT_EQ(ask("SELECT cast(TIMESTAMPTZ '2026-07-01 12:00:00+00' AS varchar)"), "2026-07-01 12:00:00+00; SELECT 1");
  EXPECT_EQ(code("SET timezone TO 'Nowhere/Else'"), "22023");
  EXPECT_EQ(code("SHOW nothing_like_it"), "42704");
  EXPECT_EQ(ask("CREATE SCHEMA s"), "CREATE SCHEMA");
  EXPECT_EQ(ask("SET search_path TO s, public"), "SET");
  EXPECT_EQ(ask("CREATE TABLE here (id INT)"), "CREATE TABLE");
  EXPECT_EQ(ask("SELECT count(*) FROM s.here"), "0; SELECT 1");
  EXPECT_EQ(ask("SELECT current_schema()"), "s; SELECT 1");
  EXPECT_EQ(ask("RESET search_path"), "RESET");
  EXPECT_EQ(code("SELECT * FROM here"), "42P01");
}

TEST_F(SessionTest, cursors_and_prepared_statements) {
  EXPECT_EQ(code("DECLARE c CURSOR FOR SELECT 1"), "25P01");
  EXPECT_EQ(ask("BEGIN"), "BEGIN");
  EXPECT_EQ(ask("DECLARE c CURSOR FOR SELECT i FROM range(5000) r(i) ORDER BY 1"), "DECLARE CURSOR");
  EXPECT_EQ(ask("FETCH 2 FROM c"), "0;1; FETCH 2");
  EXPECT_EQ(ask("SELECT 9"), "9; SELECT 1") << "another statement between";
  EXPECT_EQ(ask("FETCH NEXT FROM c"), "2; FETCH 1");
  EXPECT_THAT(ask("FETCH ALL FROM c"), testing::EndsWith("4999; FETCH 4997"));
  EXPECT_EQ(ask("FETCH c"), "FETCH 0");
  EXPECT_EQ(ask("CLOSE c"), "CLOSE CURSOR");
  EXPECT_EQ(ask("COMMIT"), "COMMIT");
  EXPECT_EQ(ask("PREPARE p (int, text) AS SELECT $1 + 1, $2"), "PREPARE");
  EXPECT_EQ(ask("EXECUTE p(1 + 1, 'x')"), "3|x; SELECT 1");
  EXPECT_EQ(ask("DEALLOCATE p"), "DEALLOCATE");
  EXPECT_EQ(code("EXECUTE p(1, 'x')"), "26000");
}

TEST_F(SessionTest, a_result_that_is_not_read_yet_is_kept_for_later) {
  auto first = root_->admit({.sql = "SELECT i FROM range(10000) r(i) ORDER BY 1"});
  ASSERT_TRUE(first);
  auto reading = (*first)->start();
  ASSERT_TRUE(reading);
  uint64_t rows = 0;
  auto block = (*reading)->next_block();
  ASSERT_TRUE(block && *block != nullptr);
  rows += (*block)->rows;
  EXPECT_EQ(ask("SELECT 1"), "1; SELECT 1");
  for (;;) {
    block = (*reading)->next_block();
    ASSERT_TRUE(block) << block.error().text();
    if (*block == nullptr) break;
    rows += (*block)->rows;
  }
  EXPECT_EQ(rows, 10'000u);
}

TEST_F(SessionTest, statements_are_described_without_running) {
  EXPECT_EQ(ask("CREATE TABLE t (id INT, name VARCHAR(9))"), "CREATE TABLE");
  auto shape = root_->describe("SELECT id, name FROM t WHERE id = $1 AND name = $2", {});
  ASSERT_TRUE(shape) << shape.error().text();
  ASSERT_EQ(shape->columns.size(), 2u);
  EXPECT_EQ(shape->columns[0].type, "INTEGER");
  EXPECT_EQ(shape->parameters, (std::vector<std::string>{"INTEGER", "VARCHAR"}));
  shape = root_->describe("INSERT INTO t VALUES ($1, $2)", {});
  ASSERT_TRUE(shape) << shape.error().text();
  EXPECT_FALSE(shape->returns_rows);
  EXPECT_EQ(shape->parameters.size(), 2u);
  shape = root_->describe("SELECT $1", {"BIGINT"});
  ASSERT_TRUE(shape) << shape.error().text();
  EXPECT_EQ(shape->columns[0].type, "BIGINT");
  shape = root_->describe("SELECT $1", {});
  ASSERT_TRUE(shape) << shape.error().text();
  EXPECT_EQ(shape->columns[0].type, "VARCHAR");
  EXPECT_FALSE(root_->describe("CREATE TABLE u (id INT)", {})->returns_rows);
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "0; SELECT 1");
  EXPECT_EQ(ask(*root_, "INSERT INTO t VALUES ($1, $2)", {{Json("7"), "INTEGER"}, {Json("x"), ""}}), "INSERT 0 1");
  EXPECT_EQ(ask("SELECT * FROM t"), "7|x; SELECT 1");
}

TEST_F(SessionTest, calls_within_calls_are_looked_at_once) {
  std::string call = "(SELECT count(*) FROM impressions)";
  for (int i = 0; i < 60; ++i) call = "abs(" + call + ")";
  EXPECT_EQ(ask("SELECT " + call), "3; SELECT 1");
}

TEST_F(SessionTest, explain_is_lines) {
  EXPECT_EQ(ask("CREATE TABLE t (id INT)"), "CREATE TABLE");
  EXPECT_THAT(ask("EXPLAIN SELECT * FROM t"), HasSubstr("SEQ_SCAN"));
  EXPECT_THAT(ask("EXPLAIN DELETE FROM t"), HasSubstr("DELETE"));
  EXPECT_THAT(ask("EXPLAIN (FORMAT JSON) SELECT * FROM t"), HasSubstr(R"("name": "SEQ_SCAN)"));
  EXPECT_THAT(ask("EXPLAIN (ANALYZE TRUE, FORMAT JSON) SELECT * FROM t"), HasSubstr("operator_cardinality"));
  EXPECT_THAT(ask("EXPLAIN (ANALYZE OFF, VERBOSE) SELECT * FROM t"), HasSubstr("SEQ_SCAN"));
  EXPECT_THAT(ask("EXPLAIN (SELECT 1)"), HasSubstr("EXPLAIN"));
  EXPECT_THAT(ask("EXPLAIN (FORMAT XML) SELECT 1"), StartsWith("unsupported"));
  EXPECT_THAT(ask("EXPLAIN (COSTS OFF) SELECT 1"), StartsWith("unsupported"));
  for (const std::string explain : {"EXPLAIN ", "EXPLAIN (FORMAT JSON)\n"}) {
    auto admission = root_->admit({.sql = explain + "SELECT id,\n  nothing FROM t"});
    ASSERT_TRUE(admission);
    const auto failed = (*admission)->start();
    ASSERT_FALSE(failed);
    ASSERT_TRUE(failed.error().position);
    EXPECT_EQ(failed.error().position->column, 3) << explain;
  }
}

TEST_F(SessionTest, passwords_are_in_no_log) {
  EXPECT_EQ(ask("CREATE USER bob PASSWORD 'Hidden-Horse7'"), "CREATE USER");
  EXPECT_EQ(ask("ALTER USER bob PASSWORD 'Hidden-Horse8'"), "ALTER USER");
  (void)ask("CREATE USER bob PASSWORD 'Hidden-Horse9");
  for (const StatementInfo& info : log_.finished()) {
    EXPECT_THAT(info.sql, testing::Not(HasSubstr("Hidden"))) << info.sql;
    EXPECT_THAT(info.error ? info.error->message : "", testing::Not(HasSubstr("Hidden")));
  }
}

}  // namespace
}  // namespace weir::warehouse
