// One job from its submission to its end: a session, its statements one after another, their results. Internal to
// platform/warehouse.
//
// It goes on by itself: a statement waits in the warehouse's queue without a thread, runs on the interactive lane, and
// the next one follows. job() and cancel() may be called from any thread, everything else is its own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/warehouse/job_result.h"
#include "platform/warehouse/jobs.h"

namespace weir::warehouse {

// A session of jobs: of one that ends with it, or one that its client keeps.
struct Jobs::OpenSession {
  JobSession info;       // guarded by Jobs::mutex_, like `busy`
  bool is_kept = false;  // has an id that clients may name
  bool is_busy = true;
  std::unique_ptr<Session> session;  // the running job's
};

class JobRun : public std::enable_shared_from_this<JobRun> {
 public:
  JobRun(Jobs& jobs, Job job, JobOrder order, std::string digest);

  Job job() const;
  bool is_ended() const;
  std::string inline_result() const;                                        // of a job that has ended
  Status record(const Job& job);                                            // durable; an end that was recorded stays
  void record_in(Timers::Timer timer) { late_record_ = std::move(timer); }  // before begin()
  const JobOrder& order() const { return order_; }
  const std::string& digest() const { return digest_; }
  void begin(std::shared_ptr<Jobs::OpenSession> session);
  // False: it has ended already.
  bool cancel(const Error& reason);
  // Called once when the job has ended, perhaps at once. The number is for leave().
  uint64_t when_ended(std::function<void()> call);
  void leave(uint64_t waiter);
  void refuse(const Error& error);  // it could not begin
  void drop();                      // the program ends, and nobody runs it any more

 private:
  void step();
  Result<std::unique_ptr<Admission>> admit();
  void run();
  Status run_statement();
  Status leave_mark(size_t statement);
  void statement_failed(const Error& error);
  void end(JobState state, std::string error);
  void change(const std::function<void(Job&, JobStatement&)>& how);

  Jobs& jobs_;
  const JobOrder order_;
  const std::string digest_;
  const Cancel stop_;
  std::shared_ptr<Jobs::OpenSession> session_;  // also in the table of sessions, if its client keeps it
  std::unique_ptr<Admission> admission_;
  size_t at_ = 0;
  int64_t began_ = 0;  // the statement, steady micros
  Timers::Timer late_record_;

  mutable Mutex mutex_;
  Job job_ GUARDED_BY(mutex_);
  std::string inline_ GUARDED_BY(mutex_);
  std::map<uint64_t, std::function<void()>> waiters_ GUARDED_BY(mutex_);
  uint64_t last_waiter_ GUARDED_BY(mutex_) = 0;
};

}  // namespace weir::warehouse
