// Who may what: grants on relations, columns and schemas, views with their owner's rights, and statements that try to
// leave them.
#include <gmock/gmock.h>

#include "platform/warehouse/session_fixture.h"

namespace weir::warehouse {
namespace {

using ::testing::HasSubstr;

class GrantsTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    EXPECT_EQ(ask("CREATE TABLE secret AS SELECT 1 AS id, 'pay' AS note, 9 AS amount"), "SELECT 1");
    EXPECT_EQ(ask("CREATE TABLE open_to_all AS SELECT 1 AS id"), "SELECT 1");
    EXPECT_EQ(ask("GRANT SELECT ON open_to_all TO PUBLIC"), "GRANT");
    ada_ = user("ada");
  }
  void TearDown() override {
    ada_.reset();
    SessionTest::TearDown();
  }
  std::string ada(const std::string& sql) { return ask(*ada_, sql); }
  std::unique_ptr<Session> ada_;
};

TEST_F(GrantsTest, nothing_is_seen_without_a_grant) {
  for (const char* sql :
       {"SELECT * FROM secret",
        "SELECT count(*) FROM secret",
        "SELECT 1 FROM secret LIMIT 0",
        "SELECT * FROM open_to_all WHERE id IN (SELECT id FROM secret)",
        "SELECT (SELECT max(amount) FROM secret)",
        "WITH x AS (SELECT * FROM secret) SELECT 1 FROM x",
        "SELECT * FROM open_to_all o WHERE EXISTS (SELECT 1 FROM secret s WHERE s.id = o.id)",
        "SELECT * FROM open_to_all UNION ALL SELECT id FROM secret",
        "SELECT * FROM open_to_all o LEFT JOIN LATERAL (SELECT * FROM secret) s ON true",
        "INSERT INTO open_to_all SELECT id FROM secret",
        "INSERT INTO secret VALUES (2, 'x', 1)",
        "UPDATE secret SET amount = 0",
        "DELETE FROM secret",
        "EXPLAIN SELECT * FROM secret",
        "EXPLAIN ANALYZE SELECT * FROM secret",
        "CREATE TABLE stolen AS SELECT * FROM secret",
        "SELECT * INTO stolen FROM secret",
        "CREATE VIEW stolen AS SELECT * FROM secret",
        "CREATE TABLE stolen (LIKE secret)",
        "SELECT * FROM impressions",
        "SELECT * FROM weir_statements",
        "MERGE INTO open_to_all o USING secret s ON o.id = s.id WHEN MATCHED THEN UPDATE SET id = s.amount",
        "DROP TABLE secret",
        "TRUNCATE secret",
        "ALTER TABLE secret RENAME TO mine",
        "ALTER TABLE secret OWNER TO ada",
        "GRANT SELECT ON secret TO ada",
        "REFRESH MATERIALIZED VIEW secret",
        "COMMENT ON TABLE secret IS 'x'",
        "VACUUM secret",
        "SELECT * FROM public.secret",
        "SELECT * FROM lake.impressions",
        "ALTER TABLE open_to_all APPEND FROM secret"}) {
    const std::string answer = ada(sql);
    EXPECT_THAT(answer.substr(0, 5), testing::AnyOf("42501", "42809")) << sql << ": " << answer;
  }
  EXPECT_EQ(ada("SELECT * FROM open_to_all"), "1; SELECT 1");
  EXPECT_EQ(ask("SELECT count(*) FROM secret"), "1; SELECT 1");
}

