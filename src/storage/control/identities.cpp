#include "core/base/text.h"
#include "storage/control/sqlite_control.h"

namespace weir::control {
namespace {

constexpr const char* kTokenColumns =
    "id, hash, role, streams, label, created_at, expires_at, last_used_at, revoked, "
    "endpoints, user_id, scram, sealed";

}  // namespace

Status SqliteControl::add_token(const Token& token) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  Json streams(Json::Array{});
  for (const std::string& stream : token.streams) streams.push(stream);
  Json endpoints(Json::Array{});
  for (const std::string& endpoint : token.endpoints) endpoints.push(endpoint);
  {
    TRY_ASSIGN(Statement add, database_->prepare(std::string("INSERT INTO tokens(") + kTokenColumns +
                                                 ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    add.bind(1, token.id).bind(2, token.hash).bind(3, token.role).bind(4, streams.dump()).bind(5, token.label);
    add.bind(6, token.created_at.micros).bind(9, int64_t{token.revoked}).bind(10, endpoints.dump());
    add.bind(12, token.scram).bind(13, token.sealed);
    if (token.user) {
      add.bind(11, int64_t{*token.user});
    } else {
      add.bind_null(11);
    }
    bind_time(add, 7, token.expires_at);
    bind_time(add, 8, token.last_used_at);
    auto added = add.run();
    if (!added && added.error().code == Code::conflict)
      return Error(Code::conflict, "a token with the id " + shown(token.id) + " exists already");
    TRY(std::move(added));
  }
  return transaction.commit();
}

Result<std::vector<Token>> SqliteControl::tokens_of(Statement& statement) {
  std::vector<Token> tokens;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return tokens;
    Token token;
    token.id = statement.text(0);
    token.hash = statement.text(1);
    token.role = statement.text(2);
    TRY_ASSIGN(const Json streams, stored_json(statement.text(3)));
    for (const Json& stream : streams.array()) token.streams.push_back(stream.as_string());
    token.label = statement.text(4);
    token.created_at = {statement.integer(5)};
    token.expires_at = time_of(statement, 6);
    token.last_used_at = time_of(statement, 7);
    token.revoked = statement.integer(8) != 0;
    TRY_ASSIGN(const Json endpoints, stored_json(statement.text(9)));
    for (const Json& endpoint : endpoints.array()) token.endpoints.push_back(endpoint.as_string());
    if (!statement.is_null(10)) token.user = static_cast<uint32_t>(statement.integer(10));
    token.scram = statement.text(11);
    token.sealed = statement.text(12);
    tokens.push_back(std::move(token));
  }
}

Result<std::vector<Token>> SqliteControl::tokens() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement,
             database_->prepare(std::string("SELECT ") + kTokenColumns + " FROM tokens ORDER BY created_at, id"));
  return tokens_of(statement);
}

Result<std::optional<Token>> SqliteControl::find_token(std::string_view hash) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement,
             database_->prepare(std::string("SELECT ") + kTokenColumns + " FROM tokens WHERE hash = ?"));
  statement.bind(1, hash);
  TRY_ASSIGN(std::vector<Token> found, tokens_of(statement));
  if (found.empty()) return std::optional<Token>();
  return std::optional<Token>(std::move(found.front()));
}

Status SqliteControl::revoke_token(std::string_view id) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  {
    TRY_ASSIGN(Statement revoke, database_->prepare("UPDATE tokens SET revoked = 1 WHERE id = ?"));
    TRY(change_one(revoke.bind(1, id), "token", id));
  }
  return transaction.commit();
}

// A write outside FULL is not synced by itself; the next commit syncs it along. Nothing else may run in between: the
// mutex is held.
Status SqliteControl::touch_token(std::string_view id, WallTime at) {
  const std::lock_guard lock(mutex_);
  TRY(database_->check_usable());
  TRY(database_->execute("PRAGMA synchronous=NORMAL"));
  auto touched = [&]() -> Status {
    TRY_ASSIGN(Statement touch, database_->prepare("UPDATE tokens SET last_used_at = ? WHERE id = ?"));
    return change_one(touch.bind(1, at.micros).bind(2, id), "token", id);
  }();
  TRY(database_->execute("PRAGMA synchronous=FULL"));
  return touched;
}

Status SqliteControl::put_secret(const Secret& secret) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  {
    TRY_ASSIGN(Statement put,
               database_->prepare("INSERT OR REPLACE INTO secrets(name, sealed, changed_at) VALUES (?, ?, ?)"));
    TRY(put.bind(1, secret.name).bind(2, secret.sealed).bind(3, secret.changed_at.micros).run());
  }
  return transaction.commit();
}

Result<std::vector<Secret>> SqliteControl::secrets() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare("SELECT name, sealed, changed_at FROM secrets ORDER BY name"));
  std::vector<Secret> all;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return all;
    all.push_back({statement.text(0), statement.text(1), {statement.integer(2)}});
  }
}

Status SqliteControl::remove_secret(std::string_view name) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  {
    TRY_ASSIGN(Statement remove, database_->prepare("DELETE FROM secrets WHERE name = ?"));
    TRY(change_one(remove.bind(1, name), "secret", name));
  }
  return transaction.commit();
}

}  // namespace weir::control
