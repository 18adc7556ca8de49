#include "app/sql.h"

#include <algorithm>
#include <thread>

#include "core/base/text.h"
#include "core/io/files.h"
#include "platform/warehouse/history_records.h"
#include "platform/warehouse/system_relations.h"

namespace weir::app {
namespace {

// One question on its way; if it is dropped unasked (the program stops), that is its answer.
struct Question {
  std::unique_ptr<warehouse::Admission> admission;
  std::function<void(alarm::Answer)> done;

  void answer(alarm::Answer with) {
    if (auto call = std::exchange(done, nullptr)) call(std::move(with));
  }
  ~Question() { answer(Error(Code::unavailable, "weir stops")); }
};

Result<std::optional<double>> number_in(const engine::Cell& cell) {
  if (std::holds_alternative<std::nullptr_t>(cell)) return std::optional<double>();
  if (const auto* value = std::get_if<double>(&cell)) return std::optional(*value);
  if (const auto* value = std::get_if<int64_t>(&cell)) return std::optional(static_cast<double>(*value));
  if (const auto* value = std::get_if<bool>(&cell)) return std::optional(*value ? 1.0 : 0.0);
  // Decimals and integers beyond 64 bits come as their text.
  const auto read = Json::parse(std::get<std::string>(cell));
  if (read && read->is_number()) return std::optional(read->as_double());
  return Error(Code::invalid, "the alarm's SQL gives a text instead of a number");
}

alarm::Answer read_answer(warehouse::Execution& execution) {
  if (execution.columns().size() != 1) {
    return Error(Code::invalid, "the alarm's SQL gives " + std::to_string(execution.columns().size()) +
                                    " columns instead of one number");
  }
  TRY_ASSIGN(const warehouse::Rows rows, execution.next());
  if (rows.empty()) return std::optional<double>();
  if (rows.size() > 1) return Error(Code::invalid, "the alarm's SQL gives several rows instead of one number");
  return number_in(rows[0][0]);
}

}  // namespace

std::string spill_folder(const std::string& state_folder) {
  return join_path(state_folder, "tmp");
}

engine::EngineOptions engine_options(const project::Settings& settings, const std::string& state_folder,
                                     const std::string& store_root) {
  engine::EngineOptions out{.database = join_path(state_folder, "warehouse.duckdb"),
                            .store_root = store_root,
                            .temp_directory = spill_folder(state_folder)};
  out.threads = static_cast<int>(settings.integer("engine.threads"));
  if (out.threads == 0) out.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()) - 1);
  out.memory_bytes = settings.size("limits.sql_memory");
  return out;
}

Result<std::unique_ptr<warehouse::Warehouse>> open_warehouse(const warehouse::Warehouse::Parts& parts,
                                                             const project::Settings& settings) {
  warehouse::Limits limits;
  limits.concurrent = static_cast<size_t>(settings.integer("limits.sql_concurrent"));
  limits.queue = static_cast<size_t>(settings.integer("limits.sql_queue"));
  limits.time = settings.duration("limits.sql_time");
  limits.json_rows_max = static_cast<uint64_t>(settings.integer("limits.sql_rows"));
  TRY(warehouse::make_catalog(parts.engine));
  parts.engine.set_relations(warehouse::system_relations());
  return std::make_unique<warehouse::Warehouse>(parts, limits);
}

Result<std::unique_ptr<warehouse::HistoryFile>> keep_history(const std::string& folder, const Clock& clock,
                                                             const project::Settings& settings,
                                                             warehouse::StatementLog& statements,
                                                             warehouse::LoadLog& loads) {
  const warehouse::HistoryFile::Limits limits{.records_max = static_cast<size_t>(settings.integer("history.records")),
                                              .age_max = settings.duration("history.age")};
  TRY_ASSIGN(auto out, warehouse::HistoryFile::open(real_files(), clock, folder, limits));
  statements.keep(*out);
  loads.keep(*out);
  warehouse::restore_history(out->take_kept(), statements, loads);
  return out;
}

Result<std::set<std::string>> loaded_tables(warehouse::Warehouse& warehouse) {
  TRY_ASSIGN(const auto catalog, warehouse.catalog({.name = "weir", .may_read = true}));
  std::set<std::string> names;
  for (const auto& table : catalog->tables) {
    if (table.kind == warehouse::TableKind::table) names.insert(to_lower(table.name));
  }
  return names;
}

alarm::AskSql ask_sql_on(warehouse::Warehouse& warehouse, Lanes& lanes) {
  return
      [&warehouse, &lanes](const std::string& sql, Duration limit, std::function<void(alarm::Answer)> done) -> Status {
        warehouse::Statement statement;
        statement.sql = sql;
        statement.time = limit;
        statement.rows_max = 2;
        statement.client = "alarm";
        TRY_ASSIGN(auto admission, warehouse.admit({.name = "weir alarms", .may_read = true}, std::move(statement)));
        auto question = std::make_shared<Question>();
        question->admission = std::move(admission);
        question->done = std::move(done);
        warehouse::Admission& waiting = *question->admission;
        waiting.when_ready([&lanes, question = std::move(question)]() mutable {
          const Status submitted = lanes.submit(Lane::interactive, [question] {
            auto execution = question->admission->start();
            question->answer(execution ? read_answer(**execution) : alarm::Answer(execution.error()));
          });
          if (!submitted) question->answer(submitted.error());
        });
        return {};
      };
}

}  // namespace weir::app
