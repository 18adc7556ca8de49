// M of N: what the newest datapoints of an alarm say about its state. Pure functions.
//
// A datapoint is one period's value, or missing. Of the newest N: M that breach the limit are ALARM. An alarm that went
// off goes back to OK only when so many are good that M cannot be reached any more, whatever the missing ones would
// have been. Missing ones count as `missing:` says: as breaching, as good, or not at all; when all are missing, the
// state is NO DATA (`no_data`), or stays (`ignore`).
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "analysis/alarm/declaration.h"

namespace weir::alarm {

enum class State { no_data, ok, alarm };
const char* state_word(State state);  // "no_data", "ok", "alarm"
State state_from(std::string_view word);

struct Datapoint {
  WallTime at;  // begin of its period
  std::optional<double> value;
  friend bool operator==(const Datapoint&, const Datapoint&) = default;
};

struct Judgement {
  State state = State::no_data;
  std::string reason;
};
// `points` oldest first; only the newest `alarm.of` count.
Judgement judge(const Alarm& alarm, State now, const std::deque<Datapoint>& points);

}  // namespace weir::alarm
