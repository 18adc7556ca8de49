// Statements through the warehouse into the real engine: what its users see of streams, limits, cancelling, the
// registry as a table, the catalog and files.
#include "platform/warehouse/warehouse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <thread>

#include "core/runtime/system_clock.h"
#include "platform/warehouse/result_text.h"
#include "storage/engine/scripted_tables.h"

namespace weir::warehouse {
namespace {

using namespace std::chrono_literals;
using engine::ColumnType;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

void wait_for(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("it did not come true in 20 s");
    std::this_thread::yield();
  }
}

const User kAda{.name = "ada", .may_read = true};
constexpr const char* kId = "0192f0c1-2345-7abc-8def-0123456789ab";
constexpr const char* kEndless =
    "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = -1";
constexpr const char* kManyRows = "SELECT i.ad_id, range FROM impressions i, range(100000000)";

class WarehouseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened =
        engine::Engine::open({.database = "", .store_root = folder_.path(), .temp_directory = "", .threads = 2},
                             tables_, {statements_view(log_)});
    ASSERT_TRUE(opened) << opened.error().text();
    engine_ = std::move(*opened);
    publish_streams();
    open({});
  }
  void open(const Limits& limits) {
    warehouse_.emplace(
        Warehouse::Parts{.engine = *engine_, .log = log_, .timers = timers_, .clock = clock_, .random = random_},
        limits);
  }
  void publish_streams() {
    const std::vector<engine::Column> columns{{.name = "ad_id", .type = ColumnType::int64},
                                              {.name = "note", .type = ColumnType::text},
                                              {.name = "extra", .type = ColumnType::json}};
    engine::RowBlock rows(columns);
    for (int64_t i = 0; i < 10; ++i) {
      rows.column(0).add_int(i);
      if (i % 2 == 0) {
        rows.column(1).add_text("a \"note\", no. " + std::to_string(i));
        rows.column(2).add_text(R"({"k": [1, 2]})");
      } else {
        rows.column(1).add_null();
        rows.column(2).add_null();
      }
    }
    engine::TableVersion stream{.name = "impressions",
                                .columns = columns,
                                .partition_columns = {},
                                .files = {},
                                .tail = {engine_->seal(rows)},
                                .comment = ""};
    engine::TableVersion quarantine{.name = "impressions_quarantine",
                                    .columns = {{.name = "reason"}},
                                    .partition_columns = {},
                                    .files = {},
                                    .tail = {},
                                    .comment = ""};
    tables_.publish({std::move(stream), std::move(quarantine)});
  }
  std::string ask(const std::string& sql, std::vector<Json> parameters = {}) {
    const auto result = warehouse_->run_to_json(kAda, {.sql = sql, .parameters = std::move(parameters)});
    return result ? result->rows : result.error().text();
  }

  engine::ScratchFolder folder_{"weir-warehouse"};
  engine::ScriptedTables tables_;
  SystemClock clock_;
  SystemRandom random_;
  Metrics metrics_;
  Timers timers_;
  StatementLog log_{clock_, metrics_};
  std::unique_ptr<engine::Engine> engine_;
  std::optional<Warehouse> warehouse_;
};

TEST_F(WarehouseTest, answers_from_a_stream_with_parameters) {
  EXPECT_EQ(ask("SELECT count(*), max(ad_id) FROM impressions WHERE ad_id >= $1 AND note IS NOT NULL", {3}), "[[3,8]]");
  EXPECT_EQ(ask("SELECT extra FROM impressions WHERE ad_id = 2"), R"([["{\"k\": [1, 2]}"]])");
}

TEST_F(WarehouseTest, an_error_says_where_in_the_statement) {
  const auto wrong = warehouse_->execute(kAda, {.sql = "SELECT ad_id,\n  nonsense FROM impressions"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::invalid);
  ASSERT_TRUE(wrong.error().position);
  EXPECT_EQ(wrong.error().position->line, 2);
  EXPECT_EQ(log_.finished().at(0).state, StatementState::failed);
}

TEST_F(WarehouseTest, the_locks_of_the_engine_hold_for_its_users) {
  EXPECT_THAT(ask("SELECT * FROM read_csv('/etc/passwd')"), Not(HasSubstr("root")));
  EXPECT_EQ(log_.finished().at(0).error->code, Code::denied);
  EXPECT_THAT(ask("DROP TABLE impressions"), Not(HasSubstr("[")));
  EXPECT_EQ(ask("SELECT count(*) FROM impressions"), "[[10]]");
}

TEST_F(WarehouseTest, streams_csv_and_ndjson_of_real_types) {
  auto execution = warehouse_->execute(
      kAda, {.sql = "SELECT ad_id, note, extra, 1.50::DECIMAL(9,2) AS price, TIMESTAMP '2023-01-31 01:02:03' AS at, "
                    "[ad_id, 7] AS list FROM impressions WHERE ad_id < 2 ORDER BY ad_id"});
  ASSERT_TRUE(execution) << execution.error().text();
  std::string csv, ndjson;
  append_csv_header(csv, (*execution)->columns());
  const NdjsonWriter writer((*execution)->columns());
  for (Result<Rows> rows = (*execution)->next(); rows && !rows->empty(); rows = (*execution)->next()) {
    for (const ResultRow& row : *rows) {
      append_csv_row(csv, row);
      writer.append_row(ndjson, row);
    }
  }
  EXPECT_EQ(csv,
            "ad_id,note,extra,price,at,list\r\n"
            "0,\"a \"\"note\"\", no. 0\",\"{\"\"k\"\": [1, 2]}\",1.50,2023-01-31 01:02:03,\"[0,7]\"\r\n"
            "1,,,1.50,2023-01-31 01:02:03,\"[1,7]\"\r\n");
  EXPECT_EQ(ndjson, R"({"ad_id":0,"note":"a \"note\", no. 0","extra":{"k":[1,2]},"price":"1.50",)"
                    R"("at":"2023-01-31 01:02:03","list":[0,7]})"
                    "\n"
                    R"({"ad_id":1,"note":null,"extra":null,"price":"1.50","at":"2023-01-31 01:02:03","list":[1,7]})"
                    "\n");
}

