#include "platform/flow/ledger.h"

#include <algorithm>

#include "platform/flow/partitions.h"

namespace weir::flow {
namespace {

constexpr Duration kKept = days(60);  // nobody takes up a run that is older

constexpr const char* kMakeSteps =
    "CREATE TABLE IF NOT EXISTS weir.steps(run VARCHAR NOT NULL, flow VARCHAR NOT NULL, step VARCHAR NOT NULL, "
    "input VARCHAR NOT NULL, ended_at TIMESTAMP NOT NULL, row_count BIGINT, message VARCHAR NOT NULL)";
constexpr const char* kMakeVersions =
    "CREATE TABLE IF NOT EXISTS weir.versions(table_name VARCHAR NOT NULL, version VARCHAR NOT NULL)";

Result<std::vector<std::vector<engine::Cell>>> all_rows(engine::Session& session, std::string_view sql) {
  TRY_ASSIGN(const auto stream, session.query(sql, {}, {}));
  std::vector<std::vector<engine::Cell>> out;
  while (true) {
    TRY_ASSIGN(auto rows, stream->next());
    if (rows.empty()) return out;
    std::move(rows.begin(), rows.end(), std::back_inserter(out));
  }
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(engine::Engine& engine, const Clock& clock) {
  auto out = std::make_unique<Ledger>();
  TRY_ASSIGN(const auto session, engine.connect(engine::Trust::own));
  session->read_from(no_streams());
  TRY(run_statement(*session, "CREATE SCHEMA IF NOT EXISTS weir"));
  TRY(run_statement(*session, kMakeSteps));
  TRY(run_statement(*session, kMakeVersions));
  TRY(run_statement(*session, "DELETE FROM weir.steps WHERE input = '' AND ended_at < make_timestamp($1)",
                    {Json(clock.wall().micros - kKept.micros)}));
  TRY_ASSIGN(const auto steps, all_rows(*session,
                                        "SELECT run, flow, step, input, epoch_us(ended_at), row_count, message FROM "
                                        "weir.steps"));
  for (const auto& row : steps) {
    StepMark mark{std::get<std::string>(row[0]),
                  std::get<std::string>(row[1]),
                  std::get<std::string>(row[2]),
                  std::get<std::string>(row[3]),
                  {std::get<int64_t>(row[4])}};
    if (const auto* rows = std::get_if<int64_t>(&row[5])) mark.end.rows = static_cast<uint64_t>(*rows);
    mark.end.message = std::get<std::string>(row[6]);
    out->marks_.push_back(std::move(mark));
  }
  TRY_ASSIGN(const auto versions, all_rows(*session, "SELECT table_name, version FROM weir.versions"));
  for (const auto& row : versions) out->versions_[std::get<std::string>(row[0])] = std::get<std::string>(row[1]);
  return out;
}

std::optional<StepMark> Ledger::of_run(const std::string& run, const std::string& step) const {
  const std::lock_guard lock(mutex_);
  for (const StepMark& mark : marks_) {
    if (mark.run == run && mark.step == step) return mark;
  }
  return std::nullopt;
}

std::optional<StepMark> Ledger::of_input(const std::string& flow, const std::string& step,
                                         const std::string& input) const {
  const std::lock_guard lock(mutex_);
  for (const StepMark& mark : marks_) {
    if (mark.flow == flow && mark.step == step && mark.input == input) return mark;
  }
  return std::nullopt;
}

std::map<std::string, std::string> Ledger::versions() const {
  const std::lock_guard lock(mutex_);
  return versions_;
}

Status Ledger::write(engine::Session& session, const StepMark& mark) {
  TRY(session.run_own("INSERT INTO weir.steps VALUES ($1, $2, $3, $4, make_timestamp($5), $6, $7)",
                      {Json(mark.run), Json(mark.flow), Json(mark.step), Json(mark.input), Json(mark.ended_at.micros),
                       mark.end.rows ? Json(*mark.end.rows) : Json(), Json(mark.end.message)}));
  return {};
}

Status Ledger::touch(engine::Session& session, const std::set<std::string>& tables, const std::string& version) {
  for (const std::string& table : tables) {
    TRY(session.run_own("DELETE FROM weir.versions WHERE table_name = $1", {Json(table)}));
    TRY(session.run_own("INSERT INTO weir.versions VALUES ($1, $2)", {Json(table), Json(version)}));
  }
  return {};
}

void Ledger::committed(const StepMark& mark) {
  const std::lock_guard lock(mutex_);
  marks_.push_back(mark);
}

void Ledger::touched(const std::set<std::string>& tables, const std::string& version) {
  const std::lock_guard lock(mutex_);
  for (const std::string& table : tables) versions_[table] = version;
}

}  // namespace weir::flow
