// Rows that are written to a job log in a PostgreSQL elsewhere, and what they start.
//
// The job log is a table of ours there, weir_job_log, which a trigger function fills from the table that somebody's
// jobs write to; job_log_sql() is all that has to be run there. NOTIFY only wakes: what counts is the table, so that a
// row is seen that was written while nobody listened. A follower's bookmark is on record here. It holds the oldest
// transaction that was open when the table was last read, and the rows of it and of newer ones that were read: so a row
// is found whose transaction ended after those of newer rows, and none is taken twice.
//
// Each connection that is followed has a thread and, beside its pool, one connection that listens. It is read at least
// every kJobLogEvery. What fails is tried again, and said by the followers' state meanwhile.
//
// Threads: any. Source: PostgreSQL 15 documentation, NOTIFY, "Transaction ID and Snapshot Information Functions".
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "storage/control/control.h"
#include "storage/engine/outside.h"

namespace weir::flow {

inline constexpr const char* kJobLogTable = "weir_job_log";  // also the channel
inline constexpr Duration kJobLogEvery = seconds(30);
inline constexpr size_t kJobLogRowsMax = 10'000;  // of one reading, and of those that a bookmark names

// The statements that make the job log, for whoever may make tables there: `source` is the table that jobs write to,
// `reader` who reads it, the user of the connection. `invalid`: a name that is none.
Result<std::string> job_log_sql(std::string_view source, std::string_view reader);

// What was read. `transaction`: 64 bits, with the epoch.
struct JobRow {
  int64_t id = 0, transaction = 0;
  std::string source;  // "public.loads"
  Json job;            // the row that was written, by column
};
struct JobReading {
  std::vector<JobRow> rows;  // by transaction and id
  int64_t oldest_open = 0;   // the oldest transaction that was open
  bool is_cut = false;       // there may be more
};

class JobBookmark {
 public:
  // What lies behind this row is asked for.
  int64_t transaction() const { return transaction_; }
  int64_t id() const { return id_; }
  // Those that were not taken before.
  std::vector<const JobRow*> unseen(const JobReading& reading) const;
  // Behind what was read. `too_large`: a transaction has been open for so long that too many rows lie behind it.
  Result<JobBookmark> behind(const JobReading& reading) const;
  Json to_json() const;  // {"transaction","id","seen"}
  static std::optional<JobBookmark> from_json(const Json& json);
  friend bool operator==(const JobBookmark&, const JobBookmark&) = default;

 private:
  bool is_behind(const JobRow& row) const;
  int64_t transaction_ = 0, id_ = 0;
  std::set<int64_t> seen_;  // of those behind it
};

// What one trigger waits for.
class JobFollower {
 public:
  struct State {
    std::optional<WallTime> read_at;        // the last time that this worked, since the program's start
    std::optional<WallTime> failing_since;  // that it does not
    std::string error;                      // the last one, as long as it fails
  };
  JobFollower(std::string key, std::map<std::string, std::string> where, std::optional<JobBookmark> bookmark)
      : key_(std::move(key)), where_(std::move(where)), bookmark_(std::move(bookmark)) {}

  // Since when there is a row that no start has covered; nothing: there is none.
  std::optional<WallTime> pending_since() const;
  Json newest() const;  // {"id","source","job"} of the row that is pending
  // A run that begins now is for all that was read.
  Status covered(control::Control& control);
  State state() const;
  // Waits until it is known what it begins behind: only rows that are written from then on start anything. False: that
  // could not be read.
  bool wait_begun(Duration within);

  // For JobLogs.
  std::optional<JobBookmark> bookmark() const;  // none yet: it begins behind what is there
  Status take(const JobReading& reading, WallTime now, control::Control& control);
  // True: it worked until now.
  bool failed(const Error& error, WallTime now);

 private:
  Status keep(control::Control& control, const JobBookmark& bookmark) const;
  const std::string key_;  // of the bookmark in the control database
  const std::map<std::string, std::string> where_;
  mutable Mutex mutex_;
  std::condition_variable_any looked_;
  std::optional<JobBookmark> bookmark_ GUARDED_BY(mutex_);  // on record
  std::optional<JobBookmark> next_ GUARDED_BY(mutex_);      // behind what is pending
  std::optional<WallTime> pending_since_ GUARDED_BY(mutex_);
  Json newest_ GUARDED_BY(mutex_);
  State state_ GUARDED_BY(mutex_);
};

class JobLogs {
 public:
  struct Parts {
    const engine::OutsidePools& connections;
    control::Control& control;
    const Clock& clock;
  };
  explicit JobLogs(const Parts& parts) : parts_(parts) {}
  ~JobLogs() { stop(); }

  // Follows as long as the caller keeps it. `not_found` without the connection, `unsupported` if it is no PostgreSQL.
  Result<std::shared_ptr<JobFollower>> follow(const std::string& connection, const std::string& key,
                                              const std::map<std::string, std::string>& where);
  void stop();

 private:
  struct Followed {
    std::vector<std::weak_ptr<JobFollower>> followers;
    bool is_changed = false;
    Cancel wake{};  // of who waits to be told
    std::thread thread;
  };
  Cancel wake_of(const std::string& connection);
  std::vector<std::shared_ptr<JobFollower>> followers_of(const std::string& connection);
  void work(const std::string& connection, engine::OutsidePool& pool);
  Status listen(const std::string& connection, engine::OutsidePool& pool);
  Status read(const std::string& connection, engine::OutsidePool& pool);
  void tell(const std::string& connection, const Error& error);
  // False: the end has come.
  bool rest(const std::string& connection, Duration time);

  const Parts parts_;
  const Cancel stopping_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Followed> followed_ GUARDED_BY(mutex_);  // by connection
  bool is_stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace weir::flow
