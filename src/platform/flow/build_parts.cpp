#include "platform/flow/build_parts.h"

#include <algorithm>

#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::flow {
namespace {

// A file is by day, or by month.
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

// One snapshot in front of another one.
class Layered final : public engine::Snapshot {
 public:
  Layered(std::shared_ptr<const engine::Snapshot> below, std::shared_ptr<const engine::Snapshot> above)
      : below_(std::move(below)), above_(std::move(above)) {}
  const engine::TableVersion* find(std::string_view table) const override {
    const engine::TableVersion* found = above_->find(table);
    return found != nullptr ? found : below_->find(table);
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> out = above_->names();
    for (std::string& name : below_->names()) {
      if (above_->find(name) == nullptr) out.push_back(std::move(name));
    }
    return out;
  }

 private:
  const std::shared_ptr<const engine::Snapshot> below_, above_;
};

class OneTable final : public engine::Snapshot {
 public:
  explicit OneTable(engine::TableVersion table) : table_(std::move(table)) {}
  const engine::TableVersion* find(std::string_view table) const override {
    return table == table_.name ? &table_ : nullptr;
  }
  std::vector<std::string> names() const override { return {table_.name}; }

 private:
  const engine::TableVersion table_;
};

// Of a snapshot's tables those that are derived.
class DerivedOnly final : public engine::Snapshot {
 public:
  explicit DerivedOnly(const lake::CommittedTables& all) : all_(all.tables) {
    for (const auto& [name, derived] : all.derived) names_.push_back(name);
  }
  const engine::TableVersion* find(std::string_view table) const override {
    return std::binary_search(names_.begin(), names_.end(), table) ? all_->find(table) : nullptr;
  }
  std::vector<std::string> names() const override { return names_; }

 private:
  const std::shared_ptr<const engine::Snapshot> all_;
  std::vector<std::string> names_;  // sorted
};

std::string replace_all(std::string text, std::string_view what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

}  // namespace

std::shared_ptr<const engine::Snapshot> chosen_days(const BuildRequest& request) {
  return std::make_shared<ChosenDays>(request.inputs, request.input_days);
}

std::shared_ptr<const engine::Snapshot> with_derived(std::shared_ptr<const engine::Snapshot> streams,
                                                     const lake::CommittedTables& now) {
  return std::make_shared<Layered>(std::move(streams), std::make_shared<DerivedOnly>(now));
}

std::shared_ptr<const engine::Snapshot> with_table(std::shared_ptr<const engine::Snapshot> base,
                                                   engine::TableVersion table) {
  return std::make_shared<Layered>(std::move(base), std::make_shared<OneTable>(std::move(table)));
}

std::string condition(const TableContent& content, const Partition& partition) {
  if (!partition) return "true";
  return quoted_name(content.partition_column) + " = DATE '" + format_date(*partition) + "'";
}

Error failed_tests(const TableContent& content, const Partition& partition, const std::vector<TestFailure>& failures) {
  std::vector<std::string> told;
  for (const auto& failure : failures) told.push_back(failure.test + ": " + std::to_string(failure.rows) + " rows");
  return Error(
      Code::conflict,
      "table " + content.table + ", " + partition_text(partition) + ": " + join(told, "; ") + "; its old content stays",
      "mend what it is computed from, or the test");
}

Result<std::vector<engine::ResultColumn>> columns_of(engine::Engine& engine, const TableContent& content) {
  TRY_ASSIGN(auto shape, engine.examine(content.select, true));
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

Result<std::vector<engine::ResultColumn>> columns_there(engine::Session& session, const std::string& table,
                                                        bool in_lake) {
  std::vector<engine::ResultColumn> out;
  TRY_ASSIGN(const auto stream,
             session.query("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'main' "
                           "AND table_catalog = CASE WHEN $2 THEN 'lake' ELSE current_database() END "
                           "AND table_name = $1 ORDER BY ordinal_position",
                           {Json(table), Json(in_lake)}, {}));
  while (true) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return out;
    for (const auto& row : rows) out.push_back({std::get<std::string>(row[0]), std::get<std::string>(row[1])});
  }
}

const engine::ResultColumn* find_column(const std::vector<engine::ResultColumn>& columns, std::string_view name) {
  const std::string wanted = to_lower(name);
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const auto& column) { return to_lower(column.name) == wanted; });
  return found == columns.end() ? nullptr : &*found;
}

bool is_made_by(const TableContent& content, const TableMarks& marks) {
  return std::all_of(marks.begin(), marks.end(), [&](const auto& mark) { return mark.second.content == content.hash; });
}

Error no_partition_column(const TableContent& content, const Partition& partition) {
  return Error(Code::conflict,
               "table " + content.table + ": retention has removed what " + partition_text(partition) +
                   " was made of, and the column " + content.partition_column + " is not in what was computed then",
               "keep the partition column's name, or give the changed table another name");
}

Error told(const Cancel& cancel, Error error) {
  const Status stopped = cancel.check();
  return stopped ? std::move(error) : stopped.error();
}

TableMarks marks_of(const lake::Derived& derived) {
  TableMarks out;
  for (const auto& [day, mark] : derived.marks) {
    out[day] = {mark.fingerprint,
                mark.content,
                mark.rows,
                mark.run,
                mark.computed_at,
                mark.took,
                "v" + std::to_string(mark.version)};
  }
  return out;
}

Result<std::vector<TestFailure>> run_tests(engine::Engine& engine, engine::Session& session,
                                           const TableContent& content, const std::string& where,
                                           std::vector<TestFailure>& warnings) {
  std::vector<TestFailure> failures;
  for (const TableTest& test : content.tests) {
    if (test.is_own) {
      TRY(engine.examine(test.sql, false));
    }
    TRY_ASSIGN(const uint64_t wrong,
               run_statement(session, test.is_own ? test.sql : replace_all(test.sql, "$part", where)));
    if (wrong > 0) (test.is_error ? failures : warnings).push_back({test.name, wrong});
  }
  return failures;
}

}  // namespace weir::flow
