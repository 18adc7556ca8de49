// Sessions of the engine as rooms use them: results, parameters, errors with their place, limits, cancel, trust.
#include "storage/engine/engine.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "storage/engine/engine_fixture.h"

namespace weir::engine {
namespace {

TEST_F(EngineTest, says_which_engine_it_is) {
  EXPECT_EQ(Engine::version(), "DuckDB v1.4.4");
}

TEST_F(EngineTest, gives_cells_of_every_kind) {
  EXPECT_EQ(ask("SELECT 1, 2.5::DOUBLE, true, 'x', NULL"), "1|2.500000|true|x|NULL;");
  EXPECT_EQ(ask("SELECT 1.250::DECIMAL(18,3), DATE '2023-01-31', TIMESTAMP '2023-01-31 01:02:03.5'"),
            "1.250|2023-01-31|2023-01-31 01:02:03.5;");
  EXPECT_EQ(ask("SELECT [1, NULL, 3], {'a': 1, 'b': ['x']}, MAP {'k': 2.5}, '{\"a\": 1}'::JSON"),
            "[1,null,3]|{\"a\":1,\"b\":[\"x\"]}|{\"k\":2.5}|{\"a\": 1};");
  EXPECT_EQ(ask("SELECT sum(x), 170141183460469231731687303715884105727::HUGEINT FROM range(10) t(x)"),
            "45|170141183460469231731687303715884105727;");
  EXPECT_EQ(ask("SELECT '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::UUID, INTERVAL 1 DAY, '\\xAA'::BLOB"),
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8|1 day|\\xAA;");
  EXPECT_EQ(ask("SELECT TIMESTAMPTZ '2023-01-31 12:00:00+02'"), "2023-01-31 10:00:00+00;");
}

TEST_F(EngineTest, names_columns_and_their_types) {
  const auto stream = session->query("SELECT 1::BIGINT AS n, 1.5::DECIMAL(18,3) AS price", {}, {});
  ASSERT_TRUE(stream) << stream.error().text();
  ASSERT_EQ((*stream)->columns().size(), 2u);
  EXPECT_EQ((*stream)->columns()[0].name, "n");
  EXPECT_EQ((*stream)->columns()[1].type, "DECIMAL(18,3)");
}

TEST_F(EngineTest, parameters_act_like_literals) {
  EXPECT_EQ(ask("SELECT $1, $2, $3, $4", {1, "x", nullptr, true}), "1|x|NULL|true;");
  EXPECT_EQ(ask("SELECT count(*) FROM range(10) LIMIT $1", {1}), "10;");
  EXPECT_EQ(ask("SELECT TIMESTAMP '2023-05-01' >= $1", {"2023-01-01"}), "true;");
  EXPECT_EQ(ask("SELECT sum(x) FROM (VALUES ($1), ($2)) t(x) WHERE x > $1", {1, 5}), "5;");
  EXPECT_EQ(ask("SELECT ?, ?", {1, 2}), "1|2;");
  EXPECT_EQ(ask("SELECT $1 + 1", {int64_t{9007199254740993}}), "9007199254740994;");
  EXPECT_EQ(ask("SELECT $1", {uint64_t{18446744073709551615u}}), "18446744073709551615;");
  EXPECT_EQ(code_of("SELECT $2", {1}), Code::invalid);
  EXPECT_EQ(code_of("SELECT $name", {1}), Code::invalid);
}

TEST_F(EngineTest, errors_say_line_and_column) {
  const Result<Rows> syntax = all(*session, "SELECT 1,\n  FROM WHERE");
  ASSERT_FALSE(syntax);
  EXPECT_EQ(syntax.error().code, Code::invalid);
  ASSERT_TRUE(syntax.error().position);
  EXPECT_EQ(syntax.error().position->line, 2);
  const Result<Rows> name = all(*session, "SELECT x\nFROM range(3) t(y)");
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, Code::invalid);
  ASSERT_TRUE(name.error().position) << name.error().text();
  EXPECT_EQ(name.error().position->line, 1);
  EXPECT_EQ(name.error().position->column, 8);
  EXPECT_EQ(name.error().message.find("LINE 1"), std::string::npos) << name.error().message;
  const Result<Rows> refused = all(*session, "SELECT 'ä',\n       getvariable('x')");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::denied);
  ASSERT_TRUE(refused.error().position);
  EXPECT_EQ(refused.error().position->line, 2);
  EXPECT_EQ(refused.error().position->column, 8);
}

TEST_F(EngineTest, stops_at_the_row_limit) {
  EXPECT_EQ(code_of("SELECT * FROM range(5000)", {}, {.time = {}, .rows_max = 5000}), Code::not_found);
  EXPECT_EQ(code_of("SELECT * FROM range(5001)", {}, {.time = {}, .rows_max = 5000}), Code::too_large);
  EXPECT_EQ(ask("SELECT 1"), "1;") << "the session goes on";
}

constexpr const char* kEndless =
    "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = -1";

TEST_F(EngineTest, stops_at_the_time_limit) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(code_of(kEndless, {}, {.time = milliseconds(100), .rows_max = UINT64_MAX}), Code::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_EQ(ask("SELECT 1"), "1;");
}

TEST_F(EngineTest, cancel_reaches_a_running_statement) {
  std::atomic<bool> ended = false;
  std::thread canceller([&] {
    while (!ended) {  // the statement may not have begun yet
      session->cancel();
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(code_of(kEndless), Code::cancelled);
  ended = true;
  canceller.join();
  session->cancel();
  EXPECT_EQ(ask("SELECT 1"), "1;") << "a cancel without a statement does nothing";
}

TEST_F(EngineTest, cancel_ends_a_result_that_is_being_read) {
  auto stream = session->query("SELECT * FROM range(100000000)", {}, {});
  ASSERT_TRUE(stream) << stream.error().text();
  ASSERT_TRUE((*stream)->next());
  session->cancel();
  Code code = Code::internal;
  for (int i = 0; i < 100'000; ++i) {
    const auto rows = (*stream)->next();
    if (!rows) {
      code = rows.error().code;
      break;
    }
  }
  EXPECT_EQ(code, Code::cancelled);
}

TEST_F(EngineTest, memory_limit_is_an_error_not_a_crash) {
  EXPECT_EQ(code_of("SELECT list(x) FROM range(60000000) t(x)"), Code::too_large);
  EXPECT_EQ(ask("SELECT 1"), "1;");
}

TEST_F(EngineTest, a_statement_can_follow_one_that_was_not_read_to_its_end) {
  auto first = session->query("SELECT * FROM range(1000000)", {}, {});
  ASSERT_TRUE(first);
  ASSERT_TRUE((*first)->next());
  EXPECT_EQ(ask("SELECT 2"), "2;");
  const auto rest = (*first)->next();
  EXPECT_FALSE(rest && !rest->empty()) << "the older result has ended";
}

TEST_F(EngineTest, takes_one_statement_at_a_time) {
  EXPECT_EQ(code_of("SELECT 1; SELECT 2"), Code::invalid);
  EXPECT_EQ(code_of(""), Code::invalid);
  EXPECT_EQ(code_of("-- nothing"), Code::invalid);
  EXPECT_EQ(ask("SELECT 1;"), "1;");
  EXPECT_EQ(code_of(std::string("SELECT 1\0x", 10)), Code::invalid);
  EXPECT_EQ(code_of("SELECT '" + std::string(2 << 20, 'x') + "'"), Code::too_large);
  EXPECT_EQ(code_of("SELECT " + std::string(100'000, '(') + "1" + std::string(100'000, ')')), Code::invalid);
}

TEST_F(EngineTest, own_sessions_write_tables_that_users_read) {
  const auto own = connect(Trust::own);
  EXPECT_EQ(ask(*own, "CREATE TABLE prices (item TEXT, price INTEGER)"), "");
  EXPECT_EQ(ask(*own, "INSERT INTO prices VALUES ($1, $2), ('b', NULL)", {"a", 3}), "2;");
  EXPECT_EQ(ask("SELECT item, price FROM prices ORDER BY price"), "a|3;b|NULL;");
  EXPECT_EQ(ask("SELECT item FROM prices ORDER BY price DESC"), "b;a;") << "as in Redshift: NULLs are the largest";
  EXPECT_EQ(code_of("INSERT INTO prices VALUES ('c', 1)"), Code::denied);
  EXPECT_EQ(code_of("DROP TABLE prices"), Code::denied);
}

TEST_F(EngineTest, tables_survive_a_restart) {
  EXPECT_EQ(ask(*connect(Trust::own), "CREATE TABLE kept AS SELECT 42 AS n"), "1;");
  ASSERT_TRUE(engine->checkpoint());
  open({});
  EXPECT_EQ(ask("SELECT n FROM kept"), "42;");
}

TEST_F(EngineTest, a_second_opener_of_the_file_is_told) {
  EngineOptions options;
  options.database = folder.file("missing/warehouse.duckdb");
  ScriptedTables other;
  const auto opened = Engine::open(options, other, {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::io) << opened.error().text();
  options.database = folder.file("lake.duckdb");
  EXPECT_EQ(Engine::open(options, other, {}).error().code, Code::invalid);
}

TEST_F(EngineTest, system_views_come_and_go_and_statements_see_those_that_are_set) {
  const SystemView view{.name = "live_traffic",
                        .columns = {{"n", ColumnType::int64}},
                        .rows = []() -> Result<RowBlock> {
                          RowBlock rows({{"n", ColumnType::int64}});
                          rows.column(0).add_int(7);
                          return rows;
                        },
                        .comment = ""};
  EXPECT_EQ(code_of("SELECT n FROM live_traffic"), Code::invalid);
  engine->set_views({view});
  EXPECT_EQ(engine->view_names(), std::vector<std::string>{"live_traffic"});
  EXPECT_EQ(ask("SELECT n FROM live_traffic"), "7;");
  EXPECT_EQ(load_file("/nowhere.csv", "csv", "Live_Traffic").error().code, Code::conflict);
  engine->set_views({});
  EXPECT_EQ(code_of("SELECT n FROM live_traffic"), Code::invalid);
}

TEST_F(EngineTest, system_views_are_tables_computed_when_read) {
  int reads = 0;
  SystemView view{
      .name = "weir_things",
      .columns = {{"name", ColumnType::text}, {"size", ColumnType::int64}, {"seen", ColumnType::timestamp}},
      .rows = [&reads]() -> Result<RowBlock> {
        RowBlock rows({{"name", ColumnType::text}, {"size", ColumnType::int64}, {"seen", ColumnType::timestamp}});
        for (int i = 0; i <= reads; ++i) {
          rows.column(0).add_text("thing " + std::to_string(i));
          rows.column(1).add_int(i);
          rows.column(2).add_null();
        }
        ++reads;
        return rows;
      },
      .comment = "what there is"};
  SystemView broken{.name = "weir_broken",
                    .columns = {{"x", ColumnType::int32}},
                    .rows = []() -> Result<RowBlock> { return Error(Code::busy, "the catalog is being repaired"); },
                    .comment = ""};
  open({view, broken});
  EXPECT_EQ(ask("SELECT * FROM weir_things"), "thing 0|0|NULL;");
  EXPECT_EQ(ask("SELECT size FROM WEIR_THINGS WHERE size > 0"), "1;");
  EXPECT_EQ(ask("SELECT count(*) FROM weir_things"), "3;");
  EXPECT_EQ(ask("SELECT * FROM weir_broken").substr(0, 5), "busy:");
  EXPECT_EQ(ask("SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'weir_%' ORDER BY 1"),
            "weir_broken;weir_things;");
  EXPECT_EQ(ask("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'weir_things' ORDER "
                "BY ordinal_position"),
            "name|VARCHAR;size|BIGINT;seen|TIMESTAMP;");
  EXPECT_EQ(ask("SHOW TABLES"), "weir_broken;weir_things;");
  EXPECT_EQ(ask("DESCRIBE weir_broken"), "busy: the catalog is being repaired") << "it is bound like a SELECT";
}

TEST_F(EngineTest, progress_is_told_while_a_statement_runs) {
  EXPECT_EQ(session->progress(), std::nullopt);
  EXPECT_EQ(ask(*connect(Trust::own), "CREATE TABLE big AS SELECT * FROM range(3000000) t(n)"), "3000000;");
  auto stream = session->query("SELECT n FROM big", {}, {});
  ASSERT_TRUE(stream);
  bool was_told = false;
  for (;;) {
    const auto rows = (*stream)->next();
    ASSERT_TRUE(rows);
    if (rows->empty()) break;
    const std::optional<double> progress = session->progress();
    if (!progress) continue;
    was_told = true;
    EXPECT_GE(*progress, 0);
    EXPECT_LE(*progress, 1);
  }
  EXPECT_TRUE(was_told);
  EXPECT_EQ(session->progress(), std::nullopt) << "the statement has ended";
}

}  // namespace
}  // namespace weir::engine
