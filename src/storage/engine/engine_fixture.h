// The fixture of this room's tests: an engine in a scratch folder, a user's session, and small verbs to ask it. For
// tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/metrics.h"
#include "storage/engine/scripted_tables.h"

namespace weir::engine {

using Rows = std::vector<std::vector<Cell>>;

inline std::string shown(const Cell& cell) {
  if (std::holds_alternative<std::nullptr_t>(cell)) return "NULL";
  if (const bool* value = std::get_if<bool>(&cell)) return *value ? "true" : "false";
  if (const int64_t* value = std::get_if<int64_t>(&cell)) return std::to_string(*value);
  if (const double* value = std::get_if<double>(&cell)) return std::to_string(*value);
  return std::get<std::string>(cell);
}

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override { open({}); }
  void open(std::vector<SystemView> views) {
    EngineOptions options;
    options.database = folder.file("warehouse.duckdb");
    options.store_root = folder.file("store");
    options.temp_directory = folder.file("tmp");
    options.threads = 2;
    options.memory_bytes = 256u << 20;
    options.program = program;
    options.metrics = &metrics;
    std::filesystem::create_directories(options.store_root);
    session.reset();
    engine.reset();
    auto opened = Engine::open(options, tables, std::move(views));
    ASSERT_TRUE(opened) << opened.error().text();
    engine = std::move(*opened);
    session = connect(Trust::user);
  }
  std::unique_ptr<Session> connect(Trust trust) {
    auto connected = engine->connect(trust);
    EXPECT_TRUE(connected) << connected.error().text();
    return std::move(*connected);
  }
  static Result<Rows> all(Session& in, std::string_view sql, const std::vector<Json>& parameters = {},
                          QueryLimits limits = {}) {
    TRY_ASSIGN(const std::unique_ptr<ResultStream> stream, in.query(sql, parameters, limits));
    Rows rows;
    for (;;) {
      TRY_ASSIGN(Rows piece, stream->next());
      if (piece.empty()) return rows;
      rows.insert(rows.end(), piece.begin(), piece.end());
    }
  }
  Result<uint64_t> load_file(const std::string& path, std::string_view format, const std::string& table) {
    return engine->load_file(*connect(Trust::own), path, format, table, {});
  }
  // The rows as text, cells by "|", rows by ";"; or the error.
  std::string ask(std::string_view sql, const std::vector<Json>& parameters = {}) {
    return ask(*session, sql, parameters);
  }
  static std::string ask(Session& in, std::string_view sql, const std::vector<Json>& parameters = {}) {
    const Result<Rows> rows = all(in, sql, parameters);
    if (!rows) return std::string(code_name(rows.error().code)) + ": " + rows.error().text();
    std::string text;
    for (const auto& row : *rows) {
      for (size_t i = 0; i < row.size(); ++i) text += (i > 0 ? "|" : "") + shown(row[i]);
      text += ";";
    }
    return text;
  }
  Code code_of(std::string_view sql, const std::vector<Json>& parameters = {}, QueryLimits limits = {}) {
    const Result<Rows> rows = all(*session, sql, parameters, limits);
    return rows ? Code::not_found : rows.error().code;
  }

  ScratchFolder folder{"weir-engine"};
  Metrics metrics;
  std::string program = "/proc/self/exe";  // calls_test.cpp has the main() that answers
  ScriptedTables tables;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Session> session;
};

}  // namespace weir::engine