TEST_F(WarehouseTest, a_running_statement_ends_within_a_second_of_its_cancel) {
  Result<JsonResult> result = Error(Code::internal, "it did not end");
  std::thread running([&] { result = warehouse_->run_to_json(kAda, {.sql = kEndless, .id = kId}); });
  wait_for([&] { return !warehouse_->running().empty() && warehouse_->running()[0].state == StatementState::running; });
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_TRUE(warehouse_->cancel(kId, kAda));
  running.join();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 1s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::cancelled);
  EXPECT_EQ(ask("SELECT 1"), "[[1]]");
}

TEST_F(WarehouseTest, a_cancel_that_comes_before_the_engine_has_begun_is_not_lost) {
  for (int i = 0; i < 20; ++i) {
    const Cancel cancel;
    std::thread stopper([&] {
      if (i % 2 == 0) wait_for([&] { return !warehouse_->running().empty(); });
      cancel.cancel();
    });
    const auto result = warehouse_->run_to_json(kAda, {.sql = kEndless}, cancel);
    stopper.join();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::cancelled);
  }
}

TEST_F(WarehouseTest, the_time_limit_reaches_into_the_engine_and_the_rows) {
  const auto late = warehouse_->run_to_json(kAda, {.sql = kEndless, .time = milliseconds(100)});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::timed_out);
  auto execution = warehouse_->execute(kAda, {.sql = kManyRows, .time = milliseconds(300)});
  ASSERT_TRUE(execution) << execution.error().text();
  Result<Rows> rows = (*execution)->next();
  while (rows) {
    ASSERT_FALSE(rows->empty());
    rows = (*execution)->next();
  }
  EXPECT_EQ(rows.error().code, Code::timed_out);
  EXPECT_GT((*execution)->rows(), 0u);
  EXPECT_LT((*execution)->elapsed(), seconds(2));
}

TEST_F(WarehouseTest, a_statement_lets_its_snapshot_go_however_it_ends) {
  const auto is_free = [&] { return tables_.alive() == 1; };  // the latest, which the source itself holds
  tables_.publish({});
  publish_streams();
  ASSERT_TRUE(is_free());
  for (const char* how : {"dropped", "truncated", "quiet"}) {
    const bool is_quiet = how == std::string("quiet");
    auto execution = warehouse_->execute(kAda, {.sql = kManyRows,
                                                .time = is_quiet ? milliseconds(300) : seconds(30),
                                                .rows_max = how == std::string("truncated") ? 5 : UINT64_MAX});
    ASSERT_TRUE(execution) << execution.error().text();
    ASSERT_TRUE((*execution)->next());
    publish_streams();  // the statement holds the tables of before
    if (how == std::string("dropped")) {
      EXPECT_EQ(tables_.alive(), 2);
      execution->reset();
    }
    wait_for(is_free);  // the quiet reader still has its Execution
  }
}

TEST_F(WarehouseTest, twenty_threads_share_two_slots) {
  std::vector<std::string> answers(20);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < answers.size(); ++i) {
    threads.emplace_back([&, i] {
      answers[i] = ask("SELECT sum(ad_id) + $1 FROM impressions, range(1000)", {static_cast<int64_t>(i)});
    });
  }
  for (auto& thread : threads) thread.join();
  for (size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i], "[[" + std::to_string(45'000 + i) + "]]");
}

