// Findings and the states of alarms, as storage/control keeps them.
#include "storage/control/sqlite_control.h"

namespace weir::control {
namespace {

constexpr const char* kFindingColumns = "id, key, state, opened_at, updated_at, closed_at, body";

}  // namespace

Result<std::vector<Finding>> SqliteControl::findings_of(Statement& statement) {
  std::vector<Finding> out;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return out;
    Finding finding;
    finding.id = statement.text(0);
    finding.key = statement.text(1);
    finding.state = statement.text(2);
    finding.opened_at = {statement.integer(3)};
    finding.updated_at = {statement.integer(4)};
    finding.closed_at = time_of(statement, 5);
    TRY_ASSIGN(finding.body, stored_json(statement.text(6)));
    out.push_back(std::move(finding));
  }
}

Result<bool> SqliteControl::put_finding(const Finding& finding, size_t closed_max,
                                        std::vector<Delivery>& deliveries, size_t open_max) {
  bool has_room = true;
  TRY(write_together([&]() -> Status {
    TRY(write_finding(finding, closed_max));
    TRY_ASSIGN(has_room, write_deliveries(deliveries, open_max));
    return {};
  }));
  return has_room;
}

Status SqliteControl::write_finding(const Finding& finding, size_t closed_max) {
  if (finding.state != "closed") {
    TRY_ASSIGN(Statement other, database_->prepare("SELECT id FROM findings WHERE key = ? AND state <> 'closed'"));
    other.bind(1, finding.key);
    TRY_ASSIGN(const bool row, other.step());
    if (row && other.text(0) != finding.id) {
      return Error(Code::conflict, "the finding " + finding.key + " is open already");
    }
  }
  TRY_ASSIGN(Statement put, database_->prepare(std::string("INSERT OR REPLACE INTO findings(") + kFindingColumns +
                                               ") VALUES (?, ?, ?, ?, ?, ?, ?)"));
  put.bind(1, finding.id).bind(2, finding.key).bind(3, finding.state);
  put.bind(4, finding.opened_at.micros).bind(5, finding.updated_at.micros);
  bind_time(put, 6, finding.closed_at);
  TRY(put.bind(7, finding.body.dump()).run());
  TRY_ASSIGN(Statement trim, database_->prepare("DELETE FROM findings WHERE state = 'closed' AND id NOT IN (SELECT id "
                                                "FROM findings WHERE state = 'closed' ORDER BY closed_at DESC, id DESC "
                                                "LIMIT ?)"));
  return trim.bind(1, static_cast<int64_t>(closed_max)).run();
}

Result<std::optional<Finding>> SqliteControl::find_finding(std::string_view id) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement,
             database_->prepare(std::string("SELECT ") + kFindingColumns + " FROM findings WHERE id = ?"));
  statement.bind(1, id);
  TRY_ASSIGN(std::vector<Finding> found, findings_of(statement));
  if (found.empty()) return std::optional<Finding>();
  return std::optional<Finding>(std::move(found.front()));
}

Result<std::optional<Finding>> SqliteControl::open_finding(std::string_view key) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare(std::string("SELECT ") + kFindingColumns +
                                                     " FROM findings WHERE key = ? AND state <> 'closed'"));
  statement.bind(1, key);
  TRY_ASSIGN(std::vector<Finding> found, findings_of(statement));
  if (found.empty()) return std::optional<Finding>();
  return std::optional<Finding>(std::move(found.front()));
}

Result<std::vector<Finding>> SqliteControl::findings(bool closed_too, size_t limit) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement,
             database_->prepare(std::string("SELECT ") + kFindingColumns +
                                " FROM findings WHERE (?1 = 1 OR state <> 'closed') ORDER BY id DESC LIMIT ?2"));
  statement.bind(1, int64_t{closed_too ? 1 : 0}).bind(2, static_cast<int64_t>(limit));
  return findings_of(statement);
}

Status SqliteControl::put_alarms(const std::vector<AlarmState>& states, const std::vector<AlarmChange>& changes,
                                 size_t changes_max) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  for (const AlarmState& state : states) {
    TRY_ASSIGN(Statement put, database_->prepare("INSERT OR REPLACE INTO alarm_states(name, body) VALUES (?, ?)"));
    TRY(put.bind(1, state.name).bind(2, state.body.dump()).run());
  }
  for (const AlarmChange& change : changes) {
    TRY_ASSIGN(Statement add, database_->prepare("INSERT INTO alarm_changes(name, at, from_state, to_state, reason) "
                                                 "VALUES (?, ?, ?, ?, ?)"));
    add.bind(1, change.name).bind(2, change.at.micros).bind(3, change.from).bind(4, change.to);
    TRY(add.bind(5, change.reason).run());
    TRY_ASSIGN(Statement trim,
               database_->prepare("DELETE FROM alarm_changes WHERE name = ?1 AND id NOT IN (SELECT id FROM "
                                  "alarm_changes WHERE name = ?1 ORDER BY id DESC LIMIT ?2)"));
    TRY(trim.bind(1, change.name).bind(2, static_cast<int64_t>(changes_max)).run());
  }
  return transaction.commit();
}

Result<std::vector<AlarmState>> SqliteControl::alarm_states() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare("SELECT name, body FROM alarm_states ORDER BY name"));
  std::vector<AlarmState> out;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return out;
    AlarmState state;
    state.name = statement.text(0);
    TRY_ASSIGN(state.body, stored_json(statement.text(1)));
    out.push_back(std::move(state));
  }
}

Result<std::vector<AlarmChange>> SqliteControl::alarm_changes(std::string_view name, size_t limit) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare("SELECT name, at, from_state, to_state, reason FROM alarm_changes "
                                                     "WHERE name = ? ORDER BY id DESC LIMIT ?"));
  statement.bind(1, name).bind(2, static_cast<int64_t>(limit));
  std::vector<AlarmChange> out;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return out;
    AlarmChange change;
    change.name = statement.text(0);
    change.at = {statement.integer(1)};
    change.from = statement.text(2);
    change.to = statement.text(3);
    change.reason = statement.text(4);
    out.push_back(std::move(change));
  }
}

Status SqliteControl::forget_alarm(std::string_view name) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement statement, database_->prepare("DELETE FROM alarm_states WHERE name = ?"));
  return statement.bind(1, name).run();
}

}  // namespace weir::control
