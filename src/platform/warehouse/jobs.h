// Statements that are handed over and run while nobody waits: what the Data API calls them, and for whoever comes back
// later for the result.
//
// Promises
//   - submit() returns when the job is on disk; if its end is awaited and it only reads, that is so when it has ended,
//     or a moment later. The same owner's same token is the same job, whenever it comes again.
//   - A job's statements run in one session, in order; in one transaction, or each in its own. After an error the rest
//     is not run.
//   - State and result are durable when a job is told as ended, and are kept for Limits::kept.
//   - A job that was under way when the program ended is told as failed, or as finished if it took effect: a mark of
//     each lies in the engine, in the transaction of what it changed. Nothing is run twice.
//
// Results are kept as pages in the form in which they are handed out; small ones lie in the control database, others in
// a file each. Threads: any; calls that say so block: run them on a work lane. Everything in Parts outlives it.
// Errors: invalid, not_found (unknown, another's, or no longer kept), conflict (a token with other statements, a
// session that is busy), busy (too many at once), too_large.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/guarded.h"
#include "core/io/files.h"
#include "core/runtime/lanes.h"
#include "core/runtime/timers.h"
#include "platform/warehouse/session.h"
#include "storage/control/control.h"

namespace weir::warehouse {

enum class JobState { submitted, picked, started, finished, aborted, failed };
const char* job_state_name(JobState state);  // "SUBMITTED"
bool has_ended(JobState state);

enum class ResultForm { json, csv };

struct JobStatement {
  std::string sql;
  JobState state = JobState::submitted;
  std::string error;
  bool has_rows = false;
  int64_t rows = -1;   // of its result, or that it changed; -1: none
  uint64_t bytes = 0;  // of its result
  uint64_t query = 0;  // its number in the statement log
  Duration took{};
  WallTime updated_at{};
  std::vector<engine::ResultColumn> columns = {};
  std::vector<uint64_t> page_ends = {};  // in its result, in bytes
  bool is_inline = false;                // its result lies in the job's record
};

struct JobParameter {
  std::string name, value;
};

// What is asked for.
struct JobOrder {
  User user;          // under whose rights it runs
  std::string owner;  // who may ask for it
  std::vector<std::string> statements;
  bool is_batch = false;
  bool each_by_itself = false;  // a transaction for each statement
  std::vector<JobParameter> parameters = {};
  ResultForm form = ResultForm::json;
  std::string name = {}, token = {}, database = {};
  Json about = {};             // what the surface wants back: cluster, secret …
  std::string session = {};    // an open one's id; empty: a new one
  Duration keep_session = {};  // 0: it ends with the job
  std::string peer = {};
  bool is_awaited = false;  // its submitter is answered by when_ended(), and hears nothing of it before
};

struct Job {
  std::string id, owner, user, name, database, session;
  bool is_batch = false, each_by_itself = false;
  ResultForm form = ResultForm::json;
  JobState state = JobState::submitted;
  std::string error;
  std::vector<JobStatement> statements;
  std::vector<JobParameter> parameters;
  Json about;
  WallTime created_at{}, updated_at{};
  int32_t process_id = 0;

  Duration took() const;
};

struct JobSession {
  std::string id, owner, user, database, current_job;
  WallTime created_at{}, updated_at{}, ends_at{};
  Duration keep{};
};

struct JobPage {
  std::vector<engine::ResultColumn> columns;
  ResultForm form = ResultForm::json;
  std::string rows;  // JSON: [{"longValue":1},{"stringValue":"a"}],[…]; CSV: lines
  uint64_t total = 0;
  std::optional<size_t> next;  // page
};

// Who asks. Administrators see every job.
struct JobReader {
  std::string owner;
  bool sees_all = false;
};

class JobRun;  // internal

class Jobs {
 public:
  struct Limits {
    size_t active_max = 200, sessions_max = 200, waiting_max = 400;
    size_t statements_max = 40;
    size_t sql_bytes_max = 100 << 10;  // of one job
    uint64_t result_bytes_max = 500ull << 20;
    size_t row_bytes_max = 64 << 10;
    size_t page_bytes = 1 << 20;
    Duration kept = hours(24);
  };
  struct Parts {
    Warehouse& warehouse;
    control::Control& control;
    engine::Engine& engine;
    Files& files;
    Clock& clock;
    Random& random;
    Lanes& lanes;
    Timers& timers;
  };
  // `folder`: of results. Settles what an earlier program left open. Blocks.
  static Result<std::unique_ptr<Jobs>> open(const Parts& parts, std::string folder, Limits limits);
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  Result<Job> submit(JobOrder order);                                // blocks
  Result<Job> find(const JobReader& reader, const std::string& id);  // blocks, where it is no longer in memory
  // Calls `call` once: when the job has ended, or after `limit`. From any thread, perhaps at once. `busy`.
  Status when_ended(const std::string& id, Duration limit, std::function<void()> call);
  // False: it had ended already.
  Result<bool> cancel(const JobReader& reader, const std::string& id);
  struct Filter {
    std::optional<JobState> state = {};
    std::string name_prefix = {}, database = {}, before = {}, session = {};
    size_t limit = 100;
  };
  struct List {
    std::vector<Job> jobs;  // newest first
    std::string next;       // Filter::before of the next; empty: no more
  };
  Result<List> list(const JobReader& reader, const Filter& filter);  // blocks
  // `statement` counts from 0. Blocks.
  Result<JobPage> page(const JobReader& reader, const std::string& id, size_t statement, size_t number);
  std::vector<JobSession> sessions(const JobReader& reader) const;

  void sweep();   // ends sessions that nobody used, forgets jobs that were kept long enough. Blocks.
  void reread();  // what ended and is in memory is read again from where it is kept, which somebody changed
  void stop();    // takes no more, and ends what runs: it is told as aborted

 private:
  friend class JobRun;
  struct OpenSession;
  Jobs(const Parts& parts, std::string folder, Limits limits);
  Status settle();
  Status remove_strays();
  Result<std::shared_ptr<OpenSession>> session_for(const JobOrder& order, const std::string& job);
  void release(const std::shared_ptr<OpenSession>& session);
  Result<std::optional<Job>> known_by_token(const JobOrder& order);
  // The run of the same token, if one is in memory.
  Result<std::shared_ptr<JobRun>> add(const JobOrder& order, bool& is_new);
  void begin_awaited(const std::shared_ptr<JobRun>& run, std::shared_ptr<OpenSession> session);
  void forget_run(const std::string& id);
  std::shared_ptr<JobRun> in_memory(const std::string& id) const;
  void ended(const std::string& id);
  std::string file_of(const std::string& id, size_t statement) const;

  const Parts parts_;
  const std::string folder_;
  const Limits limits_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<JobRun>> runs_ GUARDED_BY(mutex_);  // under way, and the newest that ended
  std::deque<std::string> ended_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<OpenSession>> sessions_ GUARDED_BY(mutex_);
  size_t active_ GUARDED_BY(mutex_) = 0;
  size_t waiting_ GUARDED_BY(mutex_) = 0;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  int64_t cleaned_at_ GUARDED_BY(mutex_) = 0;
  Timers::Timer sweeps_;
};

}  // namespace weir::warehouse