TEST_F(WarehouseTest, weir_statements_shows_what_runs_and_what_ran) {
  ASSERT_EQ(ask("SELECT 41"), "[[41]]");
  EXPECT_THAT(ask("SELECT nonsense"), HasSubstr("nonsense"));
  EXPECT_EQ(ask("SELECT state, user_name, rows, error_code, sql FROM weir_statements WHERE sql LIKE 'SELECT 41%' OR "
                "error_code IS NOT NULL ORDER BY started_at"),
            R"([["done","ada",1,null,"SELECT 41"],["failed","ada",0,"invalid","SELECT nonsense"]])");
  const auto own = warehouse_->run_to_json(
      kAda, {.sql = "SELECT id, state FROM weir_statements WHERE state = 'running'", .id = kId});
  ASSERT_TRUE(own) << own.error().text();
  EXPECT_EQ(own->rows, "[[\"" + std::string(kId) + "\",\"running\"]]");
}

TEST_F(WarehouseTest, the_catalog_lists_tables_by_kind_and_functions_that_may_be_called) {
  const auto session = engine_->connect(engine::Trust::own);
  ASSERT_TRUE((*session)->query("CREATE TABLE people (id INTEGER, name VARCHAR)", {}, {}));
  const auto catalog = warehouse_->catalog(kAda);
  ASSERT_TRUE(catalog) << catalog.error().text();
  std::string tables;
  for (const CatalogTable& table : (*catalog)->tables) {
    tables += table.name + " " + table_kind_name(table.kind) + " " + std::to_string(table.columns.size()) + ";";
  }
  EXPECT_EQ(tables,
            "impressions stream 3;impressions_quarantine quarantine 1;people table 2;weir_statements system 12;");
  EXPECT_THAT((*catalog)->functions, Contains("date_trunc"));
  EXPECT_THAT((*catalog)->functions, Not(Contains("read_csv")));
  EXPECT_THAT((*catalog)->functions, Not(Contains("getvariable")));
  EXPECT_EQ(catalog_json(**catalog)["tables"].array()[2].dump(),
            R"({"name":"people","kind":"table","columns":[)"
            R"({"name":"id","type":"INTEGER"},{"name":"name","type":"VARCHAR"}]})");
}

TEST_F(WarehouseTest, a_table_that_is_not_there_is_answered_with_the_users_own_names) {
  const auto near = warehouse_->run_to_json(kAda, {.sql = "SELECT * FROM impresions"});
  ASSERT_FALSE(near);
  EXPECT_EQ(near.error().message, "there is no table 'impresions'");
  EXPECT_EQ(near.error().hint, "did you mean 'impressions'?");
  EXPECT_EQ(near.error().position->column, 15);
  // The engine would name a view of its own here.
  const auto far = warehouse_->run_to_json(kAda, {.sql = "SELECT * FROM pg_desc"});
  ASSERT_FALSE(far);
  EXPECT_EQ(far.error().hint, "known: impressions, impressions_quarantine, weir_statements");
}

TEST_F(WarehouseTest, the_catalog_is_kept_until_somebody_says_it_changed) {
  const auto before = warehouse_->catalog(kAda).value();
  tables_.publish({});
  EXPECT_EQ(warehouse_->catalog(kAda).value(), before);
  warehouse_->catalog_changed();
  const auto after = warehouse_->catalog(kAda).value();
  ASSERT_EQ(after->tables.size(), 1u);
  EXPECT_EQ(after->tables[0].name, "weir_statements");
  EXPECT_EQ(warehouse_->catalog({.name = "writer"}).error().code, Code::denied);
}

TEST_F(WarehouseTest, writes_a_result_as_a_parquet_file_under_the_same_rules) {
  const std::string path = folder_.file("out.parquet");
  const auto written = warehouse_->write_parquet_result(kAda, {.sql = "SELECT * FROM impressions", .id = kId}, path);
  ASSERT_TRUE(written) << written.error().text();
  EXPECT_EQ(written->rows, 10u);
  EXPECT_EQ(written->statement_id, kId);
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(log_.finished().at(0).rows, 10u);

  const auto session = engine_->connect(engine::Trust::own);
  ASSERT_TRUE(session);
  const auto own = engine_->load_file(**session, path, "parquet", "copied", {});
  ASSERT_TRUE(own) << own.error().text();
  EXPECT_EQ(ask("SELECT count(*), sum(ad_id) FROM copied"), "[[10,45]]");

  const auto write = [&](Statement statement) {
    const auto result = warehouse_->write_parquet_result(kAda, std::move(statement), path);
    return result ? "written" : code_name(result.error().code);
  };
  EXPECT_STREQ(write({.sql = kManyRows, .time = milliseconds(200)}), "timed_out");
  EXPECT_STREQ(write({.sql = "SELECT nonsense"}), "invalid");
  EXPECT_STREQ(write({.sql = "SELECT $1", .parameters = {1}}), "unsupported");
  EXPECT_STREQ(write({.sql = "SELECT 1", .rows_max = 1}), "unsupported");
  EXPECT_TRUE(warehouse_->running().empty());
}

}  // namespace
}  // namespace weir::warehouse
