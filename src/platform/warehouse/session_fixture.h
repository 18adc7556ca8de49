// A warehouse over a real engine with users, for tests: sessions of several users, their statements and answers as
// texts. Only for tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/metrics.h"
#include "core/runtime/system_clock.h"
#include "core/runtime/timers.h"
#include "platform/warehouse/materialized_views.h"
#include "platform/warehouse/result_text.h"
#include "platform/warehouse/session.h"
#include "platform/warehouse/system_relations.h"
#include "storage/engine/scripted_tables.h"

namespace weir::warehouse {

class SessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "weir-session-XXXXXX";
    folder_ = mkdtemp(name.data());
    start();
    publish();
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(folder_);
  }
  void start() {
    auto control = control::Control::open(folder_ + "/control.db", clock_);
    ASSERT_TRUE(control) << control.error().text();
    control_ = std::move(*control);
    auto users = access::Users::open(*control_, clock_, random_, {.cost = {.memory_kib = 64, .passes = 1}});
    ASSERT_TRUE(users) << users.error().text();
    users_ = std::move(*users);
    auto engine = engine::Engine::open(
        {.database = folder_ + "/warehouse.duckdb", .store_root = folder_, .temp_directory = folder_, .threads = 2},
        tables_, views());
    ASSERT_TRUE(engine) << engine.error().text();
    engine_ = std::move(*engine);
    engine_->set_relations(system_relations());
    const Status made = make_catalog(*engine_);
    ASSERT_TRUE(made) << made.error().text();
    warehouse_.emplace(Warehouse::Parts{.engine = *engine_,
                                        .log = log_,
                                        .timers = timers_,
                                        .clock = clock_,
                                        .random = random_,
                                        .users = users_.get(),
                                        .buckets = &buckets_.emplace(real_files(), folder_ + "/s3"),
                                        .loads = &loads_,
                                        .views = &materialized_},
                       Limits{});
    root_ = connect({.name = "weir", .may_read = true, .may_administer = true, .id = access::kOwnerUser});
  }
  void stop() {
    root_.reset();
    warehouse_.reset();
    engine_.reset();
    users_.reset();
    control_.reset();
  }
  std::vector<engine::SystemView> views() {
    std::vector<engine::SystemView> out = load_views(loads_);
    out.push_back(view_refreshes(materialized_));
    for (engine::SystemView& one : system_facts(log_, users_)) out.push_back(std::move(one));
    out.push_back(statements_view(log_));
    return out;
  }
  void publish() {
    const std::vector<engine::Column> columns{{.name = "ad_id", .type = engine::ColumnType::int64},
                                              {.name = "note", .type = engine::ColumnType::text}};
    engine::RowBlock rows(columns);
    for (int64_t i = 0; i < 3; ++i) {
      rows.column(0).add_int(i);
      rows.column(1).add_text("n" + std::to_string(i));
    }
    tables_.publish({{.name = "impressions",
                      .columns = columns,
                      .partition_columns = {},
                      .files = {},
                      .tail = {engine_->seal(rows)},
                      .comment = ""}});
  }

  std::unique_ptr<Session> connect(const User& user, std::vector<std::pair<std::string, std::string>> settings = {}) {
    auto session = Session::open(*warehouse_, {.user = user, .client = "test", .peer = "", .settings = settings});
    EXPECT_TRUE(session) << session.error().text();
    return session ? std::move(*session) : nullptr;
  }
  // A new user with a session.
  std::unique_ptr<Session> user(const std::string& name) {
    EXPECT_EQ(ask("CREATE USER " + name + " PASSWORD 'Secret123'"), "CREATE USER");
    const access::UserInfo* made = users_->directory()->user(name);
    return connect({.name = name, .may_read = true, .id = made->id});
  }

  // "1|a;2|b; SELECT 2", or "42P01: what is wrong".
  static std::string ask(Session& session, const std::string& sql, const engine::Parameters& parameters = {}) {
    auto admission = session.admit({.sql = sql, .parameters = parameters});
    if (!admission) return said(admission.error());
    auto execution = (*admission)->start();
    if (!execution) return said(execution.error());
    std::string out;
    for (;;) {
      const auto block = (*execution)->next_block();
      if (!block) return out + said(block.error());
      if (*block == nullptr) break;
      for (size_t row = 0; row < (*block)->rows; ++row) {
        for (size_t i = 0; i < (*block)->columns.size(); ++i) {
          out += (i > 0 ? "|" : "") + shown(*(*block)->columns[i], row);
        }
        out += ';';
      }
    }
    return out + (out.empty() ? "" : " ") + (*execution)->tag();
  }
  std::string ask(const std::string& sql) { return ask(*root_, sql); }
  static std::string code(Session& session, const std::string& sql) { return ask(session, sql).substr(0, 5); }
  std::string code(const std::string& sql) { return code(*root_, sql); }

  static std::string said(const Error& error) {
    return (error.sqlstate != nullptr ? std::string(error.sqlstate) : std::string(code_name(error.code))) + ": " +
           error.message;
  }
  static std::string shown(const engine::ResultVector& column, size_t row) {
    if (column.is_null(row)) return "NULL";
    switch (column.kind) {
      case engine::VectorKind::boolean:
        return column.truth(row) ? "t" : "f";
      case engine::VectorKind::integer:
      case engine::VectorKind::date:
      case engine::VectorKind::time:
      case engine::VectorKind::timestamp:
      case engine::VectorKind::timestamp_tz:
        return std::to_string(column.integer(row));
      case engine::VectorKind::wide:
      case engine::VectorKind::decimal:
      case engine::VectorKind::uuid:
        return std::to_string(static_cast<int64_t>(column.wide(row).low));
      case engine::VectorKind::float32:
      case engine::VectorKind::float64:
        return std::to_string(column.real(row));
      case engine::VectorKind::interval:
        return std::to_string(column.interval(row).micros);
      case engine::VectorKind::bytes:
      case engine::VectorKind::text:
        return std::string(column.text(row));
    }
    return "?";
  }

  std::string folder_;
  SystemClock clock_;
  SystemRandom random_;
  Metrics metrics_;
  Timers timers_;
  StatementLog log_{clock_, metrics_};
  LoadLog loads_;
  MaterializedViews materialized_;
  std::optional<Buckets> buckets_;
  engine::ScriptedTables tables_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<access::Users> users_;
  std::unique_ptr<engine::Engine> engine_;
  std::optional<Warehouse> warehouse_;
  std::unique_ptr<Session> root_;
};

}  // namespace weir::warehouse
