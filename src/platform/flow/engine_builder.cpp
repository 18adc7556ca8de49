#include "platform/flow/engine_builder.h"

#include <algorithm>

#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/io/crash_point.h"
#include "platform/flow/build_parts.h"
#include "platform/flow/transaction.h"

namespace weir::flow {
namespace {

bool same_columns(const std::vector<engine::ResultColumn>& a, const std::vector<engine::ResultColumn>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.name == y.name && x.type == y.type; });
}

// No declaration's name has a space in it.
std::string shadow_of(const std::string& table) {
  return table + " new";
}

}  // namespace

// Of what statements read under the table's name.
TableMarks EngineBuilder::old_marks(const std::string& table) const {
  TableMarks out = partitions_.of(table);
  if (!out.empty()) return out;
  const auto kept = lake_.derived();
  const auto found = kept.find(table);
  return found == kept.end() ? out : marks_of(*found->second);
}

Result<Builder::Target> EngineBuilder::target(const TableContent& content) {
  TRY(settle(content));
  TRY_ASSIGN(const auto wanted, columns_of(engine_, content));
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(no_streams());
  TRY_ASSIGN(const auto there, columns_there(*session, content.table));
  if (same_columns(wanted, there) && is_made_by(content, partitions_.of(content.table))) {
    return Target{content.table, false};
  }
  const bool is_new = there.empty() && !lake_.derived().contains(content.table);
  const Target out{is_new ? content.table : shadow_of(content.table), !is_new};
  if (out.is_shadow) {
    TRY_ASSIGN(const auto shadow, columns_there(*session, out.table));
    if (same_columns(wanted, shadow) && is_made_by(content, partitions_.of(out.table))) return out;
  }
  std::string columns;
  for (const auto& column : wanted) {
    columns += (columns.empty() ? "" : ", ") + quoted_name(column.name) + " " + column.type;
  }
  EngineTransaction transaction(*session);
  TRY(transaction.begin());
  TRY(run_statement(*session, "DROP TABLE IF EXISTS main." + quoted_name(out.table)));
  TRY(run_statement(*session, "CREATE TABLE main." + quoted_name(out.table) + " (" + columns + ")"));
  TRY(Partitions::forget(*session, out.table));
  TRY(transaction.commit());
  partitions_.forgotten(out.table);
  return out;
}

// Rows of the old table, wherever it lies, for the partitions that can never be computed again.
Status EngineBuilder::take_over(engine::Session& session, const TableContent& content,
                                const std::vector<Partition>& past) {
  const std::string shadow = shadow_of(content.table);
  const TableMarks marks = old_marks(content.table);
  TRY_ASSIGN(auto old_columns, columns_there(session, content.table));
  const bool is_in_lake = old_columns.empty();
  if (is_in_lake) {
    TRY_ASSIGN(old_columns, columns_there(session, content.table, true));
  }
  const std::string from = (is_in_lake ? "lake.main." : "main.") + quoted_name(content.table);
  TRY_ASSIGN(const auto columns, columns_there(session, shadow));
  std::string common;
  bool has_partition = false;
  for (const auto& column : columns) {
    if (find_column(old_columns, column.name) == nullptr) continue;
    common += (common.empty() ? "" : ", ") + quoted_name(column.name);
    has_partition = has_partition || to_lower(column.name) == to_lower(content.partition_column);
  }
  for (const Partition& partition : past) {
    const auto mark = marks.find(partition);
    if (mark == marks.end()) continue;
    if (!has_partition) return no_partition_column(content, partition);
    const std::string where = condition(content, partition);
    TRY(run_statement(session, "DELETE FROM main." + quoted_name(shadow) + " WHERE " + where));
    TRY(run_statement(session, "INSERT INTO main." + quoted_name(shadow) + " (" + common + ") SELECT " + common +
                                   " FROM " + from + " WHERE " + where));
    Mark kept = mark->second;
    kept.content = content.hash;
    TRY(Partitions::write(session, shadow, partition, kept));
  }
  return {};
}

