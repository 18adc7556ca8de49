#include "core/base/text.h"
#include "storage/control/sqlite_control.h"

namespace weir::control {

Result<Users> SqliteControl::users() {
  const std::lock_guard lock(mutex_);
  Users out;
  TRY_ASSIGN(Statement users, database_->prepare("SELECT id, name, body, created_at FROM users ORDER BY id"));
  while (true) {
    TRY_ASSIGN(const bool row, users.step());
    if (!row) break;
    TRY_ASSIGN(Json body, stored_json(users.text(2)));
    out.users.push_back({static_cast<uint32_t>(users.integer(0)), users.text(1), std::move(body), {users.integer(3)}});
  }
  TRY_ASSIGN(Statement roles, database_->prepare("SELECT id, name, kind, owner, created_at FROM roles ORDER BY id"));
  while (true) {
    TRY_ASSIGN(const bool row, roles.step());
    if (!row) break;
    out.roles.push_back({static_cast<uint32_t>(roles.integer(0)),
                         roles.text(1),
                         roles.text(2),
                         static_cast<uint32_t>(roles.integer(3)),
                         {roles.integer(4)}});
  }
  TRY_ASSIGN(Statement members,
             database_->prepare("SELECT role_id, member_id, with_admin FROM role_members ORDER BY role_id, member_id"));
  while (true) {
    TRY_ASSIGN(const bool row, members.step());
    if (!row) break;
    out.members.push_back({static_cast<uint32_t>(members.integer(0)), static_cast<uint32_t>(members.integer(1)),
                           members.integer(2) != 0});
  }
  TRY_ASSIGN(const int64_t last_user, counter("last_user"));
  TRY_ASSIGN(const int64_t last_role, counter("last_role"));
  TRY_ASSIGN(const int64_t version, counter("users_version"));
  out.last_user = static_cast<uint32_t>(last_user);
  out.last_role = static_cast<uint32_t>(last_role);
  out.version = static_cast<uint64_t>(version);
  return out;
}

Status SqliteControl::raise_counter(std::string_view name, int64_t value) {
  TRY_ASSIGN(const int64_t now, counter(name));
  if (value <= now) return {};
  return set_counter(name, value);
}

Status SqliteControl::drop_user_or_role(uint32_t id) {
  for (const char* sql :
       {"DELETE FROM users WHERE id = ?", "DELETE FROM roles WHERE id = ?",
        "DELETE FROM role_members WHERE role_id = ?", "DELETE FROM role_members WHERE member_id = ?"}) {
    TRY_ASSIGN(Statement drop, database_->prepare(sql));
    TRY(drop.bind(1, int64_t{id}).run());
  }
  return {};
}

Status SqliteControl::put_user(const User& user) {
  TRY_ASSIGN(Statement put,
             database_->prepare("INSERT INTO users(id, name, body, created_at) VALUES (?, ?, ?, ?) "
                                "ON CONFLICT(id) DO UPDATE SET name = excluded.name, body = excluded.body"));
  auto done =
      put.bind(1, int64_t{user.id}).bind(2, user.name).bind(3, user.body.dump()).bind(4, user.created_at.micros).run();
  if (!done && done.error().code == Code::conflict)
    return Error(Code::conflict, "there is a user " + shown(user.name) + " already");
  TRY(std::move(done));
  return raise_counter("last_user", user.id);
}

Status SqliteControl::put_role(const Role& role) {
  TRY_ASSIGN(Statement put,
             database_->prepare("INSERT INTO roles(id, name, kind, owner, created_at) VALUES (?, ?, ?, ?, ?) "
                                "ON CONFLICT(id) DO UPDATE SET name = excluded.name, owner = excluded.owner"));
  auto done = put.bind(1, int64_t{role.id})
                  .bind(2, role.name)
                  .bind(3, role.kind)
                  .bind(4, int64_t{role.owner})
                  .bind(5, role.created_at.micros)
                  .run();
  if (!done && done.error().code == Code::conflict)
    return Error(Code::conflict, "there is a " + role.kind + " " + shown(role.name) + " already");
  TRY(std::move(done));
  return raise_counter("last_role", role.id);
}

Status SqliteControl::change_users(const UsersChange& change) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  TRY_ASSIGN(const int64_t version, counter("users_version"));
  if (version != static_cast<int64_t>(change.from)) {
    return Error(Code::conflict, "the users were changed by somebody else: version " + std::to_string(version) +
                                     ", not " + std::to_string(change.from));
  }
  for (const uint32_t id : change.dropped) {
    TRY(drop_user_or_role(id));
  }
  for (const User& user : change.users) {
    TRY(put_user(user));
  }
  for (const Role& role : change.roles) {
    TRY(put_role(role));
  }
  for (const RoleMember& member : change.removed) {
    TRY_ASSIGN(Statement remove, database_->prepare("DELETE FROM role_members WHERE role_id = ? AND member_id = ?"));
    TRY(remove.bind(1, int64_t{member.role}).bind(2, int64_t{member.member}).run());
  }
  for (const RoleMember& member : change.members) {
    TRY_ASSIGN(
        Statement put,
        database_->prepare("INSERT OR REPLACE INTO role_members(role_id, member_id, with_admin) VALUES (?, ?, ?)"));
    TRY(put.bind(1, int64_t{member.role}).bind(2, int64_t{member.member}).bind(3, int64_t{member.with_admin}).run());
  }
  TRY(set_counter("users_version", version + 1));
  return transaction.commit();
}

}  // namespace weir::control
