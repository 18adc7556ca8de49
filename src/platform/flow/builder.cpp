#include "platform/flow/builder.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/base/time.h"
#include "platform/flow/transaction.h"

namespace weir::flow {
namespace {

// Streams as they were committed, each with the files of the days that are wanted only. A file is by day, or by month.
class ChosenDays final : public engine::Snapshot {
 public:
  ChosenDays(std::shared_ptr<const engine::Snapshot> all,
             const std::map<std::string, std::set<int32_t>, std::less<>>& days)
      : all_(std::move(all)) {
    for (const auto& entry : days) {
      const auto& name = entry.first;
      const auto& wanted = entry.second;  // no structured binding: clang 14 does not capture one
      const engine::TableVersion* version = all_->find(name);
      if (version == nullptr) continue;
      auto chosen = std::make_unique<engine::TableVersion>(*version);
      std::erase_if(chosen->files, [&](const engine::TableFile& file) { return !holds_any(file, wanted); });
      chosen_.emplace(name, std::move(chosen));
    }
  }
  const engine::TableVersion* find(std::string_view table) const override {
    const auto chosen = chosen_.find(table);
    return chosen != chosen_.end() ? chosen->second.get() : all_->find(table);
  }
  std::vector<std::string> names() const override { return all_->names(); }

 private:
  static bool holds_any(const engine::TableFile& file, const std::set<int32_t>& wanted) {
    if (file.partition.size() == 1) return wanted.contains(static_cast<int32_t>(file.partition[0]));
    return std::any_of(wanted.begin(), wanted.end(), [&](int32_t day) {
      const CivilTime civil = civil_from_micros(int64_t{day} * 86'400'000'000);
      return file.partition.size() == 2 && file.partition[0] == civil.year && file.partition[1] == civil.month;
    });
  }

  std::shared_ptr<const engine::Snapshot> all_;
  std::map<std::string, std::unique_ptr<engine::TableVersion>, std::less<>> chosen_;
};

// No declaration's name has a space in it.
std::string shadow_of(const std::string& table) {
  return table + " new";
}

std::string condition(const TableContent& content, const Partition& partition) {
  if (!partition) return "true";
  return quoted(content.partition_column) + " = DATE '" + format_date(*partition) + "'";
}

std::string replace_all(std::string text, std::string_view what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

Error failed_tests(const TableContent& content, const Partition& partition, const std::vector<TestFailure>& failures) {
  std::vector<std::string> told;
  for (const auto& failure : failures) told.push_back(failure.test + ": " + std::to_string(failure.rows) + " rows");
  return Error(
      Code::conflict,
      "table " + content.table + ", " + partition_text(partition) + ": " + join(told, "; ") + "; its old content stays",
      "mend what it is computed from, or the test");
}

}  // namespace

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

Result<std::vector<engine::ResultColumn>> Builder::columns_of(const TableContent& content) {
  TRY_ASSIGN(auto shape, engine_.examine(content.select, true));
  if (content.partition_column.empty()) return std::move(shape.columns);
  const std::string wanted = to_lower(content.partition_column);
  const auto found = std::find_if(shape.columns.begin(), shape.columns.end(),
                                  [&](const auto& column) { return to_lower(column.name) == wanted; });
  if (found == shape.columns.end()) {
    return Error(Code::invalid, "table " + content.table + ": its SELECT has no column " +
                                    shown(content.partition_column) + ", which `partition` names");
  }
  if (found->type != "DATE") {
    return Error(Code::invalid,
                 "table " + content.table + ": the partition column " + found->name + " is a " + found->type +
                     ", expected a DATE",
                 "write CAST(" + found->name + " AS DATE) AS " + found->name);
  }
  return std::move(shape.columns);
}

Result<std::vector<engine::ResultColumn>> Builder::columns_there(engine::Session& session, const std::string& table) {
  std::vector<engine::ResultColumn> out;
  TRY_ASSIGN(const auto stream,
             session.query("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'main' "
                           "AND table_catalog = current_database() AND table_name = $1 ORDER BY ordinal_position",
                           {Json(table)}, {}));
  while (true) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return out;
    for (const auto& row : rows) out.push_back({std::get<std::string>(row[0]), std::get<std::string>(row[1])});
  }
}

namespace {

bool same_columns(const std::vector<engine::ResultColumn>& a, const std::vector<engine::ResultColumn>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.name == y.name && x.type == y.type; });
}

}  // namespace

Result<Builder::Target> Builder::target(const TableContent& content) {
  TRY_ASSIGN(const auto wanted, columns_of(content));
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(no_streams());
  TRY_ASSIGN(const auto there, columns_there(*session, content.table));
  const auto is_ours = [&](const std::string& table) {
    const TableMarks marks = partitions_.of(table);
    return std::all_of(marks.begin(), marks.end(),
                       [&](const auto& mark) { return mark.second.content == content.hash; });
  };
  if (same_columns(wanted, there) && is_ours(content.table)) return Target{content.table, false};
  const Target out{there.empty() ? content.table : shadow_of(content.table), !there.empty()};
  if (out.is_shadow) {
    TRY_ASSIGN(const auto shadow, columns_there(*session, out.table));
    if (same_columns(wanted, shadow) && is_ours(out.table)) return out;
  }
  std::string columns;
  for (const auto& column : wanted) {
    columns += (columns.empty() ? "" : ", ") + quoted(column.name) + " " + column.type;
  }
  EngineTransaction transaction(*session);
  TRY(transaction.begin());
  TRY(run_statement(*session, "DROP TABLE IF EXISTS main." + quoted(out.table)));
  TRY(run_statement(*session, "CREATE TABLE main." + quoted(out.table) + " (" + columns + ")"));
  TRY(Partitions::forget(*session, out.table));
  TRY(transaction.commit());
  partitions_.forgotten(out.table);
  return out;
}

