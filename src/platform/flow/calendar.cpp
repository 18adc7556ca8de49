#include "platform/flow/calendar.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/guarded.h"
#include "platform/flow/schedule.h"
#include "platform/flow/zone.h"

namespace weir::flow {

namespace {

// Quiet hours ask minute by minute; reading a zone's file costs more than that.
class Zones {
 public:
  Result<Zone> find(std::string_view name) {
    const MutexLock lock(mutex_);
    const auto known = known_.find(name);
    if (known != known_.end()) return known->second;
    TRY_ASSIGN(Zone found, Zone::find(name));
    known_.emplace(std::string(name), found);
    return found;
  }

 private:
  Mutex mutex_;
  std::map<std::string, Zone, std::less<>> known_ GUARDED_BY(mutex_);
};

}  // namespace

notify::Calendar calendar() {
  notify::Calendar out;
  const auto zones = std::make_shared<Zones>();  // shared by the copies of the function below
  out.local = [zones](std::string_view zone, WallTime at) -> Result<int64_t> {
    TRY_ASSIGN(const Zone found, zones->find(zone));
    return found.local_of(at.micros);
  };
  out.next = [](std::string_view schedule, std::string_view zone, WallTime after) -> Result<WallTime> {
    TRY_ASSIGN(const Zone found, Zone::find(zone));
    TRY_ASSIGN(const Schedule parsed, Schedule::parse(schedule, found));
    const auto next = parsed.next(after);
    if (!next) return Error(Code::invalid, "the schedule " + parsed.text() + " is never due again");
    return *next;
  };
  return out;
}

}  // namespace weir::flow
