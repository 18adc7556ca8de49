// Statements that were handed over, as storage/control keeps them.
#include "storage/control/sqlite_control.h"

namespace weir::control {
namespace {

constexpr const char* kJobColumns = "id, owner, coalesce(token, ''), is_open, created_at, body";

}  // namespace

Result<Job> SqliteControl::job_of(const Statement& row) const {
  Job job;
  job.id = row.text(0);
  job.owner = row.text(1);
  job.token = row.text(2);
  job.is_open = row.integer(3) != 0;
  job.created_at = {row.integer(4)};
  TRY_ASSIGN(job.body, stored_json(row.text(5)));
  return job;
}

Status SqliteControl::put_job(const Job& job) {
  return write_together([&] { return put_in_transaction(job); });
}

Status SqliteControl::put_in_transaction(const Job& job) {
  TRY_ASSIGN(Statement put,
             database_->prepare("INSERT INTO jobs(id, owner, token, is_open, created_at, body, result) VALUES "
                                "(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET is_open = excluded.is_open, "
                                "body = excluded.body, result = excluded.result WHERE jobs.is_open OR "
                                "json_extract(excluded.body, '$.forgotten')"));
  put.bind(1, job.id).bind(2, job.owner);
  if (job.token.empty()) {
    put.bind_null(3);
  } else {
    put.bind(3, job.token);
  }
  put.bind(4, int64_t{job.is_open}).bind(5, job.created_at.micros).bind(6, job.body.dump()).bind(7, job.result);
  auto done = put.run();
  if (!done && done.error().code == Code::conflict)
    return Error(Code::conflict, "another statement was sent with this client token");
  TRY(std::move(done));
  return {};
}

Result<std::optional<Job>> SqliteControl::find_job(std::string_view id) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement find,
             database_->prepare(std::string("SELECT ") + kJobColumns + ", result FROM jobs WHERE id = ?"));
  TRY_ASSIGN(const bool row, find.bind(1, id).step());
  if (!row) return std::optional<Job>();
  TRY_ASSIGN(Job job, job_of(find));
  job.result = find.text(6);
  return std::optional<Job>(std::move(job));
}

Result<std::optional<Job>> SqliteControl::find_job_by_token(std::string_view owner, std::string_view token) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement find,
             database_->prepare(std::string("SELECT ") + kJobColumns + " FROM jobs WHERE owner = ? AND token = ?"));
  TRY_ASSIGN(const bool row, find.bind(1, owner).bind(2, token).step());
  if (!row) return std::optional<Job>();
  TRY_ASSIGN(Job job, job_of(find));
  return std::optional<Job>(std::move(job));
}

Result<std::vector<Job>> SqliteControl::jobs(const JobFilter& filter) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement list, database_->prepare(std::string("SELECT ") + kJobColumns +
                                                " FROM jobs WHERE (?1 = '' OR owner = ?1) AND (?2 = '' OR id < ?2) AND "
                                                "(?3 = 0 OR is_open) ORDER BY id DESC LIMIT ?4"));
  list.bind(1, filter.owner).bind(2, filter.before).bind(3, int64_t{filter.open_only});
  list.bind(4, static_cast<int64_t>(filter.limit));
  std::vector<Job> out;
  while (true) {
    TRY_ASSIGN(const bool row, list.step());
    if (!row) return out;
    TRY_ASSIGN(Job job, job_of(list));
    out.push_back(std::move(job));
  }
}

Result<std::vector<std::string>> SqliteControl::remove_jobs(WallTime before) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  {
    TRY_ASSIGN(Statement old, database_->prepare("SELECT id FROM jobs WHERE created_at < ? AND is_open = 0"));
    old.bind(1, before.micros);
    while (true) {
      TRY_ASSIGN(const bool row, old.step());
      if (!row) break;
      ids.push_back(old.text(0));
    }
  }
  if (ids.empty()) return ids;
  TRY_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  {
    TRY_ASSIGN(Statement remove, database_->prepare("DELETE FROM jobs WHERE created_at < ? AND is_open = 0"));
    TRY(remove.bind(1, before.micros).run());
  }
  TRY(transaction.commit());
  return ids;
}

}  // namespace weir::control
