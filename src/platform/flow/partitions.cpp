#include "platform/flow/partitions.h"

#include "core/base/time.h"

namespace weir::flow {
namespace {

constexpr const char* kMake =
    "CREATE TABLE IF NOT EXISTS weir.partitions(table_name VARCHAR NOT NULL, day DATE, fingerprint VARCHAR NOT NULL, "
    "content VARCHAR NOT NULL, row_count BIGINT NOT NULL, run VARCHAR NOT NULL, computed_at TIMESTAMP NOT NULL, "
    "took_ms BIGINT NOT NULL)";
constexpr const char* kRead =
    "SELECT table_name, CAST(day AS VARCHAR), fingerprint, content, row_count, run, epoch_us(computed_at), took_ms "
    "FROM weir.partitions";

Mark mark_of(const std::vector<engine::Cell>& row) {
  Mark out;
  out.fingerprint = std::get<std::string>(row[2]);
  out.content = std::get<std::string>(row[3]);
  out.rows = static_cast<uint64_t>(std::get<int64_t>(row[4]));
  out.run = std::get<std::string>(row[5]);
  out.computed_at = {std::get<int64_t>(row[6])};
  out.took = milliseconds(std::get<int64_t>(row[7]));
  out.data = out.fingerprint;
  return out;
}

Json day_parameter(const Partition& partition) {
  return partition ? Json(format_date(*partition)) : Json();
}

class NoStreams final : public engine::Snapshot {
 public:
  const engine::TableVersion* find(std::string_view) const override { return nullptr; }
  std::vector<std::string> names() const override { return {}; }
};

}  // namespace

std::shared_ptr<const engine::Snapshot> no_streams() {
  return std::make_shared<NoStreams>();
}

std::string partition_text(const Partition& partition) {
  return partition ? format_date(*partition) : "all";
}

Result<uint64_t> run_statement(engine::Session& session, std::string_view sql, const std::vector<Json>& parameters,
                               engine::QueryLimits limits) {
  TRY_ASSIGN(const auto stream, session.query(sql, parameters, limits));
  uint64_t first = 0;
  for (bool is_first = true;; is_first = false) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return first;
    if (is_first && !rows.front().empty()) {
      if (const auto* number = std::get_if<int64_t>(&rows.front().front())) first = static_cast<uint64_t>(*number);
    }
  }
}

Result<std::unique_ptr<Partitions>> Partitions::open(engine::Engine& engine) {
  auto out = std::make_unique<Partitions>();
  TRY_ASSIGN(const auto session, engine.connect(engine::Trust::own));
  session->read_from(no_streams());
  TRY(run_statement(*session, "CREATE SCHEMA IF NOT EXISTS weir"));
  TRY(run_statement(*session, kMake));
  TRY_ASSIGN(const auto stream, session->query(kRead, {}, {}));
  while (true) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return out;
    for (const auto& row : rows) {
      Partition partition;
      if (const auto* day = std::get_if<std::string>(&row[1])) {
        TRY_ASSIGN(partition, parse_date(*day));
      }
      out->tables_[std::get<std::string>(row[0])][partition] = mark_of(row);
    }
  }
}

TableMarks Partitions::of(std::string_view table) const {
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(table);
  return found == tables_.end() ? TableMarks() : found->second;
}

void Partitions::committed(std::string_view table, const Partition& partition, Mark mark) {
  const std::lock_guard lock(mutex_);
  tables_[std::string(table)][partition] = std::move(mark);
}

void Partitions::forgotten(std::string_view table) {
  const std::lock_guard lock(mutex_);
  if (const auto found = tables_.find(table); found != tables_.end()) tables_.erase(found);
}

void Partitions::renamed(std::string_view from, std::string_view to) {
  const std::lock_guard lock(mutex_);
  auto marks = tables_.extract(std::string(from));
  tables_.erase(std::string(to));
  if (marks.empty()) return;
  marks.key() = to;
  tables_.insert(std::move(marks));
}

Status Partitions::write(engine::Session& session, std::string_view table, const Partition& partition,
                         const Mark& mark) {
  const Json name{std::string(table)}, day = day_parameter(partition);
  TRY(run_statement(session,
                    "DELETE FROM weir.partitions WHERE table_name = $1 AND day IS NOT DISTINCT FROM CAST($2 AS DATE)",
                    {name, day}));
  TRY(run_statement(session,
                    "INSERT INTO weir.partitions VALUES ($1, CAST($2 AS DATE), $3, $4, $5, $6, make_timestamp($7), $8)",
                    {name, day, Json(mark.fingerprint), Json(mark.content), Json(mark.rows), Json(mark.run),
                     Json(mark.computed_at.micros), Json(mark.took.micros / 1000)}));
  return {};
}

Status Partitions::rename(engine::Session& session, std::string_view from, std::string_view to) {
  TRY(forget(session, to));
  TRY(run_statement(session, "UPDATE weir.partitions SET table_name = $1 WHERE table_name = $2",
                    {Json(std::string(to)), Json(std::string(from))}));
  return {};
}

Result<std::optional<Mark>> Partitions::read(engine::Session& session, std::string_view table,
                                             const Partition& partition) {
  const std::string sql = std::string(kRead) + " WHERE table_name = $1 AND day IS NOT DISTINCT FROM CAST($2 AS DATE)";
  TRY_ASSIGN(const auto stream, session.query(sql, {Json(std::string(table)), day_parameter(partition)}, {}));
  std::optional<Mark> out;
  while (true) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return out;
    out = mark_of(rows.front());
  }
}

Status Partitions::forget(engine::Session& session, std::string_view table) {
  TRY(run_statement(session, "DELETE FROM weir.partitions WHERE table_name = $1", {Json(std::string(table))}));
  return {};
}

}  // namespace weir::flow
