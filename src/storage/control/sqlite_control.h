// Control over SQLite. Split by subject: control.cpp (opening, declarations, values), lake_catalog.cpp,
// forgets.cpp, identities.cpp (tokens, secrets), users.cpp, runs.cpp, findings.cpp, outbox.cpp.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "storage/control/control.h"
#include "storage/control/sqlite.h"

namespace weir::control {

// A time that may be missing, as a parameter and as a column.
inline void bind_time(Statement& statement, int parameter, const std::optional<WallTime>& time) {
  if (time) {
    statement.bind(parameter, time->micros);
  } else {
    statement.bind_null(parameter);
  }
}
inline std::optional<WallTime> time_of(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return WallTime{row.integer(column)};
}

class SqliteControl final : public Control {
 public:
  SqliteControl(std::unique_ptr<Database> database, Clock& clock) : database_(std::move(database)), clock_(clock) {}

  Result<std::vector<Declaration>> declarations() override;
  Result<std::vector<Declaration>> apply(const std::vector<Declaration>& changed,
                                         const std::vector<std::pair<std::string, std::string>>& detached) override;
  Status destroy(std::string_view kind, std::string_view name) override;

  Result<uint64_t> lake_cursor() override;
  Result<uint64_t> lake_version() override;
  Result<std::vector<LakeFile>> lake_files() override;
  Result<uint64_t> commit_lake(const LakeCommit& commit) override;
  Result<std::vector<LakeFile>> lake_files_holding(uint64_t sequence) override;
  Result<std::vector<LakeDay>> lake_days() override;
  Result<std::vector<ReplacedFile>> lake_replaced(std::optional<WallTime> due) override;
  Status forget_replaced(const std::vector<std::string>& paths) override;
  Result<std::vector<RetainedFrom>> lake_retained() override;
  Result<std::vector<LakeTable>> lake_tables() override;
  Result<std::vector<LakeMark>> lake_marks() override;

  Status put_job(const Job& job) override;
  Result<std::optional<Job>> find_job(std::string_view id) override;
  Result<std::optional<Job>> find_job_by_token(std::string_view owner, std::string_view token) override;
  Result<std::vector<Job>> jobs(const JobFilter& filter) override;
  Result<std::vector<std::string>> remove_jobs(WallTime before) override;

  Status put_forget(const Forget& forget) override;
  Result<std::vector<Forget>> forgets() override;
  Status scrub() override;

  Status put_run(const Run& run) override;
  Status put_tasks(std::string_view run, const std::vector<RunTask>& tasks) override;
  Result<std::optional<Run>> find_run(std::string_view id) override;
  Result<std::vector<Run>> runs(std::string_view name, bool open, size_t limit) override;
  Result<std::vector<RunTask>> run_tasks(std::string_view run) override;

  Result<bool> put_finding(const Finding& finding, size_t closed_max, std::vector<Delivery>& deliveries,
                           size_t open_max) override;
  Result<std::optional<Finding>> find_finding(std::string_view id) override;
  Result<std::optional<Finding>> open_finding(std::string_view key) override;
  Result<std::vector<Finding>> findings(bool closed_too, size_t limit) override;

  Result<bool> add_deliveries(std::vector<Delivery>& deliveries, size_t open_max) override;
  Result<std::optional<Delivery>> next_delivery(std::string_view channel, WallTime now,
                                                const std::optional<Delivery>& ended) override;
  Status put_delivery(const Delivery& delivery, std::string_view from) override;
  Result<std::optional<WallTime>> next_due(std::string_view channel) override;
  Status wait_again(std::string_view channel) override;
  Result<std::optional<Delivery>> find_delivery(std::string_view id) override;
  Result<std::vector<Delivery>> deliveries(const DeliveryFilter& filter) override;
  Result<std::vector<DeliveryCount>> delivery_counts() override;
  Result<size_t> give_up_deliveries(WallTime now) override;
  Status trim_deliveries(WallTime before, size_t kept_max) override;

  Status put_subscription(const Subscription& subscription) override;
  Result<std::vector<Subscription>> subscriptions() override;
  Status remove_subscription(std::string_view id) override;

  Status put_alarms(const std::vector<AlarmState>& states, const std::vector<AlarmChange>& changes,
                    size_t changes_max) override;
  Result<std::vector<AlarmState>> alarm_states() override;
  Result<std::vector<AlarmChange>> alarm_changes(std::string_view name, size_t limit) override;
  Status forget_alarm(std::string_view name) override;

  Status add_token(const Token& token) override;
  Result<std::vector<Token>> tokens() override;
  Result<std::optional<Token>> find_token(std::string_view hash) override;
  Status revoke_token(std::string_view id) override;
  Status touch_token(std::string_view id, WallTime at) override;

  Result<Users> users() override;
  Status change_users(const UsersChange& change) override;

  Status put_secret(const Secret& secret) override;
  Result<std::vector<Secret>> secrets() override;
  Status remove_secret(std::string_view name) override;

  Result<std::optional<Json>> value(std::string_view key) override;
  Status set_value(std::string_view key, const Json& value) override;

 private:
  // Writers that come at the same time share one transaction and so one sync. `write` is called with mutex_ held, in
  // the transaction; what it did before it failed is taken back, and the others stay.
  struct Write {
    const std::function<Status()>* write;
    Status done = {};
    bool is_done = false;
  };
  Status write_together(const std::function<Status()>& write);
  void write_all(const std::vector<Write*>& together);

  // All of these expect mutex_ to be held.
  Status put_in_transaction(const Job& job);
  Status write_finding(const Finding& finding, size_t closed_max);
  Result<bool> write_deliveries(std::vector<Delivery>& deliveries, size_t open_max);
  Result<bool> write_delivery(Delivery& delivery);
  Result<bool> join_bundle(Delivery& delivery);
  Result<bool> hold_again(Delivery& delivery);
  Status change_delivery(const Delivery& delivery, std::string_view from);
  Result<std::vector<Delivery>> deliveries_of(Statement& statement);
  Result<int64_t> counter(std::string_view name);
  Status set_counter(std::string_view name, int64_t value);
  Result<std::optional<Declaration>> find_declaration(std::string_view kind, std::string_view name);
  Result<Declaration> store_declaration(const Declaration& wanted);
  Status add_file(const LakeFile& file, uint64_t version);
  Status add_forget(const Forget& forget);
  Result<std::vector<LakeFile>> files_of(Statement& statement);
  Status remove_files(const LakeCommit& commit, int64_t version);
  Status touch_days(const LakeCommit& commit, int64_t version);
  Status change_derived(const LakeCommit& commit, int64_t version);
  Result<std::vector<Run>> runs_of(Statement& statement);
  Result<Job> job_of(const Statement& row) const;
  Result<std::vector<Finding>> findings_of(Statement& statement);
  Result<std::vector<Token>> tokens_of(Statement& statement);
  Status drop_user_or_role(uint32_t id);
  Status put_user(const User& user);
  Status put_role(const Role& role);
  Status raise_counter(std::string_view name, int64_t value);
  Result<Json> stored_json(const std::string& text) const;
  Status change_one(Statement& statement, std::string_view what, std::string_view name);

  std::mutex writes_mutex_;  // guards the three; never taken while mutex_ is held
  std::condition_variable write_done_;
  std::vector<Write*> writes_;  // that wait for who writes now
  bool is_writing_ = false;
  std::mutex mutex_;  // guards database_
  std::unique_ptr<Database> database_;
  Clock& clock_;
};

}  // namespace weir::control
