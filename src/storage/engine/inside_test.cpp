// What only the inside of the room can see: each lock on its own, with the others taken away, and an engine that comes
// back after an internal error.
#include "storage/engine/inside.h"

#include <fstream>

#include "storage/engine/engine_fixture.h"

namespace weir::engine {
namespace {

class InsideTest : public EngineTest {
 protected:
  DuckEngine& duck() { return static_cast<DuckEngine&>(*engine); }
  std::shared_ptr<Link> user() {
    auto link = duck().link(Trust::user);
    EXPECT_TRUE(link) << link.error().text();
    return *link;
  }
  static duckdb::DBConfig& config(Link& link) { return link.database->duck->instance->config; }
  // Past the statement lock: straight to DuckDB on a user's connection.
  static std::string straight(Link& link, const std::string& sql) {
    const auto result = link.connection->Query(sql);
    return result->HasError() ? "refused: " + result->GetError() : result->ToString();
  }
  void expect_refused(Link& link, const std::string& sql) {
    const std::string answer = straight(link, sql);
    EXPECT_EQ(answer.substr(0, 8), "refused:") << sql << "\n" << answer;
    EXPECT_EQ(answer.find("TOPSECRET"), std::string::npos) << sql << "\n" << answer;
    EXPECT_EQ(answer.find("INTERNAL"), std::string::npos) << sql << "\n" << answer;
  }
  std::string secret() {
    const std::string path = folder.file("secret.csv");
    std::ofstream(path) << "name,TOPSECRET\nx,TOPSECRET\n";
    return path;
  }
};

TEST_F(InsideTest, the_file_lock_alone_keeps_files_closed) {
  const std::string path = secret();
  EXPECT_EQ(ask(*connect(Trust::own), "CREATE TABLE t AS SELECT 1 AS a"), "1;");
  const auto link = user();
  config(*link).optimizer_extensions.clear();
  for (const bool external_access : {false, true}) {  // that switch is a lock of its own, and has holes of its own
    config(*link).options.enable_external_access = external_access;
    for (const std::string& sql : std::vector<std::string>{
             "SELECT * FROM read_csv('" + path + "')", "SELECT * FROM read_text('" + path + "')",
             "SELECT * FROM read_blob('" + folder.file("warehouse.duckdb") + "')",
             "SELECT * FROM read_blob('weirown://" + path + "')",
             "SELECT * FROM read_blob('" + folder.file("warehouse.duckdb.wal") + "')",
             "SELECT * FROM read_text('" + folder.path() + "/*')", "SELECT * FROM sniff_csv('" + path + "')",
             "COPY t TO '" + folder.file("out.csv") + "'", "COPY t TO 'weirown://" + folder.file("out.csv") + "'",
             "COPY t TO 'weirlake://out.csv'", "COPY t FROM '" + path + "'", "ATTACH '" + folder.file("other.db") + "'",
             "EXPORT DATABASE '" + folder.file("out") + "'", "LOAD '" + path + "'",
             "SELECT * FROM read_blob('weirlake://../warehouse.duckdb')"}) {
      expect_refused(*link, sql);
    }
  }
  EXPECT_FALSE(std::filesystem::exists(folder.file("out.csv")));
  EXPECT_FALSE(std::filesystem::exists(folder.file("other.db")));
  // DuckDB's own work goes on: the log, a checkpoint, spilling.
  EXPECT_EQ(ask(*connect(Trust::own), "INSERT INTO t SELECT * FROM range(100000)"), "100000;");
  EXPECT_TRUE(engine->checkpoint());
  EXPECT_EQ(ask(*connect(Trust::own), "INSERT INTO t VALUES (1)"), "1;");
}

TEST_F(InsideTest, the_plan_lock_alone_refuses_what_it_does_not_know) {
  EXPECT_EQ(ask(*connect(Trust::own), "CREATE TABLE t AS SELECT 1 AS a"), "1;");
  const auto link = user();
  for (const char* sql : {"SELECT * FROM duckdb_settings()",
                          "SELECT * FROM duckdb_secrets()",
                          "SELECT * FROM query('SELECT * FROM duckdb_settings()')",
                          "INSERT INTO t VALUES (2)",
                          "DELETE FROM t",
                          "UPDATE t SET a = 2",
                          "DROP TABLE t",
                          "CREATE TABLE u AS SELECT 1",
                          "CREATE VIEW v AS SELECT 1",
                          "COPY t TO 'weirown:///x'",
                          "ATTACH ':memory:' AS x",
                          "SET threads = 1",
                          "PREPARE p AS DROP TABLE t",
                          "EXPLAIN ANALYZE DELETE FROM t",
                          "SELECT * FROM parquet_metadata('weirlake://x')",
                          "SELECT * FROM pragma_storage_info('t')",
                          "CALL checkpoint()",
                          "LOAD json",
                          "ALTER TABLE t ADD COLUMN b INT",
                          "CREATE MACRO m(a) AS a",
                          "SELECT * FROM test_all_types()"}) {
    expect_refused(*link, sql);
  }
  EXPECT_EQ(ask("SELECT a FROM t"), "1;");
}

TEST_F(InsideTest, a_view_cannot_carry_a_user_past_the_locks) {
  const std::string path = secret();
  const auto own = connect(Trust::own);
  EXPECT_EQ(ask(*own, "CREATE VIEW leak AS SELECT * FROM read_csv('weirown://" + path + "')"), "");
  EXPECT_EQ(ask(*own, "CREATE VIEW looks AS SELECT * FROM duckdb_settings()"), "");
  EXPECT_EQ(ask(*own, "CREATE MACRO upper_name(x) AS (SELECT max(value) FROM duckdb_settings() WHERE name = x)"), "");
  EXPECT_EQ(ask(*own, "SELECT name FROM leak"), "x;") << "our own rooms may";
  EXPECT_EQ(ask("SELECT * FROM leak").substr(0, 7), "denied:");
  EXPECT_EQ(ask("SELECT * FROM looks").substr(0, 7), "denied:");
  EXPECT_EQ(ask("SELECT upper_name('threads')").substr(0, 7), "denied:");
}

TEST_F(InsideTest, deletes_from_streams_are_refused_cleanly) {
  TableVersion stream;
  stream.name = "s";
  stream.columns = {{"id", ColumnType::int64}};
  RowBlock rows(stream.columns);
  rows.column(0).add_int(1);
  stream.tail = {engine->seal(rows)};
  tables.publish({stream});
  const auto own = connect(Trust::own);
  for (const char* sql :
       {"DELETE FROM s", "DELETE FROM s WHERE id = 1", "UPDATE s SET id = 2", "INSERT INTO s VALUES (1)",
        "DROP TABLE s", "ALTER TABLE s ADD COLUMN x INT", "CREATE TABLE lake.main.x (a INT)", "CREATE SCHEMA lake.y",
        "TRUNCATE s", "CREATE VIEW lake.main.v AS SELECT 1", "CREATE INDEX i ON s (id)", "COMMENT ON TABLE s IS 'x'"}) {
    const std::string answer = ask(*own, sql);
    EXPECT_NE(answer.find(':'), std::string::npos) << sql << ": " << answer;
    EXPECT_EQ(answer.find("internal"), std::string::npos) << sql << ": " << answer;
  }
  EXPECT_EQ(ask(*own, "SELECT id FROM s"), "1;");
  EXPECT_EQ(ask(*own, "CREATE TABLE kept AS SELECT * FROM s"), "1;");
}

TEST_F(InsideTest, an_invalidated_engine_reopens_when_nobody_holds_it) {
  EXPECT_EQ(ask(*connect(Trust::own), "CREATE TABLE kept AS SELECT 42 AS n"), "1;");
  const auto second = connect(Trust::user);
  duck().invalidate("a test");
  EXPECT_EQ(ask("SELECT n FROM kept").substr(0, 12), "unavailable:") << "the second session still holds the old one";
  const auto refused = engine->connect(Trust::user);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("a test"), std::string::npos) << refused.error().text();
  EXPECT_EQ(ask(*second, "SELECT n FROM kept"), "42;") << "it was the last, so the engine has reopened";
  EXPECT_EQ(ask("SELECT n FROM kept"), "42;");
  EXPECT_EQ(ask("SELECT * FROM read_text('/etc/passwd')").substr(0, 7), "denied:") << "with its locks";
}

}  // namespace
}  // namespace weir::engine
