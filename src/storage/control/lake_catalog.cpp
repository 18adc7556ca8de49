#include "core/base/text.h"
#include "core/base/time.h"
#include "storage/control/sqlite_control.h"

namespace weir::control {
namespace {

constexpr const char* kFileColumns =
    "table_name, kind, path, rows, bytes, partition, first_sequence, last_sequence, checksum, bounds, version, layout";

Status check_commit(const LakeCommit& commit, uint64_t cursor) {
  if (commit.from != cursor) {
    return Error(
        Code::conflict,
        "the lake's cursor is " + std::to_string(cursor) + ", the commit starts at " + std::to_string(commit.from),
        "another follower committed in between: read the cursor and begin again there");
  }
  if (commit.through < commit.from || commit.through > static_cast<uint64_t>(INT64_MAX)) {
    return Error(Code::invalid, "a lake commit from " + std::to_string(commit.from) + " cannot end at " +
                                    std::to_string(commit.through));
  }
  for (const LakeFile& file : commit.added) {
    const bool ordered = file.first_sequence <= file.last_sequence && file.last_sequence < commit.through;
    if (!file.path.empty() && !file.table.empty() && ordered) continue;
    return Error(Code::invalid, "the lake file " + shown(file.path, 200) + " of table " + shown(file.table) +
                                    " holds sequences " + std::to_string(file.first_sequence) + " to " +
                                    std::to_string(file.last_sequence) + ", but the commit ends before " +
                                    std::to_string(commit.through));
  }
  return {};
}

}  // namespace

Result<uint64_t> SqliteControl::lake_cursor() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const int64_t cursor, counter("lake_cursor"));
  return static_cast<uint64_t>(cursor);
}

Result<uint64_t> SqliteControl::lake_version() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const int64_t version, counter("lake_version"));
  return static_cast<uint64_t>(version);
}

Result<std::vector<LakeFile>> SqliteControl::files_of(Statement& statement) {
  std::vector<LakeFile> files;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return files;
    LakeFile file;
    file.table = statement.text(0);
    file.kind = statement.integer(1) == 0 ? FileKind::parquet : FileKind::archive;
    file.path = statement.text(2);
    file.rows = static_cast<uint64_t>(statement.integer(3));
    file.bytes = static_cast<uint64_t>(statement.integer(4));
    file.partition = statement.text(5);
    file.first_sequence = static_cast<uint64_t>(statement.integer(6));
    file.last_sequence = static_cast<uint64_t>(statement.integer(7));
    file.checksum = static_cast<uint64_t>(statement.integer(8));
    TRY_ASSIGN(file.bounds, stored_json(statement.text(9)));
    file.version = static_cast<uint64_t>(statement.integer(10));
    file.layout = static_cast<uint64_t>(statement.integer(11));
    files.push_back(std::move(file));
  }
}

Result<std::vector<LakeFile>> SqliteControl::lake_files() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare(std::string("SELECT ") + kFileColumns +
                                                     " FROM lake_files ORDER BY table_name, first_sequence, path"));
  return files_of(statement);
}

Result<std::vector<LakeFile>> SqliteControl::lake_files_holding(uint64_t sequence) {
  if (sequence > static_cast<uint64_t>(INT64_MAX)) return std::vector<LakeFile>();
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement,
             database_->prepare(std::string("SELECT ") + kFileColumns +
                                " FROM lake_files WHERE last_sequence >= ?1 AND first_sequence <= ?1"
                                " ORDER BY table_name, first_sequence, path"));
  statement.bind(1, static_cast<int64_t>(sequence));
  return files_of(statement);
}

Status SqliteControl::add_file(const LakeFile& file, uint64_t version) {
  TRY_ASSIGN(Statement add, database_->prepare(std::string("INSERT INTO lake_files(") + kFileColumns +
                                               ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  add.bind(1, file.table).bind(2, int64_t{file.kind == FileKind::parquet ? 0 : 1}).bind(3, file.path);
  add.bind(4, static_cast<int64_t>(file.rows)).bind(5, static_cast<int64_t>(file.bytes)).bind(6, file.partition);
  add.bind(7, static_cast<int64_t>(file.first_sequence)).bind(8, static_cast<int64_t>(file.last_sequence));
  add.bind(9, static_cast<int64_t>(file.checksum)).bind(10, file.bounds.dump()).bind(11, static_cast<int64_t>(version));
  add.bind(12, static_cast<int64_t>(file.layout));
  auto added = add.run();
  if (!added && added.error().code == Code::conflict) {
    return Error(Code::conflict, "the lake already lists the file " + shown(file.path, 200),
                 "a file of the lake is never written twice under one name");
  }
  return added;
}

Result<std::vector<LakeDay>> SqliteControl::lake_days() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement,
             database_->prepare("SELECT table_name, day, version FROM lake_days ORDER BY table_name, day"));
  std::vector<LakeDay> days;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return days;
    days.push_back(
        {statement.text(0), static_cast<int32_t>(statement.integer(1)), static_cast<uint64_t>(statement.integer(2))});
  }
}

