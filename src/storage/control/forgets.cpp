// What was forgotten, and the receipts, as storage/control keeps them.
#include "storage/control/sqlite_control.h"

namespace weir::control {

Status SqliteControl::add_forget(const Forget& forget) {
  TRY_ASSIGN(Statement put, database_->prepare("INSERT OR REPLACE INTO forgets(id, stream, state, begun_at, ended_at, "
                                               "body) VALUES (?, ?, ?, ?, ?, ?)"));
  put.bind(1, forget.id).bind(2, forget.stream).bind(3, forget.state).bind(4, forget.begun_at.micros);
  bind_time(put, 5, forget.ended_at);
  return put.bind(6, forget.body.dump()).run();
}

Status SqliteControl::put_forget(const Forget& forget) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  TRY(add_forget(forget));
  return transaction.commit();
}

Result<std::vector<Forget>> SqliteControl::forgets() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement,
             database_->prepare("SELECT id, stream, state, begun_at, ended_at, body FROM forgets ORDER BY id DESC"));
  std::vector<Forget> out;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return out;
    Forget forget;
    forget.id = statement.text(0);
    forget.stream = statement.text(1);
    forget.state = statement.text(2);
    forget.begun_at = {statement.integer(3)};
    forget.ended_at = time_of(statement, 4);
    TRY_ASSIGN(forget.body, stored_json(statement.text(5)));
    out.push_back(std::move(forget));
  }
}

Status SqliteControl::scrub() {
  const std::lock_guard lock(mutex_);
  return database_->empty_log();
}

}  // namespace weir::control