TEST_F(GrantsTest, prepared_statements_cursors_and_late_views_are_no_way_around) {
  EXPECT_EQ(ada("CREATE VIEW late AS SELECT * FROM secret WITH NO SCHEMA BINDING"), "CREATE VIEW");
  EXPECT_EQ(code(*ada_, "SELECT * FROM late"), "42501");
  EXPECT_EQ(ask("GRANT SELECT ON late TO PUBLIC"), "GRANT");
  EXPECT_EQ(ask("SELECT * FROM late").substr(0, 5), "42501") << "its owner's rights count, whoever reads it";
  EXPECT_EQ(ada("BEGIN"), "BEGIN");
  EXPECT_EQ(code(*ada_, "DECLARE c CURSOR FOR SELECT * FROM secret"), "42501");
  EXPECT_EQ(ada("ROLLBACK"), "ROLLBACK");
  EXPECT_EQ(ask("GRANT SELECT ON secret TO ada"), "GRANT");
  EXPECT_EQ(ada("PREPARE p AS SELECT amount FROM secret"), "PREPARE");
  EXPECT_EQ(ada("EXECUTE p"), "9; SELECT 1");
  EXPECT_EQ(ask("REVOKE SELECT ON secret FROM ada"), "REVOKE");
  EXPECT_EQ(code(*ada_, "EXECUTE p"), "42501") << "revoked after it was prepared";
  EXPECT_FALSE(ada_->describe("SELECT * FROM secret", {}));
}

TEST_F(GrantsTest, columns_are_granted_by_themselves) {
  EXPECT_EQ(ask("GRANT SELECT (id, note), UPDATE (note) ON secret TO ada"), "GRANT");
  EXPECT_EQ(ada("SELECT id, note FROM secret"), "1|pay; SELECT 1");
  EXPECT_EQ(ada("SELECT count(*) FROM secret"), "1; SELECT 1");
  EXPECT_EQ(code(*ada_, "SELECT * FROM secret"), "42501");
  EXPECT_EQ(code(*ada_, "SELECT id FROM secret WHERE amount > 0"), "42501");
  EXPECT_EQ(code(*ada_, "SELECT id FROM secret ORDER BY amount"), "42501");
  EXPECT_EQ(ada("UPDATE secret SET note = 'seen' WHERE id = 1"), "UPDATE 1");
  EXPECT_EQ(code(*ada_, "UPDATE secret SET amount = 0"), "42501");
  EXPECT_EQ(code("GRANT SELECT (nothing) ON secret TO ada"), "42703");
}

TEST_F(GrantsTest, a_view_shows_what_its_owner_may_see_and_no_more_than_is_asked) {
  EXPECT_EQ(ask("CREATE VIEW shown AS SELECT id, amount * 2 AS twice FROM secret"), "CREATE VIEW");
  EXPECT_EQ(code(*ada_, "SELECT * FROM shown"), "42501");
  EXPECT_EQ(ask("GRANT SELECT (twice) ON shown TO ada"), "GRANT");
  EXPECT_EQ(ada("SELECT twice FROM shown"), "18; SELECT 1");
  EXPECT_EQ(code(*ada_, "SELECT id FROM shown"), "42501");
  EXPECT_EQ(code(*ada_, "SELECT * FROM shown"), "42501");
  EXPECT_EQ(code(*ada_, "SELECT twice FROM shown WHERE id = 1"), "42501");
  EXPECT_EQ(ada("SELECT a.twice FROM shown a JOIN shown b ON a.twice = b.twice"), "18; SELECT 1");
  EXPECT_EQ(code(*ada_, "SELECT s.twice FROM shown s, secret"), "42501") << "the table itself is still closed";
  EXPECT_EQ(ask("CREATE VIEW over_it AS SELECT twice FROM shown"), "CREATE VIEW");
  EXPECT_EQ(ask("GRANT SELECT ON over_it TO ada"), "GRANT");
  EXPECT_EQ(ada("SELECT * FROM over_it"), "18; SELECT 1");
}

