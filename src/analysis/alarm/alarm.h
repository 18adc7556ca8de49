// Alarms: limits on metrics and on what SQL says, M of N datapoints, three states, and a finding for each that goes
// off.
//
// A datapoint is one period of the wall clock, taken when it is over. A metric's is computed from samples of the
// registry, one at each tick; a period that the program did not see from its beginning gives none, and time in which it
// did not run has no datapoints at all. A statement's is asked for at the end of the period, under the warehouse's
// limits and at most kSqlTimeMax; one that fails or gives no number is a missing one, with the reason.
//
// The state, its datapoints and every change with its reason are in the control database: a killed program goes on
// where it stood. ALARM opens a finding (platform/notify), back to OK closes it; NO DATA leaves it open.
//
// Threads: any. tick() about once a second, by one at a time; it does not wait for SQL, which `run` does elsewhere.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/alarm/declaration.h"
#include "analysis/alarm/judge.h"
#include "analysis/alarm/series.h"
#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/metrics.h"
#include "platform/notify/notify.h"
#include "storage/control/control.h"

namespace weir::alarm {

inline constexpr Duration kSqlTimeMax = seconds(30);
inline constexpr size_t kChangesKept = 200;  // of one alarm

// One number, or nothing (no row, NULL).
using Answer = Result<std::optional<double>>;
// Asks SQL somewhere else, within `limit`, and calls `done` exactly once, perhaps at once; `busy` if it cannot be
// taken.
using AskSql = std::function<Status(const std::string& sql, Duration limit, std::function<void(Answer)> done)>;

struct AlarmView {
  Alarm alarm;
  State state = State::no_data;
  WallTime since;  // of the state; 0: never judged
  std::string reason;
  std::string error;  // why the newest datapoint is missing; empty if it is not, or nothing went wrong
  std::deque<Datapoint> points;
  std::string finding;  // id of the one that is open, or empty
  Json to_json() const;
};

class Alarms {
 public:
  struct Parts {
    Metrics& metrics;
    control::Control& control;
    notify::Notifier& notifier;
    Clock& clock;
    AskSql ask;
  };
  explicit Alarms(const Parts& parts);
  ~Alarms();

  // Replaces what is watched. An alarm that did not change goes on; a changed one starts its datapoints anew, in the
  // state in which it was; one that is gone or disabled is forgotten and its finding closed.
  Status set_alarms(const std::vector<Alarm>& alarms);
  void tick();

  std::vector<AlarmView> alarms() const;                 // by name
  std::map<std::string, State> states() const;           // the same, without asking the control database
  Result<AlarmView> alarm(std::string_view name) const;  // not_found names the nearest
  Result<std::vector<control::AlarmChange>> history(std::string_view name, size_t limit) const;  // newest first
  // Somebody looks after it: acknowledges its finding.
  Status acknowledge(std::string_view name, const std::string& who);

 private:
  struct Watched;
  struct Core;
  std::shared_ptr<Core> core_;  // shared with statements under way, which may end after the Alarms
};

}  // namespace weir::alarm