Status SqliteControl::touch_days(const LakeCommit& commit, int64_t version) {
  for (const LakeDay& touched : commit.touched) {
    TRY_ASSIGN(Statement touch, database_->prepare("INSERT OR REPLACE INTO lake_days VALUES (?, ?, ?)"));
    TRY(touch.bind(1, touched.table).bind(2, int64_t{touched.day}).bind(3, version).run());
  }
  for (const RetainedFrom& retained : commit.retained) {
    TRY_ASSIGN(Statement mark, database_->prepare("INSERT INTO lake_retained VALUES (?1, ?2) ON CONFLICT(table_name) "
                                                  "DO UPDATE SET from_day = max(from_day, ?2)"));
    TRY(mark.bind(1, retained.table).bind(2, int64_t{retained.from_day}).run());
  }
  for (const std::string& table : commit.dropped) {
    for (const char* forget :
         {"DELETE FROM lake_days WHERE table_name = ?", "DELETE FROM lake_retained WHERE table_name = ?",
          "DELETE FROM lake_replaced WHERE table_name = ?", "DELETE FROM lake_tables WHERE name = ?",
          "DELETE FROM lake_marks WHERE table_name = ?"}) {
      TRY_ASSIGN(Statement statement, database_->prepare(forget));
      TRY(statement.bind(1, table).run());
    }
  }
  return {};
}

Status SqliteControl::remove_files(const LakeCommit& commit, int64_t version) {
  for (const std::string& path : commit.replaced) {
    TRY_ASSIGN(Statement keep, database_->prepare("INSERT OR REPLACE INTO lake_replaced SELECT path, table_name, "
                                                  "bytes, ?2, ?3 FROM lake_files WHERE path = ?1"));
    keep.bind(1, path).bind(2, version).bind(3, commit.replaced_until.micros);
    TRY(keep.run());
  }
  for (const auto* paths : {&commit.removed, &commit.replaced}) {
    for (const std::string& path : *paths) {
      TRY_ASSIGN(Statement remove, database_->prepare("DELETE FROM lake_files WHERE path = ?"));
      TRY(change_one(remove.bind(1, path), "lake file", path));
    }
  }
  return {};
}

Result<std::vector<ReplacedFile>> SqliteControl::lake_replaced(std::optional<WallTime> due) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement,
             database_->prepare("SELECT table_name, path, bytes, version, remove_after FROM lake_replaced "
                                "WHERE remove_after <= ?"));
  statement.bind(1, due ? due->micros : INT64_MAX);
  std::vector<ReplacedFile> files;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return files;
    ReplacedFile file;
    file.table = statement.text(0);
    file.path = statement.text(1);
    file.bytes = static_cast<uint64_t>(statement.integer(2));
    file.version = static_cast<uint64_t>(statement.integer(3));
    file.remove_after.micros = statement.integer(4);
    files.push_back(std::move(file));
  }
}

Status SqliteControl::forget_replaced(const std::vector<std::string>& paths) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  for (const std::string& path : paths) {
    TRY_ASSIGN(Statement forget, database_->prepare("DELETE FROM lake_replaced WHERE path = ?"));
    TRY(forget.bind(1, path).run());
  }
  return transaction.commit();
}

Result<std::vector<RetainedFrom>> SqliteControl::lake_retained() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare("SELECT table_name, from_day FROM lake_retained"));
  std::vector<RetainedFrom> marks;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return marks;
    marks.push_back({statement.text(0), static_cast<int32_t>(statement.integer(1))});
  }
}