TEST_F(GrantsTest, groups_roles_and_schemas) {
  EXPECT_EQ(ask("CREATE GROUP staff WITH USER ada"), "CREATE GROUP");
  EXPECT_EQ(ask("GRANT SELECT ON secret TO GROUP staff"), "GRANT");
  EXPECT_EQ(ada("SELECT amount FROM secret"), "9; SELECT 1");
  EXPECT_EQ(ask("ALTER GROUP staff DROP USER ada"), "ALTER GROUP");
  EXPECT_EQ(code(*ada_, "SELECT amount FROM secret"), "42501");
  EXPECT_EQ(ask("CREATE ROLE outer_role"), "CREATE ROLE");
  EXPECT_EQ(ask("CREATE ROLE inner_role"), "CREATE ROLE");
  EXPECT_EQ(ask("GRANT ROLE inner_role TO ROLE outer_role"), "GRANT");
  EXPECT_EQ(ask("GRANT ROLE outer_role TO ada"), "GRANT");
  EXPECT_EQ(ask("GRANT SELECT ON secret TO ROLE inner_role"), "GRANT");
  EXPECT_EQ(ada("SELECT amount FROM secret"), "9; SELECT 1");
  EXPECT_EQ(ask("CREATE SCHEMA closed"), "CREATE SCHEMA");
  EXPECT_EQ(ask("CREATE TABLE closed.t AS SELECT 1 AS id"), "SELECT 1");
  EXPECT_EQ(ask("GRANT SELECT ON ALL TABLES IN SCHEMA closed TO ada"), "GRANT");
  EXPECT_THAT(ada("SELECT * FROM closed.t"), HasSubstr("permission denied for schema closed"));
  EXPECT_EQ(ask("GRANT USAGE ON SCHEMA closed TO ada"), "GRANT");
  EXPECT_EQ(ada("SELECT * FROM closed.t"), "1; SELECT 1");
  EXPECT_EQ(code(*ada_, "CREATE TABLE closed.mine (id INT)"), "42501");
  EXPECT_EQ(ask("ALTER DEFAULT PRIVILEGES IN SCHEMA closed GRANT SELECT ON TABLES TO ada"), "ALTER DEFAULT PRIVILEGES");
  EXPECT_EQ(ask("CREATE TABLE closed.next AS SELECT 2 AS id"), "SELECT 1");
  EXPECT_EQ(ada("SELECT * FROM closed.next"), "2; SELECT 1");
}

TEST_F(GrantsTest, owners_rule_over_what_is_theirs) {
  EXPECT_EQ(ada("CREATE TABLE mine (id INT)"), "CREATE TABLE");
  EXPECT_EQ(ada("INSERT INTO mine VALUES (1)"), "INSERT 0 1");
  const auto bob = user("bob");
  EXPECT_EQ(code(*bob, "SELECT * FROM mine"), "42501");
  EXPECT_EQ(ada("GRANT SELECT ON mine TO bob WITH GRANT OPTION"), "GRANT");
  EXPECT_EQ(ask(*bob, "SELECT * FROM mine"), "1; SELECT 1");
  EXPECT_EQ(ask(*bob, "GRANT SELECT ON mine TO PUBLIC"), "GRANT");
  EXPECT_EQ(code(*bob, "GRANT INSERT ON mine TO PUBLIC"), "42501");
  EXPECT_EQ(code(*bob, "DROP TABLE mine"), "42501");
  EXPECT_EQ(code("DROP USER ada"), "2BP01") << "she owns a table";
  EXPECT_EQ(ask("ALTER TABLE mine OWNER TO bob"), "ALTER TABLE");
  EXPECT_EQ(code(*ada_, "DROP TABLE mine"), "42501");
  EXPECT_EQ(ask(*bob, "DROP TABLE mine"), "DROP TABLE");
  EXPECT_EQ(code(*ada_, "CREATE USER eve PASSWORD 'Secret123'"), "42501");
  EXPECT_EQ(ada("ALTER USER ada PASSWORD 'Another123'"), "ALTER USER");
  EXPECT_EQ(code(*ada_, "ALTER USER ada CREATEUSER"), "42501");
  EXPECT_EQ(ask("REVOKE CREATE ON SCHEMA public FROM PUBLIC"), "REVOKE");
  EXPECT_EQ(code(*ada_, "CREATE TABLE more (id INT)"), "42501");
}

