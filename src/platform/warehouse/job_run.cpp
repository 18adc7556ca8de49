#include "platform/warehouse/job_run.h"

#include <algorithm>

#include "core/base/log.h"
#include "platform/dialect/named_parameters.h"
#include "platform/dialect/statement.h"

namespace weir::warehouse {
namespace {

std::string told(const Error& error) {
  return "ERROR: " + error.message + (error.hint.empty() ? "" : " (" + error.hint + ")");
}

JobState state_after(const Error& error) {
  return error.code == Code::cancelled || error.code == Code::unavailable ? JobState::aborted : JobState::failed;
}

}  // namespace

JobRun::JobRun(Jobs& jobs, Job job, JobOrder order, std::string digest)
    : jobs_(jobs), order_(std::move(order)), digest_(std::move(digest)), job_(std::move(job)) {}

Job JobRun::job() const {
  const MutexLock lock(mutex_);
  return job_;
}

bool JobRun::is_ended() const {
  const MutexLock lock(mutex_);
  return has_ended(job_.state);
}

std::string JobRun::inline_result() const {
  const MutexLock lock(mutex_);
  return inline_;
}

Status JobRun::record(const Job& job) {
  control::Job kept{.id = job.id,
                    .owner = job.owner,
                    .token = order_.token,
                    .is_open = !has_ended(job.state),
                    .created_at = job.created_at,
                    .body = job_json(job, digest_),
                    .result = inline_result()};
  return jobs_.parts_.control.put_job(kept);
}

void JobRun::change(const std::function<void(Job&, JobStatement&)>& how) {
  const MutexLock lock(mutex_);
  const WallTime now = jobs_.parts_.clock.wall();
  job_.updated_at = now;
  JobStatement& statement = job_.statements[std::min(at_, job_.statements.size() - 1)];
  statement.updated_at = now;
  how(job_, statement);
}

void JobRun::begin(std::shared_ptr<Jobs::OpenSession> session) {
  session_ = std::move(session);
  change([&](Job& job, JobStatement&) {
    job.process_id = session_->session->process_id();
    if (session_->is_kept) job.session = session_->info.id;
  });
  if (!order_.each_by_itself) session_->session->begin_implicit_block();
  step();
}

Result<std::unique_ptr<Admission>> JobRun::admit() {
  TRY(stop_.check());
  TRY_ASSIGN(const dialect::NumberedStatement numbered, dialect::number_parameters(order_.statements[at_]));
  Statement statement;
  statement.sql = numbered.sql;
  statement.client = "data-api";
  if (!numbered.names.empty()) {
    TRY_ASSIGN(const Shape shape, session_->session->describe(numbered.sql, {}));
    for (size_t i = 0; i < numbered.names.size(); ++i) {
      const auto given = std::find_if(order_.parameters.begin(), order_.parameters.end(),
                                      [&](const JobParameter& one) { return one.name == numbered.names[i]; });
      if (given == order_.parameters.end())
        return Error(Code::invalid, "the statement's parameter :" + numbered.names[i] + " was not given");
      statement.parameters.emplace_back(given->value, i < shape.parameters.size() ? shape.parameters[i] : "VARCHAR");
    }
  }
  return session_->session->admit(std::move(statement), stop_);
}

void JobRun::step() {
  if (at_ == order_.statements.size()) {
    Status committed = order_.each_by_itself ? Status() : session_->session->end_implicit_block(true);
    if (!committed) {
      at_ = order_.statements.size() - 1;
      return statement_failed(committed.error());
    }
    return end(JobState::finished, "");
  }
  if (order_.each_by_itself) session_->session->begin_implicit_block();
  change([](Job& job, JobStatement& statement) {
    if (job.state == JobState::submitted) job.state = JobState::picked;
    statement.state = JobState::picked;
  });
  began_ = jobs_.parts_.clock.steady_micros();
  auto admission = admit();
  if (!admission) return statement_failed(admission.error());
  admission_ = std::move(*admission);
  admission_->when_ready([self = shared_from_this()]() {
    const Status submitted = self->jobs_.parts_.lanes.submit(Lane::interactive, [self] { self->run(); });
    if (!submitted) self->statement_failed(submitted.error());
  });
}

void JobRun::run() {
  change([](Job& job, JobStatement& statement) { job.state = statement.state = JobState::started; });
  if (const Status done = run_statement(); !done) return statement_failed(done.error());
  ++at_;
  step();
}

Status JobRun::run_statement() {
  const std::unique_ptr<Admission> admission = std::move(admission_);
  TRY_ASSIGN(const std::unique_ptr<Execution> execution, admission->start());
  const bool has_rows = !execution->columns().empty();
  JobResultWriter writer(jobs_.parts_.files, jobs_.file_of(job().id, at_), order_.form, jobs_.limits_);
  while (has_rows) {
    TRY_ASSIGN(const Rows rows, execution->next());
    if (rows.empty()) break;
    TRY(writer.add(execution->columns(), rows));
  }
  if (has_rows) {
    TRY(writer.finish());
  } else {
    TRY(leave_mark(at_));
  }
  if (order_.each_by_itself) {
    TRY(session_->session->end_implicit_block(true));
  }
  change([&](Job&, JobStatement& statement) {
    statement.state = JobState::finished;
    statement.took = microseconds(jobs_.parts_.clock.steady_micros() - began_);
    statement.has_rows = has_rows;
    statement.rows = has_rows ? static_cast<int64_t>(writer.rows()) : static_cast<int64_t>(execution->rows());
    if (!has_rows) return;
    statement.bytes = writer.bytes();
    statement.columns = execution->columns();
    statement.page_ends = writer.page_ends;
    statement.is_inline = writer.is_inline();
  });
  if (has_rows && writer.is_inline()) {
    const MutexLock lock(mutex_);
    inline_ += writer.text();
  }
  return {};
}

// In the transaction of what was done: after a crash it tells whether that took effect.
Status JobRun::leave_mark(size_t statement) {
  return session_->session->leave_mark(job().id + ":" + std::to_string(statement + 1));
}

void JobRun::statement_failed(const Error& error) {
  admission_.reset();
  (void)session_->session->end_implicit_block(false);
  const JobState state = state_after(error);
  change([&](Job& job, JobStatement& statement) {
    for (JobStatement& one : job.statements) {
      // What ran before in the same transaction is undone with it.
      if (one.state == JobState::finished && order_.each_by_itself) continue;
      one.state = JobState::aborted;
      one.has_rows = false;
      one.is_inline = false;
      one.rows = -1;
    }
    statement.state = state;
    statement.error = told(error);
    statement.took = microseconds(jobs_.parts_.clock.steady_micros() - began_);
  });
  if (!order_.each_by_itself) {
    const MutexLock lock(mutex_);
    inline_.clear();
  }
  end(state, told(error));
}

void JobRun::refuse(const Error& error) {
  change([&](Job&, JobStatement& statement) {
    statement.state = JobState::failed;
    statement.error = told(error);
  });
  end(JobState::failed, told(error));
}

void JobRun::end(JobState state, std::string error) {
  Job now = job();
  now.updated_at = jobs_.parts_.clock.wall();
  now.error = std::move(error);
  now.state = state;
  // On disk before anybody hears of it.
  if (const Status kept = record(now); !kept) {
    log_event(Level::error, "jobs.end_not_recorded", {{"job", now.id}, {"reason", kept.error().text()}});
  }
  if (session_) jobs_.release(std::exchange(session_, nullptr));
  std::map<uint64_t, std::function<void()>> waiters;
  {
    const MutexLock lock(mutex_);
    job_ = now;
    waiters.swap(waiters_);
  }
  jobs_.ended(now.id);
  for (const auto& [number, call] : waiters) call();
}

bool JobRun::cancel(const Error& reason) {
  if (is_ended()) return false;
  stop_.cancel(reason);
  return true;
}

uint64_t JobRun::when_ended(std::function<void()> call) {
  {
    const MutexLock lock(mutex_);
    if (!has_ended(job_.state)) {
      waiters_.emplace(++last_waiter_, std::move(call));
      return last_waiter_;
    }
  }
  call();
  return 0;
}

void JobRun::leave(uint64_t waiter) {
  std::function<void()> call;
  {
    const MutexLock lock(mutex_);
    const auto found = waiters_.find(waiter);
    if (found == waiters_.end()) return;
    call = std::move(found->second);
    waiters_.erase(found);
  }
  call();
}

void JobRun::drop() {
  admission_.reset();
  session_.reset();
}

}  // namespace weir::warehouse