Status EngineBuilder::publish_shadow(const TableContent& content, const std::vector<Partition>& past,
                                     const Cancel& cancel) {
  const std::string shadow = shadow_of(content.table);
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  const auto stop = cancel.attach([&session] { session->cancel(); });
  EngineTransaction transaction(*session);
  const TableMarks old = old_marks(content.table);
  TRY(transaction.begin());
  TRY(take_over(*session, content, past));
  TRY_ASSIGN(const auto there, columns_there(*session, content.table));
  if (!there.empty()) {
    TRY(run_statement(*session, "DROP TABLE main." + quoted_name(content.table)));
  }
  TRY(run_statement(*session, "ALTER TABLE main." + quoted_name(shadow) + " RENAME TO " + quoted_name(content.table)));
  TRY(Partitions::rename(*session, shadow, content.table));
  std::vector<TestFailure> warnings;
  TRY_ASSIGN(const auto failures, run_tests(engine_, *session, content, "true", warnings));
  if (!failures.empty()) return failed_tests(content, std::nullopt, failures);
  TRY(cancel.check());
  TRY(transaction.commit());
  partitions_.renamed(shadow, content.table);
  for (const Partition& partition : past) {
    const auto mark = old.find(partition);
    if (mark == old.end()) continue;
    Mark kept = mark->second;
    kept.content = content.hash;
    kept.data = kept.fingerprint;
    partitions_.committed(content.table, partition, kept);
  }
  crash_point("table.published");
  return settle(content);
}

Status EngineBuilder::settle(const TableContent& content) {
  const TableMarks marks = partitions_.of(content.table);
  if (marks.empty() || !is_made_by(content, marks) || !lake_.derived().contains(content.table)) return {};
  return lake_.retire_derived(content.table);
}

Status EngineBuilder::drop_table(const std::string& table) {
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(no_streams());
  EngineTransaction transaction(*session);
  TRY(transaction.begin());
  TRY(run_statement(*session, "DROP TABLE IF EXISTS main." + quoted_name(table)));
  TRY(Partitions::forget(*session, table));
  TRY(transaction.commit());
  partitions_.forgotten(table);
  return {};
}

Result<Built> EngineBuilder::build(const TableContent& content, const Target& target, const BuildRequest& request,
                                   const Cancel& cancel) {
  const int64_t began = clock_.steady_micros();
  // The locks look at the SELECT alone; only then it becomes a part of a statement of our own.
  TRY(engine_.examine(content.select, false));
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(chosen_days(request));
  const auto stop = cancel.attach([&session] { session->cancel(); });
  const std::string table = "main." + quoted_name(target.table), where = condition(content, request.partition);
  EngineTransaction transaction(*session);
  TRY(transaction.begin());
  TRY(run_statement(*session, "DELETE FROM " + table + " WHERE " + where));
  auto rows = run_statement(
      *session, "INSERT INTO " + table + " SELECT * FROM (\n" + content.select + "\n) AS weir_new WHERE " + where, {},
      {.time = request.time_limit});
  if (!rows) return told(cancel, rows.error());
  Built out;
  if (!target.is_shadow) {
    auto failures = run_tests(engine_, *session, content, where, out.warnings);
    if (!failures) return told(cancel, failures.error());
    if (!failures->empty()) {
      if (request.failures != nullptr) *request.failures = *failures;
      return failed_tests(content, request.partition, *failures);
    }
  }
  out.mark.fingerprint = out.mark.data = request.fingerprint;
  out.mark.content = content.hash;
  out.mark.rows = *rows;
  out.mark.run = request.run;
  out.mark.computed_at = clock_.wall();
  out.mark.took.micros = clock_.steady_micros() - began;
  TRY(Partitions::write(*session, target.table, request.partition, out.mark));
  TRY(cancel.check());
  TRY(transaction.commit());
  partitions_.committed(target.table, request.partition, out.mark);
  return out;
}

}  // namespace weir::flow
