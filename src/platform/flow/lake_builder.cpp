#include "platform/flow/lake_builder.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/hash.h"
#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/io/crash_point.h"
#include "platform/flow/build_parts.h"
#include "platform/flow/transaction.h"

namespace weir::flow {
namespace {

constexpr const char* kStaged = "staged rows";  // no statement of a user names it

Result<std::string> cast_of(const engine::Column& column) {
  TRY_ASSIGN(const auto stored, engine::Engine::stored_column({column.name, engine::sql_type(column)}));
  return stored.cast;
}

// As they are written to the file.
Result<std::string> columns_list(const lake::DerivedTable& table) {
  std::string out;
  for (const auto& column : table.columns) {
    TRY_ASSIGN(const std::string cast, cast_of(column));
    const std::string name = quoted_name(column.name);
    out += (out.empty() ? "" : ", ") + (cast.empty() ? name : "CAST(" + name + " AS " + cast + ") AS " + name);
  }
  return out;
}

bool is_of(const engine::TableFile& file, const Partition& partition) {
  return partition ? file.partition.size() == 1 && file.partition[0] == *partition : file.partition.empty();
}

engine::TableVersion version_of(const lake::DerivedTable& table, const std::string& name) {
  engine::TableVersion out;
  out.name = name;
  out.columns = table.columns;
  out.is_computed = true;
  return out;
}

}  // namespace

struct LakeBuilder::Staged {
  explicit Staged(lake::Lake& lake_in) : lake(&lake_in), place(lake_in.stage()) {}
  Staged(Staged&& other) noexcept
      : lake(std::exchange(other.lake, nullptr)), place(std::move(other.place)), file(std::move(other.file)) {}
  Staged& operator=(Staged&&) = delete;
  ~Staged() {
    if (lake != nullptr) static_cast<void>(lake->unstage(place));  // the next start removes it, too
  }
  // The lake's from now on; empty if there are no rows.
  std::string hand_in() {
    if (file.rows == 0) return {};
    lake = nullptr;
    return place.path;
  }

  lake::Lake* lake;
  lake::StagedFile place;
  engine::TableFile file{};
};

Result<lake::DerivedTable> lake_table(const TableContent& content, const std::vector<engine::ResultColumn>& columns) {
  lake::DerivedTable out;
  out.name = content.table;
  std::set<std::string> names;
  for (const auto& column : columns) {
    auto stored = engine::Engine::stored_column(column);
    if (!stored) {
      return Error(stored.error().code, "table " + content.table + ": " + stored.error().message, stored.error().hint);
    }
    if (!names.insert(to_lower(column.name)).second) {
      return Error(Code::invalid, "table " + content.table + ": two columns are called " + shown(column.name),
                   "give one another name with AS");
    }
    if (to_lower(column.name) == to_lower(content.partition_column)) out.partition = column.name;
    out.columns.push_back(std::move(stored->column));
  }
  return out;
}

TableMarks LakeBuilder::marks(const std::string& table) const {
  const auto kept = lake_.derived();
  const auto found = kept.find(table);
  return found == kept.end() ? TableMarks() : marks_of(*found->second);
}

Status LakeBuilder::settle(const TableContent& content) {
  const auto kept = lake_.derived();
  const auto found = kept.find(content.table);
  if (found == kept.end() || !is_made_by(content, marks_of(*found->second))) return {};
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(no_streams());
  TRY_ASSIGN(const auto there, columns_there(*session, content.table));
  if (there.empty()) return {};
  EngineTransaction transaction(*session);
  TRY(transaction.begin());
  TRY(run_statement(*session, "DROP TABLE main." + quoted_name(content.table)));
  TRY(Partitions::forget(*session, content.table));
  TRY(transaction.commit());
  partitions_.forgotten(content.table);
  return {};
}

Result<Builder::Target> LakeBuilder::target(const TableContent& content) {
  TRY(settle(content));
  TRY_ASSIGN(const auto columns, columns_of(engine_, content));
  TRY_ASSIGN(lake::DerivedTable wanted, lake_table(content, columns));
  const auto kept = lake_.derived();
  const auto is_usable = [&](const std::string& name) {
    const auto found = kept.find(name);
    return found != kept.end() && found->second->table.columns == wanted.columns &&
           found->second->table.partition == wanted.partition && is_made_by(content, marks_of(*found->second));
  };
  if (is_usable(content.table)) return Target{content.table, false};
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(no_streams());
  TRY_ASSIGN(const auto in_engine, columns_there(*session, content.table));
  const bool is_new = in_engine.empty() && !kept.contains(content.table);
  const Target out{is_new ? content.table : lake::shadow_name(content.table), !is_new};
  if (out.is_shadow && is_usable(out.table)) return out;
  wanted.name = out.table;
  TRY(lake_.make_derived(wanted));
  return out;
}

Result<LakeBuilder::Staged> LakeBuilder::write(engine::Session& session, const lake::DerivedTable& table,
                                               const std::string& select, const Partition& partition,
                                               std::optional<Duration> time) {
  Staged out(lake_);
  TRY_ASSIGN(const uint64_t rows, engine_.copy_result(session, select, out.place.absolute, {}, {.time = time}));
  out.file.path = out.place.path;
  out.file.rows = rows;
  out.file.int_bounds.resize(table.columns.size());
  if (!partition) return out;
  out.file.partition = {*partition};
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].name == table.partition) out.file.int_bounds[i] = {*partition, *partition};
  }
  return out;
}