// A partition is kept as its day in text; that of a whole table is empty.
Status SqliteControl::change_derived(const LakeCommit& commit, int64_t version) {
  for (const std::string& table : commit.unlisted) {
    for (const char* forget :
         {"DELETE FROM lake_tables WHERE name = ?", "DELETE FROM lake_marks WHERE table_name = ?"}) {
      TRY_ASSIGN(Statement statement, database_->prepare(forget));
      TRY(statement.bind(1, table).run());
    }
  }
  if (commit.renamed) {
    for (const char* rename : {"UPDATE lake_tables SET name = ?2 WHERE name = ?1",
                               "UPDATE lake_marks SET table_name = ?2 WHERE table_name = ?1",
                               "UPDATE lake_files SET table_name = ?2 WHERE table_name = ?1"}) {
      TRY_ASSIGN(Statement statement, database_->prepare(rename));
      TRY(statement.bind(1, commit.renamed->first).bind(2, commit.renamed->second).run());
    }
  }
  for (const LakeTable& table : commit.tables) {
    TRY_ASSIGN(Statement put, database_->prepare("INSERT OR REPLACE INTO lake_tables VALUES (?, ?, ?)"));
    TRY(put.bind(1, table.name).bind(2, table.partition).bind(3, table.columns.dump()).run());
  }
  for (const LakeMark& mark : commit.marks) {
    TRY_ASSIGN(Statement put,
               database_->prepare("INSERT OR REPLACE INTO lake_marks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    put.bind(1, mark.table).bind(2, mark.day ? format_date(*mark.day) : std::string());
    put.bind(3, mark.fingerprint).bind(4, mark.content).bind(5, mark.digest).bind(6, static_cast<int64_t>(mark.rows));
    put.bind(7, mark.run).bind(8, mark.computed_at.micros).bind(9, mark.took.micros);
    TRY(put.bind(10, mark.version == 0 ? version : static_cast<int64_t>(mark.version)).run());
  }
  return {};
}

Result<std::vector<LakeTable>> SqliteControl::lake_tables() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare("SELECT name, partition, columns FROM lake_tables ORDER BY name"));
  std::vector<LakeTable> tables;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return tables;
    TRY_ASSIGN(Json columns, stored_json(statement.text(2)));
    tables.push_back({statement.text(0), statement.text(1), std::move(columns)});
  }
}

Result<std::vector<LakeMark>> SqliteControl::lake_marks() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement,
             database_->prepare("SELECT table_name, partition, fingerprint, content, digest, rows, run, computed_at, "
                                "took, version FROM lake_marks ORDER BY table_name, partition"));
  std::vector<LakeMark> marks;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return marks;
    LakeMark mark;
    mark.table = statement.text(0);
    if (const std::string day = statement.text(1); !day.empty()) {
      TRY_ASSIGN(mark.day, parse_date(day));
    }
    mark.fingerprint = statement.text(2);
    mark.content = statement.text(3);
    mark.digest = statement.text(4);
    mark.rows = static_cast<uint64_t>(statement.integer(5));
    mark.run = statement.text(6);
    mark.computed_at.micros = statement.integer(7);
    mark.took.micros = statement.integer(8);
    mark.version = static_cast<uint64_t>(statement.integer(9));
    marks.push_back(std::move(mark));
  }
}

Result<uint64_t> SqliteControl::commit_lake(const LakeCommit& commit) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  TRY_ASSIGN(const int64_t cursor, counter("lake_cursor"));
  TRY(check_commit(commit, static_cast<uint64_t>(cursor)));
  TRY_ASSIGN(const int64_t last, counter("lake_version"));
  const int64_t version = last + 1;
  {
    TRY_ASSIGN(Statement log, database_->prepare("INSERT INTO lake_commits VALUES (?, ?, ?, ?, ?, ?)"));
    log.bind(1, version).bind(2, cursor).bind(3, static_cast<int64_t>(commit.through));
    log.bind(4, static_cast<int64_t>(commit.added.size()))
        .bind(5, static_cast<int64_t>(commit.removed.size() + commit.replaced.size()));
    TRY(log.bind(6, clock_.wall().micros).run());
  }
  TRY(remove_files(commit, version));
  TRY(change_derived(commit, version));
  for (const LakeFile& file : commit.added) {
    TRY(add_file(file, static_cast<uint64_t>(version)));
  }
  TRY(touch_days(commit, version));
  for (const std::string& table : commit.expired) {
    TRY_ASSIGN(Statement expire, database_->prepare("UPDATE lake_replaced SET remove_after = 0 WHERE table_name = ?"));
    TRY(expire.bind(1, table).run());
  }
  if (commit.forget) {
    TRY(add_forget(*commit.forget));
  }
  TRY(set_counter("lake_cursor", static_cast<int64_t>(commit.through)));
  TRY(set_counter("lake_version", version));
  TRY(transaction.commit());
  return static_cast<uint64_t>(version);
}

}  // namespace weir::control
