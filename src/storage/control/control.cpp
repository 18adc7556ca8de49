#include "storage/control/control.h"

#include <utility>

#include "core/base/text.h"
#include "storage/control/schema.h"
#include "storage/control/sqlite_control.h"

namespace weir::control {
namespace {

constexpr size_t kNameBytesMax = 255;
constexpr size_t kBodyBytesMax = 16u << 20;
constexpr const char* kDeclarationColumns = "kind, name, number, revision, body, detached, applied_at";

Result<std::unique_ptr<Control>> open_database(const std::string& path, Files* files, Clock& clock) {
  TRY_ASSIGN(std::unique_ptr<Database> database, Database::open(path, files));
  {
    TRY_ASSIGN(Statement mode, database->prepare("PRAGMA journal_mode=WAL"));
    TRY_ASSIGN(const bool row, mode.step());
    if (!row || mode.text(0) != "wal") {
      return Error(Code::io, "the file system below " + path + " does not take SQLite's write-ahead log",
                   "put the project folder on a local disk");
    }
  }
  TRY(database->execute("PRAGMA synchronous=FULL"));
  TRY(database->empty_log());
  TRY(migrate(*database, migrations(), clock.wall()));
  return std::unique_ptr<Control>(std::make_unique<SqliteControl>(std::move(database), clock));
}

Status check_name(std::string_view what, std::string_view name) {
  if (!name.empty() && name.size() <= kNameBytesMax && valid_utf8(name)) return {};
  return Error(Code::invalid, std::string(what) + " " + shown(name) + " must be UTF-8 text of 1 to " +
                                  std::to_string(kNameBytesMax) + " bytes");
}

}  // namespace

Result<std::unique_ptr<Control>> Control::open(const std::string& path, Clock& clock) {
  return open_database(path, nullptr, clock);
}

Result<std::unique_ptr<Control>> Control::open(Files& files, const std::string& path, Clock& clock) {
  return open_database(path, &files, clock);
}

Result<int64_t> SqliteControl::counter(std::string_view name) {
  TRY_ASSIGN(Statement statement, database_->prepare("SELECT value FROM counters WHERE name = ?"));
  TRY_ASSIGN(const bool row, statement.bind(1, name).step());
  if (!row)
    return Error(Code::corrupt,
                 "the control database " + database_->path() + " has lost its counter " + std::string(name));
  return statement.integer(0);
}

Status SqliteControl::set_counter(std::string_view name, int64_t value) {
  TRY_ASSIGN(Statement statement, database_->prepare("UPDATE counters SET value = ? WHERE name = ?"));
  return statement.bind(1, value).bind(2, name).run();
}

Result<Json> SqliteControl::stored_json(const std::string& text) const {
  auto parsed = Json::parse(text, kBodyBytesMax);
  if (parsed) return parsed;
  return Error(
      Code::corrupt,
      "the control database " + database_->path() + " holds a value that is not JSON: " + parsed.error().message,
      "restore it from a backup");
}

// --- declarations ---------------------------------------------------------------------------------------------------

namespace {

Declaration declaration_of(const Statement& row) {
  Declaration found;
  found.kind = row.text(0);
  found.name = row.text(1);
  found.number = static_cast<uint32_t>(row.integer(2));
  found.revision = static_cast<uint32_t>(row.integer(3));
  found.detached = row.integer(5) != 0;
  found.applied_at = {row.integer(6)};
  return found;
}

}  // namespace

Result<std::vector<Declaration>> SqliteControl::declarations() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare(std::string("SELECT ") + kDeclarationColumns +
                                                     " FROM declarations ORDER BY kind, name"));
  std::vector<Declaration> all;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return all;
    all.push_back(declaration_of(statement));
    TRY_ASSIGN(all.back().body, stored_json(statement.text(4)));
  }
}

Result<std::optional<Declaration>> SqliteControl::find_declaration(std::string_view kind, std::string_view name) {
  TRY_ASSIGN(Statement statement, database_->prepare(std::string("SELECT ") + kDeclarationColumns +
                                                     " FROM declarations WHERE kind = ? AND name = ?"));
  TRY_ASSIGN(const bool row, statement.bind(1, kind).bind(2, name).step());
  if (!row) return std::optional<Declaration>();
  Declaration found = declaration_of(statement);
  TRY_ASSIGN(found.body, stored_json(statement.text(4)));
  return std::optional<Declaration>(std::move(found));
}

