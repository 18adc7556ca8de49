#include "analysis/alarm/judge.h"

#include <cmath>

#include "core/base/json.h"

namespace weir::alarm {
namespace {

std::string number(double value) {
  return std::isfinite(value) && value == std::floor(value) && std::abs(value) < 1e15
             ? std::to_string(static_cast<int64_t>(value))
             : Json(value).dump();
}

struct Counts {
  int breaching = 0, good = 0, missing = 0, present = 0;
  std::string breaching_values;
};

Counts count(const Alarm& alarm, const std::deque<Datapoint>& points) {
  Counts out;
  const size_t of = static_cast<size_t>(alarm.of);
  for (size_t i = points.size() > of ? points.size() - of : 0; i < points.size(); ++i) {
    const auto& value = points[i].value;
    if (!value) {
      ++out.missing;
      continue;
    }
    ++out.present;
    if (alarm.is_breached_by(*value)) {
      ++out.breaching;
      out.breaching_values += (out.breaching_values.empty() ? "" : ", ") + number(*value);
    } else {
      ++out.good;
    }
  }
  if (alarm.missing == Missing::breaching) out.breaching += out.missing;
  if (alarm.missing == Missing::ok) out.good += out.missing;
  return out;
}

std::string datapoints(int count) {
  return std::to_string(count) + (count == 1 ? " datapoint" : " datapoints");
}

}  // namespace

const char* state_word(State state) {
  switch (state) {
    case State::no_data:
      return "no_data";
    case State::ok:
      return "ok";
    case State::alarm:
      return "alarm";
  }
  return "";
}

State state_from(std::string_view word) {
  return word == "ok" ? State::ok : word == "alarm" ? State::alarm : State::no_data;
}

Judgement judge(const Alarm& alarm, State now, const std::deque<Datapoint>& points) {
  const Counts counts = count(alarm, points);
  const int known = counts.present + counts.missing;
  if (counts.breaching >= alarm.breaching) {
    std::string reason =
        std::to_string(counts.breaching) + " of the last " + datapoints(known) + " breach: " + alarm.condition();
    if (!counts.breaching_values.empty()) reason += " (" + counts.breaching_values + ")";
    if (alarm.missing == Missing::breaching && counts.missing > 0) {
      reason += "; " + std::to_string(counts.missing) + " of them missing";
    }
    return {State::alarm, std::move(reason)};
  }
  const bool counts_missing = alarm.missing == Missing::breaching || alarm.missing == Missing::ok;
  if (counts.present == 0 && !counts_missing) {
    if (alarm.missing == Missing::ignore || known == 0) return {now, "no datapoint: the state stays"};
    // One period without data is not yet silence.
    if (known < alarm.of && now != State::no_data) return {now, "no datapoint yet: the state stays"};
    return {State::no_data, "none of the last " + std::to_string(known) + " periods has a datapoint"};
  }
  const std::string good =
      std::to_string(counts.good) + " of the last " + datapoints(known) + (counts.good == 1 ? " is" : " are") + " good";
  switch (now) {
    case State::alarm:
      if (counts.good > alarm.of - alarm.breaching) return {State::ok, good};
      return {State::alarm, "only " + good};
    case State::ok:
      return {State::ok, good};
    case State::no_data:
      if (counts.good > 0) return {State::ok, good};
      return {State::no_data, "too few datapoints"};
  }
  return {now, {}};
}

}  // namespace weir::alarm