// How many rows, of which columns, and two sums over their content that do not depend on their order.
Result<std::string> LakeBuilder::digest(const lake::DerivedTable& table, const Staged& staged, const Cancel& cancel) {
  std::string layout, row;
  for (const auto& column : table.columns) {
    layout += column.name + "\n" + engine::sql_type(column) + "\n";
    row += (row.empty() ? "" : ", ") + quoted_name(column.name);
  }
  const std::string columns = std::to_string(checksum64(layout));
  if (staged.file.rows == 0) return columns + " 0";
  engine::TableVersion version = version_of(table, kStaged);
  version.files = {staged.file};
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(with_table(no_streams(), std::move(version)));
  const auto stop = cancel.attach([&session] { session->cancel(); });
  TRY_ASSIGN(const auto stream, session->query("SELECT count(*) || ' ' || bit_xor(hash(" + row +
                                                   ")) || ' ' || sum(hash(" + row + ")) FROM " + quoted_name(kStaged),
                                               {}, {}));
  TRY_ASSIGN(const auto rows, stream->next());
  if (rows.size() != 1) return Error(Code::internal, "the engine did not sum the rows of " + table.name);
  return columns + " " + std::get<std::string>(rows[0][0]);
}

Result<std::vector<TestFailure>> LakeBuilder::test(const TableContent& content,
                                                   std::shared_ptr<const engine::Snapshot> inputs,
                                                   const std::string& where, const Cancel& cancel,
                                                   std::vector<TestFailure>& warnings) {
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(std::move(inputs));
  const auto stop = cancel.attach([&session] { session->cancel(); });
  EngineTransaction transaction(*session);  // all of them at one moment of the engine's tables
  TRY(transaction.begin());
  return run_tests(engine_, *session, content, where, warnings);
}

Result<Built> LakeBuilder::build(const TableContent& content, const Target& target, const BuildRequest& request,
                                 const Cancel& cancel) {
  const int64_t began = clock_.steady_micros();
  const lake::CommittedTables now = lake_.committed();
  const auto found = now.derived.find(target.table);
  if (found == now.derived.end()) return Error(Code::not_found, "the lake has no table " + target.table);
  const lake::DerivedTable& table = found->second->table;
  // The locks look at the SELECT alone; only then it becomes a part of a statement of our own.
  TRY(engine_.examine(content.select, false));
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(chosen_days(request));
  const auto stop = cancel.attach([&session] { session->cancel(); });
  TRY_ASSIGN(const std::string columns, columns_list(table));
  const std::string where = condition(content, request.partition);
  auto staged =
      write(*session, table, "SELECT " + columns + " FROM (\n" + content.select + "\n) AS weir_new WHERE " + where,
            request.partition, request.time_limit);
  if (!staged) return told(cancel, staged.error());
  auto sums = digest(table, *staged, cancel);
  if (!sums) return told(cancel, sums.error());
  Built out;
  if (!target.is_shadow) {
    engine::TableVersion version = version_of(table, content.table);
    version.files = now.tables->find(content.table)->files;
    std::erase_if(version.files, [&](const auto& file) { return is_of(file, request.partition); });
    if (staged->file.rows > 0) version.files.push_back(staged->file);
    auto failures = test(content, with_table(chosen_days(request), std::move(version)), where, cancel, out.warnings);
    if (!failures) return told(cancel, failures.error());
    if (!failures->empty()) {
      if (request.failures != nullptr) *request.failures = *failures;
      return failed_tests(content, request.partition, *failures);
    }
  }
  out.mark.fingerprint = request.fingerprint;
  out.mark.content = content.hash;
  out.mark.rows = staged->file.rows;
  out.mark.run = request.run;
  out.mark.computed_at = clock_.wall();
  out.mark.took.micros = clock_.steady_micros() - began;
  lake::DerivedPart part;
  part.mark.day = request.partition;
  part.mark.fingerprint = out.mark.fingerprint;
  part.mark.content = out.mark.content;
  part.mark.digest = std::move(*sums);
  part.mark.rows = out.mark.rows;
  part.mark.run = out.mark.run;
  part.mark.computed_at = out.mark.computed_at;
  part.mark.took = out.mark.took;
  TRY(cancel.check());
  part.staged = staged->hand_in();
  std::vector<lake::DerivedPart> parts;
  parts.push_back(std::move(part));
  TRY(lake_.publish_derived(target.table, std::move(parts)));
  return out;
}

