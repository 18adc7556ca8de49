// What runs and what ran: the registry of statements, behind GET /v1/statements, weir_statements and the metrics.
//
// `app` makes it first, gives statements_view() to the engine and the log itself to the Warehouse, which alone adds to
// it. It holds every statement that waits or runs and the last ones that ended, also over a restart where it is given a
// HistoryFile. Everything here may be called from any thread, also from inside a statement that reads the view.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "platform/warehouse/forget_texts.h"
#include "platform/warehouse/history_file.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

// Who asks. Surfaces translate an identity to it; names are compared to tell whose statement it is.
struct User {
  std::string name;
  bool may_read = false;
  bool may_administer = false;
  // The number of a user of access::Users, whose grants count; 0: somebody with a token of a role, who may read or
  // administer everything.
  uint32_t id = 0;
};

enum class StatementState { waiting, running, done, failed, cancelled, timed_out };
const char* state_name(StatementState state);  // "timed_out"

struct StatementInfo {
  std::string id;   // a UUID in lower case
  std::string sql;  // cut at kSqlShownBytes
  std::string user;
  std::string client;  // how it came: "http", "weir sql", …
  WallTime started_at{};
  Duration elapsed{};  // since it came, waiting included
  StatementState state = StatementState::waiting;
  uint64_t rows = 0;                 // handed on so far
  std::optional<double> progress{};  // 0..1 while it runs, if the engine can tell
  bool truncated = false;            // it had more rows than it was asked for
  std::optional<Error> error{};
  uint64_t number = 0;        // counts up; given by the log
  uint32_t user_id = 0;       // of access::Users; 0: a token of a role
  int32_t process_id = 0;     // of the session
  std::string database{};     // as the client calls it
  std::string label{};        // SET query_group
  std::string peer{};         // where the client is, if it told
  std::string application{};  // SET application_name
  Duration queued{};          // until its turn came
  Duration cpu{};             // of its own thread; what the engine's threads did for it is not known
  uint64_t bytes = 0;         // of rows, as they were sent to the client or came from it
};

// A sign-in, or its failure, or the end of a session.
struct ConnectionEvent {
  WallTime at{};
  // "authenticated", "authentication failure", "disconnecting session", as on Redshift; and what administrators do
  // outside of statements: "token created", "user changed", … with whom it is about in `reason`.
  std::string event{};
  std::string user{}, database{}, peer{};
  std::string way{};  // how it was proved: "scram", "token", …
  std::string tls{};  // "TLSv1.3"; empty: none
  std::string application{}, reason{};
  int32_t process_id = 0;
  Duration duration{};  // of a session that ended
};

// A client's session that is open.
struct SessionInfo {
  int32_t process_id = 0;
  uint32_t user_id = 0;
  std::string user, database, client, peer, application;
  WallTime started_at{};
};

inline constexpr size_t kSqlShownBytes = 10'000;

class StatementLog {
 public:
  static constexpr size_t kHistory = 1'000;  // without a HistoryFile

  StatementLog(const Clock& clock, Metrics& metrics);
  StatementLog(const StatementLog&) = delete;
  StatementLog& operator=(const StatementLog&) = delete;

  std::vector<StatementInfo> running() const;   // waiting or running, oldest first
  std::vector<StatementInfo> finished() const;  // newest first
  // Ends a statement that waits or runs. An administrator may end any, others their own: `denied`. `not_found` if no
  // such statement waits or runs.
  Status cancel(const std::string& id, const User& user);
  void cancel_all(const Error& reason);

  // From now on what ends is written down too, and as much is held as the history keeps. Before anything is; `history`
  // outlives this.
  void keep(HistoryFile& history);
  void restore(StatementInfo ended);
  void restore(ConnectionEvent event);
  // Sign-ins: of whoever lets people in.
  void note(ConnectionEvent event);
  std::vector<ConnectionEvent> connections() const;  // newest first
  // Ended statements whose text or error names the person keep no values; those under way are told.
  TextsForgotten forget(const NamesPerson& names);

  // The following are the Warehouse's.

  // A statement on its way; changed by the thread that runs it, read by everybody.
  class Live {
   public:
    Live(StatementInfo info_in, int64_t came_in, Cancel stop_in)
        : info(std::move(info_in)), came(came_in), stop(std::move(stop_in)) {}
    const StatementInfo info;  // as it came
    const int64_t came;        // by the steady clock
    const Cancel stop;
    std::atomic<uint64_t> rows{0}, bytes{0};
    std::atomic<int64_t> queued_us{0}, cpu_us{0};

   private:
    friend class StatementLog;
    std::atomic<bool> is_running_{false};
    mutable Mutex mutex_;
    std::function<std::optional<double>()> progress_ GUARDED_BY(mutex_);
  };
  // `conflict` if a statement with this id waits or runs.
  Result<std::shared_ptr<Live>> begin(StatementInfo info, Cancel stop);
  // From now on it runs. `progress` is asked from any thread until end() returned.
  void run(Live& live, std::function<std::optional<double>()> progress);
  struct End {
    StatementState state = StatementState::done;
    bool truncated = false;
    std::optional<Error> error{};
  };
  void end(Live& live, End end);
  // `busy` (SQLSTATE 53300) where the user has `limit` sessions already.
  Status open_session(SessionInfo info, std::optional<int> limit = std::nullopt);
  void close_session(int32_t process_id);  // nothing if it is not open
  std::vector<SessionInfo> sessions() const;
  void refused(StatementInfo info, const Error& error);  // a statement that was not taken on at all
  Duration elapsed(const Live& live) const;
  size_t live_count() const;

 private:
  StatementInfo describe(const Live& live) const;
  Counter& ended(StatementState state);
  void remember(StatementInfo info) REQUIRES(mutex_);

  const Clock& clock_;
  Counter &done_, &failed_, &cancelled_, &timed_out_, &refused_;
  Histogram& seconds_;
  Gauge &waiting_, &running_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<Live>> live_ GUARDED_BY(mutex_);
  uint64_t last_number_ GUARDED_BY(mutex_) = 0;
  std::map<int32_t, SessionInfo> sessions_ GUARDED_BY(mutex_);
  HistoryFile* file_ = nullptr;
  size_t kept_ = kHistory;
  std::deque<StatementInfo> history_ GUARDED_BY(mutex_);        // newest last
  std::deque<ConnectionEvent> connections_ GUARDED_BY(mutex_);  // newest last
};

// The table weir_statements over `log`, which must outlive the engine that gets it.
engine::SystemView statements_view(const StatementLog& log);

}  // namespace weir::warehouse