TEST_F(GrantsTest, nobody_leaves_the_warehouse) {
  for (Session* session : {root_.get(), ada_.get()}) {
    for (const char* sql : {"SELECT * FROM read_csv('/etc/passwd')",
                            "SELECT * FROM read_parquet('x')",
                            "SELECT * FROM glob('/*')",
                            "SELECT getenv('HOME')",
                            "ATTACH '/tmp/x.db'",
                            "DETACH weir",
                            "INSTALL httpfs",
                            "LOAD httpfs",
                            "PRAGMA version",
                            "SELECT * FROM duckdb_settings()",
                            "SELECT * FROM duckdb_secrets()",
                            "SELECT * FROM duckdb_tables()",
                            "SELECT * FROM weir_catalog.relations",
                            "DELETE FROM weir_catalog.grants",
                            "DROP TABLE weir_catalog.grants",
                            "UPDATE weir_catalog.relations SET owner = 1",
                            "INSERT INTO weir_catalog.grants VALUES (1)",
                            "CREATE TABLE weir_catalog.x (id INT)",
                            "DROP SCHEMA weir_catalog",
                            "DROP SCHEMA public CASCADE",
                            "ALTER TABLE weir_catalog.grants RENAME TO x",
                            "GRANT SELECT ON weir_catalog.grants TO PUBLIC",
                            "SELECT * FROM weir_view_of('public', 'x')",
                            "SELECT * FROM lake.internal.x",
                            "SELECT * FROM query('SELECT 1')",
                            "SELECT * FROM query_table('secret')",
                            "CALL checkpoint()",
                            "EXPORT DATABASE '/tmp/x'",
                            "CHECKPOINT",
                            "CREATE TABLE t (id INT DEFAULT nextval('weir_catalog.x'))",
                            "SELECT nextval('x')",
                            "SELECT setseed(0.5)",
                            "CREATE TABLE t (id INT DEFAULT (SELECT max(owner) FROM weir_catalog.relations))",
                            "CREATE VIEW v AS SELECT * FROM duckdb_settings()",
                            "CREATE VIEW v AS SELECT * FROM read_csv('/etc/passwd') WITH "
                            "NO SCHEMA BINDING; SELECT * FROM v",
                            "SELECT * FROM 'x.csv'",
                            "SELECT * FROM \"/etc/passwd\"",
                            "CREATE SCHEMA lake",
                            "CREATE TABLE pg_class (id INT)",
                            "SELECT * FROM temp.main.x",
                            "SELECT * FROM system.main.duckdb_tables",
                            "CREATE TABLE lake.main.x (id INT)"}) {
      const std::string answer = ask(*session, sql);
      EXPECT_THAT(answer, testing::ContainsRegex("^[0-9A-Za-z_]+: ")) << sql << ": " << answer;
      EXPECT_THAT(answer, testing::Not(HasSubstr("internal:"))) << sql << ": " << answer;
    }
  }
  EXPECT_EQ(ask("CREATE VIEW v AS SELECT * FROM read_csv('/etc/passwd') WITH NO SCHEMA BINDING"), "CREATE VIEW");
  EXPECT_EQ(ask("SELECT * FROM v").substr(0, 6), "denied");
}

TEST_F(GrantsTest, tokens_of_a_role_read_all_or_administer) {
  const auto reader = connect({.name = "ab12", .may_read = true});
  EXPECT_EQ(ask(*reader, "SELECT amount FROM secret"), "9; SELECT 1");
  EXPECT_EQ(ask(*reader, "SELECT count(*) FROM impressions"), "3; SELECT 1");
  EXPECT_EQ(code(*reader, "INSERT INTO open_to_all VALUES (2)"), "42501");
  EXPECT_EQ(code(*reader, "CREATE TABLE t (id INT)"), "42501");
  const auto admin = connect({.name = "cd34", .may_read = true, .may_administer = true});
  EXPECT_EQ(ask(*admin, "CREATE TABLE t (id INT)"), "CREATE TABLE");
  EXPECT_FALSE(Session::open(*warehouse_, {.user = {.name = "writer"}, .client = "", .peer = ""}));
}

}  // namespace
}  // namespace weir::warehouse