Result<Declaration> SqliteControl::store_declaration(const Declaration& wanted) {
  TRY(check_name("the kind", wanted.kind));
  TRY(check_name("the name", wanted.name));
  const std::string body = wanted.body.dump();
  if (body.size() > kBodyBytesMax) {
    return Error(Code::too_large, "the declaration " + wanted.kind + " " + wanted.name + " has " +
                                      std::to_string(body.size()) + " bytes, allowed are " +
                                      std::to_string(kBodyBytesMax));
  }
  TRY_ASSIGN(std::optional<Declaration> old, find_declaration(wanted.kind, wanted.name));
  Declaration stored = wanted;
  stored.detached = false;
  stored.applied_at = clock_.wall();
  if (!old) {
    TRY_ASSIGN(const int64_t last, counter("declaration"));
    if (last >= UINT32_MAX) return Error(Code::too_large, "all numbers of declarations are used up");
    TRY(set_counter("declaration", last + 1));
    stored.number = static_cast<uint32_t>(last + 1);
    stored.revision = 1;
    TRY_ASSIGN(Statement add,
               database_->prepare("INSERT INTO declarations(number, kind, name, revision, body, detached, applied_at) "
                                  "VALUES (?, ?, ?, 1, ?, 0, ?)"));
    TRY(add.bind(1, int64_t{stored.number})
            .bind(2, stored.kind)
            .bind(3, stored.name)
            .bind(4, body)
            .bind(5, stored.applied_at.micros)
            .run());
    return stored;
  }
  const bool same_body = old->body == wanted.body;
  if (same_body && !old->detached) return *old;
  stored.number = old->number;
  stored.revision = same_body ? old->revision : old->revision + 1;
  TRY_ASSIGN(Statement change,
             database_->prepare(
                 "UPDATE declarations SET revision = ?, body = ?, detached = 0, applied_at = ? WHERE number = ?"));
  TRY(change.bind(1, int64_t{stored.revision})
          .bind(2, body)
          .bind(3, stored.applied_at.micros)
          .bind(4, int64_t{stored.number})
          .run());
  return stored;
}

Result<std::vector<Declaration>> SqliteControl::apply(
    const std::vector<Declaration>& changed, const std::vector<std::pair<std::string, std::string>>& detached) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  std::vector<Declaration> stored;
  stored.reserve(changed.size());
  for (const Declaration& wanted : changed) {
    TRY_ASSIGN(Declaration one, store_declaration(wanted));
    stored.push_back(std::move(one));
  }
  for (const auto& [kind, name] : detached) {
    TRY_ASSIGN(Statement detach,
               database_->prepare("UPDATE declarations SET detached = 1 WHERE kind = ? AND name = ?"));
    TRY(change_one(detach.bind(1, kind).bind(2, name), kind, name));
  }
  TRY(transaction.commit());
  return stored;
}

Status SqliteControl::destroy(std::string_view kind, std::string_view name) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  TRY_ASSIGN(std::optional<Declaration> old, find_declaration(kind, name));
  if (old && !old->detached) {
    return Error(Code::conflict, "the " + std::string(kind) + " " + std::string(name) + " is in use",
                 "remove its declaration and apply, then destroy it");
  }
  {
    TRY_ASSIGN(Statement forget, database_->prepare("DELETE FROM declarations WHERE kind = ? AND name = ?"));
    TRY(change_one(forget.bind(1, kind).bind(2, name), kind, name));
  }
  return transaction.commit();
}

Status SqliteControl::change_one(Statement& statement, std::string_view what, std::string_view name) {
  TRY(statement.run());
  if (database_->changed_rows() > 0) return {};
  return Error(Code::not_found, "there is no " + std::string(what) + " " + shown(name));
}

// --- writing together -----------------------------------------------------------------------------------------------

// Who comes first writes what is there, in one transaction with one sync; who comes meanwhile waits together and is
// written by the first of them.
Status SqliteControl::write_together(const std::function<Status()>& write) {
  Write mine{&write};
  std::unique_lock lock(writes_mutex_);
  writes_.push_back(&mine);
  while (!mine.is_done) {
    if (is_writing_) {
      write_done_.wait(lock);
      continue;
    }
    is_writing_ = true;
    const std::vector<Write*> together = std::exchange(writes_, {});
    lock.unlock();
    write_all(together);
    lock.lock();
    for (Write* const one : together) one->is_done = true;
    is_writing_ = false;
    write_done_.notify_all();
  }
  return mine.done;
}

void SqliteControl::write_all(const std::vector<Write*>& together) {
  const std::lock_guard lock(mutex_);
  const Status committed = [&]() -> Status {
    TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
    for (Write* const one : together) {
      TRY(database_->execute("SAVEPOINT one"));
      one->done = (*one->write)();
      if (!one->done) {
        TRY(database_->execute("ROLLBACK TO one"));
      }
      TRY(database_->execute("RELEASE one"));
    }
    return transaction.commit();
  }();
  for (Write* const one : together) {
    if (!committed && one->done) one->done = committed;
  }
}

// --- values ---------------------------------------------------------------------------------------------------------

Result<std::optional<Json>> SqliteControl::value(std::string_view key) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare("SELECT value FROM key_values WHERE key = ?"));
  TRY_ASSIGN(const bool row, statement.bind(1, key).step());
  if (!row) return std::optional<Json>();
  TRY_ASSIGN(Json found, stored_json(statement.text(0)));
  return std::optional<Json>(std::move(found));
}

Status SqliteControl::set_value(std::string_view key, const Json& value) {
  TRY(check_name("the key", key));
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  {
    TRY_ASSIGN(Statement put, database_->prepare("INSERT OR REPLACE INTO key_values VALUES (?, ?)"));
    TRY(put.bind(1, key).bind(2, value.dump()).run());
  }
  return transaction.commit();
}

}  // namespace weir::control
