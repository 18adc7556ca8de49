// When flows run: by their schedules, and when what they wait for has happened.
//
// tick() looks once a second. A schedule whose time has come starts a run; times that passed while the program was not
// there start one run together, at the next start, because a run computes whatever is stale. An arrival starts a run
// once the stream has been quiet for as long as the flow says; a stale table starts one unless the last run left
// exactly that behind. An object that is written below a place of the store starts one, also one that was written while
// the program was not there: what the last start knew is in the control database. A flow with max_active runs under way
// starts no more; what was due is due until one has ended. When a schedule has fired is kept in the control database,
// so that a restart neither repeats nor forgets it.
//
// Threads: any; tick() by one at a time.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "platform/flow/bucket_threads.h"
#include "platform/flow/flow.h"
#include "platform/flow/flow_declaration.h"
#include "platform/flow/object_watch.h"
#include "platform/flow/schedule.h"
#include "platform/flow/zone.h"

namespace weir::flow {

// For parse_flow(): what schedule.h and zone.h say.
FlowChecks flow_checks();

// A place that a trigger watches, and how its listing goes.
struct WatchedPlace {
  std::string place;                      // s3://bucket/prefix
  std::optional<WallTime> listed_at;      // the last time that this worked, since the program's start
  std::optional<WallTime> failing_since;  // that it does not
  std::string error;                      // the last one, as long as it fails
};

struct FlowState {
  FlowDeclaration flow;
  std::vector<std::string> when;  // its schedules in words
  std::optional<WallTime> next;   // of the schedules
  std::optional<control::Run> last;
  std::vector<WatchedPlace> objects;  // of its triggers by objects
  Json to_json() const;
};

class Flows {
 public:
  struct Parts {
    Flow& flow;
    lake::Lake& lake;
    control::Control& control;
    const Clock& clock;
    warehouse::Buckets* buckets = nullptr;  // null: there are no triggers by objects
    bool lists_aside = false;               // on threads of their own; else tick() and set_flows() list themselves
  };
  explicit Flows(const Parts& parts) : parts_(parts) {}
  ~Flows() { stop(); }

  // At start and after each apply.
  Status set_flows(std::vector<FlowDeclaration> flows);
  Result<std::vector<FlowState>> flows();
  // For the days of `request`, or for the flow's window as of now.
  Result<std::string> start(std::string_view name, const FlowRequest& request);
  void tick();
  // Lists no more. After the last tick(); what is under way ends at once.
  void stop();

 private:
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
  struct Declared {
    FlowDeclaration flow;
    Zone zone = Zone::utc();
    std::vector<Schedule> schedules;
    WallTime fired;  // schedules up to here are done with
    std::optional<WallTime> next;
    std::optional<std::string> due;           // why, until it was started
    std::optional<int32_t> due_from, due_to;  // schedule: the days it is due for, `to` excluded
    std::map<std::string, uint64_t> seen;     // arrival: the stream's version
    std::map<std::string, WallTime> changed;  // arrival: since when it has been that
    std::string left_behind;                  // stale: what the last start was for
    std::string last_ended;                   // run: the run that was seen last
    std::map<std::string, Objects> objects;   // object: by the place
    std::string object;                       // that the flow is due for
  };

  static std::optional<WallTime> next_of(const Declared& declared, WallTime after);
  void look_at_schedule(Declared& declared, WallTime now);
  void look_at_triggers(Declared& declared, WallTime now);
  std::optional<std::string> triggered(Declared& declared, const Trigger& trigger, WallTime now);
  Status watch_objects(Declared& declared);
  void list_first(std::map<std::string, Declared, std::less<>>& flows);
  void begin_listing(Objects& objects);
  void take_listing(const Declared& declared, Objects& objects, WallTime now);
  void look_at_objects(const Declared& declared, Objects& objects, WallTime now);
  void record_objects(const Declared& declared, Objects& objects);
  void cover_objects(Declared& declared);
  void start_due(Declared& declared);
  Result<bool> has_room(const FlowDeclaration& flow);

  const Parts parts_;
  std::mutex mutex_;  // guards flows_
  std::map<std::string, Declared, std::less<>> flows_;
  const Cancel stopping_;
  BucketThreads threads_;
};

}  // namespace weir::flow