// Rows of the old table, wherever it lies, for the partitions that can never be computed again; in the new columns.
Status LakeBuilder::take_over(const TableContent& content, const lake::DerivedTable& shadow,
                              const std::vector<Partition>& past, const Cancel& cancel,
                              std::vector<lake::DerivedPart>& parts, std::vector<Staged>& staged) {
  if (past.empty()) return {};
  const lake::CommittedTables now = lake_.committed();
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(now.tables);
  const auto stop = cancel.attach([&session] { session->cancel(); });
  TRY_ASSIGN(auto old_columns, columns_there(*session, content.table));
  const bool is_in_engine = !old_columns.empty();
  if (!is_in_engine) {
    TRY_ASSIGN(old_columns, columns_there(*session, content.table, true));
  }
  const TableMarks marks = is_in_engine ? partitions_.of(content.table) : this->marks(content.table);
  std::string columns;
  for (const auto& column : shadow.columns) {
    TRY_ASSIGN(const std::string cast, cast_of(column));
    const auto* old = find_column(old_columns, column.name);
    columns += (columns.empty() ? "CAST(" : ", CAST(") + (old == nullptr ? "NULL" : quoted_name(old->name)) + " AS " +
               (cast.empty() ? engine::sql_type(column) : cast) + ") AS " + quoted_name(column.name);
  }
  for (const Partition& partition : past) {
    const auto mark = marks.find(partition);
    if (mark == marks.end()) continue;
    if (find_column(old_columns, content.partition_column) == nullptr) return no_partition_column(content, partition);
    const std::string select =
        "SELECT " + columns + " FROM main." + quoted_name(content.table) + " WHERE " + condition(content, partition);
    TRY_ASSIGN(Staged rows, write(*session, shadow, select, partition, std::nullopt));
    lake::DerivedPart part;
    part.mark.day = partition;
    part.mark.fingerprint = mark->second.fingerprint;
    part.mark.content = content.hash;
    TRY_ASSIGN(part.mark.digest, digest(shadow, rows, cancel));
    part.mark.rows = rows.file.rows;
    part.mark.run = mark->second.run;
    part.mark.computed_at = mark->second.computed_at;
    part.mark.took = mark->second.took;
    parts.push_back(std::move(part));
    staged.push_back(std::move(rows));
  }
  return {};
}

Status LakeBuilder::publish_shadow(const TableContent& content, const std::vector<Partition>& past,
                                   const Cancel& cancel) {
  const std::string shadow = lake::shadow_name(content.table);
  const lake::CommittedTables now = lake_.committed();
  const auto found = now.derived.find(shadow);
  if (found == now.derived.end()) return Error(Code::not_found, "the lake has no table " + shadow);
  const lake::DerivedTable& table = found->second->table;
  std::vector<lake::DerivedPart> parts;
  std::vector<Staged> staged;
  if (const Status taken = take_over(content, table, past, cancel, parts, staged); !taken)
    return told(cancel, taken.error());
  engine::TableVersion version = version_of(table, content.table);
  version.files = now.tables->find(shadow)->files;
  for (const Staged& rows : staged) {
    const Partition day = static_cast<int32_t>(rows.file.partition[0]);
    std::erase_if(version.files, [&](const auto& file) { return is_of(file, day); });
    if (rows.file.rows > 0) version.files.push_back(rows.file);
  }
  // In the transaction that drops the engine's table, if it comes from there, the tests read the lake's; and with its
  // commit everybody does.
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  session->read_from(with_table(now.tables, std::move(version)));
  const auto stop = cancel.attach([&session] { session->cancel(); });
  EngineTransaction transaction(*session);
  TRY(transaction.begin());
  TRY_ASSIGN(const auto in_engine, columns_there(*session, content.table));
  if (!in_engine.empty()) {
    TRY(run_statement(*session, "DROP TABLE main." + quoted_name(content.table)));
    TRY(Partitions::forget(*session, content.table));
  }
  std::vector<TestFailure> warnings;
  const auto failures = run_tests(engine_, *session, content, "true", warnings);
  if (!failures) return told(cancel, failures.error());
  if (!failures->empty()) return failed_tests(content, std::nullopt, *failures);
  TRY(cancel.check());
  for (size_t i = 0; i < parts.size(); ++i) parts[i].staged = staged[i].hand_in();
  TRY(lake_.promote_derived(content.table, std::move(parts)));
  crash_point("table.published");
  TRY(transaction.commit());
  partitions_.forgotten(content.table);
  return {};
}

}  // namespace weir::flow