Result<std::vector<TestFailure>> Builder::run_tests(engine::Session& session, const TableContent& content,
                                                    const std::string& where, std::vector<TestFailure>& warnings) {
  std::vector<TestFailure> failures;
  for (const TableTest& test : content.tests) {
    if (test.is_own) {
      TRY(engine_.examine(test.sql, false));
    }
    TRY_ASSIGN(const uint64_t wrong,
               run_statement(session, test.is_own ? test.sql : replace_all(test.sql, "$part", where)));
    if (wrong > 0) (test.is_error ? failures : warnings).push_back({test.name, wrong});
  }
  return failures;
}

Status Builder::take_over(engine::Session& session, const TableContent& content, const std::vector<Partition>& past) {
  const std::string shadow = shadow_of(content.table);
  const TableMarks marks = partitions_.of(content.table);
  TRY_ASSIGN(const auto old_columns, columns_there(session, content.table));
  TRY_ASSIGN(const auto columns, columns_there(session, shadow));
  std::string common;
  bool has_partition = false;
  for (const auto& column : columns) {
    const auto same = [&](const auto& other) { return to_lower(other.name) == to_lower(column.name); };
    if (std::none_of(old_columns.begin(), old_columns.end(), same)) continue;
    common += (common.empty() ? "" : ", ") + quoted(column.name);
    has_partition = has_partition || to_lower(column.name) == to_lower(content.partition_column);
  }
  for (const Partition& partition : past) {
    const auto mark = marks.find(partition);
    if (mark == marks.end()) continue;
    if (!has_partition) {
      return Error(Code::conflict,
                   "table " + content.table + ": retention has removed what " + partition_text(partition) +
                       " was made of, and the column " + content.partition_column + " is not in what was computed then",
                   "keep the partition column's name, or give the changed table another name");
    }
    const std::string where = condition(content, partition);
    TRY(run_statement(session, "DELETE FROM main." + quoted(shadow) + " WHERE " + where));
    TRY(run_statement(session, "INSERT INTO main." + quoted(shadow) + " (" + common + ") SELECT " + common +
                                   " FROM main." + quoted(content.table) + " WHERE " + where));
    Mark kept = mark->second;
    kept.content = content.hash;
    TRY(Partitions::write(session, shadow, partition, kept));
  }
  return {};
}

Status Builder::publish_shadow(const TableContent& content, const std::vector<Partition>& past, const Cancel& cancel) {
  const std::string shadow = shadow_of(content.table);
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  const auto stop = cancel.attach([&session] { session->cancel(); });
  EngineTransaction transaction(*session);
  const TableMarks old_marks = partitions_.of(content.table);
  TRY(transaction.begin());
  TRY(take_over(*session, content, past));
  TRY(run_statement(*session, "DROP TABLE IF EXISTS main." + quoted(content.table)));
  TRY(run_statement(*session, "ALTER TABLE main." + quoted(shadow) + " RENAME TO " + quoted(content.table)));
  TRY(Partitions::rename(*session, shadow, content.table));
  std::vector<TestFailure> warnings;
  TRY_ASSIGN(const auto failures, run_tests(*session, content, "true", warnings));
  if (!failures.empty()) return failed_tests(content, std::nullopt, failures);
  TRY(cancel.check());
  TRY(transaction.commit());
  partitions_.renamed(shadow, content.table);
  for (const Partition& partition : past) {
    const auto mark = old_marks.find(partition);
    if (mark == old_marks.end()) continue;
    Mark kept = mark->second;
    kept.content = content.hash;
    partitions_.committed(content.table, partition, kept);
  }
  return {};
}

Status Builder::drop_table(const std::string& table) {
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(no_streams());
  EngineTransaction transaction(*session);
  TRY(transaction.begin());
  TRY(run_statement(*session, "DROP TABLE IF EXISTS main." + quoted(table)));
  TRY(Partitions::forget(*session, table));
  TRY(transaction.commit());
  partitions_.forgotten(table);
  return {};
}

Result<Built> Builder::build(const TableContent& content, const Target& target, const BuildRequest& request,
                             const Cancel& cancel) {
  const int64_t began = clock_.steady_micros();
  // The locks look at the SELECT alone; only then it becomes a part of a statement of our own.
  TRY(engine_.examine(content.select, false));
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(std::make_shared<ChosenDays>(request.inputs, request.input_days));
  const auto stop = cancel.attach([&session] { session->cancel(); });
  const auto told = [&](Error error) {  // why it was stopped, rather than that
    const Status stopped = cancel.check();
    return stopped ? error : stopped.error();
  };
  const std::string table = "main." + quoted(target.table), where = condition(content, request.partition);
  EngineTransaction transaction(*session);
  TRY(transaction.begin());
  TRY(run_statement(*session, "DELETE FROM " + table + " WHERE " + where));
  auto rows = run_statement(
      *session, "INSERT INTO " + table + " SELECT * FROM (\n" + content.select + "\n) AS weir_new WHERE " + where, {},
      {.time = request.time_limit});
  if (!rows) return told(rows.error());
  Built out;
  if (!target.is_shadow) {
    auto failures = run_tests(*session, content, where, out.warnings);
    if (!failures) return told(failures.error());
    if (!failures->empty()) {
      if (request.failures != nullptr) *request.failures = *failures;
      return failed_tests(content, request.partition, *failures);
    }
  }
  out.mark.fingerprint = request.fingerprint;
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
