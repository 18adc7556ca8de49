// When work starts by itself: by its schedules, and when what it waits for has happened. For flows, reviews, and
// whatever else is declared with start_rules.h.
//
// tick() looks once a second. A schedule whose time has come starts a run; times that passed while the program was not
// there start one run together, at the next start. An arrival starts a run once the stream has been quiet for as long
// as the trigger says; a stale table starts one unless the last run left exactly that behind. An object that is written
// below a place of the store starts one, and so does a row in a job log, also what was written while the program was
// not there: what the last start knew is in the control database. An apply starts one if it made or changed the
// declaration. Work with at_once runs under way starts no more; what was due is due until one has ended, and what
// cannot be started is tried again after kTryAgain. When a schedule has fired is kept in the control database, so that
// a restart neither repeats nor forgets it.
//
// Threads: any; tick() by one at a time. `Startable::start` is called from tick(), never for two at once.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/guarded.h"
#include "platform/flow/bucket_threads.h"
#include "platform/flow/flow.h"
#include "platform/flow/job_log.h"
#include "platform/flow/object_watch.h"
#include "platform/flow/schedule.h"
#include "platform/flow/start_rules.h"
#include "platform/flow/zone.h"

namespace weir::flow {

inline constexpr Duration kTryAgain = minutes(1);

// Why a run is started, and for what.
struct StartReason {
  Json cause;                        // control::Run::cause: {"by": "schedule"}, {"by": "object", "object": …}
  std::optional<WallTime> from, to;  // schedule: the first and the last of the times that it is for
};

struct Startable {
  std::string kind, name;  // of its runs
  bool enabled = true;
  StartRules rules;
  int at_once = 1;
  std::string declaration;      // its declaration as text: another one is what an apply has changed
  bool goes_on_behind = false;  // what waits for its runs to be done runs behind failed ones, too
  std::function<Result<std::string>(const StartReason& due)> start;  // the run's id
};

// A place that a trigger watches, and how its listing goes.
struct WatchedPlace {
  std::string place;                      // s3://bucket/prefix, or "job log of prod"
  std::optional<WallTime> listed_at;      // the last time that this worked, since the program's start
  std::optional<WallTime> failing_since;  // that it does not
  std::string error;                      // the last one, as long as it fails
};

struct StartState {
  std::vector<std::string> when;       // the schedules in words
  std::optional<WallTime> next;        // of the schedules
  std::vector<WatchedPlace> places;    // of triggers by objects and job logs
  std::optional<std::string> due;      // what should have started it, while it could not
  std::optional<std::string> refused;  // why it could not
  void add_to(Json& json) const;       // "when", "next_at", "objects", "due", "not_started"
};

class Starts {
 public:
  struct Parts {
    Flow& flow;
    lake::Lake& lake;
    control::Control& control;
    const Clock& clock;
    warehouse::Buckets* buckets = nullptr;  // null: there are no triggers by objects
    JobLogs* job_logs = nullptr;            // null: there are none by job logs
    bool lists_aside = false;               // on threads of their own; else tick() and set() list themselves
  };
  explicit Starts(const Parts& parts) : parts_(parts) {}
  ~Starts() { stop(); }

  // All of one kind, at start and after each apply.
  Status set(const std::string& kind, std::vector<Startable> startables);
  StartState state(const std::string& kind, const std::string& name);  // an empty one of what is not known
  void tick();
  // Lists no more. After the last tick(); what is under way ends at once.
  void stop();

 private:
  using Id = std::pair<std::string, std::string>;  // kind, name
  using Listing = std::shared_ptr<const Result<ObjectListing>>;
  struct Objects {
    std::string bucket;
    std::shared_ptr<ObjectWatch> watch;
    std::string recorded = {};                 // the digest that a start after this one compares with
    int64_t began = 0, next_look = 0;          // steady microseconds
    std::shared_future<Listing> listing = {};  // under way, or done and not taken yet
    int failures = 0;                          // since the last that worked
    WatchedPlace state = {};
  };
  struct Jobs {
    std::string connection;
    std::shared_ptr<JobFollower> follower = {};
    std::optional<WallTime> failing_since = {};  // without a follower
    std::string error = {};
  };
  struct Declared {
    Startable what;
    std::vector<Schedule> schedules;
    WallTime fired;  // schedules up to here are done with
    std::optional<WallTime> next;
    std::optional<std::string> due;            // why, until it was started
    std::optional<WallTime> due_from, due_to;  // schedule: the times it is due for
    std::map<std::string, uint64_t> seen;      // arrival: the stream's version
    std::map<std::string, WallTime> changed;   // arrival: since when it has been that
    std::string left_behind;                   // stale: what the last start was for
    std::map<std::string, std::string> ended;  // run: the run that was seen last, by kind/name
    std::map<std::string, Objects> objects;    // object: by the place
    std::string object;                        // that it is due for
    std::map<std::string, Jobs> jobs;          // job_log: by the connection and what rows must hold
    Json job;                                  // that it is due for
    std::string applied;                       // apply: the digest that has been started
    std::optional<std::string> refused;        // why it could not be started
    std::optional<WallTime> try_again;
  };
  using All = std::map<Id, Declared>;

  static std::optional<WallTime> next_of(const Declared& declared, WallTime after);
  Result<Declared> make(Startable startable, WallTime now);
  void look_at_schedule(Declared& declared, WallTime now) REQUIRES(mutex_);
  void look_at_triggers(Declared& declared, WallTime now) REQUIRES(mutex_);
  bool triggered(Declared& declared, const Trigger& trigger, WallTime now) REQUIRES(mutex_);
  bool has_arrived(Declared& declared, const Trigger& trigger, WallTime now);
  bool has_ended(Declared& declared, const Trigger& trigger) REQUIRES(mutex_);
  bool was_written(Declared& declared, const Trigger& trigger, WallTime now);
  static bool was_logged(Declared& declared, const Trigger& trigger, WallTime now);
  static bool was_applied(const Declared& declared);
  bool is_stale(Declared& declared, const Trigger& trigger);
  Status watch_objects(Declared& declared);
  void follow_jobs(Declared& declared);
  void list_first(All& made);
  void wait_for_jobs(const All& made);
  void begin_listing(Objects& objects);
  void take_listing(const Declared& declared, Objects& objects, WallTime now);
  void look_at_objects(const Declared& declared, Objects& objects, WallTime now);
  void record_objects(const Declared& declared, Objects& objects);
  void cover(Declared& declared);
  static std::string digest_of(const Startable& what);
  void start_due(Declared& declared, WallTime now);
  Result<bool> has_room(const Startable& what);

  const Parts parts_;
  Mutex mutex_;
  All all_ GUARDED_BY(mutex_);
  const Cancel stopping_;
  BucketThreads threads_;
};

}  // namespace weir::flow
